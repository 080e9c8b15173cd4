"""What went wrong with a request, as one of our errors, with what to do about it."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import HttpStatusError, NetworkError, Offline, Truncated
from .auth import shown

if TYPE_CHECKING:
    import httpx

RETRIED = frozenset([408, 425, 429, 500, 502, 503, 504])
"""Statuses that may be better in a moment."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An error, and whether another attempt may help. `wait` is what the server asked for, in seconds."""

    error: NetworkError
    again: bool
    wait: float | None = None


def from_transport(error: httpx.HTTPError | httpx.InvalidURL, url: str) -> Failure:
    """A failure below HTTP: names, connections, TLS, time, broken bodies."""
    import ssl  # lazy: both are here already when there is such an error

    import httpx

    place = shown(url)
    host = place.split("/")[2] if "://" in place else place
    cause = _causes(error)
    if any(isinstance(one, ssl.SSLCertVerificationError) for one in cause) or "CERTIFICATE_VERIFY" in str(error):
        return Failure(_certificate(cause, host, place), again=False)
    if isinstance(error, httpx.ProxyError):
        return Failure(_proxy(str(error), place), again=False)
    if isinstance(error, httpx.ConnectTimeout):
        return Failure(Offline(f"{host} does not answer", url=place, hints=_REACH), again=True)
    if isinstance(error, httpx.TimeoutException):
        return Failure(
            NetworkError(f"{place}: the server stopped sending", url=place, hints=["try again later"]), again=True
        )
    if isinstance(error, httpx.ConnectError):
        if any(isinstance(one, socket.gaierror) for one in cause) or "Name or service" in str(error):
            return Failure(Offline(f"the name {host} is not known", url=place, hints=_REACH), again=True)
        if any(isinstance(one, ssl.SSLError) for one in cause) or "SSL" in str(error):
            return Failure(
                NetworkError(f"{host} does not speak TLS", url=place, hints=["check the URL's scheme"]), again=False
            )
        return Failure(Offline(f"cannot connect to {host}", url=place, hints=_REACH), again=True)
    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError | httpx.CloseError):
        return Failure(truncated(place), again=True)
    if isinstance(error, httpx.DecodingError):
        return Failure(NetworkError(f"{place}: the body is not compressed as it says", url=place), again=True)
    return Failure(NetworkError(f"{place}: {type(error).__name__}", url=place), again=False)


_REACH = ["check the connection and the proxy settings, or work from the cache with `--offline`"]


def truncated(place: str, *, received: int | None = None, expected: int | None = None) -> Truncated:
    """The error for a body that ended early."""
    numbers = "" if expected is None else f" after {received or 0:,} of {expected:,} bytes"
    return Truncated(
        f"{place}: the download was truncated{numbers}", url=place, hints=["the connection broke; run it again"]
    )


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and len(found) < 10:
        found.append(one)
        one = one.__cause__ or one.__context__
    return found


def _certificate(causes: list[BaseException], host: str, place: str) -> NetworkError:
    told = next((one.verify_message for one in causes if hasattr(one, "verify_message")), "")
    return NetworkError(
        f"the certificate of {host} cannot be trusted" + (f": {told}" if told else ""),
        url=place,
        hints=[
            "if your network has its own certificate authority, name its file in SSL_CERT_FILE",
            "check the machine's clock: certificates are valid for a time",
        ],
    )


def _proxy(text: str, place: str) -> NetworkError:
    if "407" in text:
        return NetworkError(
            f"{place}: the proxy wants to know who you are (407)",
            url=place,
            hints=["write user and password into HTTPS_PROXY: http://user:password@proxy:port"],
        )
    return NetworkError(f"{place}: the proxy refused the connection", url=place, hints=["check HTTPS_PROXY, NO_PROXY"])


def from_status(status: int, url: str, *, wait: float | None, known_user: bool) -> Failure:
    """A status that is not success."""
    place = shown(url)
    hints: list[str] = []
    if status in (401, 403):
        host = place.split("/")[2]
        hints.append(
            f"the stored credentials for {host} were not accepted"
            if known_user
            else f"if {host} wants credentials, put them into ~/.rattler/credentials.json or .netrc"
        )
    elif status == 407:
        hints.append("write user and password into HTTPS_PROXY: http://user:password@proxy:port")
    elif status == 429:
        hints.append("the server wants fewer requests: try again later")
    elif status >= 500:
        hints.append("the server has a problem: try again later, or use a mirror")
    error = HttpStatusError(f"{place}: the server answered {status}", url=place, status=status, hints=hints)
    return Failure(error, again=status in RETRIED, wait=wait)


def html_instead(url: str) -> NetworkError:
    """A web page where a file should be: the login page of a network, mostly."""
    return NetworkError(
        f"{shown(url)}: a web page came instead of the file",
        url=shown(url),
        hints=["some networks answer everything with a login page: open a browser and log in"],
    )
