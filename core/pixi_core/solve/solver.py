"""`solve`: a request and a source of candidates in, records or a story out."""

from __future__ import annotations

import gc

from ..errors import Cancelled, SolveTimeout
from .engine import NoSolution, OutOfBudget, Stopped
from .problem import Problem
from .request import Solution, SolveRequest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .source import CandidateSource


def solve(request: SolveRequest, source: CandidateSource, *, should_stop: Callable[[], bool] | None = None) -> Solution:
    """Find the best set of packages.

    Touches neither disk nor network itself: `source` may. `should_stop` is asked every few decisions. Raises
    `Unsatisfiable` (with the story), `SolveTimeout`, `Cancelled`, `SpecError`, and whatever `source` raises.
    """
    # what is made here is needed until the end and has no cycles: looking for garbage would cost a third of the time
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _solve(request, source, should_stop)
    finally:
        source.settle()
        if collecting:
            promote()
            gc.enable()


def promote() -> None:
    """Make all objects old ones without looking at them: those made while nobody collected would else be gone through
    at once, a tenth of the time of a solve. Cycles among them are found when the old ones are looked at next.
    """
    if not gc.get_freeze_count():  # nobody else's frozen objects are to thaw
        gc.freeze()
        gc.unfreeze()


def _solve(request: SolveRequest, source: CandidateSource, should_stop: Callable[[], bool] | None) -> Solution:
    problem = Problem(request, source)
    engine = problem.engine(should_stop=_stopper(request, should_stop))
    source.expect([root.partition(" ")[0] for root in problem.roots])
    try:
        chosen = engine.solve(problem.roots, problem.constraints)
    except NoSolution as proof:
        from .explain import explain

        raise explain(problem, engine, proof.core, should_stop=should_stop).as_error() from None
    except OutOfBudget:
        raise _too_hard(request, f"{request.conflict_budget:,} dead ends") from None
    except Stopped:
        if should_stop is not None and should_stop():
            raise Cancelled from None
        raise _too_hard(request, f"{request.timeout:g} seconds") from None
    records = (problem.record(name, candidate) for name, candidate in chosen.items())
    found = sorted((record for record in records if record is not None), key=lambda record: record.name)
    return Solution(
        records=tuple(found),
        conflicts=engine.conflicts,
        decisions=engine.decisions,
        loaded=sum(table is not None for table in engine.tables),
    )


def _stopper(request: SolveRequest, should_stop: Callable[[], bool] | None) -> Callable[[], bool] | None:
    """The caller's wish to stop, or the end of the time given."""
    if request.timeout is None:
        return should_stop
    from time import monotonic

    end = monotonic() + request.timeout

    def stop() -> bool:
        return monotonic() > end or (should_stop is not None and should_stop())

    return stop


def _too_hard(request: SolveRequest, limit: str) -> SolveTimeout:
    wanted = ", ".join(str(spec) for spec in request.specs)
    return SolveTimeout(
        f"no answer was found within {limit} for: {wanted}",
        hints=["give tighter versions for the packages you care about, or ask for fewer packages at once"],
    )
