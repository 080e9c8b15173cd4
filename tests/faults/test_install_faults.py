"""An installation that is killed, or runs out of space, at every change it makes to the file system: the same command
again must give exactly what an undisturbed one gives, and leave nothing else behind.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pixi_core.errors import Cancelled
from pixi_core.install.execute import execute
from pixi_core.install.fingerprint import fingerprint
from pixi_core.install.host import create_host_prefix
from pixi_core.install.interpreters import running_interpreter
from pixi_core.install.link import LinkOptions
from pixi_core.install.plan import make_plan
from pixi_core.install.prefix import read_prefix
from pixi_core.model.platform import Platform, Subdir
from pixi_core.model.record import PypiRecord, RepoDataRecord
from tests.support.packages import PLACEHOLDER, Shelf, tree

from .engine import in_child, interrupt, kill, no_space, reset, with_file_limit

pytestmark = [pytest.mark.faults, pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")]

LINUX = Platform.bare(Subdir("linux-64"))
SITE = "lib/python3.11/site-packages"


@dataclass
class Target:
    """What a prefix shall hold."""

    conda: Sequence[RepoDataRecord] = ()
    pypi: Sequence[PypiRecord] = ()
    reinstall: Sequence[str] = ()


@dataclass
class World:
    """A cache of packages and the prefix that is worked on."""

    root: Path
    host: bool = False
    processes: int = 2
    shelf: Shelf = field(init=False)
    prefix: Path = field(init=False)

    def __post_init__(self) -> None:
        self.shelf = Shelf(self.root / "cache")
        self.prefix = self.root / "env"

    def bring(self, target: Target, *, should_stop: Callable[[], bool] | None = None) -> None:
        if self.host:
            create_host_prefix(self.prefix, running_interpreter())
        execute(
            make_plan(target.conda, target.pypi, read_prefix(self.prefix), reinstall=target.reinstall),
            self.prefix,
            packages=self.shelf,
            requested={record.name: [record.name] for record in target.conda[:1]},
            platform=LINUX,
            options=LinkOptions(durable=False, processes=self.processes),
            should_stop=should_stop,
        )


Scenario = tuple[Target | None, Target]


def conda_upgrade(world: World) -> Scenario:
    shelf = world.shelf
    python = shelf.add_python("3.11.1")
    pure = shelf.add_conda("pure", "1", {"site-packages/pure.py": "x"}, noarch="python", entry_points=["pure = pure:m"])
    old = shelf.add_conda("tool", "1", {"bin/tool": f"#!{PLACEHOLDER}/sh\n", "share/a/x": "1"}, links={"lib/l": "x"})
    new = shelf.add_conda("tool", "2", {"bin/tool": f"#!{PLACEHOLDER}/bash\n", "share/b/x": "2"}, links={"lib/l": "y"})
    return Target([python, pure, old]), Target([python, pure, new])


def conda_first(world: World) -> Scenario:
    return None, conda_upgrade(world)[1]


def conda_removal(world: World) -> Scenario:
    before, _ = conda_upgrade(world)
    assert before is not None
    return before, Target(before.conda[:1])


def python_minor(world: World) -> Scenario:
    before, _ = conda_upgrade(world)
    assert before is not None
    wheel = world.shelf.add_wheel("whl", "1.0", {"whl.py": "w"})
    newer = world.shelf.add_python("3.12.1")
    return Target(before.conda, [wheel]), Target([newer, *before.conda[1:]], [wheel])


def clobbering(world: World) -> Scenario:
    """The winner leaves, another one comes, and a wheel gives a file back."""
    shelf = world.shelf
    python = shelf.add_python("3.11.1")
    a = shelf.add_conda("a", "1", {"share/x": "a", f"{SITE}/shared.py": "a"})
    b = shelf.add_conda("b", "1", {"share/x": "b", "share/y": "b", f"{SITE}/shared.py": "b"})
    c = shelf.add_conda("aa", "1", {"share/y": "c"})
    wheel = shelf.add_wheel("whl", "1.0", {"shared.py": "w"})
    return Target([python, a, b], [wheel]), Target([python, b, c])


def clobbering_again(world: World) -> Scenario:
    after, before = clobbering(world)
    assert after is not None
    return before, after


def wheel_upgrade(world: World) -> Scenario:
    world.host = True
    shelf = world.shelf
    scripts = "[console_scripts]\npkg = pkg:main\n"
    old = shelf.add_wheel("pkg", "1.0", {"pkg/__init__.py": "1", "pkg/old/x.py": "1"}, entry_points=scripts)
    new = shelf.add_wheel(
        "pkg",
        "2.0",
        {"pkg/__init__.py": "2", "pkg/new/x.py": "2", "pkg-2.0.data/scripts/run": "#!python\n"},
        entry_points=scripts,
    )
    other = shelf.add_wheel("other", "1.0")
    return Target([], [old, other]), Target([], [new, other])


def wheel_first(world: World) -> Scenario:
    return None, wheel_upgrade(world)[1]


def wheel_removal(world: World) -> Scenario:
    return wheel_upgrade(world)[0], Target()


def pypi_to_conda(world: World) -> Scenario:
    shelf = world.shelf
    python = shelf.add_python("3.11.1")
    conda = shelf.add_conda(
        "pkg", "1.0", {f"{SITE}/pkg/__init__.py": "c", f"{SITE}/pkg-1.0.dist-info/INSTALLER": "conda"}
    )
    wheel = shelf.add_wheel("pkg", "1.0", {"pkg/__init__.py": "w", "pkg/more.py": "w"})
    return Target([python], [wheel]), Target([python, conda])


def reinstalling(world: World) -> Scenario:
    before, _ = conda_upgrade(world)
    assert before is not None
    return before, Target(before.conda, (), ["tool", "pure"])


SCENARIOS = [
    conda_first,
    conda_upgrade,
    conda_removal,
    python_minor,
    clobbering,
    clobbering_again,
    wheel_first,
    wheel_upgrade,
    wheel_removal,
    pypi_to_conda,
    reinstalling,
]

FEW = (conda_upgrade, clobbering, wheel_upgrade, pypi_to_conda)
SAMPLED_OR_ALL = [pytest.param(one, 13, id=f"{one.__name__}-sampled") for one in FEW] + [
    pytest.param(one, 1, id=f"{one.__name__}-all", marks=pytest.mark.exhaustive) for one in SCENARIOS
]
"""Every scenario at every change in the slow lane; some at some changes always."""
SOME_ALWAYS = [pytest.param(one, marks=() if one is wheel_upgrade else pytest.mark.exhaustive) for one in SCENARIOS]


@dataclass
class Course:
    """One scenario, walked once without faults: where it starts, what it must end in, how many changes it makes."""

    world: World
    start: Path | None
    target: Target
    golden: dict[str, str]
    changes: int

    @classmethod
    def walk(cls, root: Path, scenario: Callable[[World], Scenario]) -> Course:
        world = World(root)
        before, target = scenario(world)
        start = None
        if before is not None:
            world.bring(before)
            start = root / "start"
            reset(start, world.prefix)
        status, changes = in_child(lambda: world.bring(target))
        assert status == 0
        return cls(world, start, target, tree(world.prefix), changes)

    def again(self) -> None:
        """The same command once more."""
        self.world.bring(self.target)
        assert tree(self.world.prefix) == self.golden
        assert fingerprint(self.world.prefix) is not None

    def points(self, every: int) -> range:
        return range(1, self.changes + 1, every)


def strike(course: Course, at: int, fault: Callable[[], None]) -> int:
    reset(course.world.prefix, course.start)
    return in_child(lambda: course.world.bring(course.target), at=at, fault=fault)[0]


@pytest.mark.parametrize(("scenario", "every"), SAMPLED_OR_ALL)
def test_killed_at_every_change(tmp_path: Path, scenario: Callable[[World], Scenario], every: int) -> None:
    course = Course.walk(tmp_path, scenario)
    assert course.changes > 8
    for at in course.points(every):
        assert strike(course, at, kill) == -9
        course.again()


@pytest.mark.exhaustive
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_killed_again_while_finishing(tmp_path: Path, scenario: Callable[[World], Scenario]) -> None:
    course = Course.walk(tmp_path, scenario)
    for first in course.points(4):
        second = 1
        while True:
            assert strike(course, first, kill) == -9
            status, _ = in_child(lambda: course.world.bring(course.target), at=second, fault=kill)
            course.again()
            if status == 0:
                break
            second += 3


@pytest.mark.parametrize(("scenario", "every"), SAMPLED_OR_ALL)
@pytest.mark.parametrize("fault", [no_space, interrupt])
def test_failing_at_every_change(
    tmp_path: Path, scenario: Callable[[World], Scenario], every: int, fault: Callable[[], None]
) -> None:
    course = Course.walk(tmp_path, scenario)
    for at in course.points(every):
        assert strike(course, at, fault) in (0, 1)
        course.again()


@pytest.mark.parametrize("deadly", [True, False])
@pytest.mark.parametrize("scenario", SOME_ALWAYS)
def test_torn_writes(tmp_path: Path, scenario: Callable[[World], Scenario], deadly: bool) -> None:
    course = Course.walk(tmp_path, scenario)
    ends = set()
    for size in (0, 1, 15, 16, 30, 60, 400, 1200, 4000):
        reset(course.world.prefix, course.start)
        ends.add(with_file_limit(lambda: course.world.bring(course.target), size, deadly=deadly))
        course.again()
    assert ends - {0}


@pytest.mark.parametrize(("scenario", "every"), SAMPLED_OR_ALL)
def test_killed_and_then_the_cache_is_lost(tmp_path: Path, scenario: Callable[[World], Scenario], every: int) -> None:
    """The journal cannot be followed any more: its packages are taken out, and come back from a new cache."""
    course = Course.walk(tmp_path, scenario)
    cache, away = course.world.root / "cache", course.world.root / "away"
    for at in course.points(every):
        assert strike(course, at, kill) == -9
        cache.rename(away)
        in_child(lambda: course.world.bring(course.target))  # fails where packages are needed
        away.rename(cache)
        course.again()


@pytest.mark.parametrize(("scenario", "every"), SAMPLED_OR_ALL)
def test_killed_and_then_taken_back(tmp_path: Path, scenario: Callable[[World], Scenario], every: int) -> None:
    """After the kill the user wants what was there before."""
    course = Course.walk(tmp_path, scenario)
    if course.start is None:
        pytest.skip("there was nothing before")
    fresh = World(course.world.root, host=course.world.host)
    fresh.shelf = course.world.shelf
    before = scenario(World(tmp_path / "second"))[0]
    assert before is not None
    wanted = Target(before.conda, before.pypi)
    golden = tree(course.start)
    for at in course.points(every):
        assert strike(course, at, kill) == -9
        course.world.bring(wanted)
        assert {k: v for k, v in tree(course.world.prefix).items() if "conda-meta/" not in k} == {
            k: v for k, v in golden.items() if "conda-meta/" not in k
        }


def test_stopping_between_packages_heals(tmp_path: Path) -> None:
    world = World(tmp_path)
    _, target = conda_first(world)
    calls = iter(range(100))
    with pytest.raises(Cancelled):
        world.bring(target, should_stop=lambda: next(calls) >= 2)
    assert fingerprint(world.prefix) is None
    assert read_prefix(world.prefix).unsettled
    world.bring(target)
    assert make_plan(target.conda, target.pypi, read_prefix(world.prefix)).is_empty


@pytest.mark.parametrize("count", [2, pytest.param(16, marks=pytest.mark.exhaustive)])
def test_many_processes_one_target(tmp_path: Path, count: int) -> None:
    world = World(tmp_path)
    _, target = conda_first(world)
    children = [_start(lambda: world.bring(target)) for _ in range(count)]
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * count
    once = tree(world.prefix)
    shutil.rmtree(world.prefix)
    world.bring(target)
    assert tree(world.prefix) == once


@pytest.mark.parametrize("rounds", [1, pytest.param(10, marks=pytest.mark.exhaustive)])
def test_many_processes_two_targets(tmp_path: Path, rounds: int) -> None:
    world = World(tmp_path)
    one, two = python_minor(world)
    assert one is not None
    golden = []
    for target in (one, two):
        world.bring(target)
        golden.append(tree(world.prefix))
    for _ in range(rounds):
        children = [_start(lambda number=number: world.bring((one, two)[number % 2])) for number in range(8)]  # type: ignore[misc]  # the default binds the number now
        assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 8
        assert tree(world.prefix) in golden


def _start(work: Callable[[], object]) -> int:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return child
