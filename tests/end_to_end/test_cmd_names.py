"""`pixi names`: from the caches alone, whatever they hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pixi_core.ops.find_packages import find_packages
from pixi_core.ops.known_names import MOST, beginning_with, hints_of_the_other_kind
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


def test_what_cannot_be_added_may_be_of_the_other_kind(tmp_path: Path, small_channel: Path) -> None:
    index = pypi_index.FakeIndex()
    index.wheel("greeting", "1.0")
    manifest = tmp_path / "pixi.toml"
    with pypi_index.serving(index):
        manifest.write_text(
            f'[workspace]\nchannels = ["{small_channel.as_uri()}"]\nplatforms = ["linux-64"]\n'
            f'[pypi-options]\nindex-url = "{index.url}"\n'
        )
        before = manifest.read_text()
        linux = {"PIXI_OVERRIDE_PLATFORM": "linux-64"}
        unknown = pixi("add", "greeting", cwd=tmp_path, environ=linux).failed(1)
        assert "if it is a package of the PyPI index: `pixi add --pypi greeting`" in unknown.err
        workspace = Workspace.open(manifest)
        try:
            find_packages(workspace, "greet")  # keeps the names of the index
        finally:
            workspace.close()
        known = pixi("add", "greeting", "absent", cwd=tmp_path, environ=linux).failed(1)
        assert "`greeting` is a package of the PyPI index: `pixi add --pypi greeting`" in known.err
        assert "--pypi absent" not in known.err
        too_new = pixi("add", "shared==99", cwd=tmp_path, environ=linux).failed(1)
        assert "--pypi" not in too_new.err
        assert manifest.read_text() == before
        workspace = Workspace.open(manifest)
        try:
            said = hints_of_the_other_kind(
                workspace, ["shared", "greeting"], workspace.manifest.environment("default"), pypi=True
            )
        finally:
            workspace.close()
    assert said == ["`shared` is a conda package, too: `pixi add shared`"]
