"""Options that no other test comes by, through the real command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tomli
import yaml

from tests.support.command import pixi
from tests.support.pypi_index import FakeIndex, serving

LINUX = {"PIXI_OVERRIDE_PLATFORM": "linux-64"}


@pytest.fixture
def workspace(tmp_path: Path, small_channel: Path) -> Path:
    """A workspace with two environments that is not locked yet."""
    (tmp_path / "pixi.toml").write_text(
        f'[workspace]\nname = "demo"\nchannels = ["{small_channel.as_uri()}"]\nplatforms = ["linux-64"]\n'
        '\n[dependencies]\nnative-tool = "*"\n'
        '\n[feature.more.dependencies]\nshared = "*"\n\n[environments]\nmore = { features = ["more"] }\n'
    )
    return tmp_path


def test_export_of_another_environment_for_conda_lock(workspace: Path) -> None:
    export = ("workspace", "export", "conda-lock", "-e", "more", "-p", "linux-64")
    found = yaml.safe_load(pixi(*export, cwd=workspace, environ=LINUX).succeeded().out)
    assert [each["name"] for each in found["package"]] == ["native-library", "native-tool", "shared"]
    assert found["metadata"]["sources"] == ["pixi.toml"]


def test_export_without_what_comes_from_pypi(tmp_path: Path) -> None:
    index = FakeIndex()
    index.wheel("greeting", "1.0")
    with serving(index):
        (tmp_path / "pixi.toml").write_text(
            f'[workspace]\nname = "demo"\nchannels = []\nplatforms = ["linux-64"]\n[dependencies]\npython = "*"\n'
            f'[pypi-dependencies]\ngreeting = "*"\n[pypi-options]\nindex-url = "{index.url}"\n'
        )
        export = ("workspace", "export")
        without = pixi(*export, "conda-environment", "--no-pypi", cwd=tmp_path, environ=LINUX).succeeded().out
        refused = pixi(*export, "conda-explicit-spec", "out", cwd=tmp_path, environ=LINUX).failed()
        pixi(*export, "conda-explicit-spec", "out", "--ignore-pypi-errors", cwd=tmp_path, environ=LINUX).succeeded()
    assert "greeting" not in without
    assert "--ignore-pypi-errors leaves them out" in refused.err
    assert (tmp_path / "out" / "default_linux-64_conda_spec.txt").read_text().endswith("@EXPLICIT\n")


def test_export_without_what_is_built_from_source(workspace: Path) -> None:
    pixi("lock", cwd=workspace, environ=LINUX).succeeded()
    path = workspace / "pixi.lock"
    record = "- conda_source: mytool[4017b3ff] @ tools/mytool\n"
    first, *rest = path.read_text().split("packages:\n      linux-64:\n")
    environments = [
        f"packages:\n      linux-64:\n{part}".replace("\n  more", f"\n      {record}  more", 1) for part in rest
    ]
    path.write_text("".join([first, *environments]) + record)
    export = ("workspace", "export", "conda-explicit-spec", "out", "-e", "default")
    refused = pixi(*export, cwd=workspace, environ=LINUX).failed()
    assert "--ignore-source-errors leaves them out" in refused.err
    pixi(*export, "--ignore-source-errors", cwd=workspace, environ=LINUX).succeeded()
    written = (workspace / "out" / "default_linux-64_conda_spec.txt").read_text()
    assert "native-tool" in written
    assert "mytool" not in written


def test_platforms_with_versions_of_their_systems(workspace: Path) -> None:
    path = workspace / "pixi.toml"
    path.write_text(path.read_text().replace("native-tool", "shared"))  # there for every platform
    add = ("workspace", "platform", "add", "--no-install")
    pixi(*add, "linux-aarch64", "--linux", "5.4", "--archspec", "armv8", cwd=workspace, environ=LINUX).succeeded()
    pixi(*add, "win-64", "--windows", "10.1", cwd=workspace, environ=LINUX).succeeded()
    edit = ("workspace", "platform", "edit", "--no-install")
    pixi(*edit, "linux-64", "--linux", "5.10", "--archspec", "x86_64_v3", cwd=workspace, environ=LINUX).succeeded()
    pixi(*edit, "win-64", "--windows", "11", cwd=workspace, environ=LINUX).succeeded()
    here, arm, windows = tomli.loads(path.read_text())["workspace"]["platforms"]
    assert here == {"name": "linux-64", "platform": "linux-64", "linux": "5.10", "archspec": "x86_64_v3"}
    assert arm == {"platform": "linux-aarch64", "linux": "5.4", "archspec": "armv8"}
    assert windows == {"platform": "win-64", "windows": "11"}


def test_sizes_are_measured_when_they_are_asked_for(workspace: Path) -> None:
    pixi("install", cwd=workspace, environ=LINUX).succeeded()
    data = json.loads(pixi("info", "--extended", "--json", cwd=workspace, environ=LINUX).succeeded().out)
    assert data["cache_size"]
    assert json.loads(pixi("info", "--json", cwd=workspace, environ=LINUX).succeeded().out)["cache_size"] is None


def test_kinds_of_caches_are_cleaned_alone(workspace: Path, tmp_path: Path) -> None:
    environ = {**LINUX, "PIXI_CACHE_DIR": str(tmp_path / "cache")}
    pixi("install", cwd=workspace, environ=environ).succeeded()
    before = {path for path in (tmp_path / "cache").iterdir() if any(path.iterdir())}
    kinds = ("--pypi", "--mapping", "--exec", "--build-backends")
    pixi("clean", "cache", *kinds, "-y", cwd=workspace, environ=environ).succeeded()
    assert {path for path in (tmp_path / "cache").iterdir() if any(path.iterdir())} == before
    pixi("clean", "cache", "--conda", "-y", cwd=workspace, environ=environ).succeeded()
    assert {path for path in (tmp_path / "cache").iterdir() if any(path.iterdir())} < before
