"""One repository with members: which workspace a folder belongs to, and what members share and take from each other."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.support.command import pixi

ROOT = """[workspace]
name = "root"
channels = ["CHANNEL"]
platforms = ["linux-64"]

[workspace.dependencies]
shared = "1.*"

[dependencies]
shared = { workspace = true }

[feature.more.dependencies]
shared = { workspace = true, build = "*" }

[environments]
more = { features = ["more"], no-default-feature = true }
"""
PACKAGE = '[package]\nname = "member"\nversion = "1.0"\n[package.build]\nbackend = { name = "x", version = "*" }\n'


@pytest.fixture
def repository(tmp_path: Path, small_channel: Path) -> Path:
    """A workspace; in it a package of its own, a Python project without pixi, and another workspace."""
    text = ROOT.replace("CHANNEL", small_channel.as_uri())
    (tmp_path / "pixi.toml").write_text(text)
    for name, content in (
        ("libs/package/pixi.toml", PACKAGE),
        ("libs/project/pyproject.toml", '[project]\nname = "project"\nversion = "1"\n'),
        ("nested/pixi.toml", text.replace('"root"', '"nested"').replace("1.*", "2.*")),
        ("nested/below/deeper/file", ""),
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_text(content)
    return tmp_path


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        (".", "root"),
        ("libs", "root"),
        ("libs/package", "root"),
        ("libs/project", "root"),
        ("nested", "nested"),
        ("nested/below/deeper", "nested"),
    ],
)
def test_a_folder_belongs_to_the_nearest_workspace(repository: Path, folder: str, name: str) -> None:
    assert pixi("workspace", "name", "get", cwd=repository / folder).succeeded().out == f"{name}\n"


def test_members_share_what_the_workspace_says_once(repository: Path) -> None:
    def locked(folder: Path, environment: str) -> dict[str, str]:
        listed = pixi("list", "--json", "--no-install", "-e", environment, "--platform", "linux-64", cwd=folder)
        return {row["name"]: row["version"] for row in json.loads(listed.succeeded().out)}

    assert locked(repository / "libs" / "package", "default") == {"shared": "1.0"}
    assert locked(repository, "more") == {"shared": "1.0"}
    assert locked(repository / "nested", "default") == {"shared": "2.0"}
    path = repository / "pixi.toml"
    path.write_text(path.read_text().replace('shared = "1.*"', 'shared = "*"'))
    pixi("update", "--no-install", cwd=repository / "libs").succeeded()
    assert locked(repository, "default") == locked(repository, "more") == {"shared": "2.0"}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ('shared = { workspace = true, version = "2.*" }', "cannot have a version or source of its own"),
        ("shraed = { workspace = true }", "`workspace.dependencies` has no `shraed`"),
        ("shared = { workspace = false }", "`workspace` can only be true"),
    ],
)
def test_what_cannot_be_shared_is_told_with_its_place(repository: Path, entry: str, said: str) -> None:
    path = repository / "pixi.toml"
    path.write_text(
        path.read_text().replace("[dependencies]\nshared = { workspace = true }", f"[dependencies]\n{entry}")
    )
    ran = pixi("lock", cwd=repository).failed()
    assert said in ran.err
    assert "pixi.toml:10:" in ran.err


def test_members_take_each_other_by_path(tmp_path: Path) -> None:
    """A requirement by name of one member is met by another that the manifest names by its folder."""
    for name, needs in (("first", '["second"]'), ("second", "[]")):
        folder = tmp_path / "libs" / name
        folder.mkdir(parents=True)
        (folder / "pyproject.toml").write_text(
            f'[project]\nname = "{name}"\nversion = "1.0"\ndependencies = {needs}\n'
            '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        )
    minor = f"{sys.version_info[0]}.{sys.version_info[1]}"
    (tmp_path / "pixi.toml").write_text(
        f'[workspace]\nname = "demo"\nchannels = []\nplatforms = ["linux-64"]\n[dependencies]\npython = "{minor}.*"\n'
        '[pypi-dependencies]\nfirst = { path = "libs/first", editable = true }\nsecond = { path = "libs/second" }\n'
    )
    pixi("lock", cwd=tmp_path / "libs" / "first").succeeded()
    text = (tmp_path / "pixi.lock").read_text()
    assert "- pypi: ./libs/first\n  name: first\n" in text
    assert "- pypi: ./libs/second\n  name: second\n" in text
    pixi("lock", "--check", cwd=tmp_path).succeeded()
    listed = pixi("ls", "--no-install", "--fields", "name,kind,is-editable", cwd=tmp_path).succeeded().out
    assert listed == "Name    Kind  Is editable\nfirst   pypi  true\nsecond  pypi  false\n"
