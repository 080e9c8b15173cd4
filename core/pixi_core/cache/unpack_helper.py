"""Helper processes that unpack archives and do nothing else: copies of this one, with one thread each.

Half of the work of an unpacked file is computation, in which the threads of one process take turns, with each other and
with those that download. A job comes with the open archive and with the lock of the entry that is made: until a helper
that was left alone has done its last job, nobody else makes that entry. What a helper does is right also when it is
done again, so where one dies its job is done here.
"""

from __future__ import annotations

import os
import pickle
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from typing import BinaryIO

from ..fs import os_errors, remove_tree
from ..messages import hear, tell
from ..process_copy import Copy, can_fork, usable_cores
from .unpack import Job, Unpack, unpack_here

WORTH_PROCESSES = 24 << 20
"""Bytes of archives; fewer are unpacked before copies have begun."""
MOST_HELPERS = 4
"""More would wait for downloads, and each takes some milliseconds to make."""
_LONGEST_JOB = 1 << 16


@contextmanager
def unpacking(size: int) -> Iterator[Unpack]:
    """The best way to unpack so many bytes of archives; helpers end with this context."""
    helpers = _helpers() if size >= WORTH_PROCESSES and usable_cores() > 1 and can_fork() else []
    try:
        yield _Together(helpers).unpack if helpers else unpack_here
    finally:
        for helper in helpers:
            helper.close()


def _helpers() -> list[_Helper]:
    """As many as there are cores, up to a number, or as can be had."""
    helpers: list[_Helper] = []
    with suppress(OSError):
        for _ in range(min(usable_cores(), MOST_HELPERS)):
            helpers.append(_Helper())  # noqa: PERF401 - those that could be had stay
    return helpers


class _Together:
    """Several helpers, for any number of threads."""

    def __init__(self, helpers: Iterable[_Helper]) -> None:
        self._idle: SimpleQueue[_Helper] = SimpleQueue()
        for helper in helpers:
            self._idle.put(helper)

    def unpack(self, job: Job, archive: BinaryIO, lock: int) -> None:
        """By the next one that has time."""
        helper = self._idle.get()
        try:
            helper.unpack(job, archive, lock)
        finally:
            self._idle.put(helper)


class _Helper:
    """One of them. Raises `OSError` where there can be no more processes."""

    def __init__(self) -> None:
        self._jobs, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with theirs:
                self._copy = Copy(lambda _, sink: _serve(theirs.fileno(), sink), keep=theirs.fileno())
        except OSError:
            self._jobs.close()
            raise
        self._lives = True

    def unpack(self, job: Job, archive: BinaryIO, lock: int) -> None:
        """Raises like `Job.run`."""
        if self._lives:
            try:
                socket.send_fds(self._jobs, [pickle.dumps(job)], [archive.fileno(), lock])
                error = hear(self._copy.stdout)
            except (OSError, EOFError, pickle.UnpicklingError):
                self._lives = False
                remove_tree(job.work)
                with os_errors(job.work):
                    job.work.mkdir(0o755)
            else:
                if error is not None:
                    raise error
                return
        unpack_here(job, archive, lock)

    def close(self) -> None:
        """End it."""
        self._jobs.close()
        self._copy.close()


def _serve(jobs: int, sink: BinaryIO) -> None:
    """What a copy does: a job after the other until nobody has one any more."""
    with socket.socket(fileno=jobs) as source:
        while True:
            message, descriptors, _, _ = socket.recv_fds(source, _LONGEST_JOB, 2)
            if not message:
                return
            archive, lock = descriptors
            answer: BaseException | None = None
            try:
                with open(archive, "rb", buffering=0) as file:
                    pickle.loads(message).run(file)  # noqa: S301 - our own process
            except BaseException as error:  # whatever it is, the original raises it
                answer = error
            os.close(lock)
            tell(answer, sink)
