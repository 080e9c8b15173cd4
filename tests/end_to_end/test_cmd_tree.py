"""`pixi tree` and `pixi why`, through the real command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command import pixi
from tests.support.pypi_index import FakeIndex, serving


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, small_channel: Path) -> Path:
    """A locked workspace with two packages that need others, and a cycle."""
    folder = tmp_path_factory.mktemp("tree")
    (folder / "pixi.toml").write_text(
        f'[workspace]\nname = "demo"\nchannels = ["{small_channel.as_uri()}"]\nplatforms = ["linux-64", "osx-arm64"]\n'
        '\n[dependencies]\nnative-tool = "*"\nnative-library = "1.*"\ncycle-one = "*"\n'
        '\n[target.osx-arm64.dependencies]\nneeds-one = "*"\n'
    )
    pixi("lock", cwd=folder).succeeded()
    return folder


TREE = """\
├── cycle-one 1.0
│   └── cycle-two 1.0
│       └── cycle-one 1.0 (*)
├── native-library 1.1
└── native-tool 1.0
    └── native-library 1.1
"""
INVERTED = """\
└── native-library 1.1
    └── native-tool 1.0
"""
OTHER_PLATFORM = """\
└── needs-one 1.0
    └── shared 1.0
"""


@pytest.mark.parametrize(
    ("words", "drawn"),
    [
        ((), TREE),
        (("native-l", "--invert"), INVERTED),
        (("^needs", "--platform", "osx-arm64", "-e", "default", "--locked"), OTHER_PLATFORM),
    ],
)
def test_trees(workspace: Path, words: tuple[str, ...], drawn: str) -> None:
    done = pixi("tree", *words, cwd=workspace, environ={"PIXI_OVERRIDE_PLATFORM": "linux-64"}).succeeded()
    assert (done.out, done.err) == (drawn, "")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("tree", "no-such"), "no packages found"),
        (("tree", "(", "--frozen"), "is not a regular expression"),
        (("tree", "-p", "win-64"), "it has linux-64, osx-arm64"),
        (("why", "native-libary"), "did you mean `native-library`"),
    ],
)
def test_nothing_found(workspace: Path, words: tuple[str, ...], message: str) -> None:
    done = pixi(*words, cwd=workspace).failed()
    assert (done.out, message in done.err) == ("", True)


def test_why_tells_every_requirement_that_brings_it_in(workspace: Path) -> None:
    done = pixi("why", "native-library", "-p", "linux-64", cwd=workspace).succeeded()
    assert done.out == (
        "native-library 1.1 (conda)\n"
        "  the manifest asks for native-library 1.*\n"
        "  the manifest asks for native-tool *\n"
        "    native-tool 1.0 needs native-library >=1.0,<2.0a0\n"
    )


def test_why_as_json(workspace: Path) -> None:
    found = json.loads(pixi("why", "shared", "--json", "-p", "osx-arm64", cwd=workspace).succeeded().out)
    assert (found["name"], found["version"], found["kind"], found["requested_spec"]) == ("shared", "1.0", "conda", None)
    assert [[step["name"] for step in chain] for chain in found["chains"]] == [["needs-one", "shared"]]
    assert found["chains"][0][1]["required_as"] == "shared 1.*"


def test_pypi_packages_are_in_the_tree(tmp_path: Path) -> None:
    index = FakeIndex()
    index.wheel("greeting", "1.2", "words[loud]>=1", "absent ; extra == 'never'", extras=["never"])
    index.wheel("words", "1.0", "horn ; extra == 'loud'", extras=["loud"])
    index.wheel("horn", "3.0")
    with serving(index):
        pixi("init", "--host", cwd=tmp_path).succeeded()
        manifest = tmp_path / "pixi.toml"
        manifest.write_text(manifest.read_text() + f'\n[pypi-options]\nindex-url = "{index.url}"\n')
        pixi("add", "Greeting", "--no-install", cwd=tmp_path).succeeded()
        drawn = pixi("tree", cwd=tmp_path).succeeded().out
        why = pixi("why", "Horn", cwd=tmp_path).succeeded().out
    assert drawn == "└── greeting 1.2 [pypi]\n    └── words 1.0 [pypi]\n        └── horn 3.0 [pypi]\n"
    assert "words 1.0 needs horn" in why
