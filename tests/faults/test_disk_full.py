"""Whole commands on a disk with a little less room than they need, at every amount of room: they say where space is
wanting, the environment that was there still works, and with space again the same command ends as it should.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pixi_core.install.prefix import has_journal
from pixi_core.install.verify import verify

from .privileges import small_disk
from .products import BY_NAME, Desk, Scenario

pytestmark = pytest.mark.faults

SIZE = 16 << 20
PAGE = 4096
SAID = re.compile(r"no space left at (\S+) \((?:[\d,]+ bytes needed, )?[\d,]+ bytes free\)")
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


def fill(disk: Path, room: int) -> Path:
    """A file that leaves `room` bytes on the disk."""
    ballast = disk / "ballast"
    status = os.statvfs(disk)
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, status.f_bavail * status.f_frsize - room)
    return ballast
