"""A hundred real packages, installed, upgraded, removed and rolled back by pixi and by rattler in turns, in one prefix:
whoever comes second finds nothing to do, and a change touches the files of the packages that change.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.command import pixi
from tests.support.rattler_oracle import rattler

pytestmark = [pytest.mark.peer, pytest.mark.channel, pytest.mark.slow, pytest.mark.timeout(900)]

STATES: dict[str, tuple[tuple[str, ...], ...]] = {
    "first": (("add", "jupyterlab", "pandas", "matplotlib", "six==1.16.0", "numpy==2.3.5"),),
    "upgraded": (("add", "six==1.17.0", "numpy==2.4.6"),),
    "removed": (("remove", "matplotlib", "jupyterlab"), ("add", "ipykernel")),
    "first again": (("rollback", "1"),),
}
"""What is done to come to each state, one after another."""
Stamps = dict[str, tuple[int, int, int]]


class Place:
    """A workspace whose lock file is that of any of the states, and the two that install it."""

    def __init__(self, root: Path, channel: str) -> None:
        self.root, self.folder = root, root / "demo"
        pixi("init", "demo", "-c", channel, cwd=root).succeeded()
        for name, commands in STATES.items():
            for words in commands:
                pixi(*words, cwd=self.folder, timeout=600).succeeded()
            (root / name).mkdir()
            for file in ("pixi.toml", "pixi.lock"):
                shutil.copyfile(self.folder / file, root / name / file)
        shutil.rmtree(self.prefix)

    @property
    def prefix(self) -> Path:
        """The environment."""
        return self.folder / ".pixi" / "envs" / "default"

    def by_us(self, state: str) -> None:
        """`pixi install`."""
        for file in ("pixi.toml", "pixi.lock"):
            shutil.copyfile(self.root / state / file, self.folder / file)
        pixi("install", "--frozen", cwd=self.folder, timeout=600).succeeded()

    def by_rattler(self, state: str) -> None:
        """The peer, with the same lock file."""
        rattler(
            "install-lock",
            path=str(self.root / state / "pixi.lock"),
            environment="default",
            platform="linux-64",
            prefix=str(self.prefix),
            cache=str(self.root / "their-cache"),
        )

    def stamps(self) -> Stamps:
        """Inode, size and time of every file but the records."""
        found: Stamps = {}
        for path in self.prefix.rglob("*"):
            if path.is_file() and "conda-meta" not in path.parts:
                status = path.stat(follow_symlinks=False)
                found[path.relative_to(self.prefix).as_posix()] = (status.st_ino, status.st_size, status.st_mtime_ns)
        return found

    def files(self) -> dict[str, set[str]]:
        """The files of each installed package, with its build: what two states have in common does not change."""
        records = [json.loads(path.read_bytes()) for path in (self.prefix / "conda-meta").glob("*.json")]
        return {f"{each['name']} {each['version']} {each['build']}": set(each["files"]) for each in records}


def test_in_turns(tmp_path: Path, hundred_channel: Path) -> None:
    place = Place(tmp_path, hundred_channel.as_uri())
    tools: list[Callable[[str], None]] = [place.by_us, place.by_rattler]
    for changer, other in (tools, tools[::-1]):
        shutil.rmtree(place.prefix, ignore_errors=True)
        before, had = place.stamps(), place.files()
        for state in STATES:
            changer(state)
            after, has = place.stamps(), place.files()
            staying = {path for name in has.keys() & had.keys() for path in has[name]}
            moved = [path for path in staying & before.keys() if before[path] != after.get(path)]
            assert not moved, (changer, state, sorted(moved)[:10])
            other(state)
            now = place.stamps()
            again = [path for path in after.keys() | now.keys() if after.get(path) != now.get(path)]
            assert not again, (other, state, sorted(again)[:10])
            told = rattler("records", prefix=str(place.prefix))
            assert {f"{each['name']} {each['version']} {each['build']}" for each in told} == has.keys()
            before, had = now, has
        assert len(had) > 100
