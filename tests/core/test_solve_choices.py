"""Which of several possible answers is chosen: priorities, strategies, preferences, exclusions."""

from __future__ import annotations

import pytest

from pixi_core.errors import Cancelled, SolveTimeout, SpecError, Unsatisfiable
from pixi_core.model.exclude_newer import ExcludeNewer
from pixi_core.model.platform import VirtualPackage
from pixi_core.solve import SolveRequest, solve
from pixi_core.solve.preference import Strategy
from pixi_core.solve.source import ChannelPriority
from pixi_core.solve.table import is_free_threaded

from .solve_support import FORGE, OTHER, record, shown, solved, source, specs
from .test_solve_engine import pigeons


@pytest.mark.parametrize(
    ("records", "wanted", "expected"),
    [
        ([record("a 1"), record("a 1.10"), record("a 1.9")], ["a"], ["a 1.10 h_0"]),
        ([record("a 1", number=0), record("a 1", number=2)], ["a"], ["a 1 h_2"]),
        ([record("a 1 x", timestamp=1), record("a 1 y", timestamp=2)], ["a"], ["a 1 y"]),
        ([record("a 2", track_features=["old"]), record("a 1")], ["a"], ["a 1 h_0"]),
        ([record("a 2", track_features=["old"]), record("a 1")], ["a >1"], ["a 2 h_0"]),
        ([record("a 1 x_0"), record("a 1 y_0")], ["a * x*"], ["a 1 x_0"]),
        ([record("a 1"), record("a 2", ["b"])], ["a"], ["a 1 h_0"]),
        ([record("a 1"), record("a 2", ["__cuda >=12"])], ["a"], ["a 1 h_0"]),
        ([record("a 1"), record("b 2", constrains=["c <2"])], ["a", "b"], ["a 1 h_0", "b 2 h_0"]),
        (
            [record("python 3.14.1 h_0_cp314t"), record("python 3.14.0 h_0_cp314")],
            ["python"],
            ["python 3.14.0 h_0_cp314"],
        ),
        (
            [record("python 3.14.1 h_0_cp314t"), record("python 3.14.0 h_0_cp314")],
            ["python * *_cp314t"],
            ["python 3.14.1 h_0_cp314t"],
        ),
        # two builds of one version: the one that allows the higher version of what both need
        (
            [
                record("a 1 old", ["b 1.*"], timestamp=9),
                record("a 1 new", ["b 2.*"], timestamp=1),
                record("b 1"),
                record("b 2"),
            ],
            ["a"],
            ["a 1 new", "b 2 h_0"],
        ),
        # `name ==version=build` in dependencies
        ([record("a 1", ["b ==2=x*"]), record("b 2 x1"), record("b 2 y1", number=3)], ["a"], ["a 1 h_0", "b 2 x1"]),
        ([record("a 1", ["b>=2"]), record("b 2")], ["a"], ["a 1 h_0", "b 2 h_0"]),
        (
            [record("a 1", ["b[version='>=2',build_number='<3']"]), record("b 2", number=5), record("b 2", number=1)],
            ["a"],
            ["a 1 h_0", "b 2 h_1"],
        ),
        ([record("a 1"), record("a 2")], ["a[build_number=0]"], ["a 2 h_0"]),
        ([record("A 1".lower())], ["A"], ["a 1 h_0"]),
    ],
)
def test_prefers(records: list[object], wanted: list[str], expected: list[str]) -> None:
    assert solved(records, *wanted) == expected  # type: ignore[arg-type]  # parametrize erases the type


@pytest.mark.parametrize(
    ("priority", "spec", "expected"),
    [
        ("strict", "a", "a 1 h_0"),
        ("flexible", "a", "a 1 h_0"),
        ("flexible", "a >=2", "a 2 h_0"),
        ("disabled", "a", "a 3 h_0"),
        ("strict", "other::a", "a 3 h_0"),
        ("strict", "other::a <3", "a 2 h_0"),
        ("strict", "only-other", "only-other 1 h_0"),
    ],
)
def test_channels(priority: ChannelPriority, spec: str, expected: str) -> None:
    channel = source(
        record("a 1", channel=FORGE),
        record("a 2", channel=OTHER),
        record(
            "a 3",
            channel=OTHER,
        )
        if priority != "flexible"
        else record("a 2", channel=OTHER, number=0),
        record("only-other 1", channel=OTHER),
    )
    request = SolveRequest(specs=specs(spec), channel_priority=priority)
    assert shown(solve(request, channel)) == [expected]


