"""The block `# /// script` of a Python file (PEP 723): found, and edited with all else left to the byte."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile
from typing import Any

import tomlkit
from tomlkit.items import Array

from ..errors import ManifestError
from ..names import DEFAULT_FEATURE
from .edit import ManifestEditor

OPENING = "# /// script"
_CLOSING = "# ///"
_ENCODING = re.compile(r"^[ \t\f]*#.*?coding[:=][ \t]*[-_.a-zA-Z0-9]+")
"""PEP 263: it must stand in one of the first two lines."""


def blocks(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """For each block the number of its opening line (from 1) and what stands in it. It reaches to the last closing line
    before something that is no comment of the form `#` or `# …`; one that is not closed is none.
    """
    number = 0
    while number < len(lines):
        number += 1
        if lines[number - 1] != OPENING:
            continue
        comments = list(takewhile(lambda line: line == "#" or line.startswith("# "), lines[number:]))
        if _CLOSING in comments:
            length = len(comments) - 1 - comments[::-1].index(_CLOSING)
            yield number, [line[2:] for line in comments[:length]]
            number += length + 1


def only_block(text: str, *, source: str) -> tuple[int, list[str]] | None:
    """The block of a script, None where it has none. Raises `ManifestError` for two of them."""
    found = list(blocks(text.splitlines()))
    if len(found) > 1:
        raise ManifestError(f"{source} has {len(found)} blocks `{OPENING}`, one is allowed")
    return found[0] if found else None


def with_block(text: str, content: str, *, source: str) -> str:
    """The script with `content` (TOML) as its block, in the place of the old one, else below `#!` and the encoding."""
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines(keepends=True)
    shown = [f"# {line}" if line else "#" for line in content.rstrip("\n").split("\n")]
    present = only_block(text, source=source)
    if present is not None:
        first, old = present
        return "".join([*lines[:first], *(f"{line}{newline}" for line in shown), *lines[first + len(old) :]])
    head = _head(lines)
    block = [f"{line}{newline}" for line in (OPENING, *shown, _CLOSING)]
    space = [newline] if lines[head:] and lines[head].strip() else []
    return "".join([*lines[:head], *block, *space, *lines[head:]])


def _head(lines: list[str]) -> int:
    """How many lines must stay on top."""
    count = 1 if lines and lines[0].startswith("#!") else 0
    return count + 1 if lines[count : count + 1] and _ENCODING.match(lines[count]) else count


class ScriptEditor(ManifestEditor):
    """The TOML of a block being edited: conda packages go to `tool.pixi.dependencies`, PyPI's to `dependencies`."""

    def __init__(self, text: str) -> None:
        super().__init__(text, "pyproject")

    def _requirements_array(self, feature: str) -> Any:
        assert feature == DEFAULT_FEATURE, "scripts have no features"
        if "dependencies" not in self._document:
            self._document["dependencies"] = tomlkit.array()
        return self._document["dependencies"]

    def _requirement_arrays(self, feature: str) -> list[Any]:
        assert feature == DEFAULT_FEATURE, "scripts have no features"
        array = self._find(("dependencies",))
        return [array] if isinstance(array, Array) else []
