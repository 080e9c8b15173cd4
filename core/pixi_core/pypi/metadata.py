"""Core metadata of distributions: the few headers that a resolution needs, from wherever they can be had.

`METADATA` and `PKG-INFO` are e-mail headers ("Core metadata specifications"); the body, often hundreds of kilobytes of
description, is never looked at. A wheel's metadata can be read from the end of its archive, where the zip directory
is, without the rest.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator

import msgspec

from ..errors import MALFORMED, ArchiveError
from ..names import pypi_name

METADATA_LIMIT = 32 * 1024 * 1024


class CoreMetadata(msgspec.Struct, frozen=True, array_like=True):
    """What a distribution says of itself. `dynamic` are the fields an sdist does not vouch for (lower case)."""

    name: str
    version: str
    requires_dist: tuple[str, ...] = ()
    requires_python: str | None = None
    provides_extra: tuple[str, ...] = ()
    metadata_version: str = "2.1"
    dynamic: tuple[str, ...] = ()
    summary: str | None = None

    @property
    def is_static(self) -> bool:
        """Whether an sdist's `PKG-INFO` can be trusted for resolving (PEP 643: 2.2 and later, nothing dynamic)."""
        version = tuple(int(part) for part in self.metadata_version[:9].split(".")[:2] if part.isdecimal())
        return version >= (2, 2) and not {"requires-dist", "requires-python", "provides-extra", "version"} & set(
            self.dynamic
        )


def parse_core_metadata(content: bytes, *, what: str) -> CoreMetadata:
    """The headers of a `METADATA` or `PKG-INFO` file. `what` names it in errors. Raises `ArchiveError`."""
    single: dict[str, str] = {}
    many: dict[str, list[str]] = {}
    for key, value in _headers(content):
        if key in ("requires-dist", "provides-extra", "dynamic"):
            many.setdefault(key, []).append(value)
        elif key in ("name", "version", "requires-python", "metadata-version", "summary"):
            single.setdefault(key, value)
    if "name" not in single or "version" not in single:
        raise ArchiveError(f"the metadata of {what} has no {'Name' if 'name' not in single else 'Version'}")
    return CoreMetadata(
        name=pypi_name(single["name"]),
        version=single["version"],
        requires_dist=tuple(many.get("requires-dist", ())),
        requires_python=single.get("requires-python"),
        provides_extra=tuple(many.get("provides-extra", ())),
        metadata_version=single.get("metadata-version", "1.0"),
        dynamic=tuple(value.lower() for value in many.get("dynamic", ())),
        summary=single.get("summary") or None,
    )


def _headers(content: bytes) -> Iterator[tuple[str, str]]:
    """(lower-case name, value) pairs up to the first empty line; continuation lines are joined by a blank."""
    key, value = "", ""
    for line in content.decode("utf-8", "replace").replace("\r\n", "\n").split("\n"):
        if not line:
            break
        # a line of blanks alone goes on with the header before it (licence texts have such)
        if line[0] in " \t":
            value = f"{value} {line.strip()}"
            continue
        if key:
            yield key, value
        name, _, rest = line.partition(":")
        key, value = name.strip().lower(), rest.strip()
    if key:
        yield key, value


_CODEC_ENCODER = msgspec.msgpack.Encoder()
_CODEC_DECODER = msgspec.msgpack.Decoder(CoreMetadata)


def encode_metadata(metadata: CoreMetadata) -> bytes:
    """The metadata as bytes for the cache."""
    return _CODEC_ENCODER.encode(metadata)


def decode_metadata(content: bytes) -> CoreMetadata | None:
    """Metadata from the cache; None where the bytes are not that."""
    try:
        return _CODEC_DECODER.decode(content)
    except MALFORMED:
        return None


# ---------------------------------------------------------------- the end of a zip archive

_END = b"PK\x05\x06"
_ENTRY = struct.Struct("<4s6H3I5H2I")
_LOCAL = struct.Struct("<4s5H3I2H")

ReadSpan = Callable[[int, int], bytes]
"""`read(start, end)`: the bytes `start..end` (end excluded) of the archive."""


def metadata_from_tail(tail: bytes, total: int, read: ReadSpan, *, what: str) -> bytes | None:
    """`METADATA` of a wheel of `total` bytes whose last `len(tail)` bytes are known; `read` fetches more.

    None where the archive needs a full reader (zip64, another compression). Raises `ArchiveError`.
    """
    end = tail.rfind(_END)
    if end < 0 or len(tail) - end < 22:
        return None
    size, offset = struct.unpack_from("<II", tail, end + 12)
    if 0xFFFFFFFF in (size, offset):
        return None
    start_of_tail = total - len(tail)
    if offset + size > total:
        raise ArchiveError(f"{what} is not a valid wheel: its zip directory lies outside the file")
    directory = tail[offset - start_of_tail :][:size] if offset >= start_of_tail else read(offset, offset + size)
    entry = _find_entry(directory, what)
    if entry is None:
        return None
    method, compressed, local = entry

    def span(first: int, last: int) -> bytes:
        return tail[first - start_of_tail : last - start_of_tail] if first >= start_of_tail else read(first, last)

    # the local header's own lengths decide where the data begins; a guess saves one request
    block = span(local, min(total, local + _LOCAL.size + 512 + compressed))
    if len(block) < _LOCAL.size or block[:4] != b"PK\x03\x04":
        raise ArchiveError(f"{what} is not a valid wheel: the header of its METADATA is damaged")
    fields = _LOCAL.unpack_from(block)
    begin = _LOCAL.size + fields[9] + fields[10]
    data = block[begin : begin + compressed]
    if len(data) < compressed:
        data = span(local + begin, local + begin + compressed)
    return _inflate(data, method, what)


def _find_entry(directory: bytes, what: str) -> tuple[int, int, int] | None:
    """(method, compressed size, offset of the local header) of the top-level `*.dist-info/METADATA`."""
    position = 0
    while position + _ENTRY.size <= len(directory):
        fields = _ENTRY.unpack_from(directory, position)
        if fields[0] != b"PK\x01\x02":
            raise ArchiveError(f"{what} is not a valid wheel: its zip directory is damaged")
        name_length, extra_length, comment_length = fields[10], fields[11], fields[12]
        begin = position + _ENTRY.size
        name = directory[begin : begin + name_length]
        if name.endswith(b".dist-info/METADATA") and name.count(b"/") == 1:
            if 0xFFFFFFFF in (fields[8], fields[16]) or fields[4] not in (0, 8):
                return None
            if fields[9] > METADATA_LIMIT:
                raise ArchiveError(f"{what} has a METADATA of {fields[9]:,} bytes, which is refused")
            return fields[4], fields[8], fields[16]
        position = begin + name_length + extra_length + comment_length
    raise ArchiveError(f"{what} has no METADATA in a .dist-info folder")


def _inflate(data: bytes, method: int, what: str) -> bytes:
    if method == 0:
        return data
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = inflater.decompress(data, METADATA_LIMIT)
    except zlib.error as error:
        raise ArchiveError(f"the METADATA of {what} is damaged: {error}") from None
    if inflater.unconsumed_tail:
        raise ArchiveError(f"{what} has a METADATA that unpacks to more than {METADATA_LIMIT:,} bytes")
    return content
