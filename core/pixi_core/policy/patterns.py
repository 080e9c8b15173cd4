"""Address patterns: `https://mirror.example/conda/*`, which stands for every address that begins so.

A pattern covers an address with the same scheme and host whose path begins with the pattern's, segment by segment; `*`
is any text inside one segment, or any beginning of a host (`*.example.org`). What could be read in two ways (dot
segments, backslashes, encoded slashes) is covered by nothing.
"""

from __future__ import annotations

import re
from functools import cache
from urllib.parse import unquote, urlsplit

from ..errors import SpecError
from ..value import Value

_DEFAULT_PORTS = {"http": 80, "https": 443}
_ODD = re.compile(r"[\\\x00-\x20\x7f]")
_PREFIX = re.compile(r"(git|direct)\+", re.IGNORECASE)


class Address(Value):
    """An address in parts that can be compared: no credentials, no default port, no query, segments decoded."""

    scheme: str
    host: str
    segments: tuple[str, ...]


def address(url: str) -> Address | None:
    """The parts of an absolute URL; None for what is none, and for what could be read in two ways."""
    bare = _PREFIX.sub("", url.partition("#")[0], count=1)
    if _ODD.search(bare) or "://" not in bare:
        return None
    try:
        parts = urlsplit(bare)
        port = parts.port
    except ValueError:
        return None
    scheme, host = parts.scheme.lower(), (parts.hostname or "").rstrip(".")
    if port is not None and port != _DEFAULT_PORTS.get(scheme):
        host = f"{host}:{port}"
    path = parts.path.removeprefix("/").rstrip("/")
    segments = tuple(unquote(segment) for segment in path.split("/")) if path else ()
    if any(segment in (".", "..") or not {"/", "\\"}.isdisjoint(segment) for segment in segments):
        return None
    return Address(scheme, host, segments)


def check_pattern(text: str) -> str:
    """The pattern, if it is one. Raises `SpecError`."""
    if address(text) is None:
        raise SpecError(
            f"'{text}' is no address pattern", source=text, hints=["write the beginning of a URL: `https://host/path`"]
        )
    return text


def covers(pattern: str, url: str) -> bool:
    """Whether an address begins as the pattern says."""
    wanted, found = address(pattern), address(url)
    if wanted is None or found is None or wanted.scheme != found.scheme or len(wanted.segments) > len(found.segments):
        return False
    pairs = [(wanted.host, found.host), *zip(wanted.segments, found.segments, strict=False)]
    return all(_expression(one).fullmatch(other) is not None for one, other in pairs)


@cache
def _expression(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, text.split("*"))), re.DOTALL)
