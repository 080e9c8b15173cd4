"""A strict reader of zip archives (`.conda` files, wheels): every byte belongs to exactly one thing.

Local and central headers must agree, entries follow each other without gaps or overlaps from the first byte to the
directory, the directory reaches to the end record, nothing follows (so no hidden entries, no polyglots, no overlapping
bombs). Format: PKWARE APPNOTE 6.3, the part that `.conda` and wheels use.
"""

from __future__ import annotations

import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from ..errors import ArchiveError
from . import compression

Buffer = memoryview
_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_LOCATOR64 = struct.Struct("<4sIQI")
_END64 = struct.Struct("<4sQHHIIQQQQ")
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _STREAMED, _UTF8 = 1, 8, 0x800
_UNICODE_PATH = 0x7075
_LARGE = 0xFFFFFFFF
"""In place of a number that stands in the zip64 field."""
_PIECE = 1 << 18
_PACKED = 1 << 18
"""How many bytes of a member go into the decompressor at once."""


@dataclass(frozen=True, slots=True)
class ZipEntry:
    """One member. `start` and `stored` say where its bytes are; `size` is what they become."""

    name: str
    method: int
    start: int
    stored: int
    size: int
    crc: int
    mode: int

    @property
    def is_folder(self) -> bool:
        """Whether it is an explicit folder."""
        return self.name.endswith("/")

    @property
    def executable(self) -> bool:
        """Whether anybody may execute it."""
        return bool(self.mode & 0o111)


