"""`pixi install --only|--skip|--skip-with-deps|--platform`, through the real command."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.support.command import pixi

LINUX = {"PIXI_OVERRIDE_PLATFORM": "linux-64"}


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory, small_channel: Path) -> Path:
    """A locked workspace; native-tool needs native-library, and the two of the cycle need each other."""
    folder = tmp_path_factory.mktemp("locked")
    (folder / "pixi.toml").write_text(
        f'[workspace]\nname = "demo"\nchannels = ["{small_channel.as_uri()}"]\nplatforms = ["linux-64", "osx-arm64"]\n'
        '\n[dependencies]\nnative-tool = "*"\ncycle-one = "*"\n'
        '\n[feature.more.dependencies]\nneeds-one = "*"\n\n[environments]\nmore = ["more"]\n'
    )
    pixi("lock", cwd=folder).succeeded()
    return folder


@pytest.fixture
def workspace(tmp_path: Path, locked: Path) -> Path:
    """A copy of it."""
    for name in ("pixi.toml", "pixi.lock"):
        shutil.copy(locked / name, tmp_path)
    return tmp_path


def installed(folder: Path, environment: str = "default") -> set[str]:
    """Names of the packages in a prefix, by its records."""
    meta = folder / ".pixi" / "envs" / environment / "conda-meta"
    return {json.loads(path.read_text())["name"] for path in meta.glob("*.json")}


def test_a_part_is_installed(workspace: Path) -> None:
    words = ("--only", "native-tool", "--skip", "native-tool", "--skip-with-deps", "cycle-one")
    done = pixi("install", *words, cwd=workspace, environ=LINUX).succeeded()
    assert installed(workspace) == {"native-library"}
    assert "The default environment has been installed, without cycle-one, cycle-two, native-tool." in done.err


def test_what_is_skipped_stays_where_it_is_there(workspace: Path) -> None:
    pixi("install", cwd=workspace, environ=LINUX).succeeded()
    pixi("install", "--skip-with-deps", "native-tool", cwd=workspace, environ=LINUX).succeeded()
    assert installed(workspace) == {"native-tool", "native-library", "cycle-one", "cycle-two"}


def test_a_part_stays_with_as_is_and_is_completed_aloud(workspace: Path) -> None:
    pixi("install", "--only", "native-library", cwd=workspace, environ=LINUX).succeeded()
    pixi("run", "--as-is", "echo", "there", cwd=workspace, environ=LINUX).succeeded()
    assert installed(workspace) == {"native-library"}
    rest = pixi("run", "echo", "there", cwd=workspace, environ=LINUX).succeeded()
    assert "The default environment holds a part of its packages; the rest is installed" in rest.err
    assert installed(workspace) == {"native-tool", "native-library", "cycle-one", "cycle-two"}
    again = pixi("run", "echo", "there", cwd=workspace, environ=LINUX).succeeded()
    assert "holds a part" not in again.err


def test_several_environments(workspace: Path) -> None:
    done = pixi("install", "--all", "--only", "needs-one", cwd=workspace, environ=LINUX).succeeded()
    assert installed(workspace) == set()
    assert installed(workspace, "more") == {"needs-one", "shared"}
    assert "warning" not in done.err


def test_unknown_names(workspace: Path) -> None:
    wrong = pixi("install", "--only", "native-libary", cwd=workspace, environ=LINUX).failed()
    assert "did you mean `native-library`" in wrong.err
    assert not (workspace / ".pixi" / "envs").exists()
    skipped = pixi("install", "--skip", "native-tol", cwd=workspace, environ=LINUX).succeeded()
    assert "nothing is skipped for 'native-tol'" in skipped.err
    assert "did you mean `native-tool`" in skipped.err
    assert "native-tool" in installed(workspace)


def test_another_platform(workspace: Path) -> None:
    done = pixi("install", "-p", "osx-arm64", cwd=workspace, environ=LINUX).succeeded()
    assert "the platform 'osx-arm64' does not run on this machine, which is linux-64" in done.err
    marker = json.loads((workspace / ".pixi" / "envs" / "default" / "conda-meta" / "pixi").read_text())
    assert marker["resolved_platform"]["subdir"] == "osx-arm64"
    wrong = pixi("reinstall", "-p", "osx-64", cwd=workspace, environ=LINUX).failed()
    assert "it has linux-64, osx-arm64" in wrong.err


def test_install_has_no_option_that_forbids_it(workspace: Path) -> None:
    assert "--no-install" in pixi("install", "--no-install", cwd=workspace).failed(2).err
