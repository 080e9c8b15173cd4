"""A TOML file being edited while everything else of it stays as it is, to the byte (tomlkit)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AbstractTable, InlineTable

from ..errors import ManifestError
from ..suggest import did_you_mean


class TomlDocument:
    """What the editors of manifests have in common: `text`, and finding and changing entries by path. Raises
    `ManifestError` for a text that is not TOML.
    """

    def __init__(self, text: str) -> None:
        try:
            self._document = tomlkit.parse(text)
        except TOMLKitError as error:
            raise ManifestError(f"the manifest cannot be edited: {error}") from None

    @property
    def text(self) -> str:
        """The whole file."""
        return tomlkit.dumps(self._document)

    def _find(self, path: Sequence[str]) -> Any:
        """The table at a path; None where there is none."""
        here: Any = self._document
        for key in path:
            if not isinstance(here, dict) or key not in here:
                return None
            here = here[key]
        return here

    def _table(self, path: Sequence[str]) -> Any:
        """The table at a path, made where it is missing (headers only for the last of them)."""
        here: Any = self._document
        for position, key in enumerate(path):
            if key not in here:
                is_last = position == len(path) - 1
                here[key] = tomlkit.inline_table() if isinstance(here, InlineTable) else tomlkit.table(not is_last)
            here = here[key]
        return here

    def _remove(self, path: Sequence[str], name: str) -> None:
        table = self._find(path)
        if table is None or name not in table:
            raise missing_entry(name, path[-1], list(table or ()))
        del table[name]

    def _set(self, table: Any, name: str, value: Any, *, compare: Any = str) -> None:
        """Write `name = value`; a present entry keeps its spelling, place, comment and unrelated fields."""
        wanted = compare(name)
        key = next((entry for entry in table if compare(entry) == wanted), name)
        present = table.get(key)
        if isinstance(present, (AbstractTable, dict)) and isinstance(value, str):
            _forget(present, {*_SOURCE, "workspace"})
            present["version"] = value
        elif isinstance(present, (AbstractTable, dict)) and isinstance(value, dict):
            if not _SOURCE.isdisjoint(value):
                _forget(present, {*_SOURCE, "version", "index", "workspace"} - value.keys())
            for field, item in value.items():
                present[field] = to_toml(item)
        else:
            table[key] = to_toml(value)


_SOURCE = frozenset({"git", "branch", "tag", "rev", "subdirectory", "lfs", "path", "editable", "url"})
"""The fields that say where a package is, other than in a channel or an index: another place takes all their places."""


def _forget(table: Any, fields: Iterable[str]) -> None:
    for field in fields:
        table.pop(field, None)


def to_toml(value: Any) -> Any:
    """Plain values as TOML, tables inline."""
    if isinstance(value, dict):
        table = tomlkit.inline_table()
        for key, item in value.items():
            table[key] = to_toml(item)
        return table
    if isinstance(value, list):
        array = tomlkit.array()
        for item in value:
            array.append(to_toml(item))
        return array
    return tomlkit.item(value)


def missing_entry(name: str, where: str, known: Sequence[str]) -> ManifestError:
    """The error for an entry that a table does not have, with near names."""
    hint = did_you_mean(name, known, f"it holds {', '.join(known) or 'nothing'}")
    return ManifestError(f"'{name}' is not in `{where}`", hints=[hint])
