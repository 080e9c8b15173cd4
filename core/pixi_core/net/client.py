"""The HTTP client: retries, resumes, redirects, mirrors, credentials, digests while streaming, offline.

Importing this module costs nothing much; the HTTP library is imported by the first request to a server.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self, TypeVar
from urllib.parse import urljoin, urlsplit

from ..errors import ArchiveError, Cancelled, HashMismatch, HttpStatusError, NetworkError, Offline
from ..progress import SILENT, Phase, Reporter
from .auth import Credential, shown
from .config import NetConfig
from .failures import Failure, from_status, from_transport, html_instead, truncated
from .local import local_path, opening_failed
from .mirrors import candidates
from .retry import pause, retry_after

if TYPE_CHECKING:
    import httpx

    from .transport import Transport

T = TypeVar("T")
_PIECE = 1 << 18
_REDIRECTS = frozenset([301, 302, 303, 307, 308])
_CONDITIONS = frozenset(["if-none-match", "if-modified-since"])
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)\Z")
Stop = Callable[[], bool]


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


class _Retry(Exception):
    """An attempt failed."""

    def __init__(self, failure: Failure) -> None:
        super().__init__()
        self.failure = failure


class Client:
    """Safe to use from many threads. Use as a context manager, or `close` it.

    Every request raises `Offline`, `HttpStatusError` (400 and above), `Truncated` or another `NetworkError`.
    """

    def __init__(self, config: NetConfig | None = None, *, reporter: Reporter = SILENT) -> None:
        self.config = NetConfig() if config is None else config
        self._reporter = reporter
        self._guard = threading.Lock()
        self._hosts: dict[str, threading.BoundedSemaphore] = {}
        self._transport: Transport | None = None
        self._told = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection; the client can be used again."""
        with self._guard:
            transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()

    # ------------------------------------------------------------ requests

    def get_bytes(
        self, url: str, *, headers: Mapping[str, str] | None = None, max_bytes: int | None = None
    ) -> Response:
        """The whole body, at most `max_bytes` of it. 304 is an answer only to conditional `headers`."""
        if url.startswith("file:"):
            return self._local(url, max_bytes)
        asked = {"accept-encoding": "gzip", **_lowered(headers)}

        def attempt(place: str) -> Response:
            with self._request(place, asked) as (response, final):
                if response.status_code == 304 and not asked.keys() & _CONDITIONS:
                    raise _Retry(from_status(304, final, wait=None, known_user=False))
                if response.status_code == 206:
                    raise _Retry(Failure(_wrong_range(final), again=False))
                return Response(
                    response.status_code, _headers(response), _read(response, final, max_bytes), shown(final)
                )

        return self._try_all(url, attempt)

    def head(self, url: str, *, headers: Mapping[str, str] | None = None) -> Response:
        """Status and headers only."""
        if url.startswith("file:"):
            path = local_path(url)
            try:
                size = path.stat().st_size
            except OSError as error:
                raise opening_failed(error, url, path) from None
            return Response(200, {"content-length": str(size), "accept-ranges": "bytes"}, b"", url)

        def attempt(place: str) -> Response:
            with self._request(place, {"accept-encoding": "identity", **_lowered(headers)}, method="HEAD") as (
                response,
                final,
            ):
                return Response(response.status_code, _headers(response), b"", shown(final))

        return self._try_all(url, attempt)

    def get_range(
        self, url: str, start: int | None = None, end: int | None = None, *, suffix: int | None = None
    ) -> Response:
        """Bytes `start..end` (both included) or the last `suffix` bytes: status 206 with a checked `content-range`, or
        200 with everything where the server knows no ranges.
        """
        wanted = f"bytes=-{suffix}" if suffix is not None else f"bytes={start or 0}-{'' if end is None else end}"
        if url.startswith("file:"):
            return self._local_range(url, start, end, suffix)

        def attempt(place: str) -> Response:
            with self._request(place, {"accept-encoding": "identity", "range": wanted}) as (response, final):
                content = _read(response, final, None)
                headers = _headers(response)
                if response.status_code == 206 and not _fits(headers, len(content), start, end, suffix):
                    raise _Retry(Failure(_wrong_range(final), again=False))
                return Response(response.status_code, headers, content, shown(final))

        return self._try_all(url, attempt)

    @contextmanager
    def stream(self, url: str, *, headers: Mapping[str, str] | None = None) -> Iterator[Iterator[bytes]]:
        """The body in pieces as they arrive, decompressed; retried only until the first one is there."""
        if url.startswith("file:"):
            path = local_path(url)
            try:
                file = open(path, "rb")  # noqa: SIM115 - closed below
            except OSError as error:
                raise opening_failed(error, url, path) from None
            with file:
                yield iter(lambda: file.read(_PIECE), b"")
            return
        opened = self._try_all(url, lambda place: self._open(place, _lowered(headers)))
        manager, (response, final) = opened
        try:
            yield _pieces(response, final)
        except _Retry as error:
            raise error.failure.error from None
        finally:
            manager.__exit__(None, None, None)

    def _open(self, place: str, headers: dict[str, str]) -> tuple[_Request, tuple[httpx.Response, str]]:
        manager = self._request(place, {"accept-encoding": "gzip", **headers})
        return manager, manager.__enter__()

    # ------------------------------------------------------------ downloads

    def download(
        self,
        url: str,
        target: BinaryIO,
        *,
        sha256: str | None = None,
        md5: str | None = None,
        size: int | None = None,
        phase: Phase | None = None,
        should_stop: Stop | None = None,
    ) -> Download:
        """A file into `target` (open for writing, seekable), checked while it arrives. A broken download goes on where
        it stopped when a digest will tell whether the parts fit. Raises also `HashMismatch`, `ArchiveError` (more
        bytes than promised), `Cancelled`, and `OSError` from the target.
        """
        job = _Job(target, sha256, md5, size, phase or Phase(), should_stop)
        if url.startswith("file:"):
            path = local_path(url)
            try:
                file = open(path, "rb")  # noqa: SIM115 - closed below
            except OSError as error:
                raise opening_failed(error, url, path) from None
            with file:
                for piece in iter(lambda: file.read(_PIECE), b""):
                    job.take(piece, url)
            try:
                return job.finish(url)
            except _Retry as error:
                raise error.failure.error from None

        def attempt(place: str) -> Download:
            headers = {"accept-encoding": "identity"}
            if job.received and job.checked:
                headers["range"] = f"bytes={job.received}-"
            elif job.received:
                job.restart()
            try:
                with self._request(place, headers) as (response, final):
                    job.begin(response, final)
                    for piece in _pieces(response, final):
                        job.take(piece, final)
                return job.finish(final)
            except HashMismatch:
                if job.mismatched:
                    raise
                # the bytes may have been hurt on their way: once more from the start
                job.mismatched = True
                job.restart()
                raise _Retry(Failure(truncated(shown(place)), again=True)) from None

        return self._try_all(url, attempt)

    # ------------------------------------------------------------ attempts

    def _try_all(self, url: str, attempt: Callable[[str], T]) -> T:
        """The first success among the mirrors of a URL, each with its retries."""
        clean = self.config.credentials.taken_from(url)
        if self.config.offline:
            raise Offline(
                f"{shown(clean)} is not in the cache, and the network is switched off",
                url=shown(clean),
                hints=["run the command once without `--offline`"],
            )
        if not clean.startswith(("http://", "https://")):
            raise NetworkError(
                f"{shown(clean)}: this kind of URL cannot be fetched",
                url=shown(clean),
                hints=["use https:// or file://"],
            )
        places = candidates(clean, self.config.mirrors)
        last: NetworkError | ArchiveError | None = None
        for place in places:
            try:
                return self._try(self.config.credentials.taken_from(place), attempt)
            except (NetworkError, HashMismatch) as error:
                last = error
        assert last is not None
        raise last

    def _try(self, place: str, attempt: Callable[[str], T]) -> T:
        number = 0
        while True:
            try:
                return attempt(place)
            except _Retry as error:
                failure = error.failure
            number += 1
            wait = pause(number, failure.wait, self.config.jitter)
            if not failure.again or number > self.config.retries or wait > self.config.longest_wait:
                raise failure.error
            self.config.sleep(wait)

    def _request(self, url: str, headers: dict[str, str], *, method: str = "GET") -> _Request:
        return _Request(self, url, headers, method)

    def sender(self) -> Transport:
        """The transport, made by the first request."""
        with self._guard:
            if self._transport is None:
                from .transport import Transport  # lazy: 200 ms

                self._transport = Transport(self.config)
                if self.config.tls_no_verify and not self._told:
                    self._told = True
                    self._reporter.warning("certificates are not checked (tls-no-verify): anybody may answer")
            return self._transport

    def turn(self, host: str) -> threading.BoundedSemaphore:
        """What bounds the requests that one host sees at once."""
        with self._guard:
            return self._hosts.setdefault(host, threading.BoundedSemaphore(self.config.per_host))

    # ------------------------------------------------------------ file://

    def _local(self, url: str, max_bytes: int | None) -> Response:
        path = local_path(url)
        try:
            with open(path, "rb") as file:
                content = file.read() if max_bytes is None else file.read(max_bytes + 1)
        except OSError as error:
            raise opening_failed(error, url, path) from None
        if max_bytes is not None and len(content) > max_bytes:
            raise _too_long(url, max_bytes)
        return Response(200, {"content-length": str(len(content))}, content, url)

    def _local_range(self, url: str, start: int | None, end: int | None, suffix: int | None) -> Response:
        path = local_path(url)
        try:
            with open(path, "rb") as file:
                total = file.seek(0, 2)
                first = max(0, total - suffix) if suffix is not None else start or 0
                last = total - 1 if end is None else min(end, total - 1)
                if first > last:
                    raise HttpStatusError(f"{path} has only {total} bytes", url=url, status=416)
                file.seek(first)
                content = file.read(last - first + 1)
        except OSError as error:
            raise opening_failed(error, url, path) from None
        return Response(206, {"content-range": f"bytes {first}-{last}/{total}"}, content, url)


