"""One writer per prefix: an advisory lock on the fingerprint file, the one that pixi itself locks.

The kernel drops the lock when its holder dies, so nothing has to be cleaned up. Whoever waits is told who works.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import Cancelled, PrefixBusy
from ..fs import TOLD_AFTER, lock_holder, translated, try_lock
from ..progress import Reporter
from .fingerprint import FINGERPRINT_FILE, META_FOLDER

_PAUSE = 0.05


@contextmanager
def prefix_lock(
    prefix: Path, *, reporter: Reporter, should_stop: Callable[[], bool] | None = None, wait: bool = True
) -> Iterator[int]:
    """Hold the prefix (made where it does not exist). Gives the descriptor that holds it, as long as it or a copy of it
    is open.

    Raises `Cancelled` when told to stop while waiting, `PrefixBusy` when `wait` is false, `InstallError` where the
    prefix cannot be written.
    """
    path = prefix / META_FOLDER / FINGERPRINT_FILE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
    except OSError as error:
        raise translated(error, prefix) from error
    try:
        _acquire(fd, prefix, reporter, should_stop, wait)
        yield fd
    finally:
        os.close(fd)  # closing releases the lock


def _acquire(fd: int, prefix: Path, reporter: Reporter, should_stop: Callable[[], bool] | None, wait: bool) -> None:
    started, told = time.monotonic(), False
    while not try_lock(fd, prefix):
        if not wait:
            raise PrefixBusy(f"the environment {prefix} is being changed by {lock_holder(fd)}")
        if should_stop is not None and should_stop():
            raise Cancelled
        if not told and time.monotonic() - started >= TOLD_AFTER:
            told = True
            reporter.message(f"waiting for {lock_holder(fd)}, which is changing {prefix}")
        time.sleep(_PAUSE)
