"""One request with its redirects."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from ..errors import NetworkError
from .answers import Retry, lowered
from .auth import shown
from .failures import Failure, from_status, from_transport
from .openers import ByCredential, Opener
from .retry import retry_after

if TYPE_CHECKING:
    import httpx

    from .client import Client

_REDIRECTS = frozenset([301, 302, 303, 307, 308])


@dataclass(frozen=True, slots=True)
class Address:
    """Where something is really asked for: an http(s) URL, and what opens it. `name` is the URL that people know it by;
    `sha256` (hex) is the digest that the body must have, where the place itself says so.
    """

    url: str
    opener: Opener
    name: str
    sha256: str | None = None


class Request:
    """A context manager that gives the last response and its URL, for messages. Raises `Retry`, `NetworkError`."""

    def __init__(self, client: Client, address: Address, headers: dict[str, str], method: str = "GET") -> None:
        self._client = client
        self._address = address
        self._headers = headers
        self._method = method
        self._response: httpx.Response | None = None
        self._turn: threading.BoundedSemaphore | None = None

    def __enter__(self) -> tuple[httpx.Response, str]:
        try:
            return self._follow()
        except BaseException:
            self._leave()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def _leave(self) -> None:
        if self._response is not None:
            self._response.close()
            self._response = None
        if self._turn is not None:
            self._turn.release()
            self._turn = None

    def _follow(self) -> tuple[httpx.Response, str]:
        address, headers, config = self._address, self._headers, self._client.config
        for _ in range(config.redirects + 1):
            response, known_user = self._ask(address, headers)
            if response.status_code not in _REDIRECTS or "location" not in response.headers:
                if response.status_code >= 400:
                    wait = retry_after(lowered(response.headers), config.now)
                    raise Retry(from_status(response.status_code, address.name, wait=wait, known_user=known_user))
                return response, address.name
            following = config.credentials.taken_from(urljoin(address.url, response.headers["location"]))
            headers = _still_safe(address.url, following, headers)
            if _origin(address.url) == _origin(following):
                address = replace(address, url=following, name=following)
            else:
                address = Address(following, ByCredential(config.credentials), following)
            self._leave()
        name = shown(self._address.name)
        raise Retry(Failure(NetworkError(f"{name}: more than {config.redirects} redirects", url=name), again=False))

    def _ask(self, address: Address, headers: dict[str, str]) -> tuple[httpx.Response, bool]:
        """The answer to one request, repeated once when there is something else to show at the door."""
        response, known_user = self._send(address, headers)
        if response.status_code in (401, 403):
            told = lowered(response.headers)
            self._leave()  # whatever the opener asks must not wait for our own turn
            if address.opener.refused(address.url, response.status_code, told):
                return self._send(address, headers)
        return response, known_user

    def _send(self, address: Address, headers: dict[str, str]) -> tuple[httpx.Response, bool]:
        import httpx  # lazy: 200 ms

        ready = address.opener.show(self._method, address.url, headers)
        transport = self._client.sender()
        turn = self._client.turn(urlsplit(address.url).netloc)
        turn.acquire()
        self._turn = turn
        try:
            self._response = transport.send(ready.url, dict(ready.headers), method=self._method)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            failure = from_transport(error, address.name)
        else:
            return self._response, ready.known_user
        raise Retry(failure)


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _still_safe(url: str, following: str, headers: dict[str, str]) -> dict[str, str]:
    """Headers for a redirect: never down to plain http or to another scheme, and no secrets for another place."""
    old, new = urlsplit(url), urlsplit(following)
    if new.scheme not in ("http", "https") or (old.scheme == "https" and new.scheme == "http"):
        raise Retry(
            Failure(
                NetworkError(
                    f"{shown(url)}: redirected to {shown(following)}, which is not safe",
                    url=shown(url),
                    hints=["use the final https:// address itself"],
                ),
                again=False,
            )
        )
    if _origin(url) == _origin(following):
        return headers
    return {name: value for name, value in headers.items() if name not in ("authorization", "cookie")}
