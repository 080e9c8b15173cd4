"""What packages are, in a line each: from what the caches hold, and from an index's own metadata where that is small.

A channel's index says nothing of the kind, so conda packages have a summary once they were fetched (`info/about.json`).
Of a wheel the core metadata is asked for alone. None of it is worth waiting for: what is late is left out.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from ..errors import ArchiveError, NetworkError

if TYPE_CHECKING:
    from ..cache.store import PackageCache
    from ..model.record import RepoDataRecord
    from ..pypi.index import IndexClient, Offer

SECONDS = 2.0
"""So long all summaries of a page may take together."""
MOST_BYTES = 1 << 20
"""A wheel without separate metadata is not read for a line of text when it is larger."""
_WORKERS = 8
_MOST_RECORDS = 50
_MOST_LETTERS = 300

Key = TypeVar("Key")


def in_time(jobs: Iterable[tuple[Key, Callable[[], str | None]]], seconds: float = SECONDS) -> dict[Key, str]:
    """What the jobs find within the time; their threads end by themselves and nobody waits for them."""
    waiting = iter(list(jobs))
    lock = threading.Lock()
    found: dict[Key, str] = {}
    end = time.monotonic() + seconds

    def work() -> None:
        while time.monotonic() < end:
            with lock:
                job = next(waiting, None)
            if job is None:
                return
            text = job[1]()
            if text:
                with lock:
                    found[job[0]] = text

    threads = [threading.Thread(target=work, name="summaries", daemon=True) for _ in range(_WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    with lock:
        return dict(found)


def of_conda(cache: PackageCache, records: Sequence[RepoDataRecord]) -> str | None:
    """The summary of the first of these records of one package that was fetched before; None where none was."""
    for record in records[:_MOST_RECORDS]:
        package = cache.find(record)
        if package is None:
            continue
        with suppress(OSError, ValueError, RecursionError):
            about = json.loads((package.path / "info" / "about.json").read_bytes())
            text = _line(about.get("summary") if isinstance(about, dict) else None)
            if text:
                return text
    return None


def of_wheel(index: IndexClient, offer: Offer) -> str | None:
    """What the metadata of a version's first wheel says; None where only a large file would tell."""
    for _, file in offer.files():
        if file.is_wheel and (file.announced or (file.size is not None and file.size <= MOST_BYTES)):
            # the client may be closed meanwhile: the answer came too late for anybody
            with suppress(NetworkError, ArchiveError, RuntimeError):
                return _line(index.metadata(file).summary)
            return None
    return None


def _line(text: object) -> str | None:
    """One line of readable length; None for what is no text."""
    return " ".join(text.split())[:_MOST_LETTERS] or None if isinstance(text, str) else None
