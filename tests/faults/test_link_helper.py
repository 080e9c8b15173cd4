"""Many files are linked by two processes: whichever of them fails or dies, the prefix ends right, and it is never left
to another writer while one of them still works.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from pixi_core.errors import PrefixBusy
from pixi_core.install.crew import WORTH_A_PROCESS
from pixi_core.install.lock import prefix_lock
from pixi_core.model.record import PypiRecord, RepoDataRecord
from pixi_core.process_copy import usable_cores
from pixi_core.progress import SILENT
from tests.support.packages import Shelf, StoredPackage, tree

from .engine import in_child, interrupt, kill, no_space, reset
from .test_install_faults import Course, Scenario, Target, World, strike

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(sys.platform != "linux" or usable_cores() < 2, reason="one process links alone here"),
]


def side_by_side(world: World) -> Scenario:
    """So many files that two processes link them, into folders that packages share; one takes a path of the other."""
    shelf = world.shelf
    some = {f"share/{number % 5}/a{number}": "a" for number in range(WORTH_A_PROCESS // 2)}
    others = {f"share/{number % 5}/b{number}": "b" for number in range(WORTH_A_PROCESS // 2)}
    old = [shelf.add_conda(name, "1", {f"share/{name}": "old", "share/1/same": name}) for name in ("a", "b")]
    new = [shelf.add_conda(name, "2", {**files, "share/1/same": name}) for name, files in (("a", some), ("b", others))]
    return Target(old), Target(new)


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    found = Course.walk(tmp_path_factory.mktemp("course"), side_by_side)
    assert WORTH_A_PROCESS // 2 < found.changes < WORTH_A_PROCESS, "the changes of one of two processes"
    return found


def is_helper() -> bool:
    """Whether this process is the copy: it leads a session of its own."""
    return os.getsid(0) == os.getpid()


def only_in_helper(fault: Callable[[], None]) -> Callable[[], None]:
    return lambda: fault() if is_helper() else None


def only_in_command(fault: Callable[[], None]) -> Callable[[], None]:
    return lambda: None if is_helper() else fault()


def test_two_give_what_one_gives(course: Course, tmp_path: Path) -> None:
    alone = World(tmp_path)
    alone.shelf = course.world.shelf
    alone.processes = 1
    status, changes = in_child(lambda: alone.bring(course.target))
    assert status == 0
    assert changes > WORTH_A_PROCESS, "all of them were made by one"
    different = {path for path, content in tree(alone.prefix).items() if course.golden.get(path) != content}
    assert different == {"conda-meta/pixi_env_prefix"}
    assert set(tree(alone.prefix)) == set(course.golden)


@pytest.mark.parametrize("damaged", [("a",), ("b",), ("a", "b")], ids=" ".join)
def test_packages_that_are_not_whole_are_fetched_again(course: Course, damaged: Sequence[str], tmp_path: Path) -> None:
    """Whichever process sees it, before anything is changed; what lies elsewhere afterwards is linked from there."""
    shelf, prefix = course.world.shelf, course.world.prefix
    world = World(tmp_path)
    world.prefix, world.shelf = prefix, Leaking(shelf.root, shelf.conda, shelf.pypi, damaged=damaged)
    reset(prefix, course.start)
    status, _ = in_child(lambda: world.bring(course.target))
    assert status == 0
    found = tree(prefix)
    records = {f"conda-meta/{name}-2-0.json" for name in damaged}
    assert {path for path in found if found[path] != course.golden[path]} == records
    assert all("again/" in (prefix / record).read_text() for record in records)


@dataclass
class Leaking(Shelf):
    """Some packages have lost files; they come again to another place."""

    damaged: Sequence[str] = ()

    def package(self, record: RepoDataRecord) -> StoredPackage:
        found = super().package(record)
        return Damaged(found.path, found.files) if record.name in self.damaged else found

    def again(self, record: RepoDataRecord | PypiRecord) -> StoredPackage:
        assert isinstance(record, RepoDataRecord)
        found = super().package(record)
        place = self.root / "again" / record.dist_name
        shutil.copytree(found.path, place, dirs_exist_ok=True)
        return StoredPackage(place, found.files)


class Damaged(StoredPackage):
    """One of them."""

    def is_whole(self) -> bool:
        return False


@pytest.mark.parametrize("fault", [kill, no_space, interrupt])
def test_a_fault_in_either(course: Course, fault: Callable[[], None]) -> None:
    for at in course.points(course.changes // 9):
        assert strike(course, at, fault) in (-9, 0, 1)
        course.again()


def test_the_helper_dies(course: Course) -> None:
    """What it had to do is done by the other: the command ends well."""
    for at in course.points(course.changes // 9):
        assert strike(course, at, only_in_helper(kill)) == 0
        assert tree(course.world.prefix) == course.golden


def test_the_helper_has_no_room(course: Course) -> None:
    """The command says so, and its repetition finishes."""
    failed = 0
    for at in course.points(course.changes // 9):
        failed += strike(course, at, only_in_helper(no_space))
        course.again()
    assert failed


def test_the_command_dies(course: Course) -> None:
    for at in course.points(course.changes // 9):
        assert strike(course, at, only_in_command(kill)) == -9
        course.again()


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "fault", [kill, only_in_command(kill), only_in_helper(kill)], ids=["both", "command", "helper"]
)
def test_killed_at_every_change(course: Course, fault: Callable[[], None]) -> None:
    """Each of the two, and both at once, wherever they are."""
    ended = Counter[int]()
    for at in course.points(1):
        ended[strike(course, at, fault)] += 1
        course.again()
    print(f"{course.changes} changes: ended {dict(ended)}")
    assert set(ended) <= {-9, 0}


def test_nobody_works_in_a_prefix_whose_helper_lives(course: Course, tmp_path: Path) -> None:
    """The command is killed while its helper stands still: the prefix stays locked until the helper is gone, too."""
    told = tmp_path / "helper"

    def stop_or_die() -> None:
        if is_helper():
            told.write_text(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGSTOP)
            return
        while not told.exists() or not told.read_text():
            os.sched_yield()
        kill()

    assert strike(course, course.changes // 2, stop_or_die) == -9
    with pytest.raises(PrefixBusy), prefix_lock(course.world.prefix, reporter=SILENT, wait=False):
        pass
    helper = os.pidfd_open(int(told.read_text()))
    signal.pidfd_send_signal(helper, signal.SIGKILL)
    os.close(helper)
    course.again()


def test_both_find_a_strangers_file_where_a_folder_must_be(course: Course) -> None:
    """It is kept under another name, once, whoever comes first."""
    for number in range(5):
        reset(course.world.prefix, None)
        (course.world.prefix / "share").mkdir(parents=True)
        (course.world.prefix / "share" / str(number)).write_text("mine")
        status, _ = in_child(lambda: course.world.bring(course.target))
        assert status == 0
        found = tree(course.world.prefix)
        assert [path for path in found if "pixi-saved" in path] == [f"share/{number}.pixi-saved-1"]
        assert {path for path in course.golden if path.startswith("share/")} <= set(found)