class ZipReader:
    """The members of an archive that is wholly in memory (or mapped). Raises `ArchiveError` on anything unsound."""

    def __init__(self, data: Buffer, what: str) -> None:
        self._data = data
        self._what = what
        count, start, end = self._directory()
        self.entries = self._read(count, start, end)

    def _refuse(self, why: str) -> NoReturn:
        raise ArchiveError(f"{self._what} is not a sound zip archive: {why}")

    # ------------------------------------------------------------ structure

    def _directory(self) -> tuple[int, int, int]:
        """Number of entries, first and last byte of the central directory."""
        data = self._data
        at = len(data) - _END.size
        if at < 0 or bytes(data[at : at + 4]) != b"PK\5\6":
            why = "it ends early" if b"PK\5\6" not in bytes(data[-(_END.size + 0xFFFF) :]) else "bytes follow its end"
            self._refuse(why)
        _, disk, first_disk, here, count, size, start, comment = _END.unpack_from(data, at)
        if disk or first_disk or here != count or comment:
            self._refuse("it has several parts, or a comment")
        end = at
        if at >= _LOCATOR64.size and bytes(data[at - _LOCATOR64.size :][:4]) == b"PK\6\7":
            count, size, start, end = self._directory64(at - _LOCATOR64.size, (count, size, start))
        elif count == 0xFFFF or _LARGE in (size, start):
            self._refuse("its large directory is missing")
        if start + size != end:
            self._refuse("its directory is not where its end record says")
        return count, start, end

    def _directory64(self, at: int, small: tuple[int, int, int]) -> tuple[int, int, int, int]:
        data = self._data
        _, disk, place, disks = _LOCATOR64.unpack_from(data, at)
        if disk or disks != 1 or place + _END64.size != at or bytes(data[place : place + 4]) != b"PK\6\6":
            self._refuse("its large directory is not where its locator says")
        _, length, _, _, disk, first, here, count, size, start = _END64.unpack_from(data, place)
        if length != _END64.size - 12 or disk or first or here != count:
            self._refuse("it has several parts")
        for told, meant, most in zip(small, (count, size, start), (0xFFFF, _LARGE, _LARGE), strict=True):
            if told not in (most, meant):
                self._refuse("its two end records disagree")
        return count, size, start, place

    def _read(self, count: int, start: int, end: int) -> tuple[ZipEntry, ...]:
        central: list[tuple[int, ZipEntry, int, bytes]] = []
        at = start
        for _ in range(count):
            if at + _CENTRAL.size > end or bytes(self._data[at : at + 4]) != b"PK\1\2":
                self._refuse("its directory is cut short")
            at = self._central(at, end, central)
        if at != end:
            self._refuse("its directory holds more than it counts")
        order = sorted(range(count), key=lambda i: central[i][0])
        entries: dict[int, ZipEntry] = {}
        expected = 0
        for rank, index in enumerate(order):
            offset, entry, flags, name = central[index]
            following = central[order[rank + 1]][0] if rank + 1 < count else start
            if offset != expected:
                self._refuse(f"there are bytes between its entries, or entries overlap (before {entry.name!r})")
            entries[index] = self._local(offset, following, entry, flags, name)
            expected = following
        if expected != start:
            self._refuse("there are bytes before its directory")
        return tuple(entries[index] for index in range(count))

    def _central(self, at: int, end: int, found: list[tuple[int, ZipEntry, int, bytes]]) -> int:
        data = self._data
        (
            _,
            made,
            _,
            flags,
            method,
            _,
            _,
            crc,
            stored,
            size,
            name_size,
            extra_size,
            comment,
            disk,
            _,
            external,
            offset,
        ) = _CENTRAL.unpack_from(data, at)
        stop: int = at + _CENTRAL.size + name_size + extra_size + comment
        if stop > end:
            self._refuse("its directory is cut short")
        raw = bytes(data[at + _CENTRAL.size : at + _CENTRAL.size + name_size])
        extra = data[at + _CENTRAL.size + name_size : stop - comment]
        size, stored, offset, disk = self._wide(extra, (size, stored, offset, disk), short=False)
        name = self._name(raw, flags)
        if disk or flags & _ENCRYPTED or method not in (_STORED, _DEFLATED):
            self._refuse(f"{name!r} is encrypted, in another part, or packed by method {method}")
        if method == _STORED and stored != size:
            self._refuse(f"{name!r} is stored, but has two sizes")
        mode = external >> 16 if made >> 8 == 3 else 0
        kind = stat.S_IFMT(mode)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR) or (kind == stat.S_IFDIR) > name.endswith("/"):
            self._refuse(f"{name!r} is neither a file nor a folder")
        if name.endswith("/") and (size or stored):
            self._refuse(f"the folder {name!r} has contents")
        found.append((offset, ZipEntry(name, method, 0, stored, size, crc, mode), flags, raw))
        return stop

    def _name(self, raw: bytes, flags: int) -> str:
        """Names are UTF-8 and say so; ASCII says nothing."""
        try:
            if b"\0" in raw or not raw:
                self._refuse(f"it has the name {raw!r}")
            return raw.decode("utf-8" if flags & _UTF8 else "ascii")
        except UnicodeDecodeError:
            self._refuse(f"the encoding of the name {raw!r} is not told")

    def _wide(self, extra: memoryview, values: tuple[int, int, int, int], *, short: bool) -> tuple[int, int, int, int]:
        """Sizes and place out of the zip64 field, for those that the header leaves at their maximum."""
        if not extra and _LARGE not in values and values[-1] != 0xFFFF:
            return values  # nearly every one
        at, wide = 0, b""
        while at + 4 <= len(extra):
            kind, length = struct.unpack_from("<HH", extra, at)
            if at + 4 + length > len(extra):
                self._refuse("an extra field is cut short")
            if kind == _UNICODE_PATH:
                self._refuse("a name is stated twice")
            if kind == 1:
                if wide:
                    self._refuse("a size is stated twice")
                wide = bytes(extra[at + 4 : at + 4 + length])
            at += 4 + length
        size, stored, offset, disk = values
        needed = [size == _LARGE, stored == _LARGE, not short and offset == _LARGE]
        if disk == 0xFFFF or (any(needed) and len(wide) < 8 * sum(needed)):
            self._refuse("a large size is missing")
        numbers = iter(struct.unpack(f"<{sum(needed)}Q", wide[: 8 * sum(needed)]))
        size, stored, offset = (
            next(numbers) if wanted else value for value, wanted in zip((size, stored, offset), needed, strict=True)
        )
        return size, stored, offset, disk

    def _local(self, offset: int, following: int, entry: ZipEntry, flags: int, raw: bytes) -> ZipEntry:
        """The member with its place, after its local header was found to say the same."""
        data = self._data
        if offset + _LOCAL.size > following or bytes(data[offset : offset + 4]) != b"PK\3\4":
            self._refuse(f"{entry.name!r} has no header of its own")
        (_, _, here_flags, method, _, _, crc, stored, size, name_size, extra_size) = _LOCAL.unpack_from(data, offset)
        start = offset + _LOCAL.size + name_size + extra_size
        if start + entry.stored > following:
            self._refuse(f"{entry.name!r} overlaps what follows")
        size, stored, _, _ = self._wide(data[start - extra_size : start], (size, stored, 0, 0), short=True)
        same = bytes(data[offset + _LOCAL.size : offset + _LOCAL.size + name_size]) == raw
        known = (crc, stored, size) == (entry.crc, entry.stored, entry.size)
        later = bool(flags & _STREAMED) and (crc, stored, size) == (0, 0, 0)
        if not same or here_flags != flags or method != entry.method or not (known or later):
            self._refuse(f"the two headers of {entry.name!r} disagree")
        tail = bytes(data[start + entry.stored : following])
        if tail and not (flags & _STREAMED and tail in self._descriptors(entry)):
            self._refuse(f"bytes follow {entry.name!r}")
        if flags & _STREAMED and not tail:
            self._refuse(f"the sizes of {entry.name!r} are missing")
        return ZipEntry(entry.name, method, start, entry.stored, entry.size, entry.crc, entry.mode)

    @staticmethod
    def _descriptors(entry: ZipEntry) -> tuple[bytes, ...]:
        """What may stand behind streamed data: checksum and sizes, 32 or 64 bits, with a mark or without."""
        forms = [struct.pack("<IQQ", entry.crc, entry.stored, entry.size)]
        if max(entry.stored, entry.size) <= _LARGE:
            forms.append(struct.pack("<III", entry.crc, entry.stored, entry.size))
        return tuple(mark + form for mark in (b"PK\7\x08", b"") for form in forms)

    # ------------------------------------------------------------ contents

    def stored(self, entry: ZipEntry) -> memoryview:
        """The bytes of a stored member, checked."""
        view = self._data[entry.start : entry.start + entry.stored]
        if entry.method != _STORED:
            self._refuse(f"{entry.name!r} is packed twice")
        if compression.fast_zlib.crc32(view) != entry.crc:
            self._refuse(f"the checksum of {entry.name!r} is wrong")
        return view

    def chunks(self, entry: ZipEntry) -> Iterator[bytes | memoryview]:
        """The contents of a member in pieces; it must give exactly its size, with its checksum."""
        if entry.method == _STORED:
            view = self.stored(entry)
            for at in range(0, len(view), _PIECE):
                yield view[at : at + _PIECE]
            return
        inner = compression.fast_zlib.decompressobj(-15)
        at, end = entry.start, entry.start + entry.stored
        pending: bytes | memoryview = b""
        left, crc = entry.size, 0
        while not inner.eof:
            if not pending:
                # a part at a time: what a call has no room for is copied, and would be copied at every call
                pending = self._data[at : min(at + _PACKED, end)]
                at += len(pending)
            try:
                piece = inner.decompress(pending, min(_PIECE, left + 1))
            except compression.fast_zlib.error as error:
                self._refuse(f"{entry.name!r} cannot be unpacked: {error}")
            pending = inner.unconsumed_tail
            left -= len(piece)
            if left < 0 or (not piece and not pending and at == end and not inner.eof):
                self._refuse(f"{entry.name!r} has another size than it says")
            crc = compression.fast_zlib.crc32(piece, crc)
            if piece:
                yield piece
        if left or inner.unused_data or pending or at != end or crc != entry.crc:
            self._refuse(f"{entry.name!r} is not what its size and checksum say")
