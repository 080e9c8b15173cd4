"""Index entries as they are kept: msgpack, as shards have them, whatever the index was.

`EntryReader` takes from an entry what solving needs, and skips over the rest. It needs msgspec, and runs once for each
name that is new; `unpacked` gives the whole of a chosen entry, in every run, and so must cost nothing to import.
"""

from __future__ import annotations

import struct

from ..errors import MALFORMED, SpecError
from ..model.record import milliseconds, words
from ..model.version import version_key
from ..solve.table import Entry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_NUMBERS = {
    0xCA: struct.Struct(">f"),
    0xCB: struct.Struct(">d"),
    0xCC: struct.Struct(">B"),
    0xCD: struct.Struct(">H"),
    0xCE: struct.Struct(">I"),
    0xCF: struct.Struct(">Q"),
    0xD0: struct.Struct(">b"),
    0xD1: struct.Struct(">h"),
    0xD2: struct.Struct(">i"),
    0xD3: struct.Struct(">q"),
}
_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}
_SIZES = {  # what has its length in 1, 2 or 4 bytes behind its mark
    0xC4: (1, "bytes"),
    0xC5: (2, "bytes"),
    0xC6: (4, "bytes"),
    0xD9: (1, "text"),
    0xDA: (2, "text"),
    0xDB: (4, "text"),
    0xDC: (2, "list"),
    0xDD: (4, "list"),
    0xDE: (2, "map"),
    0xDF: (4, "map"),
}


class EntryReader:
    """Reads the entries of one name. Most builds share their lists of dependencies with others: each distinct list
    is decoded once, and is one object for all who have it.
    """

    def __init__(self) -> None:
        import msgspec

        from .scan import Row

        self._row: Callable[[bytes], Row] = msgspec.msgpack.Decoder(Row).decode
        self._anything: Callable[[bytes], Any] = msgspec.msgpack.Decoder().decode
        self._list: Callable[[bytes], tuple[str, ...] | None] = msgspec.msgpack.Decoder(tuple[str, ...] | None).decode
        self._lists: dict[bytes, tuple[str, ...]] = {}
        self._unreadable = (*MALFORMED, SpecError)

    def read(self, raw: bytes, channel: int, source: int) -> Entry | None:
        """What solving needs of an entry; None for one that nobody could install: no channel is lost for a single
        mistake in it.
        """
        try:
            row = self._row(raw)
        except self._unreadable:
            return self._unusual(raw, channel, source)
        lists = self._lists
        raw_depends, raw_constrains = bytes(row.depends), bytes(row.constrains)
        features = row.track_features
        try:
            depends, constrains = lists.get(raw_depends), lists.get(raw_constrains)
            version_key(row.version)
            return Entry(
                row.version,
                row.build,
                row.build_number or 0,
                milliseconds(row.timestamp) if row.timestamp else 0,
                features is not None and bool(words(features)),
                channel,
                self._new(raw_depends) if depends is None else depends,
                self._new(raw_constrains) if constrains is None else constrains,
                source,
            )
        except self._unreadable:
            return None

    def _new(self, raw: bytes) -> tuple[str, ...]:
        found = self._lists[raw] = self._list(raw) or ()
        return found

    def _unusual(self, raw: bytes, channel: int, source: int) -> Entry | None:
        """An entry in which something has another type than is written down; old channels have such."""
        try:
            entry = self._anything(raw)
            version = str(entry["version"])
            version_key(version)
            return Entry(
                version,
                str(entry["build"]),
                int(entry.get("build_number") or 0),
                milliseconds(entry["timestamp"]) if entry.get("timestamp") else 0,
                bool(words(entry.get("track_features"))),
                channel,
                tuple(map(_text, entry.get("depends") or ())),
                tuple(map(_text, entry.get("constrains") or ())),
                source,
            )
        except self._unreadable:
            return None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a dependency")
    return value


def packed(entry: Any) -> bytes | None:
    """An entry from JSON as it is kept; None for one that cannot be (a number too large for any format but JSON)."""
    import msgspec

    try:
        return msgspec.msgpack.encode(entry)
    except MALFORMED:
        return None


def unpacked(content: bytes) -> Any:
    """One value of msgpack. Raises `ValueError` when it is not one, or is cut off."""
    try:
        value, end = _value(content, 0)
    except (IndexError, TypeError, struct.error):  # TypeError: a list as a key
        end = -1
    if end != len(content):  # a slice beyond the end is short, and raises nothing
        raise ValueError("the entry does not end where it should")
    return value


def _value(content: bytes, start: int) -> tuple[Any, int]:
    """The value at an offset, and the offset of the next."""
    mark = content[start]
    start += 1
    if 0xA0 <= mark < 0xC0:
        end = start + mark - 0xA0
        return content[start:end].decode(), end
    if mark < 0x80:
        return mark, start
    if mark < 0x90:
        return _map(content, start, mark - 0x80)
    if mark < 0xA0:
        return _list(content, start, mark - 0x90)
    if mark >= 0xE0:
        return mark - 0x100, start
    number = _NUMBERS.get(mark)
    if number is not None:
        return number.unpack_from(content, start)[0], start + number.size
    if mark in _CONSTANTS:
        return _CONSTANTS[mark], start
    if mark not in _SIZES:
        raise ValueError(f"no entry has a value of the kind {mark:#x}")
    width, kind = _SIZES[mark]
    size = int.from_bytes(content[start : start + width], "big")
    start += width
    if kind == "map":
        return _map(content, start, size)
    if kind == "list":
        return _list(content, start, size)
    found = content[start : start + size]
    return (found if kind == "bytes" else found.decode()), start + size


def _list(content: bytes, start: int, size: int) -> tuple[list[Any], int]:
    found: list[Any] = []
    for _ in range(size):
        value, start = _value(content, start)
        found.append(value)
    return found, start


def _map(content: bytes, start: int, size: int) -> tuple[dict[Any, Any], int]:
    found: dict[Any, Any] = {}
    for _ in range(size):
        key, start = _value(content, start)
        found[key], start = _value(content, start)
    return found, start
