"""`pixi names`: from the caches alone, whatever they hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pixi_core.ops.find_packages import find_packages
from pixi_core.ops.known_names import MOST, beginning_with
from pixi_core.workspace import Workspace
from tests.support import http_server, pypi_index
from tests.support.command import pixi


@pytest.mark.parametrize(
    ("part", "names", "found"),
    [
        ("a", ["b", "ab", "a", "aa"], ["a", "aa", "ab"]),
        ("", ["b", "a"], ["a", "b"]),
        ("c", ["b", "a"], []),
        ("a-", ["a", "a-b", "a0"], ["a-b"]),
    ],
)
def test_what_begins_so(part: str, names: list[str], found: list[str]) -> None:
    assert beginning_with(part, names) == found


def test_never_more_than_anybody_reads() -> None:
    assert beginning_with("p", [f"p{number:04}" for number in range(1000)]) == [f"p{n:04}" for n in range(MOST)]


def test_names_of_channels_come_from_the_cache_without_a_request(tmp_path: Path, small_channel: Path) -> None:
    cache = {"PIXI_CACHE_DIR": str(tmp_path / "cache"), "PIXI_OVERRIDE_PLATFORM": "linux-64"}
    with http_server.serving(http_server.files_of(small_channel)) as server:
        (tmp_path / "pixi.toml").write_text(
            f'[workspace]\nchannels = ["{server.url}", "{server.url}/nowhere"]\nplatforms = ["linux-64"]\n'
        )
        empty = pixi("names", "native", "--json", cwd=tmp_path, environ=cache).succeeded()
        assert (json.loads(empty.out), server.count()) == ([], 0)
        pixi("search", "shared", "-c", server.url, cwd=tmp_path, environ=cache).succeeded()
        asked = server.count()
        found = pixi("names", "Native", "--json", cwd=tmp_path, environ=cache).succeeded()
        assert (json.loads(found.out), server.count()) == (["native-library", "native-tool"], asked)
    gone = pixi("names", "cycle", cwd=tmp_path, environ=cache).succeeded()
    assert gone.out.split() == ["cycle-one", "cycle-two"]


def test_names_of_the_index_are_those_that_a_search_has_kept(tmp_path: Path) -> None:
    index = pypi_index.FakeIndex()
    for name in ("greeting", "Greet_er", "words"):
        index.wheel(name, "1.0")
    with pypi_index.serving(index):
        (tmp_path / "pixi.toml").write_text(
            f'[workspace]\nchannels = []\nplatforms = ["linux-64"]\n[pypi-options]\nindex-url = "{index.url}"\n'
        )
        assert pixi("names", "gr", "--pypi", cwd=tmp_path).succeeded().out == ""
        workspace = Workspace.open(tmp_path / "pixi.toml")
        try:
            find_packages(workspace, "words")
        finally:
            workspace.services.close()
    assert pixi("names", "GR", "-e", "default", cwd=tmp_path).succeeded().out.split() == ["greet-er", "greeting"]
    assert pixi("names", "greet_", "--pypi", cwd=tmp_path).succeeded().out.split() == ["greet-er"]
