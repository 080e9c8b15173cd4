"""`pixi list`: its columns, its order, and what is said where there is nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pixi_core.cli.list import COLUMNS
from tests.support.command import pixi


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, small_channel: Path) -> Path:
    folder = tmp_path_factory.mktemp("list")
    (folder / "pixi.toml").write_text(
        f'[workspace]\nname = "demo"\nchannels = ["{small_channel.as_uri()}"]\nplatforms = ["linux-64"]\n'
        '[dependencies]\nnative-tool = "*"\nshared = "1.*"\n'
    )
    pixi("lock", cwd=folder).succeeded()
    return folder


LIST = ("list", "--frozen", "--platform", "linux-64")


def test_the_columns_that_were_asked_for(workspace: Path) -> None:
    shown = pixi(*LIST, "--fields", "name,requested-spec,subdir", cwd=workspace).succeeded().out
    head, *lines = shown.splitlines()
    assert head.split() == ["Name", "Requested", "spec", "Subdir"]
    assert [line.split() for line in lines] == [
        ["native-library", "linux-64"],
        ["native-tool", "*", "linux-64"],
        ["shared", "1.*", "noarch"],
    ]


def test_every_column_says_what_the_json_says(workspace: Path) -> None:
    rows = json.loads(pixi(*LIST, "--json", cwd=workspace).succeeded().out)
    shown = pixi(*LIST, "--fields", ",".join(COLUMNS), cwd=workspace).succeeded().out.splitlines()
    assert len(shown) == len(rows) + 1
    for row, line in zip(rows, shown[1:], strict=True):
        for field in ("name", "version", "build", "sha256", "md5", "file_name", "url"):
            assert str(row[field]) in line


def test_a_field_that_does_not_exist(workspace: Path) -> None:
    assert "did you mean `license`?" in pixi(*LIST, "--fields", "name,licence", cwd=workspace).failed(2).err


def test_aliases_of_pixi(workspace: Path) -> None:
    assert pixi("t", "--frozen", cwd=workspace).out == pixi("tree", "--frozen", cwd=workspace).out
    assert pixi("project", "name", "get", cwd=workspace).succeeded().out == "demo\n"