def test_strict_priority_hides_other_channels() -> None:
    channel = source(record("a 1", channel=FORGE), record("a 2", channel=OTHER))
    with pytest.raises(Unsatisfiable, match="in forge there is only 1"):
        solve(SolveRequest(specs=specs("a >=2")), channel)


def test_unknown_channel_of_a_spec() -> None:
    with pytest.raises(SpecError, match="not among: forge, other") as raised:
        solve(SolveRequest(specs=specs("third::a")), source(record("a 1")))
    assert raised.value.hints == ("run `pixi workspace channel add third`",)


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("highest", ["a 3 h_0", "b 3 h_1"]),
        ("lowest", ["a 1 h_0", "b 1 h_1"]),
        ("lowest-direct", ["a 1 h_0", "b 3 h_1"]),
    ],
)
def test_strategies(strategy: Strategy, expected: list[str]) -> None:
    records = [record(f"a {v}", ["b"]) for v in (1, 2, 3)]
    records += [record(f"b {v}", number=number) for v in (1, 2, 3) for number in (0, 1)]
    request = SolveRequest(specs=specs("a"), strategy=strategy)
    assert shown(solve(request, source(*records))) == expected


def test_locked_records_are_kept_where_possible() -> None:
    old, needs_new = record("b 1"), record("a 2", ["b >=2"])
    channel = source(record("a 1", ["b"]), needs_new, old, record("b 2"), record("c 1", ["b"]))
    kept = solve(SolveRequest(specs=specs("c"), locked=(old,)), channel)
    assert shown(kept) == ["b 1 h_0", "c 1 h_0"]
    moved = solve(SolveRequest(specs=specs("c", "a 2.*"), locked=(old,)), channel)
    assert shown(moved) == ["a 2 h_0", "b 2 h_0", "c 1 h_0"]


def test_pinned_records_are_used_even_if_no_channel_has_them() -> None:
    gone = record("b 1.5")
    channel = source(record("a 2", ["b >=2"]), record("a 1", ["b"]), record("b 2"))
    assert shown(solve(SolveRequest(specs=specs("a"), pinned=(gone,)), channel)) == ["a 1 h_0", "b 1.5 h_0"]
    with pytest.raises(Unsatisfiable, match=r"there is only 1\.5"):
        solve(SolveRequest(specs=specs("a 2.*"), pinned=(gone,)), channel)


def test_constraints_bind_only_what_is_needed() -> None:
    channel = source(record("a 1", ["b"]), record("b 1"), record("b 2"), record("c 1"))
    request = SolveRequest(specs=specs("a"), constraints=specs("b <2", "absent >3"))
    assert shown(solve(request, channel)) == ["a 1 h_0", "b 1 h_0"]
    assert shown(solve(SolveRequest(specs=specs("c"), constraints=specs("b <1")), channel)) == ["c 1 h_0"]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (ExcludeNewer(None), "a 3 h_0"),
        (ExcludeNewer(200), "a 2 h_0"),
        (ExcludeNewer(100, packages={"a": 300}), "a 3 h_0"),
        (ExcludeNewer(100, channels={FORGE.url: 250}), "a 2 h_0"),
        (ExcludeNewer(300, channels={FORGE.url: 250}, packages={"a": 150}), "a 1 h_0"),
        (ExcludeNewer(1), "a 0 h_0"),
    ],
)
def test_exclude_newer(rule: ExcludeNewer, expected: str) -> None:
    records = [record(f"a {v}", timestamp=v * 100) for v in (1, 2, 3)] + [record("a 0")]
    request = SolveRequest(specs=specs("a"), exclude_newer=rule)
    assert shown(solve(request, source(*records))) == [expected]


