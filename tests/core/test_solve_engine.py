"""The search against an exhaustive one, in every mode."""

from __future__ import annotations

from random import Random

import pytest

from pixi_core.solve import SolveRequest
from pixi_core.solve.engine import NoSolution, OutOfBudget, Stopped
from pixi_core.solve.problem import Problem

from .solve_support import has_solution, is_valid, random_problem, record, source, specs


def engine_answer(problem: Problem, *, eager: bool | None) -> list[tuple[str, int]] | None:
    """The choices of one mode of the engine, None for "no solution"."""
    engine = problem.engine(eager=eager)
    try:
        return sorted(engine.solve(problem.roots, problem.constraints).items())
    except NoSolution as proof:
        return None if proof.core else [("the proof is empty", 0)]


def check(seed: int) -> None:
    records, roots = random_problem(Random(seed))
    expected = has_solution(records, roots)
    for strategy in ("highest", "lowest", "lowest-direct"):
        request = SolveRequest(specs=specs(*roots), strategy=strategy)
        problem = Problem(request, source(*records))
        for eager in (None, True, False):
            answer = engine_answer(problem, eager=eager)
            assert (answer is not None) == expected, (seed, strategy, eager)
            if answer is not None:
                chosen = [problem.record(name, candidate) for name, candidate in answer]
                assert is_valid([r for r in chosen if r is not None], roots), (seed, strategy, eager)


@pytest.mark.parametrize("block", range(4))
def test_agrees_with_exhaustive_search(block: int) -> None:
    for seed in range(block * 40, block * 40 + 40):
        check(seed)


@pytest.mark.exhaustive
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("block", range(8))
def test_agrees_with_exhaustive_search_at_length(block: int) -> None:
    for seed in range(100_000 + block * 5000, 100_000 + block * 5000 + 5000):
        check(seed)


def pigeons(count: int, *, budget: int = 20_000) -> Problem:
    """`count` + 1 pigeons in `count` holes: no solution, and no short proof."""
    records = [
        record(
            f"pigeon{i} {hole}",
            constrains=[f"pigeon{other} !={hole}" for other in range(count + 1) if other != i],
        )
        for i in range(count + 1)
        for hole in range(1, count + 1)
    ]
    request = SolveRequest(specs=specs(*(f"pigeon{i}" for i in range(count + 1))), conflict_budget=budget)
    return Problem(request, source(*records))


def test_gives_up_after_its_budget() -> None:
    problem = pigeons(7, budget=20)
    with pytest.raises(OutOfBudget):
        problem.engine().solve(problem.roots)


def test_stops_when_told() -> None:
    problem = pigeons(8)
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > 3

    with pytest.raises(Stopped):
        problem.engine(should_stop=stop).solve(problem.roots)
    assert asked == 4


def test_pigeons_do_not_fit() -> None:
    problem = pigeons(4)
    with pytest.raises(NoSolution):
        problem.engine().solve(problem.roots)
