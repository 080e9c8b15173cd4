"""A workspace without channels: this machine's Python, packages from a PyPI index on loopback, the same files."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from tests.support.command import pixi
from tests.support.projects import backend_wheel
from tests.support.pypi_index import FakeIndex, serving
from tests.support.trees import tree


@pytest.fixture
def index() -> Iterator[str]:
    """An index with a package in two versions, and what it needs."""
    index = FakeIndex()
    index.wheel("greeting", "1.0", "words")
    index.wheel("greeting", "1.1", "words>=2")
    index.wheel("words", "1.0")
    index.wheel("words", "2.0")
    index.projects["hatchling"] = [backend_wheel("hatchling")]
    with serving(index) as running:
        yield running.url


@pytest.fixture
def hosted(tmp_path: Path, index: str) -> Path:
    """An empty host workspace for two platforms."""
    pixi("init", "hosted", "--host", "-p", "linux-64", "-p", "win-64", cwd=tmp_path).succeeded()
    manifest = tmp_path / "hosted" / "pixi.toml"
    manifest.write_text(manifest.read_text() + f'\n[pypi-options]\nindex-url = "{index}"\n')
    return tmp_path / "hosted"


def test_add_locks_every_platform_and_installs(hosted: Path) -> None:
    added = pixi("add", "greeting", cwd=hosted).succeeded()
    assert "✔ Added greeting >=1.1,<2" in added.err
    ran = pixi("run", "python", "-c", "import words, sys; print(words.version, sys.prefix)", cwd=hosted).succeeded()
    assert ran.out.split() == ["2.0", str(hosted / ".pixi" / "envs" / "default")]
    lock = (hosted / "pixi.lock").read_text()
    assert lock.startswith("version: 7\n")
    assert lock.count("greeting-1.1-py3-none-any.whl") == 3
    assert lock.count("sha256: ") == 2
    assert "[pypi-dependencies]" in (hosted / "pixi.toml").read_text()


def test_a_pin_is_obeyed_and_removal_takes_what_nothing_needs(hosted: Path) -> None:
    pixi("add", "greeting==1.0", "words<2", cwd=hosted).succeeded()
    rows = json.loads(pixi("list", "--json", cwd=hosted).succeeded().out)
    assert {(row["name"], row["version"], row["is_explicit"]) for row in rows} == {
        ("greeting", "1.0", True),
        ("words", "1.0", True),
    }
    pixi("remove", "words", cwd=hosted).succeeded()
    assert "words" in (hosted / "pixi.lock").read_text()
    pixi("remove", "greeting", cwd=hosted).succeeded()
    assert "packages: []" in (hosted / "pixi.lock").read_text()
    assert not list((hosted / ".pixi" / "envs" / "default").rglob("greeting*"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["add", "greting"], ["greting", "greeting"]),
        (["add", "greeting>=7"], ["greeting", "7"]),
        (["add", "greeting==1.1", "words==1.0"], ["greeting", "words"]),
        (["remove", "nothing"], ["nothing"]),
    ],
)
def test_what_cannot_be_had_leaves_everything_as_it_was(hosted: Path, words: list[str], said: list[str]) -> None:
    pixi("add", "greeting", cwd=hosted).succeeded()
    before = tree(hosted)
    ran = pixi(*words, cwd=hosted).failed()
    for word in said:
        assert word in ran.err, ran.err
    assert "hint:" in ran.err, ran.err
    assert tree(hosted) == before


def test_no_interpreter_fits(hosted: Path) -> None:
    manifest = hosted / "pixi.toml"
    text = manifest.read_text()
    start = text.index("python = ")
    manifest.write_text(text[:start] + 'python = ">=4"' + text[text.index("\n", start) :])
    ran = pixi("install", cwd=hosted).failed()
    assert ">=4" in ran.err
    assert "hint:" in ran.err


def test_a_notebook_with_a_manifest_of_its_own(tmp_path: Path, index: str) -> None:
    """It runs in an environment in the cache; the folder of the notebook stays as it is."""
    platform = json.loads(pixi("info", "--json", cwd=tmp_path).out)["platform"]
    manifest = (
        f'[workspace]\nname = "own"\nchannels = []\nplatforms = ["{platform}"]\n\n'
        f'[dependencies]\npython = ">={sys.version_info[0]}.{sys.version_info[1]}"\n\n'
        f'[pypi-options]\nindex-url = "{index}"\n'
    )
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell("%pixi add greeting"),
            nbformat.v4.new_code_cell("import greeting; print('greeting', greeting.version)"),
            nbformat.v4.new_code_cell("%pixi status"),
        ],
        metadata={"pixi": {"manifest": manifest}, "kernelspec": {"name": "pixi", "display_name": "Pixi"}},
    )
    nbformat.write(notebook, tmp_path / "own.ipynb")
    before = tree(tmp_path)
    ran = pixi("notebook", "run", "own.ipynb", cwd=tmp_path).succeeded()
    assert "greeting 1.1" in ran.out
    assert "in sync" in ran.out
    assert tree(tmp_path) == before


def test_a_pyproject_is_a_workspace_too(tmp_path: Path, index: str) -> None:
    pixi("init", "project", "--host", "--format", "pyproject", cwd=tmp_path).succeeded()
    manifest = tmp_path / "project" / "pyproject.toml"
    assert 'project = { path = ".", editable = true }' in manifest.read_text()
    manifest.write_text(manifest.read_text() + f'\n[tool.pixi.pypi-options]\nindex-url = "{index}"\n')
    pixi("add", "greeting", cwd=tmp_path / "project").succeeded()
    assert "greeting>=1.1,<2" in manifest.read_text().replace(" ", "")
    script = "import greeting, project, importlib.metadata as m; print(greeting.version, m.requires('project'))"
    ran = pixi("run", "python", "-c", script, cwd=tmp_path / "project").succeeded()
    assert ran.out == "1.1 ['greeting>=1.1,<2']\n"
    pixi("lock", "--check", cwd=tmp_path / "project").succeeded()
    pixi("remove", "greeting", cwd=tmp_path / "project").succeeded()
    pixi("lock", "--check", cwd=tmp_path / "project").succeeded()
    lock = (tmp_path / "project" / "pixi.lock").read_text()
    assert "- pypi: ./\n  name: project\n" in lock
    assert "greeting" not in lock


def test_an_extra_is_added_to_what_is_there(hosted: Path) -> None:
    pixi("add", "--no-install", "greeting", cwd=hosted).succeeded()
    assert "greeting >=1.1,<2 is in the manifest already" in pixi("add", "--no-install", "greeting", cwd=hosted).err
    added = pixi("add", "--no-install", "greeting[loud]", cwd=hosted).succeeded()
    assert "✔ Added greeting[loud]>=1.1,<2\n" in added.err
    assert 'greeting = {version = ">=1.1,<2", extras = ["loud"]}' in (hosted / "pixi.toml").read_text()
