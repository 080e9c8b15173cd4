"""Decompressed bytes in bounded pieces, from zstd, bzip2 and gzip; trailing bytes and wrong frames are errors."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ..errors import ArchiveError

if TYPE_CHECKING:
    from .limits import Limits

try:
    fast_zlib: ModuleType = import_module("isal.isal_zlib")
except ImportError:  # it is not built for every machine
    fast_zlib = zlib
"""zlib to those who unpack: the same interface, and half the time where it can be had."""

Read = Callable[[int], bytes]
_PIECE = 1 << 18


def read_zstd(data: memoryview, what: str, limits: Limits) -> Read:
    """A reader of zstd frames, one after the other to the end of `data`. Raises `ArchiveError` when read."""
    import zstandard  # lazy: a C library, wanted only by who extracts

    stream = zstandard.ZstdDecompressor(max_window_size=limits.max_window).stream_reader(
        data, read_size=_PIECE, read_across_frames=True
    )

    def read(size: int) -> bytes:
        try:
            return stream.read(size)
        except (zstandard.ZstdError, MemoryError) as error:
            raise ArchiveError(f"{what} is not sound zstd data: {error}") from None

    return read


def read_bz2(source: Read, what: str) -> Read:
    """A reader of bzip2 streams, one after the other; `source` gives compressed bytes."""
    import bz2  # lazy: only old packages need it

    return _streams(source, what, bz2.BZ2Decompressor, "bzip2")


def read_gzip(source: Read, what: str) -> Read:
    """A reader of gzip members, one after the other; `source` gives compressed bytes."""
    return _streams(source, what, _Gunzip, "gzip")


class _Gunzip:
    """zlib's decompressor with the interface of bz2's."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail


def _streams(source: Read, what: str, start: Callable[[], Any], kind: str) -> Read:
    """Streams back to back; at least one; the last one whole."""
    state = {"inner": start(), "pending": b"", "fresh": True, "any": False}

    def read(size: int) -> bytes:
        while True:
            inner = state["inner"]
            chunk = state["pending"]
            state["pending"] = b""
            if not chunk and (inner.needs_input or state["fresh"]):
                chunk = source(_PIECE)
                if not chunk:
                    if state["fresh"] and state["any"]:
                        return b""
                    raise ArchiveError(f"{what} is not sound {kind} data: it ends early")
            state["fresh"] = False
            try:
                data: bytes = inner.decompress(chunk, size)
            except (OSError, ValueError, EOFError, zlib.error) as error:
                raise ArchiveError(f"{what} is not sound {kind} data: {error}") from None
            if inner.eof:
                state.update(inner=start(), pending=inner.unused_data, fresh=True, any=True)
            if data:
                return data

    return read