class _Request:
    """One request with its redirects, as a context manager that gives the last response and its URL."""

    def __init__(self, client: Client, url: str, headers: dict[str, str], method: str) -> None:
        self._client = client
        self._url = url
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
        url, headers, config = self._url, self._headers, self._client.config
        for _ in range(config.redirects + 1):
            credential = config.credentials.find(url)
            response = self._send(url, headers, credential)
            if response.status_code in (401, 403) and credential is None:
                credential = config.credentials.ask_keyring(url)
                if credential is not None:
                    self._leave()
                    response = self._send(url, headers, credential)
            if response.status_code not in _REDIRECTS or "location" not in response.headers:
                if response.status_code >= 400:
                    wait = retry_after(_headers(response))
                    raise _Retry(from_status(response.status_code, url, wait=wait, known_user=credential is not None))
                return response, url
            following = config.credentials.taken_from(urljoin(url, response.headers["location"]))
            headers = self._checked(url, following, headers)
            self._leave()
            url = following
        raise _Retry(
            Failure(
                NetworkError(f"{shown(self._url)}: more than {config.redirects} redirects", url=shown(self._url)),
                again=False,
            )
        )

    @staticmethod
    def _checked(url: str, following: str, headers: dict[str, str]) -> dict[str, str]:
        """Headers for a redirect: never down to plain http or to another scheme, and no secrets for another place."""
        old, new = urlsplit(url), urlsplit(following)
        if new.scheme not in ("http", "https") or (old.scheme == "https" and new.scheme == "http"):
            raise _Retry(
                Failure(
                    NetworkError(
                        f"{shown(url)}: redirected to {shown(following)}, which is not safe",
                        url=shown(url),
                        hints=["use the final https:// address itself"],
                    ),
                    again=False,
                )
            )
        if (old.scheme, old.netloc) == (new.scheme, new.netloc):
            return headers
        return {name: value for name, value in headers.items() if name not in ("authorization", "cookie")}

    def _send(self, url: str, headers: dict[str, str], credential: Credential | None) -> httpx.Response:
        import httpx  # lazy: 200 ms

        asked = dict(headers)
        address = url
        if credential is not None:
            address = credential.url(url)
            value = credential.header()
            if value is not None:
                asked["authorization"] = value
        transport = self._client.sender()
        turn = self._client.turn(urlsplit(url).netloc)
        turn.acquire()
        self._turn = turn
        try:
            self._response = transport.send(address, asked, method=self._method)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            failure = from_transport(error, url)
        else:
            return self._response
        raise _Retry(failure)


