"""Decompression with limits: what a server sends must not fill the memory."""

from __future__ import annotations

import threading

from ..errors import NetworkError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import zstandard

RATIO = 250
"""How many times larger than its compressed form an index may be; real ones reach about thirty."""

ALWAYS = 64 << 20
"""Bytes that are allowed whatever the ratio."""

_THREAD = threading.local()

_PIECE = 4096
"""Compressed bytes at once: what they become, 128 MB at the worst, is in memory before it is counted."""


def unzstd(content: bytes, *, url: str, most: int) -> bytes:
    """The plain bytes of a zstd frame, at most `most`. Raises `NetworkError` (with `url`)."""
    import zstandard

    allowed = _allowed(content, most)
    try:
        size = zstandard.frame_content_size(content)
        if 0 <= size <= allowed:  # the frame says how much it is, and cannot become more
            return _decompressor().decompress(content, max_output_size=size)
    except zstandard.ZstdError as error:
        raise NetworkError(f"{url} cannot be decompressed: {error}", url=url) from None
    frame = _decompressor().decompressobj()
    found: list[bytes] = []
    size = 0
    try:
        for start in range(0, len(content), _PIECE):
            plain = frame.decompress(content[start : start + _PIECE])
            size += len(plain)
            found.append(plain)
            if size > allowed or frame.eof:
                break
    except zstandard.ZstdError as error:
        raise NetworkError(f"{url} cannot be decompressed: {error}", url=url) from None
    _check(size, allowed, whole=frame.eof, url=url)
    return b"".join(found)


def _decompressor() -> zstandard.ZstdDecompressor:
    """One for each thread: making one costs more than a small shard."""
    import zstandard

    try:
        found: zstandard.ZstdDecompressor = _THREAD.decompressor
    except AttributeError:
        found = _THREAD.decompressor = zstandard.ZstdDecompressor()
    return found


def unbzip2(content: bytes, *, url: str, most: int) -> bytes:
    """The plain bytes of a bzip2 stream, at most `most`. Raises `NetworkError` (with `url`)."""
    import bz2

    stream = bz2.BZ2Decompressor()
    allowed = _allowed(content, most)
    try:
        plain = stream.decompress(content, allowed + 1)
    except (ValueError, OSError) as error:
        raise NetworkError(f"{url} cannot be decompressed: {error}", url=url) from None
    _check(len(plain), allowed, whole=stream.eof, url=url)
    return plain


def _allowed(content: bytes, most: int) -> int:
    return min(most, max(ALWAYS, RATIO * len(content)))


def _check(size: int, allowed: int, *, whole: bool, url: str) -> None:
    if size > allowed:
        raise NetworkError(
            f"{url} takes more than {allowed:,} bytes when it is decompressed",
            url=url,
            hints=["no real index is like that: tell the owner of the channel"],
        )
    if not whole:
        raise NetworkError(f"{url} cannot be decompressed: its end is missing", url=url)
