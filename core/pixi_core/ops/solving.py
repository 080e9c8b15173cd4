"""Many conda solves at once, on all cores: for every platform of every solve group there is one.

A solve is pure computation, so threads do not help. Each helper is a Python process of its own (`solve_worker`) that is
handed one job at a time over a pipe, while this process works through the same list: a helper that is slow to start
costs nothing, and one that dies leaves its work to the others. Solves of one platform stay together as long as there
is enough to do, because they share decoded candidate tables.

Where it is safe they are copies of this one (`process_copy`), else new interpreters, since this may be a Jupyter server
with running threads; by `subprocess`, since `multiprocessing` would import the caller's main module again.
"""

from __future__ import annotations

import threading
from contextlib import nullcontext
from typing import TYPE_CHECKING

from ..errors import Cancelled, PixiError
from ..process_copy import usable_cores
from ..progress import SILENT, Phase, Reporter
from ..value import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

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

    Indexes are fetched first, here. `cores` bounds how many processes work (None: as many as this one may use); the
    configuration's `concurrency.solves` does as well. Raises `NetworkError` where an index cannot be had, and
    `Cancelled`.
    """
    work = Work(services, jobs, reporter, should_stop)
    most = min(cores or usable_cores(), services.config.concurrent_solves or usable_cores())
    helpers = min(most, len({job.subdirs for job in jobs})) - 1
    with helping(work, helpers) if helpers > 0 else nullcontext():  # they start while indexes are fetched
        work.begin()
        work.take_part()
    return [answer for answer in work.answers if answer is not None]


def helping(work: Work, count: int) -> AbstractContextManager[None]:
    """See `solve_helper.helping`: who needs no help does not pay for its imports."""
    # copies of this process have them then
    import pixi_core.repodata.gateway
    import pixi_core.solve  # noqa: F401

    from .solve_helper import helping

    work.services.client  # noqa: B018 - imports much
    return helping(work, count)


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
    """The jobs that nobody has taken yet, and the answers so far."""

    def __init__(
        self, services: Services, jobs: Sequence[Job], reporter: Reporter, should_stop: Callable[[], bool] | None
    ) -> None:
        self.services = services
        self.jobs = jobs
        self.reporter = reporter
        self.should_stop = should_stop
        self.answers: list[Solution | PixiError | None] = [None] * len(jobs)
        self.phases: dict[int, Phase] = {}
        self.waiting: list[int] = []
        self.begun = False
        self.changed = threading.Condition()

    def begin(self) -> None:
        """Fetch the indexes, then offer the jobs. Raises `NetworkError`."""
        for job in self.jobs:
            try:
                with self.reporter.phase("repodata", detail=job.title):
                    self.services.gateway.source(job.channels, job.subdirs)
            except PixiError as error:
                error.add_note(f"while solving {job.title}")
                raise
        with self.changed:
            self.waiting.extend(range(len(self.jobs)))
            self.begun = True
            self.changed.notify_all()

    def end(self) -> None:
        """Nobody gets any more work, whether or not it had begun."""
        with self.changed:
            self.waiting.clear()
            self.begun = True
            for phase in self.phases.values():
                phase.fail()
            self.phases.clear()
            self.changed.notify_all()

    def take(self, last: int | None) -> int | None:
        """A job for whoever did `last` (None: nothing yet); None when there is none left. Waits for the beginning.

        It is one of the same platform if there is one, else one of the platform that has most: so each comes to have
        platforms of its own, and at the end they share the last one.
        """
        with self.changed:
            self.changed.wait_for(lambda: self.begun)
            if not self.waiting:
                return None
            platforms = [self.jobs[index].subdirs for index in self.waiting]
            mine = None if last is None else self.jobs[last].subdirs
            chosen = mine if mine in platforms else max(platforms, key=platforms.count)
            index = self.waiting.pop(platforms.index(chosen))
            self.phases[index] = self.reporter.phase("solve", detail=self.jobs[index].title)
            return index

    def keep(self, index: int, answer: Solution | PixiError) -> None:
        """One job is done."""
        with self.changed:
            self.answers[index] = answer
            phase = self.phases.pop(index, Phase())  # whoever ended the work has ended its phases
            if isinstance(answer, PixiError):
                phase.fail()
            else:
                phase.finish(f"{self.jobs[index].title}: {len(answer.records)} packages")
            self.changed.notify_all()

    def give_back(self, indexes: Sequence[int]) -> None:
        """Whoever took these jobs is gone: they are to be done by somebody else."""
        with self.changed:
            for index in indexes:
                phase = self.phases.pop(index, None)
                if phase is not None:
                    phase.fail()
                    self.waiting.append(index)
            self.changed.notify_all()

    def take_part(self) -> None:
        """Solve until every job has an answer. Raises `Cancelled`."""
        last = None
        while True:
            index = self.take(last)
            if index is not None:
                self.keep(index, answer_to(self.services.gateway, self.jobs[index], self.should_stop))
                last = index
                continue
            with self.changed:
                if all(answer is not None for answer in self.answers):
                    return
                if not self.waiting:
                    self.changed.wait(_POLL)
            if self.should_stop is not None and self.should_stop():
                raise Cancelled
