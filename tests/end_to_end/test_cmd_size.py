"""`pixi size`: installed bytes, and what would go with a package."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pixi_core.ops.graph import Graph, Package
from pixi_core.ops.size import only_through, weigh
from tests.support.command import pixi
from tests.support.pypi_index import FakeIndex, serving
from tests.support.run_workspace import workspace


def graph(edges: dict[str, str], explicit: str) -> Graph:
    """Packages of one letter: name -> the names it needs."""
    return Graph(
        {
            name: Package(
                name=name,
                version="1",
                kind="conda",
                requested="*" if name in explicit else None,
                needs=dict.fromkeys(needs, ""),
            )
            for name, needs in edges.items()
        }
    )


@pytest.mark.parametrize(
    ("edges", "explicit", "name", "alone"),
    [
        ({"a": "b", "b": "c", "c": ""}, "a", "a", "bc"),
        ({"a": "b", "b": "c", "c": ""}, "a", "b", "c"),
        ({"a": "b", "b": "c", "c": ""}, "ac", "b", ""),  # the manifest names it itself
        ({"a": "bc", "b": "d", "c": "d", "d": ""}, "a", "b", ""),  # two ways to d
        ({"a": "bc", "b": "d", "c": "d", "d": ""}, "a", "a", "bcd"),
        ({"a": "b", "b": "a"}, "a", "a", "b"),  # a cycle
        ({"a": "b", "b": "a"}, "ab", "a", ""),
        ({"a": "", "z": "y", "y": ""}, "a", "z", ""),  # nothing needs z: it brings nothing in
    ],
)
def test_what_is_there_through_one_package_alone(edges: dict[str, str], explicit: str, name: str, alone: str) -> None:
    assert only_through(graph(edges, explicit), name) == set(alone)


def test_what_is_not_installed_has_no_weight() -> None:
    found = weigh("default", graph({"a": "bc", "b": "", "c": ""}, "a"), {"a": 1, "b": 10})
    assert [(w.package.name, w.own_bytes, w.freed_bytes) for w in found.weights] == [
        ("a", 1, 11),
        ("b", 10, 10),
        ("c", None, None),
    ]
    assert found.total_bytes == 11


def test_installed_bytes_are_those_of_the_files(tmp_path: Path, small_channel: Path) -> None:
    folder = workspace(tmp_path, small_channel, "", packages='native-tool = "*"\ncycle-one = "*"')
    found = json.loads(pixi("size", "--json", cwd=folder).succeeded().out)
    rows = {row["name"]: row for row in found["packages"]}
    prefix = folder / ".pixi" / "envs" / "default"
    for meta in (prefix / "conda-meta").glob("*.json"):
        record = json.loads(meta.read_text())
        on_disk = sum((prefix / file).lstat().st_size for file in record["files"])
        assert rows.pop(record["name"])["installed_bytes"] == on_disk
    assert not rows
    by_name = {row["name"]: row for row in found["packages"]}
    tool, library = by_name["native-tool"], by_name["native-library"]
    assert (tool["companions"], tool["is_explicit"], library["is_explicit"]) == (["native-library"], True, False)
    assert tool["freed_bytes"] == tool["installed_bytes"] + library["installed_bytes"]
    assert by_name["cycle-one"]["companions"] == ["cycle-two"]
    assert found["total_bytes"] == sum(row["installed_bytes"] for row in found["packages"])
    drawn = pixi("size", cwd=folder).succeeded().out.splitlines()
    assert drawn[0].split() == ["Name", "Version", "Size", "Would", "free", "With"]
    assert pixi("size", "--frozen", "--no-install", cwd=folder).succeeded().out.splitlines() == drawn
    assert drawn[-1].startswith("4 packages in environment default: ")


def test_nothing_installed_is_an_error(tmp_path: Path) -> None:
    pixi("init", "--host", cwd=tmp_path).succeeded()
    failed = pixi("size", cwd=tmp_path).failed()
    assert "environment 'default' is not installed" in failed.err
    assert "pixi install -e default" in failed.err


def test_pypi_packages_weigh_too(tmp_path: Path) -> None:
    index = FakeIndex()
    index.wheel("greeting", "1.2", "Words")
    index.wheel("words", "1.0")
    with serving(index):
        pixi("init", "--host", cwd=tmp_path).succeeded()
        manifest = tmp_path / "pixi.toml"
        manifest.write_text(manifest.read_text() + f'\n[pypi-options]\nindex-url = "{index.url}"\n')
        pixi("add", "Greeting", cwd=tmp_path).succeeded()
        found = json.loads(pixi("size", "--json", cwd=tmp_path).succeeded().out)
    first, second = found["packages"]
    assert (first["name"], first["companions"], second["name"]) == ("greeting", ["words"], "words")
    assert first["freed_bytes"] == first["installed_bytes"] + second["installed_bytes"] > 0
