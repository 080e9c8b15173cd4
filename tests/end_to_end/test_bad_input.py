"""What goes wrong is said in a sentence with a hint, exit code 1, and nothing on disk has moved."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.channel.subdirs import host_subdir
from tests.support.command import pixi
from tests.support.trees import tree


@pytest.fixture
def workspace(tmp_path: Path, small_channel: Path) -> Path:
    """A workspace on synthetic packages with one of them installed; its channel may be spoilt."""
    channel = shutil.copytree(small_channel, tmp_path / "channel")
    folder = tmp_path / "demo"
    pixi("init", "demo", "-c", channel.as_uri(), cwd=tmp_path).succeeded()
    pixi("add", "old-archive", cwd=folder).succeeded()
    return folder


def corrupt_archive(folder: Path) -> None:
    """One archive of the channel with one byte of its payload flipped, the index unchanged."""
    archive = next((folder.parent / "channel" / host_subdir()).glob("prefix-text-*"))
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 0xFF
    archive.write_bytes(data)


def unreachable(folder: Path) -> None:
    """The channel is gone."""
    shutil.rmtree(folder.parent / "channel")


def malformed_manifest(folder: Path) -> None:
    path = folder / "pixi.toml"
    path.write_text(path.read_text().replace("[dependencies]", "[dependancies]"))


def manifest_is_no_toml(folder: Path) -> None:
    path = folder / "pixi.toml"
    path.write_text(path.read_text() + "\nnumpy = >=2\n")


def malformed_lock(folder: Path) -> None:
    (folder / "pixi.lock").write_text("version: 7\nplatforms:\n- [\n")


def newer_lock(folder: Path) -> None:
    (folder / "pixi.lock").write_text("version: 99\n")


def nothing(folder: Path) -> None:
    """Leave everything as it is."""


@pytest.mark.parametrize(
    ("spoil", "words", "said"),
    [
        pytest.param(nothing, ["add", "no-such-package"], ["no-such-package"], id="unknown package"),
        pytest.param(nothing, ["add", "prefix-txt"], ["prefix-txt", "prefix-text"], id="a typo gets its neighbour"),
        pytest.param(nothing, ["add", "old-archive>=99"], ["old-archive", "99"], id="no such version"),
        pytest.param(nothing, ["add", "numpy>=>2"], ["numpy>=>2"], id="not a spec"),
        pytest.param(nothing, ["remove", "prefix-text"], ["prefix-text"], id="remove what is not there"),
        pytest.param(corrupt_archive, ["add", "prefix-text"], ["prefix-text", "expected", "actual"], id="wrong hash"),
        pytest.param(unreachable, ["add", "prefix-text"], ["channel"], id="channel is gone"),
        pytest.param(malformed_manifest, ["install"], ["pixi.toml", "dependancies", "dependencies"], id="bad table"),
        pytest.param(manifest_is_no_toml, ["install"], ["pixi.toml:"], id="not TOML"),
        pytest.param(malformed_lock, ["install"], ["pixi.lock"], id="lock is not YAML"),
        pytest.param(newer_lock, ["install"], ["pixi.lock", "99"], id="lock of the future"),
        pytest.param(nothing, ["install", "-e", "defualt"], ["defualt", "default"], id="environment typo"),
    ],
)  # fmt: skip
def test_nothing_moves(workspace: Path, spoil: Callable[[Path], None], words: list[str], said: list[str]) -> None:
    spoil(workspace)
    before = tree(workspace)
    # a cache of its own: what another test has fetched would hide a spoilt channel
    ran = pixi(*words, cwd=workspace, environ={"PIXI_CACHE_DIR": str(workspace.parent / "cache")}).failed()
    for word in said:
        assert word in ran.err, ran.err
    assert "hint:" in ran.err, ran.err
    assert ran.out == ""
    assert tree(workspace) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["no-such-command"], "unknown command"),
        (["instal"], "`install`"),
        (["add"], "required"),
        (["install", "--lokced"], "--locked"),
        (["--colour"], "--colour"),
    ],
)
def test_usage_errors_are_exit_code_2(tmp_path: Path, words: list[str], said: str) -> None:
    assert said in pixi(*words, cwd=tmp_path).failed(2).err


def test_locked_names_the_reasons(workspace: Path) -> None:
    manifest = workspace / "pixi.toml"
    manifest.write_text(manifest.read_text() + 'prefix-text = "*"\n')
    before = tree(workspace)
    ran = pixi("install", "--locked", cwd=workspace).failed()
    assert "lock file not up-to-date with the workspace" in ran.err
    assert "prefix-text" in ran.err
    assert tree(workspace) == before


def test_init_refuses_a_folder_that_has_a_manifest(workspace: Path) -> None:
    before = tree(workspace)
    assert "exists already" in pixi("init", cwd=workspace).failed().err
    assert tree(workspace) == before


def test_init_says_when_the_default_channel_cannot_be_reached(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('default-channels = ["http://127.0.0.1:9/gone"]\n')
    ran = pixi("init", "demo", cwd=tmp_path, environ={"PIXI_CONFIG_FILE": str(config)}).succeeded()
    assert "cannot reach" in ran.err
    assert "--host" in ran.err
    ran = pixi("init", "hosted", "--host", cwd=tmp_path).succeeded()
    assert "channels = []" in (tmp_path / "hosted" / "pixi.toml").read_text()


def test_without_a_workspace_the_way_to_one_is_named(tmp_path: Path) -> None:
    assert "pixi init" in pixi("install", cwd=tmp_path).failed().err
