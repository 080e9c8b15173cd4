"""One writer per prefix: an advisory lock on the fingerprint file, the one that pixi itself locks.

The kernel drops the lock when its holder dies, so nothing has to be cleaned up. Whoever waits is told who works.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import Cancelled, InstallError, PrefixBusy
from ..fs import translated
from ..progress import Reporter
from .fingerprint import FINGERPRINT_FILE, META_FOLDER

TOLD_AFTER = 1.0
_PAUSE = 0.05


@contextmanager
def prefix_lock(
    prefix: Path, *, reporter: Reporter, should_stop: Callable[[], bool] | None = None, wait: bool = True
) -> Iterator[bool]:
    """Hold the prefix (made where it does not exist). Gives whether another process had to be waited for.

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
        yield _acquire(fd, prefix, reporter, should_stop, wait)
    finally:
        os.close(fd)  # closing releases the lock


def _acquire(fd: int, prefix: Path, reporter: Reporter, should_stop: Callable[[], bool] | None, wait: bool) -> bool:
    started, told, waited = time.monotonic(), False, False
    while not _try_lock(fd, prefix):
        waited = True
        if not wait:
            raise PrefixBusy(f"the environment {prefix} is being changed by {holder(fd)}")
        if should_stop is not None and should_stop():
            raise Cancelled
        if not told and time.monotonic() - started >= TOLD_AFTER:
            told = True
            reporter.message(f"waiting for {holder(fd)}, which is changing {prefix}")
        time.sleep(_PAUSE)
    return waited


def _try_lock(fd: int, prefix: Path) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            # far behind the 16 bytes, which others may read while we hold it
            os.lseek(fd, 1 << 30, os.SEEK_SET)
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES, errno.EWOULDBLOCK, errno.EDEADLK):
            return False
        raise InstallError(
            f"the environment {prefix} cannot be locked: {error.strerror}",
            hints=["its file system has no locks; set `detached-environments` to a folder on a local disk"],
        ) from error
    return True


def holder(fd: int) -> str:
    """Who holds a lock, as far as the system tells: `process 4711 (pixi install)`."""
    try:
        inode = os.fstat(fd).st_ino
        with open("/proc/locks", encoding="ascii", errors="replace") as table:
            for line in table:
                words = line.split()
                if "->" not in words and len(words) > 5 and words[5].rpartition(":")[2] == str(inode):
                    return f"process {words[4]}{_command(int(words[4]))}"
    except (OSError, ValueError):
        pass
    return "another process"


def _command(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read(4096).decode("utf-8", "replace").split("\0")
    except OSError:
        return ""
    shown = " ".join(word for word in words if word)[:80]
    return f" ({shown})" if shown else ""
