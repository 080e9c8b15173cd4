"""What servers answer: complete responses, the pieces of a body, and the exception that ends one attempt."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import NetworkError
from .auth import shown
from .failures import Failure, from_transport

if TYPE_CHECKING:
    import httpx

    from ..progress import Phase

PIECE = 1 << 18
"""Bytes that are read at once."""

CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)\Z")


@dataclass(frozen=True, slots=True)
class Response:
    """A complete answer. Header names are in lower case; `url` is the one after redirects, without credentials."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    url: str
    from_cache: bool = False


@dataclass(frozen=True, slots=True)
class Download:
    """A file that arrived whole: digest in hex, bytes."""

    sha256: str
    size: int


class Retry(Exception):
    """An attempt failed; the failure says whether another one may help."""

    def __init__(self, failure: Failure) -> None:
        super().__init__()
        self.failure = failure


def lowered(headers: Mapping[str, str] | None) -> dict[str, str]:
    """Headers with their names in lower case."""
    return {name.lower(): value for name, value in (headers or {}).items()}


def pieces(response: httpx.Response, url: str) -> Iterator[bytes]:
    """The body as it arrives. Raises `Retry`."""
    import httpx  # lazy: it is here already

    try:
        if "content-encoding" in response.headers:
            yield from response.iter_bytes(PIECE)
        else:
            yield from response.iter_raw()
    except httpx.HTTPError as error:
        failure = from_transport(error, url)
    else:
        return
    raise Retry(failure)


def whole(response: httpx.Response, url: str, max_bytes: int | None, phase: Phase | None = None) -> bytes:
    """The body, at most `max_bytes` after decompression. Raises `Retry`, `NetworkError`."""
    found: list[bytes] = []
    size = 0
    try:
        for piece in pieces(response, url):
            size += len(piece)
            if max_bytes is not None and size > max_bytes:
                raise too_long(url, max_bytes)
            found.append(piece)
            if phase is not None:
                phase.advance(len(piece))
    except Retry:
        if phase is not None:
            phase.advance(-size)
        raise
    return b"".join(found)


def too_long(url: str, allowed: int) -> NetworkError:
    """The error for a body that is larger than anything sensible."""
    return NetworkError(f"{shown(url)} is longer than {allowed:,} bytes", url=shown(url))


def wrong_range(url: str) -> NetworkError:
    """The error for a part that nobody asked for."""
    return NetworkError(f"{shown(url)}: the server sent another part than was asked for", url=shown(url))


def fits(headers: Mapping[str, str], length: int, start: int | None, end: int | None, suffix: int | None) -> bool:
    """Whether a part (status 206) is the one that was asked for."""
    match = CONTENT_RANGE.match(headers.get("content-range", ""))
    if match is None:
        return False
    first, last = int(match[1]), int(match[2])
    if last - first + 1 != length:
        return False
    if suffix is not None:
        return match[3] != "*" and last == int(match[3]) - 1 and length <= suffix
    return first == (start or 0) and (end is None or last <= end)
