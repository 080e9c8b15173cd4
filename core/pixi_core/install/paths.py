"""Where the files of a conda package go: `info/paths.json`, `noarch: python` packages and their entry points.

Formats: CEP 34 (`paths.json`, `link.json`), and for older packages `files`, `has_prefix` and `no_link`.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import MALFORMED, ArchiveError, UnsafePath
from ..model.digest import Sha256
from ..model.platform import Subdir, operating_system
from ..model.record import RepoDataRecord
from ..names import safe_component
from .items import Item, Layout, checked_path
from .path_entry import FileMode, PathEntry, decode_package_paths
from .placeholder import SHEBANG_LIMIT, python_shebang
from .python_info import PythonInfo

DEFAULT_PLACEHOLDER = "/opt/anaconda1anaconda2anaconda3"
_ENTRY_POINT = re.compile(
    r"\s*(?P<command>[^\s=][^=]*?)\s*=\s*(?P<module>[^\W\d]\w*(?:\.[^\W\d]\w*)*)\s*"
    r":\s*(?P<function>[^\W\d]\w*(?:\.[^\W\d]\w*)*)\s*(?:\[[\w\s,.\-]*\])?\s*\Z"
)


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """`command = module:function`, each part checked: the command is a file name, the others are dotted names."""

    command: str
    module: str
    function: str


def parse_entry_point(text: str) -> EntryPoint:
    """Parse one entry point. Raises `UnsafePath` for a command that is no file name (CVE-2026-47425, CVE-2026-53940,
    CVE-2026-8643), `ArchiveError` for anything that is not `command = module:function`.
    """
    found = _ENTRY_POINT.match(text)
    if found is None:
        raise ArchiveError(f"{text!r} is not an entry point (`command = module:function`)")
    return EntryPoint(safe_component(found["command"], what="entry point"), found["module"], found["function"])


def script_text(point: EntryPoint, first_line: str) -> str:
    """The Python script that calls an entry point.

    Byte for byte what conda's tools generate: records hold the script's digest, and whichever tool verifies or takes
    over an environment must find it unchanged.
    """
    head = point.function.split(".", 1)[0]
    lines = [
        first_line,
        "# -*- coding: utf-8 -*-",
        "import re",
        "import sys",
        "",
        f"from {point.module} import {head}",
        "",
        "if __name__ == '__main__':",
        "\tsys.argv[0] = re.sub(r'(-script\\.pyw?|\\.exe)?$', '', sys.argv[0])",
        f"\tsys.exit({point.function}())",
        "",
    ]
    return "\n".join(lines)


# ---------------------------------------------------------------- reading info/


def read_paths(package: Path) -> tuple[PathEntry, ...]:
    """The files of an extracted package. Raises `ArchiveError`, `UnsafePath`."""
    try:
        content = (package / "info" / "paths.json").read_bytes()
    except FileNotFoundError:
        return _read_old_paths(package)
    try:
        entries = decode_package_paths(content)
    except MALFORMED as error:
        raise ArchiveError(f"{package / 'info' / 'paths.json'} cannot be read: {error!r}") from None
    for entry in entries:
        checked_path(entry.path, what=f"a path of {package.name}:")
    return entries


def _read_old_paths(package: Path) -> tuple[PathEntry, ...]:
    """The same from the three lists which packages had before `paths.json`; their digests are not known."""
    lines = _lines(package / "info" / "files")
    if lines is None:
        raise ArchiveError(f"{package} has neither info/paths.json nor info/files")
    prefixes = dict(_has_prefix(line) for line in _lines(package / "info" / "has_prefix") or ())
    unlinked = set(_lines(package / "info" / "no_link") or ())
    entries = []
    for path in lines:
        checked_path(path, what=f"a path of {package.name}:")
        placeholder, mode = prefixes.get(path, (None, None))
        entries.append(
            PathEntry(
                path=path,
                path_type="softlink" if (package / path).is_symlink() else "hardlink",
                prefix_placeholder=placeholder,
                file_mode=mode,
                no_link=path in unlinked,
            )
        )
    return tuple(entries)


def _has_prefix(line: str) -> tuple[str, tuple[str, FileMode]]:
    try:
        parts = shlex.split(line)
    except ValueError as error:
        raise ArchiveError(f"info/has_prefix cannot be read: {error}: {line[:200]!r}") from None
    if not parts:
        raise ArchiveError("info/has_prefix has a line without a path")
    if len(parts) == 3:
        return parts[2], (parts[0], "binary" if parts[1] == "binary" else "text")
    return parts[0], (DEFAULT_PLACEHOLDER, "text")


def _lines(path: Path) -> list[str] | None:
    try:
        return [line for line in path.read_text(encoding="utf-8").splitlines() if line]
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise ArchiveError(f"{path} is not UTF-8 text (byte {error.start})") from None


def read_entry_points(package: Path) -> tuple[EntryPoint, ...]:
    """The entry points of a `noarch: python` package. Raises `ArchiveError`, `UnsafePath`."""
    try:
        data: Any = json.loads((package / "info" / "link.json").read_bytes())
    except FileNotFoundError:
        return ()
    except MALFORMED as error:
        raise ArchiveError(f"{package / 'info' / 'link.json'} cannot be read: {error}") from None
    noarch = data.get("noarch") if isinstance(data, dict) else None
    listed = noarch.get("entry_points") if isinstance(noarch, dict) else None
    return tuple(parse_entry_point(str(text)) for text in listed or ())


# ---------------------------------------------------------------- where it goes


def conda_layout(record: RepoDataRecord, package: Path, python: PythonInfo | None, *, prefix: str) -> Layout:
    """Every file of a package with its place in the prefix. Raises `ArchiveError` where a `noarch: python` package has
    no Python to go to, or the package's own paths cannot be used.
    """
    is_python = record.noarch == "python"
    if is_python and python is None:
        raise ArchiveError(
            f"{record.name} is a Python package, but the environment has no python", hints=["add python to it"]
        )
    items = [_item(entry, package, python if is_python else None) for entry in read_paths(package)]
    if is_python and python is not None:
        for point in read_entry_points(package):
            items += entry_point_items(point, python, prefix=prefix)
    return Layout(name=record.name, kind="conda", version=record.version, source=str(package), items=_unique(items))


def _item(entry: PathEntry, package: Path, python: PythonInfo | None) -> Item:
    target = entry.path if python is None else noarch_target(entry.path, python)
    here = entry if target == entry.path else entry.replace(path=target)
    if entry.path_type == "directory":
        return Item(target, "directory", entry.path, here)
    if entry.path_type == "softlink":
        _check_link(package, entry.path, target)
        return Item(target, "symlink", entry.path, here)
    if entry.prefix_placeholder is not None:
        return Item(target, "replace", entry.path, here)
    return Item(target, "copy" if entry.no_link else "link", entry.path, here)


def noarch_target(path: str, python: PythonInfo) -> str:
    """Where a file of a `noarch: python` package goes."""
    for start, folder in (("site-packages/", python.site_packages), ("python-scripts/", python.scripts)):
        if path.startswith(start):
            return f"{folder}/{path[len(start) :]}"
    return path


def _check_link(package: Path, source: str, target: str) -> None:
    """A symbolic link must lead to a place inside the prefix. Raises `UnsafePath`."""
    try:
        leads_to = os.readlink(package / source)
    except OSError:
        return  # a link that the cache could only keep as a file
    place = os.path.normpath(os.path.join(os.path.dirname(target), leads_to))
    if os.path.isabs(leads_to) or place.split(os.sep, 1)[0] == "..":  # noqa: PTH117 - compared as text, never opened
        raise UnsafePath(f"the link {source} of {package.name} leads out of the environment, to {leads_to!r}")


def _unique(items: list[Item]) -> tuple[Item, ...]:
    """One item per target: an entry point wins over a script of the same name that the package also carries."""
    found = {item.target: item for item in items}
    return tuple(found.values())


# ---------------------------------------------------------------- entry points


def entry_point_items(point: EntryPoint, python: PythonInfo, *, prefix: str, gui: bool = False) -> list[Item]:
    """The script of an entry point: one file, or on Windows a script and its launcher."""
    if python.windows:
        return _windows_entry_point(point, python, prefix, gui=gui)
    limit = SHEBANG_LIMIT["linux"]
    text = script_text(point, python_shebang(f"{prefix}/{python.executable}", limit=limit))
    return [written(f"{python.scripts}/{point.command}", text.encode(), "unix_python_entry_point", mode=0o755)]


def _windows_entry_point(point: EntryPoint, python: PythonInfo, prefix: str, *, gui: bool) -> list[Item]:
    interpreter = f"{prefix}/{python.executable}".replace("/", "\\")
    if gui:
        interpreter = interpreter.removesuffix("python.exe") + "pythonw.exe"
    text = script_text(point, f"#!{interpreter}").replace("\n", "\r\n")
    ending = "pyw" if gui else "py"
    base = f"{python.scripts}/{point.command}"
    return [
        written(f"{base}-script.{ending}", text.encode(), "windows_python_entry_point_script"),
        written(f"{base}.exe", launcher(text, interpreter, gui=gui), "windows_python_entry_point_exe", mode=0o755),
    ]


def launcher(text: str, interpreter: str, *, gui: bool) -> bytes:
    """A Windows program that runs a Python script: the launcher that distlib publishes, the line naming the
    interpreter, and the script as the `__main__.py` of a zip archive.
    """
    import io
    import zipfile
    from importlib.resources import files  # lazy: only for Windows

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("__main__.py"), text)
    program = files("distlib").joinpath("w64.exe" if gui else "t64.exe").read_bytes()
    return program + f"#!{interpreter}\r\n".encode() + buffer.getvalue()


def written(target: str, content: bytes, path_type: Any, *, mode: int = 0o644) -> Item:
    """An item for a file that no package holds."""
    import hashlib

    digest = Sha256(hashlib.sha256(content).hexdigest())
    entry = PathEntry(path=target, path_type=path_type, sha256=digest, size=len(content))
    return Item(target, "write", "", entry, content, mode)


def prefix_text(prefix: Path, subdir: Subdir) -> str:
    """The prefix as it is written into files: with `/`, also on Windows."""
    text = str(prefix.absolute())
    return text.replace("\\", "/") if operating_system(subdir) == "win" else text
