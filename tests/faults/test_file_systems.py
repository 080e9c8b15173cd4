"""File systems that refuse what others allow: no inode left, no hard links, no long names."""

from __future__ import annotations

import errno
import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pixi_core.install.execute import execute
from pixi_core.install.link import LinkOptions
from pixi_core.install.plan import make_plan
from pixi_core.install.prefix import read_prefix
from pixi_core.install.verify import verify
from pixi_core.model.platform import Platform, Subdir
from tests.support.packages import Shelf

from .engine import in_child
from .privileges import folding_disk, quota_disk, set_quota, small_disk
from .products import BY_NAME, Desk, Scenario, comparable, without_memories
from .test_disk_full import QUOTA_SAID

pytestmark = [pytest.mark.faults, pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")]

SIZE, INODES = 16 << 20, 1200
SAID = re.compile(r"no space left at (\S+) \(.*no inodes")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system that can hold few files."""
    with small_disk(tmp_path / "small", SIZE, INODES) as mounted:
        if not mounted:
            pytest.skip("no small file system can be mounted here")
        yield tmp_path / "small"


@pytest.mark.parametrize(
    ("name", "every"),
    [("conda-add", 5)] + [pytest.param(name, 1, marks=pytest.mark.exhaustive) for name in ("conda-add", "pypi-add")],
)
def test_no_inode_is_left(disk: Path, desk_at: Callable[[Scenario, Path], Desk], name: str, every: int) -> None:
    """At each number of inodes that is too small: the command says so, and heals when there are more."""
    made = desk_at(BY_NAME[name], disk / "place")
    wrong: list[tuple[object, ...]] = []
    refused = 0
    for room in range(0, INODES, every):
        made.back()
        remount(disk, os.statvfs(disk).f_files - os.statvfs(disk).f_ffree + room)
        code, told = made.outcome(*made.scenario.command)
        remount(disk, INODES)
        if code == 0 and "is not in its history" not in told and made.state() == made.golden:
            break
        refused += 1
        if code and (code != 1 or not SAID.search(told) or "Traceback" in told):
            wrong.append((room, code, told[-300:]))
        again, told = made.outcome(*made.scenario.command)
        now, golden = made.state(), made.golden
        if code == 0:  # the installation had room, and what remembers it had not: that is said
            now, golden = without_memories(now), without_memories(golden)
        else:
            now, golden = without_pins(now), without_pins(golden)
        if again or now != golden:
            wrong.append((room, again, told[-300:], sorted(now.items() ^ golden.items())[:6]))
    print(f"{name}: {refused} times no inode, {len(wrong)} wrong")
    assert refused
    assert not wrong, wrong[:4]


ROOMS = [*range(0, 256 << 10, 8 << 10), *range(256 << 10, 4 << 20, 128 << 10)]
"""What a quota leaves, in bytes."""
UNDER_QUOTA = [pytest.param("conda-add", 7), pytest.param("conda-rollback", 5)] + [
    pytest.param(name, 1, marks=pytest.mark.exhaustive)
    for name in ("conda-first", "conda-add", "conda-rollback", "pypi-add", "pypi-rollback", "mixed-add")
]


@pytest.mark.parametrize(("name", "every"), UNDER_QUOTA)
def test_the_quota_of_a_file_system(
    tmp_path: Path, desk_at: Callable[[Scenario, Path], Desk], name: str, every: int
) -> None:
    """A real one: the command says that there is no room, and heals when there is more."""
    with quota_disk(tmp_path / "disk", tmp_path / "image", 256 << 20) as mounted:
        if not mounted:
            pytest.skip("needs btrfs, its programs and root")
        volume = tmp_path / "disk" / "volume"
        made = desk_at(BY_NAME[name], volume / "place")
        wrong: list[tuple[object, ...]] = []
        refused = 0
        for room in ROOMS[::every]:
            made.back()
            set_quota(volume, room)
            code, told = made.outcome(*made.scenario.command)
            set_quota(volume, None)
            if code:
                refused += 1
                if code != 1 or not QUOTA_SAID.search(told) or "Traceback" in told:
                    wrong.append((room, code, told[-300:]))
            wrong += [(room, *what) for what in not_healed(made, code)]
        print(f"{name}: {refused} times beyond the quota, {len(wrong)} wrong")
        assert refused
        assert not wrong, wrong[:4]


def not_healed(made: Desk, code: int) -> list[tuple[object, ...]]:
    """What is wrong when a command that ended with `code` was repeated where that was no success."""
    again, told = made.outcome(*made.scenario.command) if code else (0, "")
    now, golden = (without_pins(without_memories(state)) for state in (made.state(), made.golden))
    return [(again, told[-300:], sorted(now.items() ^ golden.items())[:6])] if again or now != golden else []


LIMITS = [0, 1, 100, 500, 1000, 2000, 4000, 8000, 16000, 32000, 64000, 128000, 1 << 20]
LIMIT_SAID = re.compile(r"no space left at (\S+) \((?:[\d,]+ bytes needed, )?no file may be longer than [\d,]+ bytes\)")
LIMITED = ("conda-first", "conda-add", "conda-rollback", "pypi-add", "pypi-rollback", "mixed-add")


@pytest.mark.parametrize("name", LIMITED)
def test_no_file_may_be_longer_than_a_limit(desk: Callable[[Scenario], Desk], name: str) -> None:
    """`ulimit -f`: the command says which file cannot be written, and heals without the limit."""
    made = desk(BY_NAME[name])
    wrong: list[tuple[object, ...]] = []
    refused = 0
    for limit in LIMITS:
        made.back()
        code, told = under_limit(made, limit)
        refused += code != 0
        if code not in (0, 1) or "Traceback" in told or (code == 1 and not LIMIT_SAID.search(told)):
            wrong.append((limit, code, told[-300:]))
        wrong += [(limit, *what) for what in not_healed(made, code)]
    print(f"{name}: {refused} of {len(LIMITS)} limits refused, {len(wrong)} wrong")
    assert refused
    assert not wrong, wrong[:4]


def under_limit(made: Desk, limit: int) -> tuple[int, str]:
    """The exit code of the command, and what it said, in a process whose files may not be longer."""
    reading, writing = os.pipe()

    def work() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        code, told = made.outcome(*made.scenario.command)
        os.write(writing, f"{code}\n{told}".encode())

    in_child(work)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        code, _, told = pipe.read().partition("\n")
    return int(code or -1), told


def without_pins(state: dict[str, str]) -> dict[str, str]:
    """Everything but what keeps cache entries for a rollback."""
    return {path: what for path, what in state.items() if "/pins/" not in path}


def remount(disk: Path, inodes: int) -> None:
    """Give the file system another number of inodes."""
    subprocess.run(["mount", "-o", f"remount,nr_inodes={inodes}", str(disk)], check=True)


@pytest.mark.parametrize("number", [errno.EPERM, errno.EMLINK, errno.EXDEV, errno.ENOTSUP, errno.EACCES])
@pytest.mark.parametrize("name", ["conda-add", "mixed-add"])
def test_hard_links_are_refused(desk: Callable[[Scenario], Desk], name: str, number: int) -> None:
    """As network and foreign file systems do, or a file that has all the names it can: what is wanted is copied."""
    made = desk(BY_NAME[name])
    made.back()

    def work() -> None:
        def refuse(event: str, _: tuple[Any, ...]) -> None:
            if event == "os.link":
                raise OSError(number, os.strerror(number))

        sys.addaudithook(refuse)
        made.pixi(*made.scenario.command)

    assert in_child(work)[0] == 0
    prefix = made.workspace / ".pixi" / "envs" / "default"
    golden = {
        path.removeprefix(PREFIX): what
        for path, what in made.golden.items()
        if path.startswith(PREFIX) and path != PREFIX
    }
    found = comparable(prefix)
    assert {name: what for name, what in found.items() if not is_record(name)} == {
        name: what for name, what in golden.items() if not is_record(name)
    }
    assert found.keys() == golden.keys()
    assert not verify(prefix)


PREFIX = ".pixi/envs/default/"


def is_record(name: str) -> bool:
    """What says how files were put in place, and stamps made of the whole."""
    return name.startswith("conda-meta/")


@pytest.mark.parametrize("depth", [3, 15, 19])
def test_the_path_of_a_workspace_is_very_long(tmp_path: Path, small_channel: Path, depth: int) -> None:
    """Up to the longest path that the system takes, and beyond: it works, or says that the path is too long."""
    folder = tmp_path.joinpath(*["d" * 200] * depth)
    folder.mkdir(parents=True)
    (folder / "pixi.toml").write_text(
        f'[workspace]\nname = "x"\nplatforms = ["linux-64"]\nchannels = ["{small_channel.as_uri()}"]\n\n'
        '[dependencies]\nodd-paths = "*"\nlinks = "*"\n',
        encoding="utf-8",
    )
    ran = subprocess.run(
        [sys.executable, "-m", "pixi_core.cli.main", "install"], cwd=folder, capture_output=True, text=True, check=False
    )
    prefix = folder / ".pixi" / "envs" / "default"
    assert "Traceback" not in ran.stderr
    if depth < 19:
        assert ran.returncode == 0, ran.stderr
        assert not verify(prefix)
    else:
        assert ran.returncode in (0, 1), ran.stderr
        assert ran.returncode == 0 or "too long" in ran.stderr, ran.stderr


@pytest.fixture
def folding(tmp_path: Path) -> Iterator[Path]:
    """A file system on which names that differ in case alone are one file."""
    with folding_disk(tmp_path / "disk", tmp_path / "image", 256 << 20) as mounted:
        if not mounted:
            pytest.skip("needs FUSE, ntfs-3g and root")
        (tmp_path / "disk" / "place").mkdir()
        assert (tmp_path / "disk" / "PLACE").exists()
        yield tmp_path / "disk" / "place"


def test_commands_where_case_is_folded(folding: Path, small_channel: Path) -> None:
    """Install, change, return, look, clean: as anywhere."""
    (folding / "pixi.toml").write_text(
        f'[workspace]\nname = "x"\nplatforms = ["linux-64"]\nchannels = ["{small_channel.as_uri()}"]\n\n'
        '[dependencies]\nodd-paths = "*"\nlinks = "*"\nnative-library = "1.*"\n',
        encoding="utf-8",
    )
    environ = {**os.environ, "PIXI_CACHE_DIR": str(folding / "cache")}
    commands = ("install", "add native-library=2.0", "rollback", "doctor", "clean cache --yes", "doctor", "reinstall")
    for command in commands:
        words = [sys.executable, "-m", "pixi_core.cli.main", *command.split()]
        ran = subprocess.run(words, cwd=folding, env=environ, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, (command, ran.stdout, ran.stderr)
        assert not verify(folding / ".pixi" / "envs" / "default"), command


@pytest.mark.parametrize("together", [True, False])
def test_packages_collide_where_case_is_folded(folding: Path, tmp_path: Path, together: bool) -> None:
    """On a system that tells case apart, on a disk that does not: nothing is overwritten, whoever comes first."""
    shelf, prefix = Shelf(tmp_path / "cache"), folding / "env"
    one = shelf.add_conda("one", "1", {"share/Readme": "one"}, subdir="linux-64")
    two = shelf.add_conda("two", "1", {"share/README": "two"}, subdir="linux-64")
    for wanted in [[one, two]] if together else [[one], [one, two]]:
        execute(
            make_plan(wanted, [], read_prefix(prefix)),
            prefix,
            packages=shelf,
            requested={},
            platform=Platform.bare(Subdir("linux-64")),
            options=LinkOptions(durable=False),
        )
    assert (prefix / "share/Readme").read_text() == "one"
    assert not verify(prefix)
