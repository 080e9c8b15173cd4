"""Putting the real prefix in the place of the one a package was built with.

Text: every occurrence of the placeholder is replaced; a `#!` line that the kernel could not read any more becomes
`#!/usr/bin/env …` or, for Python, a line that is shell and Python at once. Binary: each NUL-terminated string that
holds the placeholder keeps its length, padded with NULs at its end. The rules are those of conda and rattler
(pixi.md 4.3), so that both tools write the same bytes.
"""

from __future__ import annotations

import re

from ..errors import InstallError
from ..model.platform import Subdir, operating_system
from .path_entry import FileMode

SHEBANG_LIMIT = {"linux": 127, "osx": 512}
_SHEBANG = re.compile(rb"^#!\s*((?:\\ |[^ \n\r\t])+)(.*)$")


def replace_prefix(
    content: bytes, *, placeholder: str, prefix: str, mode: FileMode, subdir: Subdir, what: str = "file"
) -> bytes:
    """`content` with `placeholder` replaced by `prefix`. Raises `InstallError` for a binary whose strings are too
    short for the prefix (`what` names the file).
    """
    system = operating_system(subdir)
    old = placeholder.encode()
    if mode == "binary":
        # on Windows nothing would find such a string: binaries are left alone
        return content if system == "win" else replace_binary(content, old, prefix.encode(), what=what)
    if system == "win":
        return content.replace(old, prefix.replace("\\", "/").encode())
    return replace_text(content, old, prefix.encode(), limit=SHEBANG_LIMIT.get(system, 127))


def replace_text(content: bytes, placeholder: bytes, prefix: bytes, *, limit: int) -> bytes:
    """Every occurrence replaced, and the first line made readable for the kernel where it is a `#!` of a script."""
    if not content.startswith(b"#!"):
        return content.replace(placeholder, prefix)
    line, newline, rest = content.partition(b"\n")
    carriage = b"\r" if line.endswith(b"\r") else b""
    line = line.removesuffix(b"\r")
    if placeholder in line:
        line = shebang(line.replace(placeholder, prefix), prefix, limit=limit)
    return line + carriage + newline + rest.replace(placeholder, prefix)


def shebang(line: bytes, prefix: bytes, *, limit: int) -> bytes:
    """A `#!` line (without its end) that works: unchanged where it is short enough and the prefix has no blank."""
    if len(line) <= limit and b" " not in prefix:
        return line
    if b" " in prefix and line[2:].lstrip().startswith(prefix):
        # the interpreter's path holds the blank itself: what follows it up to the next blank is still its name
        inner = line[2:].lstrip()[len(prefix) :]
        tail, _, rest = inner.partition(b" ")
        interpreter, arguments = prefix + tail, (b" " + rest if rest else b"")
    else:
        found = _SHEBANG.match(line)
        if found is None:
            return line
        interpreter, arguments = found.group(1), found.group(2)
    name = interpreter.rpartition(b"/")[2]
    if name.startswith((b"python", b"pypy")):
        return polyglot(interpreter, arguments)
    return b"#!/usr/bin/env " + name + arguments


def polyglot(interpreter: bytes, arguments: bytes = b"") -> bytes:
    """Lines that `sh` executes as `exec interpreter arguments "$0" "$@"`, and that Python reads as a string."""
    quoted = b'"' + re.sub(rb'([\\"$`])', rb"\\\1", interpreter) + b'"'
    return b"#!/bin/sh\n'''exec' " + quoted + arguments + b' "$0" "$@" #\'\'\''


def python_shebang(interpreter: str, *, limit: int) -> str:
    """The first line (or lines) of a script run by `interpreter` (an absolute path), without a final line end."""
    line = f"#!{interpreter}"
    if len(line.encode()) <= limit and not any(c.isspace() for c in interpreter):
        return line
    return polyglot(interpreter.encode()).decode()


def replace_binary(content: bytes, placeholder: bytes, prefix: bytes, *, what: str = "file") -> bytes:
    """Every C string with the placeholder replaced, its length kept. Raises `InstallError` where `prefix` is longer."""
    if placeholder not in content:
        return content
    if len(prefix) > len(placeholder):
        raise InstallError(
            f"the prefix is too long for {what}: {len(prefix)} bytes, the package allows {len(placeholder)}",
            hints=["use a shorter path for the workspace, or set `detached-environments` to a short folder"],
        )
    difference = len(placeholder) - len(prefix)
    pattern = re.compile(re.escape(placeholder) + rb"[^\0]*", re.DOTALL)

    def shortened(found: re.Match[bytes]) -> bytes:
        string = found.group()
        return string.replace(placeholder, prefix) + b"\0" * (string.count(placeholder) * difference)

    return pattern.sub(shortened, content)


def is_mach_o(content: bytes) -> bool:
    """Whether a file is a macOS executable or library (thin or universal), whose signature a change breaks."""
    return content[:4] in (
        b"\xcf\xfa\xed\xfe",
        b"\xce\xfa\xed\xfe",
        b"\xfe\xed\xfa\xcf",
        b"\xfe\xed\xfa\xce",
        b"\xca\xfe\xba\xbe",
        b"\xca\xfe\xba\xbf",
    )
