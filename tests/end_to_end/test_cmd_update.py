"""`pixi update` and `pixi upgrade`, through the real command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command import pixi
from tests.support.pypi_index import FakeIndex, serving

PLATFORMS = ("linux-64", "osx-arm64", "win-64")


@pytest.fixture
def workspace(tmp_path: Path, small_channel: Path) -> Path:
    """Locked at old versions, with a manifest that has been loosened since; nothing is installed."""
    return make(tmp_path, small_channel, 'shared = "*" # keep me\nnative-library = "<2"\n')


def make(folder: Path, channel: Path, dependencies: str) -> Path:
    """A workspace locked with shared 1.0 and native-library 1.0, whose manifest then says `dependencies`."""
    manifest = folder / "pixi.toml"
    head = f'[workspace]\nname = "demo"\nchannels = ["{channel.as_uri()}"]\nplatforms = ["linux-64", "osx-arm64"]\n'
    manifest.write_text(f'{head}\n[dependencies]\nshared = "1.0.*"\nnative-library = "1.0.*"\n')
    pixi("lock", cwd=folder).succeeded()
    manifest.write_text(f"{head}\n[dependencies]\n{dependencies}")
    pixi("lock", cwd=folder).succeeded()
    assert versions(folder) == {"shared": "1.0", "native-library": "1.0"}
    return folder


def versions(folder: Path, platform: str = "linux-64") -> dict[str, str]:
    """What is locked."""
    rows = json.loads(pixi("list", "--json", "--frozen", "--platform", platform, cwd=folder).succeeded().out)
    return {row["name"]: row["version"] for row in rows}


def both(folder: Path) -> tuple[str, str]:
    """The texts that a failure must not touch."""
    return (folder / "pixi.toml").read_text(), (folder / "pixi.lock").read_text()


def test_update_moves_everything_within_the_ranges(workspace: Path) -> None:
    manifest = (workspace / "pixi.toml").read_text()
    done = pixi("update", "--no-install", cwd=workspace).succeeded()
    assert versions(workspace) == {"shared": "2.0", "native-library": "1.1"}
    assert "~ shared         1.0 0 -> 2.0 0" in done.err or "~ shared         1.0 -> 2.0" in done.err
    assert (done.out, (workspace / "pixi.toml").read_text()) == ("", manifest)
    assert "already up-to-date" in pixi("update", "--no-install", cwd=workspace).succeeded().err


def test_update_of_one_package_on_one_platform_leaves_the_rest(workspace: Path) -> None:
    pixi("update", "shared", "-p", "linux-64", "-e", "default", "--no-install", cwd=workspace).succeeded()
    assert versions(workspace) == {"shared": "2.0", "native-library": "1.0"}
    assert versions(workspace, "osx-arm64") == {"shared": "1.0", "native-library": "1.0"}


def test_a_rehearsal_writes_nothing_and_prints_the_difference(workspace: Path) -> None:
    before = both(workspace)
    done = pixi("update", "shared", "--dry-run", "--json", cwd=workspace).succeeded()
    difference = json.loads(done.out)
    assert difference["version"] == 1
    [row] = difference["environment"]["default"]["linux-64"]
    assert (row["name"], row["type"]) == ("shared", "conda")
    assert (row["before"]["version"], row["after"]["version"]) == ("1.0", "2.0")
    assert "name" not in row["before"]
    assert both(workspace) == before
    assert not (workspace / ".pixi" / "envs").exists()


def test_update_installs_what_it_locked(tmp_path: Path, small_channel: Path) -> None:
    pixi("init", "-c", small_channel.as_uri(), cwd=tmp_path).succeeded()
    pixi("add", "shared=1.0", cwd=tmp_path).succeeded()
    manifest = tmp_path / "pixi.toml"
    manifest.write_text(manifest.read_text().replace('shared = "1.0.*"', 'shared = "*"').replace("==", ">="))
    pixi("update", cwd=tmp_path).succeeded()
    prefix = tmp_path / ".pixi" / "envs" / "default"
    assert (prefix / "share" / "shared").read_text() == "2.0\n"
    assert json.loads(pixi("status", "--json", cwd=tmp_path).succeeded().out)["state"] == "in-sync"


def test_upgrade_rewrites_ranges_and_keeps_the_rest_of_the_manifest(tmp_path: Path, small_channel: Path) -> None:
    make(
        tmp_path,
        small_channel,
        f'shared = "<2" # keep me\nnative-library = {{ version = "<1.1", channel = "{small_channel.as_uri()}" }}\n',
    )
    done = pixi("upgrade", "--no-install", cwd=tmp_path).succeeded()
    text = (tmp_path / "pixi.toml").read_text()
    assert 'shared = ">=2.0,<3" # keep me\n' in text
    assert f'native-library = {{ version = ">=2.0,<3", channel = "{small_channel.as_uri()}" }}\n' in text
    assert "✔ Upgraded shared to >=2.0,<3" in done.err
    assert versions(tmp_path) == {"shared": "2.0", "native-library": "2.0"}
    pixi("lock", "--check", cwd=tmp_path).succeeded()


@pytest.mark.parametrize("words", [("shared",), ("--exclude", "native-library"), ("-f", "default", "shared")])
def test_upgrade_of_some_packages_only(tmp_path: Path, small_channel: Path, words: tuple[str, ...]) -> None:
    make(tmp_path, small_channel, 'shared = "<2"\nnative-library = "<1.1"\n')
    pixi("upgrade", *words, "--no-install", cwd=tmp_path).succeeded()
    assert 'native-library = "<1.1"\n' in (tmp_path / "pixi.toml").read_text()
    assert versions(tmp_path) == {"shared": "2.0", "native-library": "1.0"}


def test_a_rehearsed_upgrade_says_what_it_would_do(tmp_path: Path, small_channel: Path) -> None:
    make(tmp_path, small_channel, 'shared = "<2"\nnative-library = "*"\n')
    before = both(tmp_path)
    done = pixi("upgrade", "-n", cwd=tmp_path).succeeded()
    assert "Would upgrade shared to >=2.0,<3" in done.err
    assert both(tmp_path) == before


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("update", "shraed"), "did you mean `shared`?"),
        (("update", "-p", "linux-46"), "did you mean `linux-64`?"),
        (("update", "-e", "defualt"), "did you mean `default`?"),
        (("upgrade", "shraed"), "did you mean `shared`?"),
        (("upgrade", "-f", "defualt"), "did you mean `default`?"),
    ],
)
def test_what_is_not_there_is_an_error_with_the_nearest_name(
    workspace: Path, words: tuple[str, ...], hint: str
) -> None:
    before = both(workspace)
    assert hint in pixi(*words, cwd=workspace).failed().err
    assert both(workspace) == before


def test_an_unknown_option_is_a_usage_error(tmp_path: Path) -> None:
    assert "did you mean `--dry-run`?" in pixi("update", "--dryrun", cwd=tmp_path).failed(2).err


def test_an_update_without_a_solution_changes_nothing(workspace: Path) -> None:
    manifest = workspace / "pixi.toml"
    manifest.write_text(manifest.read_text() + 'needs-one = "*"\nneeds-two = "*"\n')
    before = both(workspace)
    pixi("update", cwd=workspace).failed()
    assert both(workspace) == before


def test_upgrade_of_pypi_requirements_in_a_host_workspace(tmp_path: Path) -> None:
    index = FakeIndex()
    index.wheel("greeting", "1.2")
    index.wheel("greeting", "2.0")
    with serving(index):
        pixi("init", "--host", cwd=tmp_path).succeeded()
        manifest = tmp_path / "pixi.toml"
        manifest.write_text(manifest.read_text() + f'\n[pypi-options]\nindex-url = "{index.url}"\n')
        pixi("add", "greeting<2", "--no-install", cwd=tmp_path).succeeded()
        done = pixi("upgrade", "--json", "--no-install", cwd=tmp_path).succeeded()
    [rows] = json.loads(done.out)["environment"]["default"].values()
    assert [(row["name"], row["after"]["version"]) for row in rows] == [("greeting", "2.0")]
    assert 'greeting = ">=2.0,<3"' in manifest.read_text()
