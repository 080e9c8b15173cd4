"""A cache that somebody else has filled, before the own one: read, never written, and not believed where broken."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pixi_core.virtual import host_subdir
from tests.support.command import pixi
from tests.support.http_server import FaultServer, files_of, serving
from tests.support.packages import tree

pytestmark = pytest.mark.skipif(os.name == "nt", reason="modes of POSIX")
PACKAGES = ("shared", "native-library")


@pytest.fixture
def server(small_channel: Path) -> Iterator[FaultServer]:
    with serving(files_of(small_channel)) as found:
        yield found


@pytest.fixture
def filled(server: FaultServer, tmp_path: Path) -> Path:
    """A locked workspace, and the cache of somebody who has installed it."""
    dependencies = "".join(f'{name} = "*"\n' for name in PACKAGES)
    (tmp_path / "pixi.toml").write_text(
        f'[workspace]\nchannels = ["{server.url}"]\nplatforms = ["{host_subdir()}"]\n[dependencies]\n{dependencies}'
    )
    pixi("install", cwd=tmp_path, environ={"PIXI_CACHE_DIR": str(tmp_path / "theirs")}).succeeded()
    (tmp_path / ".pixi").rename(tmp_path / "away")
    server.seen.clear()
    return tmp_path


def asked(server: FaultServer) -> list[str]:
    """The archives that were downloaded."""
    return [seen.path.rpartition("/")[2] for seen in server.seen if seen.path.endswith((".conda", ".tar.bz2"))]


@pytest.mark.parametrize("how", ["variable", "configuration"])
def test_what_lies_there_is_not_downloaded(filled: Path, server: FaultServer, how: str) -> None:
    theirs = filled / "theirs"
    for folder, _, files in os.walk(theirs):
        for name in files:
            os.chmod(os.path.join(folder, name), 0o444)
        os.chmod(folder, 0o555)
    before = tree(theirs)
    environ = {"PIXI_CACHE_DIR": str(filled / "mine")}
    if how == "variable":
        environ["PIXI_CACHE_READ_ONLY"] = os.pathsep.join([str(filled / "nothing"), str(theirs)])
    else:
        (filled / "config.toml").write_text(f'[cache]\nread-only = ["{theirs}"]\n')
        environ["PIXI_CONFIG_FILE"] = str(filled / "config.toml")
    try:
        pixi("install", cwd=filled, environ=environ).succeeded()
        assert asked(server) == []
        assert (filled / ".pixi/envs/default/share/shared").is_file()
        assert not list((filled / "mine").glob("conda-pkgs-v1/[!.]*"))
        assert tree(theirs) == before
    finally:
        for folder, _, _ in os.walk(theirs):
            os.chmod(folder, 0o755)


def test_a_broken_entry_is_fetched_into_the_own_cache(filled: Path, server: FaultServer) -> None:
    theirs = filled / "theirs"
    [file] = theirs.glob("conda-pkgs-v1/shared-*/share/shared")
    file.unlink()
    file.write_text("something else, and longer\n")
    environ = {"PIXI_CACHE_DIR": str(filled / "mine"), "PIXI_CACHE_READ_ONLY": str(theirs)}
    pixi("install", cwd=filled, environ=environ).succeeded()
    assert [name.rpartition("-")[0].rpartition("-")[0] for name in asked(server)] == ["shared"]
    assert (filled / ".pixi/envs/default/share/shared").read_text() == "2.0\n"
    assert file.read_text() == "something else, and longer\n"


def test_a_path_that_is_not_absolute(filled: Path) -> None:
    said = pixi("install", cwd=filled, environ={"PIXI_CACHE_READ_ONLY": "theirs"}).failed().err
    assert "PIXI_CACHE_READ_ONLY is 'theirs', which is not an absolute path" in said


@pytest.mark.parametrize("how", ["gone", "short"])
def test_a_broken_entry_of_the_own_cache_is_fetched_again(filled: Path, server: FaultServer, how: str) -> None:
    """Nothing changes in the environment where that fails."""
    environ = {"PIXI_CACHE_DIR": str(filled / "theirs")}
    [file] = filled.glob("theirs/conda-pkgs-v1/shared-*/share/shared")
    file.unlink()
    if how == "short":
        file.write_text("2")
    failed = pixi("install", "--offline", cwd=filled, environ=environ).failed()
    assert "shared-2.0" in failed.err
    assert not list(filled.glob(".pixi/envs/default/conda-meta/*.json"))
    assert asked(server) == []
    pixi("install", cwd=filled, environ=environ).succeeded()
    assert [name.rpartition("-")[0].rpartition("-")[0] for name in asked(server)] == ["shared"]
    assert (filled / ".pixi/envs/default/share/shared").read_text() == "2.0\n"
    assert file.read_text() == "2.0\n"
