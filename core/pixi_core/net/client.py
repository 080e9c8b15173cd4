"""The HTTP client: retries, resumes, mirrors, digests while streaming, offline.

Importing this module costs nothing much; the HTTP library is imported by the first request to a server. `request` has
redirects and credentials, `job` a download in the making, `local`, `oci` and `s3` the other kinds of URLs.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self, TypeVar

from ..errors import ArchiveError, HashMismatch, NetworkError, Offline
from ..progress import SILENT, Phase, Reporter
from . import local
from .answers import PIECE, Download, Response, Retry, fits, lowered, pieces, whole, wrong_range
from .auth import shown
from .config import NetConfig
from .failures import Failure, from_status, truncated
from .job import DownloadJob, Stop
from .mirrors import candidates
from .openers import ByCredential
from .request import Address, Request
from .retry import pause

if TYPE_CHECKING:
    import httpx

    from .oci import Registries
    from .s3 import Buckets
    from .transport import Transport

__all__ = ["Client", "Download", "Response"]

T = TypeVar("T")
_CONDITIONS = frozenset(["if-none-match", "if-modified-since"])


class Client:
    """Safe to use from many threads. Use as a context manager, or `close` it.

    URLs may be `http(s)://`, `file://`, `oci://` and `s3://`. Every request raises `Offline`, `HttpStatusError` (400
    and above), `Truncated` or another `NetworkError`.
    """

    def __init__(self, config: NetConfig | None = None, *, reporter: Reporter = SILENT) -> None:
        self.config = NetConfig() if config is None else config
        self._reporter = reporter
        self._guard = threading.Lock()
        self._hosts: dict[str, threading.BoundedSemaphore] = {}
        self._transport: Transport | None = None
        self._registries: Registries | None = None
        self._buckets: Buckets | None = None
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
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
        phase: Phase | None = None,
    ) -> Response:
        """The whole body, at most `max_bytes` of it; its bytes advance `phase`. 304 is an answer only to conditional
        `headers`.
        """
        if url.startswith("file:"):
            return local.read_file(url, max_bytes)
        asked = {"accept-encoding": "gzip", **lowered(headers)}
        return self._try_all(url, lambda place: self._page(self._locate(place), asked, max_bytes, phase))

    def _page(
        self, address: Address, headers: dict[str, str], max_bytes: int | None, phase: Phase | None = None
    ) -> Response:
        """One attempt."""
        tag = f'"sha256:{address.sha256}"'
        if address.sha256 is not None and headers.get("if-none-match") == tag:
            # the registry has just said which bytes these are
            return Response(304, {"etag": tag}, b"", shown(address.name))
        with Request(self, address, headers) as (response, final):
            if response.status_code == 304 and not headers.keys() & _CONDITIONS:
                raise Retry(from_status(304, final, wait=None, known_user=False))
            if response.status_code == 206:
                raise Retry(Failure(wrong_range(final), again=False))
            content = whole(response, final, max_bytes, phase)
            told = lowered(response.headers)
            if address.sha256 is not None:
                if hashlib.sha256(content).hexdigest() != address.sha256:
                    raise Retry(Failure(truncated(shown(final)), again=True))
                told["etag"] = tag
            return Response(response.status_code, told, content, shown(final))

    def head(self, url: str, *, headers: Mapping[str, str] | None = None) -> Response:
        """Status and headers only."""
        if url.startswith("file:"):
            return local.read_head(url)
        asked = {"accept-encoding": "identity", **lowered(headers)}

        def attempt(place: str) -> Response:
            with Request(self, self._locate(place), asked, "HEAD") as (response, final):
                return Response(response.status_code, lowered(response.headers), b"", shown(final))

        return self._try_all(url, attempt)

    def get_range(
        self, url: str, start: int | None = None, end: int | None = None, *, suffix: int | None = None
    ) -> Response:
        """Bytes `start..end` (both included) or the last `suffix` bytes: status 206 with a checked `content-range`, or
        200 with everything where the server knows no ranges.
        """
        if url.startswith("file:"):
            return local.read_part(url, start, end, suffix)
        wanted = f"bytes=-{suffix}" if suffix is not None else f"bytes={start or 0}-{'' if end is None else end}"
        asked = {"accept-encoding": "identity", "range": wanted}

        def attempt(place: str) -> Response:
            with Request(self, self._locate(place), asked) as (response, final):
                content = whole(response, final, None)
                headers = lowered(response.headers)
                if response.status_code == 206 and not fits(headers, len(content), start, end, suffix):
                    raise Retry(Failure(wrong_range(final), again=False))
                return Response(response.status_code, headers, content, shown(final))

        return self._try_all(url, attempt)

    @contextmanager
    def stream(self, url: str, *, headers: Mapping[str, str] | None = None) -> Iterator[Iterator[bytes]]:
        """The body in pieces as they arrive, decompressed; retried only until the first one is there."""
        if url.startswith("file:"):
            with local.opened(url) as file:
                yield iter(lambda: file.read(PIECE), b"")
            return
        asked = {"accept-encoding": "gzip", **lowered(headers)}

        def attempt(place: str) -> tuple[Request, tuple[httpx.Response, str]]:
            request = Request(self, self._locate(place), asked)
            return request, request.__enter__()

        manager, (response, final) = self._try_all(url, attempt)
        try:
            yield pieces(response, final)
        except Retry as error:
            raise error.failure.error from None
        finally:
            manager.__exit__(None, None, None)

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
        job = DownloadJob(target, sha256, md5, size, phase, should_stop)
        if url.startswith("file:"):
            with local.opened(url) as file:
                for piece in iter(lambda: file.read(PIECE), b""):
                    job.take(piece, url)
            try:
                return job.finish(url)
            except Retry as error:
                raise error.failure.error from None

        def attempt(place: str) -> Download:
            address = self._locate(place, sha256)
            try:
                with Request(self, address, job.headers()) as (response, final):
                    job.begin(response, final)
                    for piece in pieces(response, final):
                        job.take(piece, final)
            except Retry as error:
                job.refused(error.failure, place)
                raise
            return job.finish_or_retry_once(final)

        return self._try_all(url, attempt)

    # ------------------------------------------------------------ places

    def _locate(self, place: str, sha256: str | None = None) -> Address:
        """Where a URL is really asked for."""
        if place.startswith(("http://", "https://")):
            return Address(place, ByCredential(self.config.credentials), place)
        if place.startswith("s3://"):
            return self._all_buckets().locate(place)
        if place.startswith("oci://"):
            return self._all_registries().locate(place, sha256)
        raise NetworkError(
            f"{shown(place)}: this kind of URL cannot be fetched",
            url=shown(place),
            hints=["use https://, file://, oci:// or s3://"],
        )

    def _all_buckets(self) -> Buckets:
        with self._guard:
            if self._buckets is None:
                from .s3 import Buckets  # lazy: few channels are in buckets

                config = self.config
                self._buckets = Buckets(config.s3_options, config.credentials, config.environ, config.now)
            return self._buckets

    def _all_registries(self) -> Registries:
        with self._guard:
            if self._registries is None:
                from .oci import Registries  # lazy: few channels are in registries

                def ask(address: Address, headers: Mapping[str, str], max_bytes: int) -> Response:
                    return self._try(lambda: self._page(address, dict(headers), max_bytes))

                self._registries = Registries(ask, self.config.credentials)
            return self._registries

    # ------------------------------------------------------------ attempts

    def _try_all(self, url: str, attempt: Callable[[str], T]) -> T:
        """The first success among the mirrors of a URL, each with its retries."""
        clean = self.config.credentials.taken_from(url)
        if self.config.offline:
            raise Offline.switched_off(shown(clean))
        last: NetworkError | ArchiveError | None = None
        for place in candidates(clean, self.config.mirrors):
            bare = self.config.credentials.taken_from(place)
            try:
                return self._try(partial(attempt, bare))
            except (NetworkError, HashMismatch) as error:
                last = error
        assert last is not None
        raise last

    def _try(self, attempt: Callable[[], T]) -> T:
        number = 0
        while True:
            try:
                return attempt()
            except Retry as error:
                failure = error.failure
            number += 1
            wait = pause(number, failure.wait, self.config.jitter)
            if not failure.again or number > self.config.retries or wait > self.config.longest_wait:
                raise failure.error
            self.config.sleep(wait)

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
