"""Helper processes that are copies of this one: ready at once, where a new interpreter costs as much as a solve.

A copy has one thread, the one that made it. Whatever lock another thread held at that moment would stay locked in
the copy for ever, so copies are only made where no other thread lives, of Python or of a library; and only on Linux,
where that can be known, and where no system library starts threads behind our back as on macOS.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO, NoReturn

    Serve = Callable[[BinaryIO, BinaryIO], None]

_THREADS = "/proc/self/task"


def can_fork() -> bool:
    """Whether this process may be copied now."""
    try:
        return sys.platform == "linux" and len(os.listdir(_THREADS)) == 1
    except OSError:
        return False


def usable_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Copy:
    """A copy of this process that runs `serve` with a pipe to read jobs from and one for its answers: as much of
    `subprocess.Popen` as helpers need. The descriptor `keep` stays open in it, and no other.

    Raises `OSError` where there can be no more processes.
    """

    def __init__(self, serve: Serve, *, keep: int | None = None) -> None:
        self.returncode: int | None = None
        jobs, to_copy = os.pipe()
        from_copy, answers = os.pipe()
        sys.stdout.flush()  # for safety: the copy never writes what is in these buffers
        try:
            self.pid = os.fork()
        except OSError:
            for descriptor in (jobs, to_copy, from_copy, answers):
                os.close(descriptor)
            raise
        if self.pid == 0:
            _serve(serve, jobs, answers, keep)
        os.close(jobs)
        os.close(answers)
        self.stdin = os.fdopen(to_copy, "wb")
        self.stdout = os.fdopen(from_copy, "rb")

    def poll(self) -> int | None:
        """How it ended, None while it lives."""
        return self._reap(os.WNOHANG)

    def wait(self) -> int | None:
        """Wait for its end."""
        return self._reap(0)

    def kill(self) -> None:
        """End it."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """End it, and let go of its pipes."""
        self.kill()
        self.wait()
        for pipe in (self.stdin, self.stdout):
            with suppress(OSError):  # what was not sent any more
                pipe.close()

    def _reap(self, options: int) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, options)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode


def _serve(serve: Serve, jobs: int, answers: int, keep: int | None) -> NoReturn:
    """What the copy does until its end, which is not that of the command: nothing is flushed, released or undone."""
    code = 1
    try:
        os.setsid()  # Ctrl-C is for the original: it ends us
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        os.dup2(jobs, 0)
        os.dup2(answers, 1)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        # pipes of other helpers, locks and connections: all the original's. Objects that hold them stay referenced by
        # the frames below this one, so none of them closes a number again
        most = os.sysconf("SC_OPEN_MAX")
        os.closerange(3, most if keep is None else keep)
        if keep is not None:
            os.closerange(keep + 1, most)
        with os.fdopen(0, "rb", closefd=False) as source, os.fdopen(1, "wb", closefd=False) as sink:
            serve(source, sink)
        code = 0
    finally:
        os._exit(code)
