"""A workspace on a real conda channel, through the real command: what it writes, installs and runs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.support.command import pixi
from tests.support.pypi_index import FakeIndex, serving
from tests.support.rattler_oracle import rattler
from tests.support.trees import tree

pytestmark = pytest.mark.channel
KINDS = ("file", "http")


@pytest.fixture(params=KINDS)
def channel_of_kind(request: pytest.FixtureRequest) -> str:
    """The test channel by `file://` and by `http://`."""
    fixture = "channel_url" if request.param == "file" else "http_channel"
    return str(request.getfixturevalue(fixture))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, channel_url: str) -> Path:
    """A workspace with python and numpy, locked and installed."""
    folder = tmp_path_factory.mktemp("workspaces")
    pixi("init", "demo", "-c", channel_url, cwd=folder).succeeded()
    pixi("add", "python>=3.11", "numpy", "ipykernel", cwd=folder / "demo").succeeded()
    return folder / "demo"


def test_the_readme_example(tmp_path: Path, channel_of_kind: str) -> None:
    pixi("init", "demo", "-c", channel_of_kind, cwd=tmp_path).succeeded()
    demo = tmp_path / "demo"
    added = pixi("add", "python>=3.11", "numpy", cwd=demo).succeeded()
    assert "✔ Added numpy >=" in added.err
    ran = pixi("run", "python", "-c", "import numpy; print(numpy.__file__)", cwd=demo).succeeded()
    assert Path(ran.out.strip()).is_relative_to(demo / ".pixi" / "envs" / "default")
    manifest = (demo / "pixi.toml").read_text()
    assert 'python = ">=3.11"' in manifest
    assert 'numpy = ">=' in manifest


def test_a_second_run_finds_nothing_to_do(demo: Path) -> None:
    # for this test's user the workspace is new: the first command approves it
    pixi("install", cwd=demo).succeeded()
    before = tree(demo)
    pixi("install", cwd=demo).succeeded()
    assert "already up-to-date" in pixi("lock", cwd=demo).succeeded().err
    assert tree(demo) == before


def test_the_status_says_in_sync(demo: Path) -> None:
    state = json.loads(pixi("status", "--json", cwd=demo).succeeded().out)
    assert state["state"] == "in-sync"
    assert state["reasons"] == []
    assert state["prefix"] == str(demo / ".pixi" / "envs" / "default")


def test_list_shows_what_is_locked(demo: Path) -> None:
    rows = {row["name"]: row for row in json.loads(pixi("list", "--json", cwd=demo).succeeded().out)}
    assert rows["numpy"]["kind"] == "conda"
    assert rows["numpy"]["is_explicit"] is True
    assert rows["python_abi"]["is_explicit"] is False
    assert pixi("list", "no-such-name", cwd=demo).failed().out == ""


def test_info_knows_the_environment(demo: Path) -> None:
    info = json.loads(pixi("info", "--json", cwd=demo).succeeded().out)
    assert info["project_info"]["manifest_path"] == str(demo / "pixi.toml")
    [environment] = info["environments_info"]
    assert environment["name"] == "default"
    assert environment["prefix"] == str(demo / ".pixi" / "envs" / "default")
    assert "numpy" in environment["dependencies"]


def test_shell_hook_activates(demo: Path) -> None:
    import subprocess

    hook = pixi("shell-hook", "-s", "bash", cwd=demo).succeeded().out
    script = f"{hook}\npython -c 'import sys; print(sys.prefix)'; echo $PIXI_ENVIRONMENT_NAME"
    ran = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=demo, timeout=60)
    assert ran.stdout.splitlines() == [str(demo / ".pixi" / "envs" / "default"), "default"]
    data = json.loads(pixi("shell-hook", "--json", cwd=demo).succeeded().out)
    assert data["environment_variables"]["CONDA_PREFIX"] == str(demo / ".pixi" / "envs" / "default")


@pytest.mark.peer
def test_rattler_reads_our_lock_and_records(demo: Path) -> None:
    [platform] = rattler("lock", path=demo / "pixi.lock")["default"].values()
    locked = {row["url"] for row in json.loads(pixi("list", "--json", cwd=demo).succeeded().out)}
    assert len(platform) == len(locked)
    records = rattler("records", prefix=demo / ".pixi" / "envs" / "default")
    assert {record["url"] for record in records} == locked
    numpy = next(record for record in records if record["name"] == "numpy")
    assert numpy["requested"]


@pytest.mark.peer
def test_rattler_installs_the_same_files_from_our_lock(demo: Path, tmp_path: Path) -> None:
    """Same paths, same bytes, links resolved; prefixes differ, so both are at paths of the same length."""
    ours = demo / ".pixi" / "envs" / "default"
    theirs = tmp_path / "theirs"
    platform = json.loads(pixi("info", "--json", cwd=demo).out)["platform"]
    rattler("install-lock", path=demo / "pixi.lock", platform=platform, prefix=theirs, cache=tmp_path / "cache")
    assert comparable(ours) == comparable(theirs)


def comparable(prefix: Path) -> dict[str, bytes]:
    """Every file that a package owns, with the prefix's own path blanked out of texts and binaries."""
    found: dict[str, bytes] = {}
    own = os.fsencode(str(prefix))
    for record in (prefix / "conda-meta").glob("*.json"):
        for path in json.loads(record.read_text())["files"]:
            data = (prefix / path).read_bytes()
            blanked = data.replace(own, b"PREFIX")
            # binaries are padded with NULs by as much as the prefix is shorter than the placeholder
            found[path] = blanked.replace(b"\0", b"") if own in data else data
    return found


