"""The two calls that the PyPI room makes, over plain httpx: for benchmarks and comparisons with peers, where nothing
of the product's own client (credentials, mirrors, retries) should be in the way.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pixi_core.errors import HttpStatusError
from tests.support.pypi_index import Answer

if TYPE_CHECKING:
    import httpx


@dataclass(slots=True)
class PlainFetcher:
    """`connections` bounds how many requests run at once; the HTTP library is loaded with the first one."""

    connections: int = 8
    requests: int = 0
    _client: httpx.Client | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _turns: threading.Semaphore | None = None

    def get_bytes(self, url: str, *, headers: Mapping[str, str] | None = None, max_bytes: int | None = None) -> Answer:
        """The whole body."""
        return self._ask(url, headers or {})

    def get_range(
        self, url: str, start: int | None = None, end: int | None = None, *, suffix: int | None = None
    ) -> Answer:
        """A part of the body."""
        return self._ask(url, {"Range": f"bytes=-{suffix}" if suffix is not None else f"bytes={start}-{end}"})

    def close(self) -> None:
        """Release the connections."""
        if self._client is not None:
            self._client.close()

    def _ask(self, url: str, headers: Mapping[str, str]) -> Answer:
        with self._lock:
            if self._client is None:
                import httpx

                self._client = httpx.Client(follow_redirects=True, timeout=60)
                self._turns = threading.Semaphore(self.connections)
            client, turns = self._client, self._turns
            self.requests += 1
        assert turns is not None
        with turns:
            response = client.get(url, headers=dict(headers))
        if response.status_code >= 400:
            raise HttpStatusError(f"status {response.status_code}", url=url, status=response.status_code)
        return Answer(response.status_code, response.headers, response.content, str(response.url))
