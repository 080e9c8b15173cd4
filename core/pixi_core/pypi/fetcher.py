"""What this room asks of an HTTP client: two calls, so that a test's index can stand in for a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Response(Protocol):
    """A complete answer. `url` is the one after redirects."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    @property
    def content(self) -> bytes: ...

    @property
    def url(self) -> str: ...


class Fetcher(Protocol):
    """Safe to call from many threads; bounds its own concurrency; retries by itself.

    Raises `HttpStatusError` for every status from 400 on, `Offline` and `NetworkError` for the rest.
    """

    def get_bytes(
        self, url: str, *, headers: Mapping[str, str] | None = None, max_bytes: int | None = None
    ) -> Response:
        """The whole body."""
        ...

    def get_range(
        self, url: str, start: int | None = None, end: int | None = None, *, suffix: int | None = None
    ) -> Response:
        """Bytes `start..end` (both included) or the last `suffix` bytes; status 200 where the server sent all."""
        ...


def header(response: Response, name: str) -> str:
    """A header's value, empty where it is missing; names are compared without case."""
    wanted = name.lower()
    for key, value in response.headers.items():
        if key.lower() == wanted:
            return value
    return ""