def test_upgrade_and_remove_change_only_what_they_must(tmp_path: Path, channel_url: str) -> None:
    pixi("init", "-c", channel_url, cwd=tmp_path).succeeded()
    pixi("add", "python", "six=1.16", "--no-install", cwd=tmp_path).succeeded()
    pixi("install", cwd=tmp_path).succeeded()
    lock = (tmp_path / "pixi.lock").read_text()
    pixi("add", "six>=1.17", cwd=tmp_path).succeeded()
    moved = set(lock.splitlines()) ^ set((tmp_path / "pixi.lock").read_text().splitlines())
    assert moved
    assert all("python-3" not in line for line in moved)
    assert pixi("run", "python", "-c", "import six; print(six.__version__)", cwd=tmp_path).out.strip() != "1.16.0"
    pixi("remove", "six", cwd=tmp_path).succeeded()
    assert "six" not in (tmp_path / "pixi.lock").read_text()
    assert not list((tmp_path / ".pixi" / "envs" / "default" / "conda-meta").glob("six-*"))


def test_pypi_packages_stand_beside_conda_packages(tmp_path: Path, channel_url: str) -> None:
    index = FakeIndex()
    index.wheel("greeting", "1.2")
    with serving(index):
        pixi("init", "-c", channel_url, cwd=tmp_path).succeeded()
        manifest = tmp_path / "pixi.toml"
        manifest.write_text(manifest.read_text() + f'\n[pypi-options]\nindex-url = "{index.url}"\n')
        pixi("add", "python", cwd=tmp_path).succeeded()
        pixi("add", "--pypi", "greeting", cwd=tmp_path).succeeded()
        ran = pixi("run", "python", "-c", "import greeting; print(greeting.version)", cwd=tmp_path).succeeded()
        assert ran.out == "1.2\n"
        rows = json.loads(pixi("list", "--json", "greeting", cwd=tmp_path).succeeded().out)
        assert [(row["kind"], row["version"]) for row in rows] == [("pypi", "1.2")]
        assert "sha256: " in (tmp_path / "pixi.lock").read_text()


