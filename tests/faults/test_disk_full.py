"""Whole commands on a disk with a little less room than they need, at every amount of room: they say where space is
wanting, the environment that was there still works, and with space again the same command ends as it should.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pixi_core.install.prefix import has_journal
from pixi_core.install.verify import verify
from tests.support.packages import tree

from .engine import in_child, no_quota
from .privileges import small_disk
from .products import BY_NAME, Desk, Scenario, history, without_memories

pytestmark = pytest.mark.faults

SIZE = 16 << 20
PAGE = 4096
SAID = re.compile(r"no space left at (\S+) \((?:[\d,]+ bytes needed, )?[\d,]+ bytes free\)")
QUOTA_SAID = re.compile(r"no space left at (\S+) \((?:[\d,]+ bytes needed, )?the quota is used up\)")
SAMPLED_OR_ALL = [
    pytest.param(BY_NAME["conda-add"], 5, id="conda-add-sampled"),
    pytest.param(BY_NAME["pypi-add"], 5, id="pypi-add-sampled"),
] + [
    pytest.param(BY_NAME[name], 1, id=f"{name}-all", marks=pytest.mark.exhaustive)
    for name in ("conda-first", "conda-add", "conda-remove", "conda-lock", "pypi-first", "pypi-add", "mixed-add")
]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system."""
    with small_disk(tmp_path / "small", SIZE) as mounted:
        if not mounted:
            pytest.skip("no small file system can be mounted here")
        yield tmp_path / "small"


@pytest.mark.parametrize(("scenario", "every"), SAMPLED_OR_ALL)
def test_with_space_again_the_same_command_ends_well(
    disk: Path,
    desk_at: Callable[[Scenario, Path], Desk],
    scenario: Scenario,
    every: int,
) -> None:
    made = desk_at(scenario, disk / "place")
    prefix = made.workspace / ".pixi" / "envs" / "default"
    wrong: list[tuple[object, ...]] = []
    full, rooms = 0, 0
    for room in range(0, SIZE, every * PAGE):
        made.back()
        filled = fill(disk, room)
        code, told = made.outcome(*scenario.command)
        filled.unlink()
        rooms += 1
        if code == 0 and made.state() == made.golden:
            break
        full += 1
        if code == 0 and without_memories(made.state()) == without_memories(made.golden):
            # the installation had room, and what remembers it had not: no reason to fail, and of the history it is said
            if "is not in its history" not in told and history(made.state()) != history(made.golden):
                wrong.append((room, code, told[-300:]))
            continue
        said = SAID.search(told)
        mixed = prefix.is_dir() and not has_journal(prefix) and verify(prefix)
        if code != 1 or said is None or not said[1].startswith(str(disk)) or "Traceback" in told or mixed:
            wrong.append((room, code, told[-300:], mixed))
        code, told = made.outcome(*scenario.command)
        now = made.state()
        if code or now != made.golden:
            wrong.append((room, code, told[-300:], sorted(now.items() ^ made.golden.items())[:6]))
    print(f"{scenario.name}: {rooms} amounts of room, {full} times full, {len(wrong)} wrong")
    assert full
    assert not wrong, wrong[:5]


QUOTA = [
    pytest.param(BY_NAME["conda-add"], 31, id="conda-add-sampled"),
    pytest.param(BY_NAME["built-sdist"], 131, id="built-sdist-sampled"),
    *[
        pytest.param(BY_NAME[name], 1, id=f"{name}-all", marks=[pytest.mark.exhaustive, pytest.mark.timeout(1800)])
        for name in ("conda-add", "pypi-add", "built-sdist", "built-git", "built-editable")
    ],
]


@pytest.mark.parametrize(("scenario", "every"), QUOTA)
def test_a_quota_that_is_used_up(desk: Callable[[Scenario], Desk], scenario: Scenario, every: int) -> None:
    """Each change refused as a quota refuses it: the command says where, or did without, and then heals."""
    made = desk(scenario)
    wrong: list[tuple[object, ...]] = []
    failed, points = 0, range(1, made.changes + 1, every)
    for at in points:
        made.back()
        reading, writing = os.pipe()

        def work(writing: int = writing) -> None:
            code, told = made.outcome(*scenario.command)
            os.write(writing, f"{code}\n{told}".encode())

        in_child(work, at=at, fault=no_quota)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            code, _, told = pipe.read().partition("\n")
        failed += code == "1"
        if code not in ("0", "1") or "Traceback" in told or (code == "1" and not QUOTA_SAID.search(told)):
            wrong.append((at, code, told[-300:]))
        unremembered = code == "0" and "is not in its history" in told
        again, told = made.outcome(*scenario.command)
        now, golden = without_pins(made.state()), without_pins(made.golden)
        if unremembered:  # nothing is left to do, so nothing is recorded later, either
            now, golden = without_memories(now), without_memories(golden)
        if again or now != golden:
            wrong.append((at, again, told[-300:], sorted(now.items() ^ golden.items())[:6]))
    print(f"{scenario.name}: {len(points)} changes refused, {failed} commands failed, {len(wrong)} wrong")
    assert failed
    assert not wrong, wrong[:5]


@pytest.mark.parametrize("name", ["conda-add", "pypi-add", "mixed-first"])
def test_every_folder_on_a_file_system_of_its_own(
    tmp_path: Path, desk_at: Callable[[Scenario, Path], Desk], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Workspace, cache and temporary files on three disks: nothing can be renamed or linked from one to another."""
    together = desk_at(BY_NAME[name], tmp_path / "together")
    place = tmp_path / "apart"
    with ExitStack() as disks:
        folders = (place, place / "cache", place / "temporary")
        mounted = [disks.enter_context(small_disk(folder, SIZE)) for folder in folders]
        if not all(mounted):
            pytest.skip("no small file system can be mounted here")
        assert len({folder.stat().st_dev for folder in folders}) == 3
        monkeypatch.setenv("TMPDIR", str(folders[2]))
        monkeypatch.setenv("PIXI_CACHE_DIR", str(folders[1]))
        monkeypatch.setattr(tempfile, "tempdir", None)
        (place / "workspace").mkdir()
        apart = Desk(tmp_path / "notes", BY_NAME[name], together.channel, together.index, place)
        apart.begin()
        apart.pixi(*BY_NAME[name].command)
        together.pixi(*BY_NAME[name].command)
        assert installed(apart) == installed(together)
        assert not list(verify(prefix_of(apart)))
        assert not list(folders[2].iterdir())


def prefix_of(desk: Desk) -> Path:
    """The environment."""
    return desk.workspace / ".pixi" / "envs" / "default"


def installed(desk: Desk) -> set[str]:
    """The files of the environment."""
    return set(tree(prefix_of(desk)))


def without_pins(state: dict[str, str]) -> dict[str, str]:
    """Everything but what keeps cache entries for a rollback: where that is refused, a rollback fetches."""
    return {name: what for name, what in state.items() if "/pins/" not in name}


def fill(disk: Path, room: int) -> Path:
    """A file that leaves `room` bytes on the disk."""
    ballast = disk / "ballast"
    status = os.statvfs(disk)
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, status.f_bavail * status.f_frsize - room)
    return ballast
