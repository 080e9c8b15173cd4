"""Archives written byte by byte, sound or wrong in exactly one way: no library would write the wrong ones."""

from __future__ import annotations

import base64
import bz2
import gzip
import hashlib
import io
import json
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

BLOCK = 512


@dataclass(frozen=True, slots=True)
class TarEntry:
    """One header with its data; `size` other than that of the data where it should lie."""

    name: str | bytes
    data: bytes = b""
    kind: bytes = b"0"
    link: str | bytes = b""
    mode: int = 0o644
    size: int | bytes | None = None
    magic: bytes = b"ustar\x0000"
    prefix: bytes = b""
    pax: Sequence[tuple[str, str]] = ()
    checksum: int | None = None
    time: bytes = b"00000000000\0"


def tar_entry(entry: TarEntry) -> bytes:
    """Header and padded data."""
    before = b""
    if entry.pax:
        before = tar_entry(TarEntry("pax", pax_data(entry.pax), b"x"))
    name = entry.name.encode("utf-8", "surrogateescape") if isinstance(entry.name, str) else entry.name
    link = entry.link.encode("utf-8", "surrogateescape") if isinstance(entry.link, str) else entry.link
    size = len(entry.data) if entry.size is None else entry.size
    header = bytearray(BLOCK)
    header[0:100] = name[:100].ljust(100, b"\0")
    header[100:108] = b"%07o\0" % entry.mode
    header[108:124] = b"0000000\x000000000\0"
    header[124:136] = size if isinstance(size, bytes) else b"%011o\0" % size
    header[136:148] = entry.time
    header[148:156] = b" " * 8
    header[156:157] = entry.kind
    header[157:257] = link[:100].ljust(100, b"\0")
    header[257:265] = entry.magic
    header[345:500] = entry.prefix.ljust(155, b"\0")
    total = sum(header) if entry.checksum is None else entry.checksum
    header[148:156] = b"%06o\0 " % total
    return before + bytes(header) + entry.data + bytes(-len(entry.data) % BLOCK)


def pax_data(values: Sequence[tuple[str, str]]) -> bytes:
    """`length key=value` records."""
    out = b""
    for key, value in values:
        body = f" {key}={value}\n".encode("utf-8", "surrogateescape")
        length = len(body) + 1
        while len(str(length)) + len(body) != length:
            length = len(str(length)) + len(body)
        out += str(length).encode() + body
    return out


def tar(entries: Sequence[TarEntry], *, end: bytes = bytes(2 * BLOCK)) -> bytes:
    """A whole archive."""
    return b"".join(map(tar_entry, entries)) + end


@dataclass(frozen=True, slots=True)
class ZipMember:
    """One member; the local header says something else where `local_*` is given, and the archive holds `packed` in
    place of the deflated data.
    """

    name: str | bytes
    data: bytes = b""
    deflate: bool = False
    packed: bytes | None = None
    mode: int = 0o100644
    flags: int = 0
    local_name: bytes | None = None
    local_size: int | None = None
    local_crc: int | None = None
    size: int | None = None
    crc: int | None = None
    extra: bytes = b""
    gap: bytes = b""
    streamed: bool = False
    offset: int | None = None


@dataclass(slots=True)
class ZipParts:
    """A zip archive with everything that may be wrong around its members."""

    members: Sequence[ZipMember]
    before: bytes = b""
    after: bytes = b""
    comment: bytes = b""
    count: int | None = None
    directory_shift: int = 0
    zip64: bool = False
    places: list[int] = field(default_factory=list)


def deflated(data: bytes) -> bytes:
    """The bytes of a packed member."""
    inner = zlib.compressobj(6, zlib.DEFLATED, -15)
    return inner.compress(data) + inner.flush()


def zip_archive(parts: ZipParts) -> bytes:
    """The bytes of an archive."""
    out = io.BytesIO()
    out.write(parts.before)
    central = b""
    for member in parts.members:
        name = member.name.encode() if isinstance(member.name, str) else member.name
        flags = member.flags | (0x800 if not name.isascii() else 0) | (8 if member.streamed else 0)
        packed = member.data
        if member.deflate:
            packed = deflated(member.data) if member.packed is None else member.packed
        method = 8 if member.deflate else 0
        crc = zlib.crc32(member.data) if member.crc is None else member.crc
        size = len(member.data) if member.size is None else member.size
        local_crc = crc if member.local_crc is None else member.local_crc
        local_size = size if member.local_size is None else member.local_size
        told = (0, 0, 0) if member.streamed else (local_crc, len(packed), local_size)
        local_name = name if member.local_name is None else member.local_name
        place = out.tell() if member.offset is None else member.offset
        if member.offset is None:
            out.write(struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 20, flags, method, 0, 0x21, *told, len(local_name), 0))
            out.write(local_name + packed)
            if member.streamed:
                out.write(struct.pack("<4sIII", b"PK\7\x08", crc, len(packed), size))
            out.write(member.gap)
        central += struct.pack(
            "<4sHHHHHHIIIHHHHHII", b"PK\1\2", 0x314, 20, flags, method, 0, 0x21, crc, len(packed), size,
            len(name), len(member.extra), 0, 0, 0, member.mode << 16, place,
        )  # fmt: skip
        central += name + member.extra
    start = out.tell() + parts.directory_shift
    count = len(parts.members) if parts.count is None else parts.count
    out.write(central)
    if parts.zip64:
        at = out.tell()
        out.write(struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, count, count, len(central), start))
        out.write(struct.pack("<4sIQI", b"PK\6\7", 0, at, 1))
        out.write(struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0))
    else:
        comment = len(parts.comment)
        out.write(struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, count, count, len(central), start, comment))
    out.write(parts.comment + parts.after)
    return out.getvalue()


def conda(pkg: bytes, info: bytes | None = None, *, window: int = 0) -> bytes:
    """A `.conda` package out of tar archives."""
    import zstandard

    settings = zstandard.ZstdCompressionParameters(compression_level=3, window_log=window) if window else None
    compressor = zstandard.ZstdCompressor(compression_params=settings) if settings else zstandard.ZstdCompressor()
    inner = info if info is not None else tar([TarEntry("info/index.json", b"{}")])
    return zip_archive(
        ZipParts(
            [
                ZipMember("metadata.json", json.dumps({"conda_pkg_format_version": 2}).encode()),
                ZipMember("pkg-a-1-0.tar.zst", compressor.compress(pkg)),
                ZipMember("info-a-1-0.tar.zst", compressor.compress(inner)),
            ]
        )
    )


def tar_bz2(content: bytes) -> bytes:
    """A `.tar.bz2` package out of a tar archive."""
    return bz2.compress(content)


def tar_gz(content: bytes) -> bytes:
    """A source distribution out of a tar archive."""
    return gzip.compress(content, mtime=0)


def wheel(files: dict[str, bytes], *, name: str = "demo", version: str = "1.0") -> bytes:
    """A sound wheel; `files` may hold a METADATA of its own."""
    folder = f"{name}-{version}.dist-info"
    files = {
        f"{folder}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{folder}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        **files,
    }
    rows = []
    for path, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        rows.append(f"{path},sha256={digest},{len(data)}")
    files[f"{folder}/RECORD"] = "\n".join([*rows, f"{folder}/RECORD,,\n"]).encode()
    return zip_archive(ZipParts([ZipMember(path, data, deflate=True) for path, data in files.items()]))