class _Job:
    """A download in the making."""

    def __init__(
        self, target: BinaryIO, sha256: str | None, md5: str | None, size: int | None, phase: Phase, stop: Stop | None
    ) -> None:
        self._target = target
        self._sha256, self._md5, self._size = sha256, md5, size
        self._phase = phase
        self._stop = stop
        self.checked = bool(sha256 or md5)
        self.mismatched = False
        self._start = target.tell()
        self._expected: int | None = None
        self._fresh()

    def _fresh(self) -> None:
        self.received = 0
        self._hash = hashlib.sha256()
        self._old_hash = hashlib.md5(usedforsecurity=False) if self._md5 and not self._sha256 else None

    def restart(self) -> None:
        """Forget what came so far."""
        self._phase.advance(-self.received)
        self._target.seek(self._start)
        self._target.truncate()
        self._fresh()

    def begin(self, response: httpx.Response, url: str) -> None:
        """Look at the headers of an answer before its body is taken."""
        headers = _headers(response)
        if response.status_code == 206:
            match = _CONTENT_RANGE.match(headers.get("content-range", ""))
            if not self.received or match is None or int(match[1]) != self.received:
                self.restart()
                raise _Retry(Failure(_wrong_range(url), again=True))
            self._expected = None if match[3] == "*" else int(match[3])
        else:
            if response.status_code != 200:
                raise _Retry(from_status(response.status_code, url, wait=None, known_user=False))
            if self.received:
                self.restart()
            length = headers.get("content-length", "")
            self._expected = int(length) if length.isdigit() and "content-encoding" not in headers else None
        self._html = headers.get("content-type", "").startswith("text/html")

    _html = False

    def take(self, piece: bytes, url: str) -> None:
        """Some more bytes."""
        if self._stop is not None and self._stop():
            raise Cancelled
        if self._html and not self.received and piece.lstrip()[:1] == b"<":
            raise html_instead(url)
        if self._size is not None and self.received + len(piece) > self._size:
            raise ArchiveError(
                f"{shown(url)} is longer than the {self._size:,} bytes that it should have",
                hints=["the server has another file under this name: update the lock file, or tell its owner"],
            )
        self._hash.update(piece)
        if self._old_hash is not None:
            self._old_hash.update(piece)
        self._target.write(piece)
        self.received += len(piece)
        self._phase.advance(len(piece))

    def finish(self, url: str) -> Download:
        """Check what came."""
        expected = self._expected if self._size is None else self._size
        if expected is not None and self.received < expected:
            raise _Retry(Failure(truncated(shown(url), received=self.received, expected=expected), again=True))
        actual = self._hash.hexdigest()
        wanted, found = (
            (self._sha256, actual)
            if self._sha256
            else (self._md5, self._old_hash.hexdigest() if self._old_hash is not None else "")
        )
        if wanted and wanted.lower() != found:
            raise HashMismatch(
                shown(url),
                expected=wanted.lower(),
                actual=found,
                hints=["the server has another file than the lock file or the index says; nothing was installed"],
            )
        return Download(actual, self.received)


