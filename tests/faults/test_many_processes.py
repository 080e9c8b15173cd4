"""Many whole commands at once: from one cold cache into different workspaces, and all into the same one."""

from __future__ import annotations

import contextlib
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from pixi_core.cli.main import main
from pixi_core.install.verify import verify
from tests.support.http_server import FaultServer, files_of, serving
from tests.support.packages import tree
from tests.support.pypi_index import Answer, FakeIndex
from tests.support.pypi_index import serving as serving_index

from .engine import kill, mutates

pytestmark = [pytest.mark.faults, pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")]
ARCHIVES = (".conda", ".tar.bz2", ".whl")


class Asked(FakeIndex):
    """Two wheels, and the requests for files."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.wheel("greeting", "1.0", "words")
        self.wheel("words", "1.0")

    def answer(self, path: str, headers: Mapping[str, str]) -> Answer:
        self.seen.append(path)
        return super().answer(path, headers)


@pytest.fixture(scope="module")
def server(small_channel: Path) -> Iterator[FaultServer]:
    """The small channel over HTTP; it remembers what was asked for."""
    files = files_of(small_channel)
    with serving(files) as running:
        yield running


def write_manifest(folder: Path, channel: str, index: str) -> Path:
    """A workspace of a few conda packages and two wheels."""
    folder.mkdir()
    (folder / "pixi.toml").write_text(
        f'[workspace]\nname = "demo"\nplatforms = ["linux-64"]\nchannels = ["{channel}"]\n\n'
        f'[pypi-options]\nindex-url = "{index}"\n\n'
        '[dependencies]\npython = "*"\npure-tool = "*"\nnative-tool = "*"\nold-archive = "*"\nprefix-text = "*"\n\n'
        '[pypi-dependencies]\ngreeting = "*"\n',
        encoding="utf-8",
    )
    return folder


@pytest.fixture
def cold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache that does not exist yet, which every command uses."""
    monkeypatch.setenv("PIXI_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def at_once(workspaces: Sequence[Path], log: Path, *, kill_first_at: int = 0) -> list[int]:
    """The exit codes of `pixi install` in all of these, started together. The first is killed at its change of that
    number (0: not).
    """
    reading, writing = os.pipe()
    children = []
    for number, workspace in enumerate(workspaces):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.close(writing)
                os.read(reading, 1)  # until the parent lets go of the other end
                if kill_first_at and number == 0:
                    sys.addaudithook(killing(kill_first_at))
                with log.open("a") as file, contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
                    code = main(["-m", str(workspace), "install"])
            finally:
                os._exit(code)
        children.append(child)
    os.close(reading)
    os.close(writing)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def killing(at: int) -> Callable[[str, tuple[Any, ...]], None]:
    """An audit hook that ends the process at its change number `at`."""
    count = 0

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal count
        if mutates(event, arguments):
            count += 1
            if count == at:
                kill()

    return hook


def assert_fetched_once(server: FaultServer, before: int, index: Asked) -> None:
    """Every archive came over the wire, and none twice (`before`: what the server had seen earlier)."""
    paths = [*(seen.path for seen in server.seen[before:]), *index.seen]
    asked = Counter(path for path in paths if path.endswith(ARCHIVES))
    assert len(asked) >= 7
    assert set(asked.values()) == {1}


def test_one_cold_cache_many_workspaces(tmp_path: Path, server: FaultServer, cold: Path) -> None:
    """Everybody succeeds, and every archive comes over the wire once."""
    index = Asked()
    before = len(server.seen)
    with serving_index(index) as running:
        places = [write_manifest(tmp_path / f"w{number}", server.url, running.url) for number in range(8)]
        codes = at_once(places, tmp_path / "log")
    assert codes == [0] * 8, (tmp_path / "log").read_text()
    assert_fetched_once(server, before, index)
    trees = [tree(place / ".pixi/envs/default", skip=SKIPPED) for place in places]
    assert all(sorted(other) == sorted(trees[0]) for other in trees)
    assert not [path for path in cold.rglob(".*") if path.name.startswith((".tmp-", ".download-"))]


@pytest.mark.parametrize("at", [60, *(pytest.param(at, marks=pytest.mark.exhaustive) for at in range(5, 150, 7))])
def test_one_of_many_is_killed(tmp_path: Path, server: FaultServer, cold: Path, at: int) -> None:
    """The others succeed, the same command again does, and only what the killed one was fetching comes once more."""
    index = Asked()
    before = len(server.seen)
    with serving_index(index) as running:
        places = [write_manifest(tmp_path / f"w{number}", server.url, running.url) for number in range(8)]
        codes = at_once(places, tmp_path / "log", kill_first_at=at)
        assert codes == [-9] + [0] * 7, (tmp_path / "log").read_text()
        assert at_once(places[:1], tmp_path / "log") == [0], (tmp_path / "log").read_text()
    paths = [*(seen.path for seen in server.seen[before:]), *index.seen]
    asked = Counter(path for path in paths if path.endswith(ARCHIVES))
    assert set(asked.values()) <= {1, 2}
    trees = [tree(place / ".pixi/envs/default", skip=SKIPPED) for place in places]
    assert all(sorted(other) == sorted(trees[0]) for other in trees)
    assert not any(verify(place / ".pixi/envs/default") for place in places)


NOTES = (
    ".pixi/prepared-v1/",
    ".pixi/prepared-v1/default.json",
    ".pixi/history-v1/default.json",
)
"""What makes the next command fast (whoever approves a workspace for the first time drops it), and what holds times."""
SKIPPED = ("conda-meta/pixi", "conda-meta/pixi_env_prefix")


@pytest.mark.parametrize("count", [3, pytest.param(32, marks=pytest.mark.exhaustive)])
def test_one_workspace_many_processes(tmp_path: Path, server: FaultServer, cold: Path, count: int) -> None:
    """Everybody succeeds; one does the work, and what is there is what one alone would have made."""
    index = Asked()
    before = len(server.seen)
    with serving_index(index) as running:
        place = write_manifest(tmp_path / "w", server.url, running.url)
        codes = at_once([place] * count, tmp_path / "log")
        assert codes == [0] * count, (tmp_path / "log").read_text()
        assert_fetched_once(server, before, index)
        together = tree(place, skip=NOTES)
        (place / "pixi.lock").unlink()
        (place / ".pixi").rename(tmp_path / "away")
        assert at_once([place], tmp_path / "log") == [0]
    assert tree(place, skip=NOTES) == together
