"""`pixi notebook init | add | remove | lock | export-script`: what notebooks carry, and scripts that say so."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import tomli

from pixi_core.ops.script import manifest_text, script_metadata
from pixi_provisioner.script_text import block_of, cells_of, python_only, script_of
from tests.provisioner.conftest import approve, write_notebook
from tests.support.command import pixi

CELLS = ("%pixi status\nprint(1)", "x = 1\nif x:\n    !ls\n", "%%bash\necho hi", "x?")


@pytest.fixture(autouse=True)
def configured(
    index: str, own_cache: Path, own_pixi_home: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The user's index is the one on loopback."""
    home = tmp_path / "pixi-home"
    home.mkdir()
    (home / "config.toml").write_text(f'[pypi-config]\nindex-url = "{index}"\n')
    monkeypatch.setenv("PIXI_HOME", str(home))


def carried(notebook: Path) -> dict[str, Any]:
    table: dict[str, Any] = json.loads(notebook.read_text())["metadata"]["pixi"]
    return table


def test_from_nothing_to_a_notebook_that_runs_anywhere(tmp_path: Path) -> None:
    pixi("notebook", "init", "new.ipynb", cwd=tmp_path).succeeded()
    assert "channels = []" in carried(tmp_path / "new.ipynb")["manifest"]
    pixi("notebook", "add", "new.ipynb", "greeting<1.1", cwd=tmp_path).succeeded()
    table = carried(tmp_path / "new.ipynb")
    assert tomli.loads(table["manifest"])["pypi-dependencies"] == {"greeting": "<1.1"}
    assert "greeting-1.0" in table["lock"]
    assert "words" in table["lock"]

    document = json.loads((tmp_path / "new.ipynb").read_text())
    document["cells"] = [
        {"cell_type": "code", "id": "one", "execution_count": None, "metadata": {}, "outputs": [], "source": source}
        for source in ["import greeting; print(greeting.version)"]
    ]
    moved = tmp_path / "elsewhere" / "moved.ipynb"
    moved.parent.mkdir()
    moved.write_text(json.dumps(document))
    assert "1.0" in pixi("notebook", "run", str(moved), cwd=tmp_path).succeeded().out

    pixi("notebook", "remove", "new.ipynb", "greeting", cwd=tmp_path).succeeded()
    assert "greeting" not in str(carried(tmp_path / "new.ipynb"))


def test_locking_only_when_the_manifest_changed(tmp_path: Path) -> None:
    pixi("notebook", "init", "nb.ipynb", cwd=tmp_path).succeeded()
    assert "was updated" in pixi("notebook", "lock", "nb.ipynb", cwd=tmp_path).succeeded().err
    before = (tmp_path / "nb.ipynb").read_bytes()
    assert "is up to date" in pixi("notebook", "lock", "nb.ipynb", cwd=tmp_path).succeeded().err
    assert (tmp_path / "nb.ipynb").read_bytes() == before


def test_the_chosen_environment_stays_and_nothing_else_of_the_file_changes(tmp_path: Path) -> None:
    notebook = write_notebook(tmp_path / "nb.ipynb", "1 + 1", pixi={"environment": "default"}, author="me")
    before = json.loads(notebook.read_text())
    pixi("notebook", "init", "nb.ipynb", cwd=tmp_path).succeeded()
    pixi("notebook", "add", "nb.ipynb", "words", cwd=tmp_path).succeeded()
    after = json.loads(notebook.read_text())
    assert after["metadata"].pop("pixi")["environment"] == "default"
    before["metadata"].pop("pixi")
    assert after == before


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["add", "{project}/nb.ipynb", "words"], "belongs to"),
        (["add", "gone.ipynb", "words"], "does not exist"),
        (["init", "{own}"], "carries a manifest already"),
        (["add", "{own}", "no-such-package"], "no-such-package"),
        (["remove", "{own}", "words"], "words"),
        (["init", "{own}", "--from-script", "x.py"], "exists already"),
        (["init", "new.ipynb", "--from-script", "gone.py"], "gone.py"),
        (["export-script", "{own}", "{own}"], "exists already"),
    ],
)
def test_what_is_refused_changes_nothing(words: list[str], reason: str, project: Path, tmp_path: Path) -> None:
    write_notebook(project / "nb.ipynb")
    own = tmp_path / "own.ipynb"
    pixi("notebook", "init", str(own), cwd=tmp_path).succeeded()
    before = own.read_bytes()
    ran = pixi("notebook", *(word.format(project=project, own=own) for word in words), cwd=tmp_path)
    assert ran.code in (1, 2)
    assert reason in ran.err
    assert own.read_bytes() == before
    assert not (tmp_path / "new.ipynb").exists()


