"""A download in the making: counted, hashed while it is written, resumed where that is sure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

from ..errors import ArchiveError, Cancelled, HashMismatch, HttpStatusError
from ..progress import Phase
from .answers import CONTENT_RANGE, Download, Retry, lowered, wrong_range
from .auth import shown
from .failures import Failure, from_status, html_instead, truncated

if TYPE_CHECKING:
    import httpx

Stop = Callable[[], bool]
_ANOTHER_FILE = "the server has another file under this name: update the lock file, or tell its owner"


class DownloadJob:
    """Bytes into `target` (seekable), through as many attempts as it takes. Digests are in hex, `size` in bytes."""

    def __init__(
        self,
        target: BinaryIO,
        sha256: str | None,
        md5: str | None,
        size: int | None,
        phase: Phase | None,
        should_stop: Stop | None,
    ) -> None:
        self._target = target
        self._sha256, self._md5, self._size = sha256, md5, size
        self._phase = phase or Phase()
        self._stop = should_stop
        self._start = target.tell()
        self._expected: int | None = None
        self._html = False
        self._mismatched = False
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

    def headers(self) -> dict[str, str]:
        """What the next attempt asks for: the rest where a digest will tell whether the parts fit, else everything."""
        headers = {"accept-encoding": "identity"}
        if self.received and (self._sha256 or self._md5):
            headers["range"] = f"bytes={self.received}-"
        elif self.received:
            self.restart()
        return headers

    def begin(self, response: httpx.Response, url: str) -> None:
        """Look at the headers of an answer before its body is taken. Raises `Retry`."""
        headers = lowered(response.headers)
        if response.status_code == 206:
            match = CONTENT_RANGE.match(headers.get("content-range", ""))
            if not self.received or match is None or int(match[1]) != self.received:
                self.restart()
                raise Retry(Failure(wrong_range(url), again=True))
            self._expected = None if match[3] == "*" else int(match[3])
        else:
            if response.status_code != 200:
                raise Retry(from_status(response.status_code, url, wait=None, known_user=False))
            if self.received:
                self.restart()
            length = headers.get("content-length", "")
            self._expected = int(length) if length.isdigit() and "content-encoding" not in headers else None
        self._html = headers.get("content-type", "").startswith("text/html")

    def refused(self, failure: Failure, url: str) -> None:
        """Look at an answer without a body. Raises `ArchiveError` where there is no rest to be had of a file."""
        if self.received and isinstance(failure.error, HttpStatusError) and failure.error.status == 416:
            raise ArchiveError(
                f"{shown(url)} has only {self.received:,} bytes and should have more", hints=[_ANOTHER_FILE]
            ) from None

    def take(self, piece: bytes, url: str) -> None:
        """Some more bytes. Raises `Cancelled`, `NetworkError`, `ArchiveError`, and `OSError` from the target."""
        if self._stop is not None and self._stop():
            raise Cancelled
        if self._html and not self.received and piece.lstrip()[:1] == b"<":
            raise html_instead(url)
        if self._size is not None and self.received + len(piece) > self._size:
            raise ArchiveError(
                f"{shown(url)} is longer than the {self._size:,} bytes that it should have",
                hints=[_ANOTHER_FILE],
            )
        self._hash.update(piece)
        if self._old_hash is not None:
            self._old_hash.update(piece)
        rest = memoryview(piece)
        while rest:  # an unbuffered file takes what the disk has room for, and refuses only the next byte
            rest = rest[self._target.write(rest) :]
        self.received += len(piece)
        self._phase.advance(len(piece))

    def finish(self, url: str) -> Download:
        """Check what came. Raises `Retry`, `HashMismatch`."""
        expected = self._expected if self._size is None else self._size
        if expected is not None and self.received < expected:
            raise Retry(Failure(truncated(shown(url), received=self.received, expected=expected), again=True))
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

    def finish_or_retry_once(self, url: str) -> Download:
        """`finish`; a first mismatch starts again, because the bytes may have been hurt on their way."""
        try:
            return self.finish(url)
        except HashMismatch:
            if self._mismatched:
                raise
            self._mismatched = True
            self.restart()
        raise Retry(Failure(truncated(shown(url)), again=True))
