"""Inputs nobody would write on purpose: they end, soon, with an answer or a clear error."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

import pytest

from pixi_core.errors import Cancelled, SolveTimeout, SpecError, Unsatisfiable
from pixi_core.model.record import RepoDataRecord
from pixi_core.solve import SolveRequest, solve

from .solve_support import record, shown, solved, source, specs


@pytest.mark.parametrize(
    ("records", "wanted", "expected"),
    [
        ([record("a 1", ["b"]), record("b 1", ["a"])], ["a"], ["a 1 h_0", "b 1 h_0"]),
        (
            [record("a 1", ["b"]), record("b 1", ["c"]), record("c 1", ["a 1"])],
            ["c"],
            ["a 1 h_0", "b 1 h_0", "c 1 h_0"],
        ),
        # a cycle that excludes its own beginning
        ([record("a 2", ["b"]), record("b 1", ["a 1"]), record("a 1")], ["a"], ["a 1 h_0"]),
        # a package that needs itself, as it is; in another version; or constrains itself away
        ([record("a 1", ["a"])], ["a"], ["a 1 h_0"]),
        ([record("a 2", ["a 1"]), record("a 1")], ["a"], ["a 1 h_0"]),
        ([record("a 2", constrains=["a <2"]), record("a 1")], ["a"], ["a 1 h_0"]),
        # the same requirement many times, and contradicting ones
        ([record("a 1", ["b"] * 50), record("b 1")], ["a"], ["a 1 h_0", "b 1 h_0"]),
        ([record("a 2", ["b 1", "b 2"]), record("a 1"), record("b 1"), record("b 2")], ["a"], ["a 1 h_0"]),
        # names that are not known, beside ones that are
        ([record("a 2", ["nobody"]), record("a 1")], ["a"], ["a 1 h_0"]),
        # names in capitals, blanks around
        ([record("a 1", ["  B   >=1  "]), record("b 1")], ["a"], ["a 1 h_0", "b 1 h_0"]),
        # the same build twice
        ([record("a 1"), record("a 1")], ["a"], ["a 1 h_0"]),
    ],
)
def test_strange_graphs(records: Sequence[RepoDataRecord], wanted: Sequence[str], expected: Sequence[str]) -> None:
    assert solved(records, *wanted) == expected


@pytest.mark.parametrize(
    ("records", "wanted"),
    [
        ([record("a 2", ["a 1"])], ["a"]),
        ([record("a 1", ["b 1"]), record("b 1", ["a 2"]), record("a 2", ["b 2"])], ["a"]),
        ([], ["a"]),
        ([record("a 1", ["__not_here"])], ["a"]),
    ],
)
def test_no_way_out(records: Sequence[RepoDataRecord], wanted: Sequence[str]) -> None:
    with pytest.raises(Unsatisfiable) as raised:
        solved(records, *wanted)
    assert raised.value.story


@pytest.mark.parametrize("wanted", ["a*", "*", "[version='>1']"])
def test_a_pattern_is_not_a_package(wanted: str) -> None:
    with pytest.raises(SpecError):
        solved([record("a 1")], wanted)


@pytest.mark.parametrize("depends", ["b >>1", "b[", "b ==", "[", "b >=1,"])
def test_a_dependency_that_cannot_be_read_costs_only_the_package_that_has_it(depends: str) -> None:
    records = [record("a 2", [depends]), record("a 1"), record("b 1")]
    assert solved(records, "a") == ["a 1 h_0"]
    with pytest.raises(Unsatisfiable) as raised:
        solved(records, "a 2")
    assert raised.value.story[-1].startswith("  └─ a 2 requires")
    assert raised.value.story[-1].endswith("which cannot be read")


def test_a_chain_deeper_than_the_stack() -> None:
    depth = 5 * sys.getrecursionlimit()
    records = [record(f"link{i} 1", [f"link{i + 1}"]) for i in range(depth)]
    assert len(solved([*records, record(f"link{depth} 1")], "link0")) == depth + 1
    with pytest.raises(Unsatisfiable):
        solved(records, "link0")


@pytest.mark.slow
def test_a_hundred_thousand_versions_of_one_package() -> None:
    records = [record(f"a {i // 1000}.{i % 1000}", ["b"]) for i in range(100_000)]
    many = source(*records, record("b 1", constrains=["a <50"]))
    start = time.monotonic()
    answer = solve(SolveRequest(specs=specs("a")), many)
    assert shown(answer) == ["a 49.999 h_0", "b 1 h_0"]
    assert time.monotonic() - start < 30


def hard(holes: int) -> list[RepoDataRecord]:
    """One pigeon too many: no short proof exists."""
    return [
        record(f"pigeon{i} {hole}", constrains=[f"pigeon{other} !={hole}" for other in range(holes + 1) if other != i])
        for i in range(holes + 1)
        for hole in range(1, holes + 1)
    ]


def test_a_budget_ends_in_a_clear_error() -> None:
    request = SolveRequest(specs=specs(*(f"pigeon{i}" for i in range(10))), conflict_budget=500)
    with pytest.raises(SolveTimeout, match="500 dead ends for: pigeon0") as raised:
        solve(request, source(*hard(9)))
    assert raised.value.hints


@pytest.mark.parametrize("after", [0.0, 0.05, 0.3])
def test_stops_soon_after_it_was_told(after: float) -> None:
    records = source(*hard(10))
    request = SolveRequest(specs=specs(*(f"pigeon{i}" for i in range(11))), conflict_budget=1_000_000)
    start = time.monotonic()
    with pytest.raises(Cancelled):
        solve(request, records, should_stop=lambda: time.monotonic() - start >= after)
    assert time.monotonic() - start - after < 0.2
