"""`pixi init` in all its formats, through the real command: what it writes is what `pixi lock` takes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tomli

from tests.support.command import pixi

LINUX = {"PIXI_OVERRIDE_PLATFORM": "linux-64"}
PROJECT = """\
# ours
[project]
name = "my.Project"
version = "1.0"
requires-python = ">=3.11"

[project.optional-dependencies]
Fast_Math = []   # not yet

[dependency-groups]
test = []
default = []
"""


def toml(path: Path) -> Any:
    """A TOML file."""
    return tomli.loads(path.read_text())


@pytest.mark.parametrize("kind", ["pixi", "mojoproject", "pyproject"])
def test_every_format_can_be_locked(kind: str, tmp_path: Path, small_channel: Path) -> None:
    words = ("init", "demo", "--format", kind, "-c", small_channel.as_uri(), "-p", "linux-64", "-p", "osx-arm64")
    pixi(*words, cwd=tmp_path, environ=LINUX).succeeded()
    name = {"pixi": "pixi.toml"}.get(kind, f"{kind}.toml")
    data = toml(tmp_path / "demo" / name)
    workspace = (data["tool"]["pixi"] if kind == "pyproject" else data)["workspace"]
    assert workspace["platforms"] == ["linux-64", "osx-arm64"]
    info = json.loads(pixi("info", "--json", cwd=tmp_path / "demo", environ=LINUX).succeeded().out)
    assert info["project_info"]["manifest_path"] == str(tmp_path / "demo" / name)
    if kind != "pyproject":  # that one needs a Python, which the channel does not have
        pixi("add", "native-tool", "--no-install", cwd=tmp_path / "demo", environ=LINUX).succeeded()
    again = pixi("init", "demo", cwd=tmp_path, environ=LINUX).failed()
    assert f"{name} exists already" in again.err


def test_a_project_becomes_a_workspace(tmp_path: Path, small_channel: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    pixi("init", "-c", small_channel.as_uri(), cwd=tmp_path, environ=LINUX).succeeded()
    text = (tmp_path / "pyproject.toml").read_text()
    assert text.startswith(PROJECT)
    ours = tomli.loads(text)["tool"]["pixi"]
    assert ours["pypi-dependencies"] == {"my.Project": {"path": ".", "editable": True}}
    assert ours["environments"] == {
        "default": {"solve-group": "default"},
        "fast-math": {"features": ["Fast_Math"], "solve-group": "default"},
        "test": {"features": ["test"], "solve-group": "default"},
    }
    assert not (tmp_path / "src").exists()
    info = json.loads(pixi("info", "--json", cwd=tmp_path, environ=LINUX).succeeded().out)
    assert [each["name"] for each in info["environments_info"]] == ["default", "fast-math", "test"]
    assert info["environments_info"][0]["pypi_dependencies"] == ["my-project"]


def test_a_project_without_a_name(tmp_path: Path, small_channel: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.other]\nx = 1")
    pixi("init", "-c", small_channel.as_uri(), cwd=tmp_path, environ=LINUX).succeeded()
    data = toml(tmp_path / "pyproject.toml")
    assert data["tool"]["pixi"]["dependencies"] == {"python": "*"}
    pixi("info", cwd=tmp_path, environ=LINUX).succeeded()


def test_a_broken_project_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project\n")
    assert "pyproject.toml:1:" in pixi("init", cwd=tmp_path).failed().err
    assert [path.name for path in tmp_path.iterdir()] == ["pyproject.toml"]


def test_an_environment_file_is_taken_over(tmp_path: Path, small_channel: Path) -> None:
    (tmp_path / "environment.yml").write_text(
        f"name: theirs\nchannels: ['{small_channel.as_uri()}', nodefaults]\n"
        "dependencies: [native-tool=1.0, {pip: ['rich>=13', '--pre']}]\nvariables: {A: b}\n"
    )
    done = pixi("init", "new", "--import", "environment.yml", cwd=tmp_path, environ=LINUX).succeeded()
    assert "not taken over: variables.A" in done.err
    data = toml(tmp_path / "new" / "pixi.toml")
    assert data["workspace"]["name"] == "theirs"
    assert data["workspace"]["channels"] == [small_channel.as_uri()]
    assert data["dependencies"] == {"native-tool": "1.0.*", "python": "*"}
    assert data["pypi-dependencies"] == {"rich": ">=13"}
    assert data["pypi-options"] == {"prerelease-mode": "allow"}
    missing = pixi("init", "other", "-i", "absent.yml", cwd=tmp_path).failed()
    assert "absent.yml" in missing.err
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("scm", "expected"), [("github", "linguist-"), ("gitlab", "gitlab-"), ("codeberg", "linguist-")]
)
def test_attributes_of_each_forge(scm: str, expected: str, tmp_path: Path, small_channel: Path) -> None:
    pixi("init", "--scm", scm, "-c", small_channel.as_uri(), cwd=tmp_path, environ=LINUX).succeeded()
    lines = (tmp_path / ".gitattributes").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("pixi.lock merge=binary ")]
    assert line.split()[2].startswith(expected)
    assert line.endswith(" -diff")


def test_configured_indexes_and_names_go_into_the_manifest(tmp_path: Path, small_channel: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "config.toml").write_text(
        '[pypi-config]\nindex-url = "https://pypi.example/simple"\nextra-index-urls = ["https://more.example/simple"]\n'
    )
    words = ("init", "demo", "-c", small_channel.as_uri(), "--conda-pypi-map", "conda-forge=names.json,other=o.json")
    pixi(*words, cwd=tmp_path, environ={**LINUX, "PIXI_HOME": str(home)}).succeeded()
    data = toml(tmp_path / "demo" / "pixi.toml")
    assert data["pypi-options"] == {
        "index-url": "https://pypi.example/simple",
        "extra-index-urls": ["https://more.example/simple"],
    }
    assert data["workspace"]["conda-pypi-map"] == {"conda-forge": "names.json", "other": "o.json"}
    wrong = pixi("init", "new", "--conda-pypi-map", "names.json", cwd=tmp_path).failed(2)
    assert "'names.json' is not CHANNEL=LOCATION" in wrong.err
