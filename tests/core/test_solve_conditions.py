"""Dependencies that count under a condition (repodata v3), by cases and against an exhaustive search."""

from __future__ import annotations

from random import Random

import pytest

from pixi_core.errors import Unsatisfiable
from pixi_core.model.match_spec import AllOf, AnyOf, Condition, HasPackage, parse_match_spec
from pixi_core.model.platform import VirtualPackage
from pixi_core.model.record import RepoDataRecord
from pixi_core.solve import SolveRequest, solve
from pixi_core.solve.engine import NoSolution
from pixi_core.solve.problem import Problem

from .solve_support import _choices, _fits, _random_spec, record, shown, source, specs

APP = [
    record("app 1", ['shim >=1[when="python <3.11"]']),
    record("both 1", ['shim[when="python >=3.10 and gui"]']),
    record("either 1", ['shim[when="gui or python 3.9"]']),
    record("posix 1", ['shim[when="__unix"]']),
    record("picky 1", constrains=['shim <2[when="gui"]']),
    record("shim 1"),
    record("shim 2"),
    record("gui 1"),
    record("python 3.9"),
    record("python 3.12"),
]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (["app"], ["app 1"]),
        (["app", "python"], ["app 1", "python 3.12"]),
        (["app", "python <3.11"], ["app 1", "python 3.9", "shim 2"]),
        (["both", "python"], ["both 1", "python 3.12"]),
        (["both", "python", "gui"], ["both 1", "gui 1", "python 3.12", "shim 2"]),
        (["either"], ["either 1"]),
        (["either", "gui"], ["either 1", "gui 1", "shim 2"]),
        (["either", "python 3.9"], ["either 1", "python 3.9", "shim 2"]),
        (["posix"], ["posix 1", "shim 2"]),
        (["picky", "shim"], ["picky 1", "shim 2"]),
        (["picky", "shim", "gui"], ["gui 1", "picky 1", "shim 1"]),
        (['shim[when="gui"]', "app"], ["app 1"]),
        (['shim[when="gui"]', "gui"], ["gui 1", "shim 2"]),
    ],
)
def test_cases(wanted: list[str], expected: list[str]) -> None:
    request = SolveRequest(specs=specs(*wanted), virtual_packages=(VirtualPackage("__unix"),))
    found = shown(solve(request, source(*APP)))
    assert [text.rpartition(" ")[0] for text in found] == expected


def test_the_lowest_versions_do_not_need_what_is_conditional() -> None:
    request = SolveRequest(specs=specs("app", "python"), strategy="lowest")
    assert shown(solve(request, source(*APP))) == ["app 1 h_0", "python 3.9 h_0", "shim 1 h_0"]
    request = SolveRequest(specs=specs("either"), strategy="lowest")
    assert shown(solve(request, source(*APP))) == ["either 1 h_0"]


def test_a_missing_virtual_package_is_a_condition_that_fails() -> None:
    assert shown(solve(SolveRequest(specs=specs("posix")), source(*APP))) == ["posix 1 h_0"]


def test_a_conflict_is_told_with_its_condition() -> None:
    with pytest.raises(Unsatisfiable) as caught:
        solve(SolveRequest(specs=specs("app", "python 3.9", "absent-shim")), source(*APP))
    assert "absent-shim" in str(caught.value)
    channel = source(*APP, record("needy 1", ['lost[when="python"]']))
    with pytest.raises(Unsatisfiable) as caught:
        solve(SolveRequest(specs=specs("needy", "python")), channel)
    story = "\n".join(caught.value.story)
    assert 'lost[when="python"]' in story
    assert "no package of that name" in story
    assert "\x1f" not in story


# ---------------------------------------------------------------- against an exhaustive search


def holds(condition: Condition, versions: dict[str, str]) -> bool:
    if isinstance(condition, HasPackage):
        name = condition.spec.name or ""
        return bool(_fits(str(condition.spec), versions.get(name)))
    assert isinstance(condition, (AllOf, AnyOf))
    return (all if isinstance(condition, AllOf) else any)(holds(part, versions) for part in condition.parts)


def valid(chosen: list[RepoDataRecord], roots: list[str]) -> bool:
    versions = {r.name: r.version for r in chosen}

    def counts(text: str) -> str | None:
        spec = parse_match_spec(text)
        return str(spec.replace(when=None)) if spec.when is None or holds(spec.when, versions) else None

    needed = [*roots, *(text for r in chosen for text in r.depends)]
    limits = [text for r in chosen for text in r.constrains]
    return all(_fits(t, versions.get(t.partition(" ")[0])) for t in map(counts, needed) if t is not None) and all(
        _fits(t, versions.get(t.partition(" ")[0])) is not False for t in map(counts, limits) if t is not None
    )


def random_conditional(random: Random, names: list[str], but: str) -> str:
    text = _random_spec(random, names, but)
    if random.random() < 0.5:
        return text
    parts = [_random_spec(random, names, "") for _ in range(random.choice((1, 1, 2, 3)))]
    condition = parts[0]
    for part in parts[1:]:
        condition += random.choice((" and ", " or ")) + part
    return f'{text}[when="{condition}"]'


def check(seed: int) -> None:
    random = Random(seed)
    names = [f"p{i}" for i in range(random.randint(3, 5))]
    records = [
        record(
            f"{name} {version}",
            [random_conditional(random, names, name) for _ in range(random.choice((0, 1, 2, 3)))],
            constrains=[random_conditional(random, names, name) for _ in range(random.choice((0, 0, 1)))],
        )
        for name in names
        for version in range(1, random.randint(2, 4))
    ]
    roots = [random_conditional(random, names, "") for _ in range(random.randint(1, 3))]
    by_name = [[r for r in records if r.name == name] for name in names]
    expected = any(valid(chosen, roots) for chosen in _choices(by_name))
    problem = Problem(SolveRequest(specs=specs(*roots)), source(*records))
    for eager in (None, True, False):
        try:
            answer = problem.engine(eager=eager).solve(problem.roots, problem.constraints)
        except NoSolution:
            assert not expected, (seed, eager)
            continue
        found = [problem.record(name, candidate) for name, candidate in answer.items()]
        assert valid([r for r in found if r is not None], roots), (seed, eager)


@pytest.mark.parametrize("block", range(4))
def test_agrees_with_exhaustive_search(block: int) -> None:
    for seed in range(block * 50, block * 50 + 50):
        check(seed)


@pytest.mark.exhaustive
@pytest.mark.timeout(1000)
@pytest.mark.parametrize("block", range(4))
def test_agrees_with_exhaustive_search_at_length(block: int) -> None:
    for seed in range(10_000 + block * 1000, 11_000 + block * 1000):
        check(seed)
