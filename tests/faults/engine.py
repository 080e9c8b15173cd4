"""Faults without help from the kernel: an audit hook counts the calls that change the file system, and at the chosen
one kills the process, or lets the call fail.

CPython raises an audit event before each of these calls, so the N-th fault strikes when N - 1 changes are done.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

MUTATING = frozenset(
    [
        "os.chmod",
        "os.link",
        "os.mkdir",
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.symlink",
        "os.truncate",
        "os.utime",
    ]
)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def mutates(event: str, arguments: tuple[Any, ...]) -> bool:
    """Whether an audit event announces a change of the file system."""
    if event == "open":
        path, _, flags = arguments
        # neither an object for a descriptor that is open already changes anything, nor what goes nowhere
        return not isinstance(path, int) and path != os.devnull and isinstance(flags, int) and bool(flags & _WRITING)
    return event in MUTATING


def kill() -> None:
    """The process ends at once, as in a power cut that keeps what was written."""
    os.kill(os.getpid(), signal.SIGKILL)


def no_space() -> None:
    """The call fails for want of space."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def no_quota() -> None:
    """The call fails because the user's quota is used up."""
    raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))


def interrupt() -> None:
    """The user presses Ctrl-C."""
    raise KeyboardInterrupt


def with_file_limit(work: Callable[[], object], size: int, *, deadly: bool) -> int:
    """Run `work` in a fork in which no file may grow beyond `size` bytes: a longer write is torn there, and then kills
    (`deadly`) or fails. Returns the exit status.
    """
    import resource

    child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL if deadly else signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def in_child(
    work: Callable[[], object],
    *,
    at: int | None = None,
    fault: Callable[[], None] = kill,
    before: Callable[[], object] = lambda: None,
) -> tuple[int, int]:
    """Run `work` in a fork; at the change number `at` (from 1) the fault strikes. `before` prepares the fork.

    Returns the exit status (0: it ended well, 1: it raised, negative: the signal that ended it) and, where the child
    lived to tell, the number of changes it made.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        before()
        _work_and_exit(work, at, fault, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status, int(told or 0)


def beginning(work: Callable[[], object], *, at: int, fault: Callable[[], None]) -> int:
    """Start `work` in a fork, as `in_child` does, and do not wait for it; the id of the process."""
    child = os.fork()
    if child == 0:
        _work_and_exit(work, at, fault, os.open(os.devnull, os.O_WRONLY))
    return child


def _work_and_exit(work: Callable[[], object], at: int | None, fault: Callable[[], None], writing: int) -> None:
    count = 0
    active = True

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal count
        if active and mutates(event, arguments):
            count += 1
            if count == at:
                fault()

    code = 1
    try:
        sys.addaudithook(hook)
        work()
        code = 0
    finally:
        active = False
        os.write(writing, str(count).encode())
        os._exit(code)


def reset(folder: Path, saved: Path | None) -> None:
    """Make `folder` a copy of `saved`, or nothing."""
    import shutil

    shutil.rmtree(folder, ignore_errors=True)
    if saved is not None:
        shutil.copytree(saved, folder, symlinks=True)
