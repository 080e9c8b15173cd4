"""`pixi list`: its columns, its order, and what is said where there is nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pixi_core.cli.list import COLUMNS
from tests.support.command import pixi
from tests.support.pypi_index import FakeIndex, serving


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


KEYS = {
    "name", "version", "build", "build_number", "size_bytes", "kind", "source", "license", "license_family",
    "is_explicit", "md5", "sha256", "arch", "platform", "subdir", "timestamp", "noarch", "file_name", "url",
    "index_url", "requested_spec", "constrains", "depends", "track_features", "run_exports",
}  # fmt: skip


def test_every_package_has_every_key(workspace: Path, tmp_path: Path) -> None:
    """Whatever reads the list need not ask which kind a package is; `is_editable` is said of PyPI's alone."""
    index = FakeIndex()
    index.wheel("greeting", "1.0")
    with serving(index) as running:
        (tmp_path / "pixi.toml").write_text(
            '[workspace]\nchannels = []\nplatforms = ["linux-64"]\n'
            f'[pypi-options]\nindex-url = "{running.url}"\n[pypi-dependencies]\ngreeting = "*"\n'
        )
        pixi("lock", cwd=tmp_path).succeeded()
    [wheel] = json.loads(pixi(*LIST, "--json", cwd=tmp_path).succeeded().out)
    packages = json.loads(pixi(*LIST, "--json", cwd=workspace).succeeded().out)
    assert {frozenset(package) for package in packages} == {frozenset(KEYS)}
    assert set(wheel) == KEYS | {"is_editable"}
    assert (wheel["license"], wheel["constrains"], packages[0]["index_url"]) == (None, [], None)


def test_a_field_that_does_not_exist(workspace: Path) -> None:
    assert "did you mean `license`?" in pixi(*LIST, "--fields", "name,licence", cwd=workspace).failed(2).err


def test_aliases_of_pixi(workspace: Path) -> None:
    assert pixi("t", "--frozen", cwd=workspace).out == pixi("tree", "--frozen", cwd=workspace).out
    assert pixi("project", "name", "get", cwd=workspace).succeeded().out == "demo\n"
