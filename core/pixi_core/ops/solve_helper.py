"""A helper process of `solving` as this side sees it: started, fed with jobs by a thread, ended."""

from __future__ import annotations

import os
import pickle
import sys
import threading
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

from ..messages import NUMBER, receive
from ..process_copy import Copy, can_fork
from .solve_worker import Order, serve

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from .solving import Work

_TURN = 0.0002
"""Seconds after which a thread that computes makes room for one that waits."""


@contextmanager
def helping(work: Work, count: int) -> Iterator[None]:
    """Have `count` helpers, or as many as can be had, take jobs as long as this context lasts."""
    order = Order.of(work.services, work.jobs)
    helpers: list[Helper] = []
    try:
        with _short_turns():
            with suppress(OSError):  # no more processes here: we do with what we have
                while len(helpers) < count:
                    helpers.append(Helper(work, order))
            # not before every helper is there: a copy must not be made beside threads
            for helper in helpers:
                helper.thread.start()
            yield
    finally:
        work.end()
        for helper in helpers:
            helper.close()


@contextmanager
def _short_turns() -> Iterator[None]:
    """Threads that feed helpers get their turn at once: a helper that waits for one wastes a core. The interval is the
    whole process's, so whoever runs at the same time leaves it as it is.
    """
    before = sys.getswitchinterval()
    if before <= _TURN:
        yield
        return
    sys.setswitchinterval(_TURN)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


class Helper:
    """A process that takes jobs, and the thread that feeds it. Raises `OSError` where there can be none."""

    def __init__(self, work: Work, order: Order) -> None:
        self.work = work
        self.thread = threading.Thread(target=self._feed, name="solve helper", daemon=True)
        self.order: Order | None = None
        self.child: subprocess.Popen[bytes] | Copy
        if can_fork():
            self.child = Copy(partial(serve, order))
        else:
            self.child = _started()
            self.order = order  # it has to be told

    def close(self) -> None:
        """End both."""
        self.child.kill()
        if self.thread.ident is not None:
            self.thread.join()
        self.child.wait()
        for stream in (self.child.stdin, self.child.stdout):
            assert stream is not None
            with suppress(OSError):  # what was not sent any more
                stream.close()

    def _feed(self) -> None:
        """Hand out jobs until there are none, or the process is gone."""
        source = self.child.stdout
        assert source is not None
        taken: list[int] = []
        with suppress(OSError, EOFError, pickle.UnpicklingError):
            if self.order is not None:
                assert self.child.stdin is not None
                pickle.dump(self.order, self.child.stdin, pickle.HIGHEST_PROTOCOL)
                self.child.stdin.flush()
            receive(source)  # it is ready
            self._hand_out(taken)
            while taken:
                answer = receive(source)
                self._hand_out(taken)  # it goes on while we read what it said
                self.work.keep(taken[0], pickle.loads(answer))  # noqa: S301 - our own process
                del taken[0]
        self.work.give_back(taken)

    def _hand_out(self, taken: list[int]) -> None:
        index = self.work.take(taken[-1] if taken else None)
        if index is not None:
            taken.append(index)
            assert self.child.stdin is not None
            self.child.stdin.write(NUMBER.pack(index))
            self.child.stdin.flush()


def _started() -> subprocess.Popen[bytes]:
    """A new interpreter: where this process cannot be copied."""
    import subprocess  # a copy does without

    return subprocess.Popen(
        # -P: what lies in the current folder is not ours to import
        [sys.executable, "-P", "-m", "pixi_core.ops.solve_worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        start_new_session=sys.platform != "win32",  # Ctrl-C is for us: we end it
    )
