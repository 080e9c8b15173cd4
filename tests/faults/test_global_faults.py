"""`pixi global`, killed at changes of the file system: `sync` leaves what was or what was to be, the same command again
what was to be.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pixi_core.cli.main import main
from tests.support.packages import tree
from tests.support.tool_channel import tool_channel

from .engine import in_child, kill, reset

pytestmark = [pytest.mark.faults, pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")]

Words = tuple[str, ...]
SCENARIOS: dict[str, tuple[tuple[Words, ...], Words, int]] = {
    "install": ((("install", "quiet"),), ("install", "tool-old"), 9),
    "first": ((), ("install", "quiet"), 5),
    "add": ((("install", "tool-old"),), ("add", "-e", "tool-old", "quiet", "--expose", "quiet"), 5),
    "update": ((("install", "tool-new=1.0"), ("install", "tool-new")), ("update",), 9),
    "expose": ((("install", "tool-old"),), ("expose", "add", "-e", "tool-old", "py=python", "x=tool-old"), 1),
    "hide": ((("install", "tool-new"),), ("expose", "remove", "tool-new"), 1),
    "uninstall": ((("install", "tool-new", "tool-old"),), ("uninstall", "tool-new"), 5),
}
"""Name → what comes before, the command that is killed, at every how-many-th change."""
REAL: dict[str, tuple[tuple[Words, ...], Words]] = {
    "install": ((("install", "numpy=2.3.5"),), ("install", "pygments", "--with", "python=OTHER")),
    "update": ((("install", "numpy=2.3.5"), ("install", "numpy")), ("update",)),
    "expose": ((("install", "pygments", "--with", "python=OTHER"),), ("expose", "add", "-e", "pygments", "x=python")),
    "uninstall": ((("install", "pygments", "--with", "python=OTHER"),), ("uninstall", "pygments")),
}
"""The same of real tools on two real Pythons."""
KILLS = 8
"""Of each of those, spread over the command's changes."""


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tool_channel(tmp_path_factory.mktemp("tools"))


@dataclass
class Desk:
    """A home of global tools, and the caches."""

    root: Path
    channel: str
    golden: dict[str, str] = field(default_factory=dict)
    started: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.root / "place" / "home"

    def pixi(self, *words: str) -> None:
        """`pixi global` in this process; any exit code but 0 is an error."""
        words = (words[0], "-c", self.channel, *words[1:]) if words[0] == "install" else words
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
            code = main(["global", *words])
        if code:
            raise AssertionError(f"pixi global {' '.join(words)} ended with {code}")

    def state(self) -> dict[str, str]:
        """Everything but the file that is only locked."""
        return tree(self.home, skip=("manifests/.pixi-global.lock",))


@pytest.fixture
def desk(tmp_path: Path, tools: str, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("PIXI_CACHE_DIR", str(tmp_path / "place" / "cache"))
    monkeypatch.setenv("PIXI_HOME", str(tmp_path / "place" / "home"))
    (tmp_path / "place").mkdir()
    return Desk(tmp_path, tools)


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_killed_command_leaves_nothing_half_done(desk: Desk, name: str) -> None:
    before, command, every = SCENARIOS[name]
    changes = _prepared(desk, before, command)
    assert _wrong(desk, command, range(1, changes + 1, every)) == []


@pytest.mark.channel
@pytest.mark.parametrize("name", REAL)
def test_real_tools_on_two_pythons(
    tmp_path: Path, two_pythons: tuple[str, str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    channel, other = two_pythons
    monkeypatch.setenv("PIXI_HOME", str(tmp_path / "place" / "home"))  # the cache stays where it is: it is large
    (tmp_path / "place").mkdir()
    desk = Desk(tmp_path, channel)
    before, command = REAL[name]
    filled = [tuple(word.replace("OTHER", other) for word in words) for words in (*before, command)]
    changes = _prepared(desk, filled[:-1], filled[-1])
    assert _wrong(desk, filled[-1], range(1, changes + 1, max(changes // KILLS, 1))) == []


def _prepared(desk: Desk, before: Sequence[Words], command: Words) -> int:
    """Run a command once for the state that it leads to, and once more for the number of its changes."""
    for words in before:
        desk.pixi(*words)
    if command[0] == "update":
        manifest = desk.home / "manifests" / "pixi-global.toml"
        manifest.write_text(re.sub(r'^((?:tool-new|numpy) = )".*"', r'\1"*"', manifest.read_text(), flags=re.M))
    desk.started = desk.state()
    reset(desk.root / "start", desk.root / "place")
    desk.pixi(*command)  # in this process first: what it imports, its children need not
    desk.golden = desk.state()
    assert desk.golden != desk.started
    reset(desk.root / "place", desk.root / "start")
    status, changes = in_child(lambda: desk.pixi(*command))
    assert (status, desk.state()) == (0, desk.golden)
    assert changes > 2
    return changes


def _wrong(desk: Desk, command: Words, moments: range) -> list[str]:
    """What is wrong after kills at these changes, a line each."""
    return [told for at in moments if (told := _fails(desk, command, at))]


def _fails(desk: Desk, command: Words, at: int) -> str:
    """What is wrong after a kill at change `at`, nothing where all is well."""
    reset(desk.root / "place", desk.root / "start")
    if in_child(lambda: desk.pixi(*command), at=at, fault=kill)[0] != -9:
        return ""  # threads: the count of a run may differ by what two of them did at once
    status, _ = in_child(lambda: desk.pixi("sync"))
    synced = desk.state()
    if status or synced not in (desk.golden, _with_spare(desk.started, synced)):
        return f"{at}: sync ended with {status} and left {_difference(synced, desk.golden)}"
    if synced != desk.golden:
        status, _ = in_child(lambda: desk.pixi(*command))
    if status or desk.state() != desk.golden:
        return f"{at}: again, it ended with {status} and left {_difference(desk.state(), desk.golden)}"
    return ""


def _difference(one: dict[str, str], other: dict[str, str]) -> list[tuple[str, str]]:
    return sorted(one.items() ^ other.items())[:6]


def _with_spare(state: dict[str, str], other: dict[str, str]) -> dict[str, str]:
    """The state, with what may have come to it without meaning anything: folders, the program of all launchers, and
    drafts, which the next change writes over.
    """
    spare = {key: value for key, value in other.items() if key.endswith(("/", "/trampoline_bin", ".tmp"))}
    return {**spare, **state}