def test_a_script_of_a_notebook_runs_and_becomes_the_notebook_again(tmp_path: Path) -> None:
    pixi("notebook", "init", "nb.ipynb", cwd=tmp_path).succeeded()
    pixi("notebook", "add", "nb.ipynb", "greeting==1.0", cwd=tmp_path).succeeded()
    document = json.loads((tmp_path / "nb.ipynb").read_text())
    cells = [{"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# Title\n\ntext"}]
    cells += cells_of("import greeting\nprint(greeting.version)")
    (tmp_path / "nb.ipynb").write_text(json.dumps({**document, "cells": cells}))
    pixi("notebook", "export-script", "nb.ipynb", "nb.py", cwd=tmp_path).succeeded()
    assert pixi("run", "--script", "nb.py", cwd=tmp_path).succeeded().out.strip() == "1.0"

    pixi("notebook", "init", "back.ipynb", "--from-script", "nb.py", cwd=tmp_path).succeeded()
    back = json.loads((tmp_path / "back.ipynb").read_text())
    assert [(cell["cell_type"], cell["source"]) for cell in back["cells"]] == [
        ("markdown", "# Title\n\ntext"),
        ("code", "import greeting\nprint(greeting.version)"),
    ]
    first, second = (tomli.loads(carried(tmp_path / name)["manifest"]) for name in ("nb.ipynb", "back.ipynb"))
    for table in ("dependencies", "pypi-dependencies", "pypi-options"):
        assert first[table] == second[table]
    assert first["workspace"]["channels"] == second["workspace"]["channels"]


MANIFESTS = {
    "host": '[workspace]\nchannels = []\nplatforms = ["linux-64"]\n[dependencies]\npython = ">=3.9"\n',
    "conda": (
        '[workspace]\nchannels = ["https://conda.example/main"]\nplatforms = ["linux-64", "osx-arm64"]\n'
        'channel-priority = "disabled"\n[dependencies]\npython = "3.12.*"\nnumpy = { version = ">=2", build = "py*" }\n'
    ),
    "pypi": (
        '[workspace]\nchannels = []\nplatforms = ["linux-64"]\n[pypi-dependencies]\na = "*"\nb = ">=1,<2"\n'
        'c = { version = "*", extras = ["x"] }\nd = { git = "https://git.example/d" }\n'
    ),
    "target": (
        '[workspace]\nchannels = ["https://conda.example/main"]\nplatforms = ["linux-64"]\n'
        '[target.linux-64.dependencies]\nx = "*"\n[pypi-options]\nindex-url = "https://pypi.example/simple"\n'
    ),
}


@pytest.mark.parametrize("title", MANIFESTS)
def test_the_block_says_what_the_manifest_says(title: str) -> None:
    metadata = script_metadata(block_of(MANIFESTS[title], source="nb"), source="nb")
    back = tomli.loads(manifest_text(metadata, source="nb", channels=[], platform="linux-64"))
    expected = tomli.loads(MANIFESTS[title])
    expected.setdefault("dependencies", {}).setdefault("python", "*")
    back["workspace"].pop("name")
    assert back == expected


def test_what_a_script_has_no_place_for() -> None:
    from pixi_core.errors import NotebookError

    with pytest.raises(NotebookError, match=r"\[activation\], \[feature\]"):
        script_of(MANIFESTS["host"] + '[activation.env]\nA = "1"\n[feature.x.dependencies]\n', [], source="nb")


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("print(1)", "print(1)"),
        ("x = 7 % 2", "x = 7 % 2"),
        (CELLS[0], "# %pixi status\nprint(1)"),
        (CELLS[1], "x = 1\nif x:\n    pass  # !ls"),
        (CELLS[2], "# %%bash\n# echo hi"),
        (CELLS[3], "# x?"),
        ("await thing()", "await thing()"),
        ("a b c", "# a b c"),
        ("text = '''\n%not a magic\n'''", "text = '''\n%not a magic\n'''"),
    ],
)
def test_only_python_is_left(cell: str, expected: str) -> None:
    assert python_only(cell) == expected


# ---------------------------------------------------------------- one notebook in many places


def test_a_copy_and_a_moved_notebook_bring_their_environment(manifest: str, tmp_path: Path) -> None:
    """Each place is asked about once, and has an environment of its own."""
    where = "import sys; print(sys.prefix)"
    notebook = write_notebook(tmp_path / "a" / "nb.ipynb", where, pixi=manifest)
    copy, moved = tmp_path / "b" / "nb.ipynb", tmp_path / "c" / "other.ipynb"
    for place in (copy, moved):
        place.parent.mkdir()
        shutil.copy(notebook, place)
    prefixes = []
    for place in (notebook, copy, moved):
        refused = pixi("notebook", "run", "--require-trust", str(place), cwd=tmp_path).failed()
        assert "has not been approved" in refused.err
        approve(place)
        prefixes.append(
            pixi("notebook", "run", "--require-trust", str(place), cwd=tmp_path).succeeded().out.splitlines()[0]
        )
    assert len(set(prefixes)) == 3
