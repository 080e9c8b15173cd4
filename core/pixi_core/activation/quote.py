"""Literal texts in seven shells. Every function returns one word that the shell reads back as exactly `text`."""

from __future__ import annotations

import json

from ..errors import UnsafePath


def _refuse_lines(text: str, shell: str) -> None:
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in text):
        raise UnsafePath(f"{text!r} cannot be written as one word of {shell}")


def posix(text: str) -> str:
    """For sh, bash and zsh: single quotes, in which nothing is special."""
    if "\0" in text:
        raise UnsafePath(f"{text!r} cannot be written as one word of a shell")
    return "'" + text.replace("'", "'\"'\"'") + "'"


def fish(text: str) -> str:
    r"""Single quotes, with `\` and `'` escaped."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def xonsh(text: str) -> str:
    """A Python literal."""
    return repr(text)


def powershell(text: str) -> str:
    """Single quotes, doubled inside; PowerShell takes typographic quotes for the same thing."""
    for quote in "'\u2018\u2019\u201a\u201b":
        text = text.replace(quote, quote * 2)
    return f"'{text}'"


def cmd(text: str) -> str:
    """The inside of `SET "NAME=…"` in a batch file. Raises `UnsafePath` for line breaks."""
    _refuse_lines(text, "cmd")
    return text.replace("%", "%%")


def nushell(text: str) -> str:
    """Double quotes with escapes. Raises `UnsafePath` for control characters."""
    _refuse_lines(text, "nushell")
    return json.dumps(text, ensure_ascii=False)


def bash_expanding(text: str) -> str:
    """Double quotes in which `$NAME` and `$(…)` keep their meaning (that is what `activation.env` promises)."""
    inside = text.replace('"', '\\"')
    return f'"{inside}\\"' if inside.endswith("\\") and not inside.endswith("\\\\") else f'"{inside}"'