# ---------------------------------------------------------------- bodies and headers


def _lowered(headers: Mapping[str, str] | None) -> dict[str, str]:
    return {name.lower(): value for name, value in (headers or {}).items()}


def _headers(response: httpx.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def _pieces(response: httpx.Response, url: str) -> Iterator[bytes]:
    """The body as it arrives. Raises `_Retry`."""
    import httpx  # lazy: it is here already

    try:
        if "content-encoding" in response.headers:
            yield from response.iter_bytes(_PIECE)
        else:
            yield from response.iter_raw()
    except httpx.HTTPError as error:
        failure = from_transport(error, url)
    else:
        return
    raise _Retry(failure)


def _read(response: httpx.Response, url: str, max_bytes: int | None) -> bytes:
    pieces, size = [], 0
    for piece in _pieces(response, url):
        size += len(piece)
        if max_bytes is not None and size > max_bytes:
            raise _too_long(url, max_bytes)
        pieces.append(piece)
    return b"".join(pieces)


def _too_long(url: str, allowed: int) -> NetworkError:
    return NetworkError(f"{shown(url)} is longer than {allowed:,} bytes", url=shown(url))


def _wrong_range(url: str) -> NetworkError:
    return NetworkError(f"{shown(url)}: the server sent another part than was asked for", url=shown(url))


def _fits(headers: Mapping[str, str], length: int, start: int | None, end: int | None, suffix: int | None) -> bool:
    """Whether a part is the one that was asked for."""
    match = _CONTENT_RANGE.match(headers.get("content-range", ""))
    if match is None:
        return False
    first, last = int(match[1]), int(match[2])
    if last - first + 1 != length:
        return False
    if suffix is not None:
        return match[3] != "*" and last == int(match[3]) - 1 and length <= suffix
    return first == (start or 0) and (end is None or last <= end)
