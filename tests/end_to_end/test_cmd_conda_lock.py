"""`pixi workspace export conda-lock` and `pixi lock --like`, through the real command."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.support.command import pixi


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, small_channel: Path) -> Path:
    """A workspace that was locked while it wanted an old native-library."""
    folder = tmp_path_factory.mktemp("conda-lock")
    text = (
        f'[workspace]\nname = "demo"\nchannels = ["{small_channel.as_uri()}"]\nplatforms = ["linux-64", "osx-arm64"]\n'
        '\n[dependencies]\nnative-tool = "*"\nnative-library = "{}"\n'
    )
    (folder / "pixi.toml").write_text(text.format("1.0"))
    pixi("lock", cwd=folder).succeeded()
    pixi("workspace", "export", "conda-lock", "conda-lock.yml", cwd=folder).succeeded()
    (folder / "pixi.toml").write_text(text.format("*"))
    return folder


def versions(folder: Path) -> dict[str, set[str]]:
    """The locked versions by name."""
    found: dict[str, set[str]] = {}
    for package in yaml.safe_load((folder / "pixi.lock").read_text())["packages"]:
        name, version, _ = package["conda"].rpartition("/")[2].rsplit("-", 2)
        found.setdefault(name, set()).add(version)
    return found


def test_a_lock_file_is_made_like_one_of_conda_lock(workspace: Path) -> None:
    exported = yaml.safe_load((workspace / "conda-lock.yml").read_text())
    assert exported["metadata"]["platforms"] == ["linux-64", "osx-arm64"]
    assert {(each["name"], each["version"]) for each in exported["package"]} == {
        ("native-tool", "1.0"),
        ("native-library", "1.0"),
    }
    (workspace / "pixi.lock").unlink()
    pixi("lock", cwd=workspace).succeeded()
    assert versions(workspace)["native-library"] == {"1.1"}
    newest = (workspace / "pixi.lock").read_text()

    pixi("lock", "--like", "conda-lock.yml", "--dry-run", "--check", cwd=workspace).failed()
    assert (workspace / "pixi.lock").read_text() == newest
    done = pixi("lock", "--like", "conda-lock.yml", cwd=workspace).succeeded()
    assert "made like conda-lock.yml" in done.err
    assert versions(workspace)["native-library"] == {"1.0"}
    again = pixi("workspace", "export", "conda-lock", cwd=workspace).succeeded().out
    assert yaml.safe_load(again) == exported
    assert "already up-to-date" in pixi("lock", "--check", cwd=workspace).succeeded().err


def test_what_cannot_be_taken(workspace: Path) -> None:
    assert "absent.yml cannot be read" in pixi("lock", "--like", "absent.yml", cwd=workspace).failed().err
    assert "conda-lock's own file is wanted" in pixi("lock", "--like", "pixi.lock", cwd=workspace).failed().err
    words = ("workspace", "export", "conda-lock", "-p", "win-64")
    assert "it has linux-64, osx-arm64" in pixi(*words, cwd=workspace).failed().err
