"""The names of an index, with some bytes for each, in a form that is looked into without being read.

A channel has tens of thousands of names, and a solve asks for a few hundred: so the names lie in buckets by their
CRC-32, and opening costs as much as the pages that are touched. Numbers are little-endian, of 4 bytes: a header
(`_HEADER`), where each bucket begins (and the last one ends), where each name ends, the names, their values, a note
(UTF-8), and the mark of the end.
"""

from __future__ import annotations

import struct
from itertools import accumulate, pairwise
from zlib import crc32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from mmap import mmap

MAGIC = b"pxnames1"
_HEADER = struct.Struct("<8s5I")  # magic, names, buckets, bytes of all names, bytes of a value, bytes of the note
_END = b"pxnend"
_PAIR = struct.Struct("<II")


def name_table(values: Mapping[str, bytes], *, note: str = "") -> bytes:
    """A table over `values`, which are all of one size. Raises `ValueError` where they are not."""
    size = len(next(iter(values.values()), b""))
    if any(len(value) != size for value in values.values()):
        raise ValueError("values of several sizes")
    buckets = 1 << max(0, len(values) - 1).bit_length()
    rows = sorted((crc32(name.encode()) & (buckets - 1), name.encode(), value) for name, value in values.items())
    counts = [0] * buckets
    for bucket, _, _ in rows:
        counts[bucket] += 1
    names = b"".join(name for _, name, _ in rows)
    text = note.encode()
    return b"".join(
        (
            _HEADER.pack(MAGIC, len(rows), buckets, len(names), size, len(text)),
            _numbers(accumulate(counts, initial=0)),
            _numbers(accumulate((len(name) for _, name, _ in rows), initial=0)),
            names,
            *(value for _, _, value in rows),
            text,
            _END,
        )
    )


def _numbers(values: accumulate[int]) -> bytes:
    found = list(values)
    return struct.pack(f"<{len(found)}I", *found)


class NameTable:
    """A table that lies in `data` from `start` to its end. Raises `ValueError` when it does not."""

    __slots__ = ("_buckets", "_data", "_ends", "_names", "_size", "_starts", "_text", "_values", "note")

    def __init__(self, data: bytes | mmap, start: int = 0) -> None:
        if len(data) < start + _HEADER.size:
            raise ValueError("not a table of names: too short")
        magic, count, self._buckets, length, self._size, note = _HEADER.unpack_from(data, start)
        self._data = data
        self._starts = start + _HEADER.size
        self._ends = self._starts + 4 * self._buckets + 4
        self._text = self._ends + 4 * count + 4
        self._values = self._text + length
        last = self._values + count * self._size
        if magic != MAGIC or data[last + note :] != _END:
            raise ValueError("not a table of names, or not the whole of it")
        self.note = data[last : last + note].decode()
        self._names: list[str] | None = None

    def get(self, name: str) -> bytes | None:
        """The value of a name; None when it is not there."""
        data, wanted = self._data, name.encode()
        bucket = crc32(wanted) & (self._buckets - 1)
        first, last = _PAIR.unpack_from(data, self._starts + 4 * bucket)
        for row in range(first, last):
            start, end = _PAIR.unpack_from(data, self._ends + 4 * row)
            if data[self._text + start : self._text + end] == wanted:
                value = self._values + self._size * row
                return data[value : value + self._size]
        return None

    def names(self) -> Sequence[str]:
        """Every name, sorted. Cost: milliseconds the first time."""
        if self._names is None:
            ends = memoryview(self._data)[self._ends : self._text]
            text = self._data[self._text : self._values]
            places = [end for (end,) in struct.iter_unpack("<I", ends)]
            self._names = sorted(text[a:b].decode() for a, b in pairwise(places))
        return self._names