def test_conda_gives_way_to_what_a_pypi_package_needs(tmp_path: Path, channel_url: str) -> None:
    """The newest six of the channel is not what the PyPI package can live with; an older one is."""
    index = FakeIndex()
    index.wheel("greeting", "1.2", "six<1.17")
    with serving(index):
        pixi("init", "-c", channel_url, cwd=tmp_path).succeeded()
        manifest = tmp_path / "pixi.toml"
        manifest.write_text(manifest.read_text() + f'\n[pypi-options]\nindex-url = "{index.url}"\n')
        pixi("add", "python", "six>=1.16", "--no-install", cwd=tmp_path).succeeded()
        added = pixi("add", "--pypi", "greeting", cwd=tmp_path).succeeded()
        assert "six" in added.err.split("Added")[0]
        rows = {row["name"]: row for row in json.loads(pixi("list", "--json", cwd=tmp_path).succeeded().out)}
        assert (rows["six"]["kind"], rows["six"]["version"]) == ("conda", "1.16.0")
        before = (manifest.read_text(), (tmp_path / "pixi.lock").read_text())
        refused = pixi("add", "six>=1.17", cwd=tmp_path).failed()
        assert "greeting" in refused.err
        assert (manifest.read_text(), (tmp_path / "pixi.lock").read_text()) == before


def test_a_workspace_says_what_a_conda_package_is_on_pypi(tmp_path: Path, channel_url: str) -> None:
    index = FakeIndex()
    index.wheel("greeting", "1.2", "the-interpreter>=3.11")
    with serving(index):
        pixi("init", "-c", channel_url, cwd=tmp_path).succeeded()
        manifest = tmp_path / "pixi.toml"
        names = f'conda-pypi-map = {{ "{channel_url}" = {{ mapping = {{ python = "the-interpreter" }} }} }}'
        text = manifest.read_text().replace("[workspace]", f"[workspace]\n{names}", 1)
        manifest.write_text(text + f'\n[pypi-options]\nindex-url = "{index.url}"\n')
        pixi("add", "python", "--no-install", cwd=tmp_path).succeeded()
        pixi("add", "--pypi", "greeting", "--no-install", cwd=tmp_path).succeeded()
        rows = {row["name"]: row for row in json.loads(pixi("list", "--json", cwd=tmp_path).succeeded().out)}
        assert rows["greeting"]["kind"] == "pypi"
        assert rows["python"]["kind"] == "conda"
        assert "pkg:pypi/the-interpreter?source=project-defined-mapping" in (tmp_path / "pixi.lock").read_text()
        assert "already up-to-date" in pixi("lock", cwd=tmp_path).succeeded().err


def test_members_of_a_solve_group_get_what_their_pypi_packages_rest_on(tmp_path: Path, channel_url: str) -> None:
    """The member that asks for `greeting` never asks for `six`, which conda brings to the group."""
    index = FakeIndex()
    index.wheel("greeting", "1.2", "six")
    with serving(index):
        pixi("init", "-c", channel_url, cwd=tmp_path).succeeded()
        manifest = tmp_path / "pixi.toml"
        manifest.write_text(
            manifest.read_text().replace("[dependencies]", '[dependencies]\npython = "*"\n', 1)
            + f'''
[pypi-options]
index-url = "{index.url}"
[feature.plain.dependencies]
six = "*"
[feature.polite.pypi-dependencies]
greeting = "*"
[environments]
plain = {{ features = ["plain"], solve-group = "one" }}
polite = {{ features = ["polite"], solve-group = "one" }}
'''
        )
        pixi("lock", cwd=tmp_path).succeeded()
        rows = json.loads(pixi("list", "-e", "polite", "--no-install", "--json", cwd=tmp_path).succeeded().out)
        assert {(row["name"], row["kind"]) for row in rows} >= {("greeting", "pypi"), ("six", "conda")}
        assert "already up-to-date" in pixi("lock", cwd=tmp_path).succeeded().err


def test_two_platforms_are_locked_at_once(tmp_path: Path, small_channel: Path) -> None:
    pixi("init", "-c", small_channel.as_uri(), "-p", "linux-64", "-p", "osx-arm64", cwd=tmp_path).succeeded()
    pixi("add", "pure-tool", "--no-install", cwd=tmp_path)
    pixi("lock", cwd=tmp_path).succeeded()
    text = (tmp_path / "pixi.lock").read_text()
    assert "linux-64:" in text
    assert "osx-arm64:" in text