@pytest.mark.parametrize(
    ("virtual", "expected"),
    [
        ((), "a 1 cpu"),
        ((VirtualPackage("__cuda", "12.4"),), "a 1 cuda12"),
        ((VirtualPackage("__cuda", "11.0"),), "a 1 cpu"),
        ((VirtualPackage("__cuda"),), "a 1 cpu"),
    ],
)
def test_virtual_packages(virtual: tuple[VirtualPackage, ...], expected: str) -> None:
    channel = source(record("a 1 cuda12", ["__cuda >=12"], number=1), record("a 1 cpu"))
    request = SolveRequest(specs=specs("a"), virtual_packages=virtual)
    assert shown(solve(request, channel)) == [expected]


def test_extras_bring_their_dependencies() -> None:
    channel = source(
        record("a 1"),
        record("a 2", extra_depends={"plot": ("b >=1", "c[extras=[fast]]")}),
        record("b 1"),
        record("c 1", extra_depends={"fast": ("d",)}),
        record("d 1"),
    )
    assert shown(solve(SolveRequest(specs=specs("a")), channel)) == ["a 2 h_0"]
    found = shown(solve(SolveRequest(specs=specs("a[extras=[plot]]")), channel))
    assert found == ["a 2 h_0", "b 1 h_0", "c 1 h_0", "d 1 h_0"]


@pytest.mark.parametrize(
    ("depends", "expected"),
    [
        ("c[extras=[fast]]", "a 1 h_0, c 2 h_0, d 2 h_0"),
        ("c[version='<2',extras=[fast,slow]]", "a 1 h_0, c 1 h_0, d 2 h_0, e 1 h_0, f 1 h_0"),
        ("c[extras=[unknown]]", "a 1 h_0, c 2 h_0"),
        ("c", "a 1 h_0, c 2 h_0"),
    ],
)
def test_packages_ask_for_extras_of_others(depends: str, expected: str) -> None:
    channel = source(
        record("a 1", [depends]),
        record("c 1", extra_depends={"fast": ("d",), "slow": ("e[extras=[more]]",)}),
        record("c 2", extra_depends={"fast": ("d >=2",)}),
        *(record(spec) for spec in ("d 1", "d 2", "f 1")),
        record("e 1", extra_depends={"more": ("f",)}),
    )
    assert ", ".join(shown(solve(SolveRequest(specs=specs("a")), channel))) == expected


def test_an_extra_that_cannot_be_had_is_told() -> None:
    channel = source(
        record("a 1", ["c[extras=[fast]]"]), record("c 1", extra_depends={"fast": ("d >=2",)}), record("d 1")
    )
    with pytest.raises(Unsatisfiable) as caught:
        solve(SolveRequest(specs=specs("a")), channel)
    assert [line.strip(" └─•") for line in caught.value.story[1:3]] == [
        "a 1 requires c[fast]",
        "c[fast] 1 requires d >=2, but in forge there is only 1",
    ]


def test_constraints_ask_for_no_extras() -> None:
    channel = source(
        record("a 1", constrains=["c[version='<2',extras=[fast]]"]),
        record("c 1", extra_depends={"fast": ("d",)}),
        record("c 2"),
        record("d 1"),
    )
    assert shown(solve(SolveRequest(specs=specs("a", "c")), channel)) == ["a 1 h_0", "c 1 h_0"]


def test_timeout_and_cancel() -> None:
    hard = pigeons(9)
    with pytest.raises(SolveTimeout, match="12 dead ends"):
        solve(SolveRequest(specs=hard.request.specs, conflict_budget=12), hard.source)
    with pytest.raises(SolveTimeout, match="0 seconds"):
        solve(SolveRequest(specs=hard.request.specs, timeout=0), hard.source)
    with pytest.raises(Cancelled):
        solve(SolveRequest(specs=hard.request.specs), hard.source, should_stop=lambda: True)


def test_patterns_are_no_dependencies() -> None:
    with pytest.raises(SpecError, match="does not name one package"):
        solve(SolveRequest(specs=specs("py*")), source(record("a 1")))


@pytest.mark.parametrize(
    ("build", "expected"),
    [("h_0_cp314t", True), ("8_cp313t", True), ("h_0_cp314", False), ("cpython", False), ("py_t", False)],
)
def test_free_threaded(build: str, expected: bool) -> None:
    assert is_free_threaded(build) is expected
