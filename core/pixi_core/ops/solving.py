"""Many conda solves at once, on all cores: for every platform of every solve group there is one.

A solve is pure computation, so threads do not help. Each helper is a Python process of its own (`solve_worker`) that is
handed one platform at a time over a pipe, while this process works through the same list: a helper that is slow to
start costs nothing, and one that dies leaves its work to the others. Solves of one platform stay together, because
they share decoded candidate tables.

Where it is safe they are copies of this one (`solve_fork`), else new interpreters, since this may be a Jupyter server
with running threads; by `subprocess`, since `multiprocessing` would import the caller's main module again.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from ..errors import Cancelled, PixiError
from ..progress import SILENT, Reporter
from ..value import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ..model.channel import Channel
    from ..model.platform import Subdir
    from ..repodata.gateway import Gateway
    from ..solve import Solution, SolveRequest
    from ..workspace import Services

_POLL = 0.05
"""Seconds between two looks at `should_stop` while only helpers are at work."""


class Job(Value, kw_only=True):
    """One solve: `title` for people, and what the gateway and the solver are asked for."""

    title: str
    channels: tuple[Channel, ...]
    subdirs: tuple[Subdir, ...]
    request: SolveRequest


def solve_all(
    services: Services,
    jobs: Sequence[Job],
    *,
    reporter: Reporter = SILENT,
    should_stop: Callable[[], bool] | None = None,
    cores: int | None = None,
) -> list[Solution | PixiError]:
    """The answer to each job: a solution, or the error that `solve` raised.

    Indexes are fetched first, here. `cores` bounds how many processes work (None: as many as this one may use). Raises
    `NetworkError` where an index cannot be had, and `Cancelled`.
    """
    work = Work(services, jobs, reporter, should_stop)
    helpers = min(usable_cores() if cores is None else cores, len({job.subdirs for job in jobs})) - 1
    with ExitStack() as stack:
        if helpers > 0:
            import pixi_core.solve  # noqa: F401 - copies of this process have it then

            from .solve_helper import Helper  # nobody else pays for subprocess and pickle

            # they start while indexes are fetched
            for helper in [stack.enter_context(Helper(work)) for _ in range(helpers)]:
                helper.feed()
        work.begin()
        work.take_part()
    return [answer for answer in work.answers if answer is not None]


def usable_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def answer_to(gateway: Gateway, job: Job, should_stop: Callable[[], bool] | None = None) -> Solution | PixiError:
    """Solve one job. Raises `Cancelled`; every other expected error is an answer."""
    from ..solve import solve

    try:
        return solve(job.request, gateway.source(job.channels, job.subdirs), should_stop=should_stop)
    except Cancelled:
        raise
    except PixiError as error:
        return error


class Work:
    """The jobs that nobody has taken yet, by platform, and the answers so far."""

    def __init__(
        self, services: Services, jobs: Sequence[Job], reporter: Reporter, should_stop: Callable[[], bool] | None
    ) -> None:
        self.services = services
        self.jobs = jobs
        self.reporter = reporter
        self.should_stop = should_stop
        self.answers: list[Solution | PixiError | None] = [None] * len(jobs)
        self.batches: deque[list[int]] = deque()
        self.begun = False
        self.changed = threading.Condition()

    def begin(self) -> None:
        """Fetch the indexes, then offer the jobs. Raises `NetworkError`."""
        batches: dict[object, list[int]] = {}
        for index, job in enumerate(self.jobs):
            batches.setdefault(job.subdirs, []).append(index)
            try:
                with self.reporter.phase("repodata", detail=job.title):
                    self.services.gateway.source(job.channels, job.subdirs)
            except PixiError as error:
                error.add_note(f"while solving {job.title}")
                raise
        with self.changed:
            self.batches.extend(batches.values())
            self.begun = True
            self.changed.notify_all()

    def take(self, *, while_it_lives: Callable[[], bool] = lambda: True) -> list[int]:
        """The next batch; empty when none is left, or the one who asks is no more. Waits for the beginning."""
        with self.changed:
            while not self.begun and while_it_lives():
                self.changed.wait(_POLL)
            return self.batches.popleft() if self.batches and while_it_lives() else []

    def keep(self, index: int, answer: Solution | PixiError) -> None:
        """One job is done."""
        with self.changed:
            self.answers[index] = answer
            self.changed.notify_all()

    def give_back(self, batch: Sequence[int]) -> None:
        """Whoever took these jobs is gone: what has no answer is to be done by somebody else."""
        with self.changed:
            left = [index for index in batch if self.answers[index] is None]
            if left:
                self.batches.append(left)
            self.changed.notify_all()

    def take_part(self) -> None:
        """Solve until every job has an answer."""
        while True:
            for index in self.take():
                with self.shown(index) as show:
                    show(answer_to(self.services.gateway, self.jobs[index], self.should_stop))
            with self.changed:
                if all(answer is not None for answer in self.answers):
                    return
                if not self.batches:
                    self.changed.wait(_POLL)
            if self.should_stop is not None and self.should_stop():
                raise Cancelled

    @contextmanager
    def shown(self, index: int) -> Iterator[Callable[[Solution | PixiError], None]]:
        """A line of progress for one job; what it gives takes the answer."""
        title = self.jobs[index].title
        with self.reporter.phase("solve", detail=title) as phase:

            def show(answer: Solution | PixiError) -> None:
                if isinstance(answer, PixiError):
                    phase.fail()
                else:
                    phase.finish(f"{title}: {len(answer.records)} packages")
                self.keep(index, answer)

            yield show
