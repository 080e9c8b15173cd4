"""Compiled candidate tables on disk: one append-only file, mapped into memory, keyed by content.

The key of a table is a digest of everything it was made from, so an entry never goes stale: an update of a channel
costs as much as the names that changed and are asked for. Two files: `….data` holds entries one behind the other,
`….toc` one row (`_ROW`) per entry. Both only ever grow by single appending writes, data before its row, so any
number of processes can read and write without a lock; whatever a crash leaves behind is unreachable, and every entry
is checked (its key in front, a checksum) before it is used.

An entry is: key, the number of candidates, the compiled table (`marshal`), the end offset of each record, the records:
a line with the number of the index it came from and its file name, then the index entry as the shard had it
(`entries`), to be read one by one. The file name carries the interpreter's tag, for safety.
"""

from __future__ import annotations

import marshal
import os
import struct
import sys
import threading
import zlib
from itertools import accumulate

from ..solve.table import COMPILED_VERSION, Compiled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

KEY_SIZE = 32
MARSHAL_VERSION = 4  # every supported Python reads and writes it
FLUSH_BYTES = 16 << 20
"""So much new data is written out at once; the rest when the cache is closed."""

LARGEST = 2 << 30
"""A bigger file is thrown away and begun anew: most of it belongs to indexes long gone."""

_ROW = struct.Struct("<32sQQII")  # key, offset, length, checksum of the head, length of the head
_HEAD = struct.Struct("<32sI")


class StoredTable:
    """One entry: `compiled`, and the index entries of its candidates."""

    __slots__ = ("_ends", "_records", "compiled")

    def __init__(self, compiled: Compiled, ends: bytes, records: memoryview | bytes) -> None:
        self.compiled = compiled
        self._ends = ends
        self._records = records

    def record(self, candidate: int) -> tuple[int, str, bytes]:
        """The number of the index it came from, its file name, and the index entry for `entries.unpacked`."""
        start = 0 if candidate == 0 else int.from_bytes(self._ends[4 * candidate - 4 : 4 * candidate], "little")
        end = int.from_bytes(self._ends[4 * candidate : 4 * candidate + 4], "little")
        line, _, entry = bytes(self._records[start:end]).partition(b"\n")
        origin, _, file_name = line.decode().partition(" ")
        return int(origin), file_name, entry


def encode(compiled: Compiled, records: Sequence[tuple[int, str, bytes]]) -> tuple[bytes, bytes, bytes]:
    """The three parts of an entry behind its key: table, record ends, records."""
    blobs: list[bytes] = []
    lengths: list[int] = []
    for origin, file_name, entry in records:
        line = f"{origin} {file_name}\n".encode()
        blobs += (line, entry)
        lengths.append(len(line) + len(entry))
    ends = struct.pack(f"<{len(lengths)}I", *accumulate(lengths))
    return marshal.dumps(compiled.as_tuple(), MARSHAL_VERSION), ends, b"".join(blobs)


class TableCache:
    """The compiled tables of a cache folder. Thread-safe; a folder that cannot be written is only read."""

    def __init__(self, folder: Path) -> None:
        name = f"tables-{COMPILED_VERSION}-{sys.implementation.cache_tag}"
        self._data_path = os.path.join(folder, name + ".data")
        self._toc_path = os.path.join(folder, name + ".toc")
        self._folder = folder
        self._rows: dict[bytes, tuple[int, int, int, int]] = {}
        self._view: memoryview | None = None
        self._opened = False
        self._pending: dict[bytes, tuple[bytes, bytes, bytes]] = {}
        self._pending_bytes = 0
        self._lock = threading.Lock()

    def get(self, key: bytes) -> StoredTable | None:
        """The entry of a key, None when there is none (or a damaged one)."""
        if not self._opened:
            with self._lock:
                if not self._opened:
                    self._open()
        row = self._rows.get(key)
        if row is None or self._view is None:
            return None
        offset, length, checksum, head = row
        entry = self._view[offset : offset + length]
        if len(entry) < head or zlib.crc32(entry[:head]) != checksum or entry[:KEY_SIZE] != key:
            return None
        _, count = _HEAD.unpack_from(entry)
        table = entry[_HEAD.size : head]
        try:
            compiled = Compiled(*marshal.loads(table))  # noqa: S302 - our own file, checked
        except (ValueError, EOFError, TypeError):
            return None
        return StoredTable(compiled, bytes(entry[head : head + 4 * count]), entry[head + 4 * count :])

    def add(self, key: bytes, compiled: Compiled, records: Sequence[tuple[int, str, bytes]]) -> StoredTable:
        """Keep a new table; it reaches the disk with the next flush."""
        parts = encode(compiled, records)
        with self._lock:
            self._pending[key] = parts
            self._pending_bytes += sum(map(len, parts))
            full = self._pending_bytes > FLUSH_BYTES
        if full:
            self.flush()
        return StoredTable(compiled, parts[1], parts[2])

    def flush(self) -> None:
        """Append what is new. Failing to (a full or read-only disk) costs nothing but time in the next run."""
        with self._lock:
            pending, self._pending, self._pending_bytes = self._pending, {}, 0
        if not pending:
            return
        try:
            os.makedirs(self._folder, exist_ok=True)
            self._append(pending)
        except OSError:
            return

    def _open(self) -> None:
        self._opened = True
        try:
            with open(self._toc_path, "rb") as file:
                rows = file.read()
            with open(self._data_path, "rb") as data:
                size = os.fstat(data.fileno()).st_size
                if size == 0:
                    return
                if size > LARGEST:
                    self._remove()
                    return
                import mmap

                self._view = memoryview(mmap.mmap(data.fileno(), 0, access=mmap.ACCESS_READ))
        except OSError:
            return
        whole = len(rows) // _ROW.size * _ROW.size
        self._rows = {
            key: (offset, length, checksum, head)
            for key, offset, length, checksum, head in _ROW.iter_unpack(memoryview(rows)[:whole])
            if offset + length <= size
        }

    def _remove(self) -> None:
        for path in (self._toc_path, self._data_path):
            try:
                os.unlink(path)
            except OSError:
                return

    def _append(self, pending: Mapping[bytes, tuple[bytes, bytes, bytes]]) -> None:
        blobs: list[bytes] = []
        rows: list[tuple[bytes, int, int, int, int]] = []
        position = 0
        for key, (table, ends, records) in pending.items():
            head = _HEAD.pack(key, len(ends) // 4) + table
            length = len(head) + len(ends) + len(records)
            rows.append((key, position, length, zlib.crc32(head), len(head)))
            blobs += (head, ends, records)
            position += length
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        start = _append_whole(self._data_path, flags, b"".join(blobs))
        # a row must never be read out of step with its neighbours: begin at a multiple of its size
        table_of_contents = b"".join(_ROW.pack(key, start + offset, *rest) for key, offset, *rest in rows)
        torn = -os.path.getsize(self._toc_path) % _ROW.size if os.path.exists(self._toc_path) else 0
        _append_whole(self._toc_path, flags, b"\0" * torn + table_of_contents)


def _append_whole(path: str, flags: int, content: bytes) -> int:
    """Append in one write; the offset at which it landed. Raises `OSError` when not all of it was written."""
    descriptor = os.open(path, flags, 0o644)
    try:
        if os.write(descriptor, content) != len(content):
            raise OSError(f"{path}: short write")
        return os.lseek(descriptor, 0, os.SEEK_CUR) - len(content)
    finally:
        os.close(descriptor)
