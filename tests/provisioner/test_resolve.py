"""Which notebook, which manifest, which environment."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pixi_core.errors import ManifestError, NotebookError
from pixi_provisioner.resolve import Choice, Place, find_place, find_target, notebook_environment, process_arguments

MANIFEST = """\
[workspace]
name = "{name}"
channels = []
platforms = ["linux-64"]

[feature.extra.pypi-dependencies]

[environments]
extra = ["extra"]
"""


def write_notebook(path: Path, **metadata: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"cells": [], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}))
    return path


def write_manifest(folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pixi.toml").write_text(MANIFEST.format(name=name))
    return folder / "pixi.toml"


@pytest.mark.parametrize(
    ("session", "cwd", "root", "found"),
    [
        ("{tmp}/sub/nb.ipynb", "{tmp}/sub", "{tmp}", "sub/nb.ipynb"),  # Lab: path and name
        ("sub/nb.ipynb", "{tmp}/sub", "{tmp}", "sub/nb.ipynb"),  # a session without a name
        ("nb.ipynb", "{tmp}/sub", None, "sub/nb.ipynb"),  # set by hand, beside the working folder
        ("RTC:sub/nb.ipynb", "{tmp}/sub", "{tmp}", "sub/nb.ipynb"),  # collaboration
        ("{tmp}/RTC:sub/nb.ipynb", "{tmp}/sub", "{tmp}", "sub/nb.ipynb"),  # the same with a name
        ("{tmp}/sub/Console 1", "{tmp}/sub", "{tmp}", None),  # a console: no such file
        ("{tmp}/gone.ipynb", "{tmp}/sub", "{tmp}", None),
        ("", "{tmp}/sub", "{tmp}", None),
    ],
)
def test_the_notebook_by_session_name(
    tmp_path: Path, session: str, cwd: str, root: str | None, found: str | None
) -> None:
    write_notebook(tmp_path / "sub" / "nb.ipynb")
    here = str(tmp_path)
    place = find_place(
        cwd.format(tmp=here),
        {"JPY_SESSION_NAME": session.format(tmp=here)},
        root_dir=None if root is None else root.format(tmp=here),
    )
    assert place.folder == tmp_path / "sub"
    assert place.notebook == (None if found is None else tmp_path / found)


@pytest.mark.parametrize(
    ("argv", "found"),
    [
        (["execute", "{tmp}/sub/nb.ipynb"], "sub/nb.ipynb"),
        (["--to", "notebook", "--execute", "{tmp}/sub/nb.ipynb", "--output", "{tmp}/new.ipynb"], "sub/nb.ipynb"),
        (["{tmp}/sub/nb.ipynb", "{tmp}/other.ipynb"], None),  # two: it could be either
        (["lab"], None),
    ],
)
def test_the_notebook_by_command_line(tmp_path: Path, argv: list[str], found: str | None) -> None:
    write_notebook(tmp_path / "sub" / "nb.ipynb")
    write_notebook(tmp_path / "other.ipynb")
    place = find_place(str(tmp_path), {}, argv=[word.format(tmp=tmp_path) for word in argv])
    assert place.notebook == (None if found is None else tmp_path / found)


def test_a_program_called_from_a_notebook_runs_its_own(tmp_path: Path) -> None:
    outer = write_notebook(tmp_path / "outer.ipynb")
    inner = write_notebook(tmp_path / "inner.ipynb")
    variables = {"JPY_SESSION_NAME": str(outer)}
    assert find_place(None, variables, argv=["execute", str(inner)]).notebook == inner
    assert find_place(None, variables, argv=["lab"]).notebook == outer


def test_a_relative_working_folder_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_place("sub", {}) == Place(tmp_path / "sub")
    assert find_place(None, {}) == Place(tmp_path)


@pytest.mark.parametrize(
    ("metadata", "choice"),
    [
        (None, Choice()),
        ({}, Choice()),
        ({"pixi": {"manifest": "/a/pixi.toml", "environment": "gpu"}}, Choice(Path("/a/pixi.toml"), "gpu")),
        ({"pixi": {"environment": "gpu"}}, Choice(None, "gpu")),
        ({"pixi": {"environment": ["gpu"], "manifest": 3}}, Choice()),
        ({"pixi": "text"}, Choice()),
    ],
)
def test_choice_of_a_kernel_spec(metadata: dict[str, object] | None, choice: Choice) -> None:
    assert Choice.of_spec(metadata) == choice


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [({}, None), ({"pixi": "[workspace]"}, None), ({"pixi": {"environment": "gpu"}}, "gpu"), ({"pixi": {}}, None)],
)
def test_environment_in_the_notebook(tmp_path: Path, metadata: dict[str, object], expected: str | None) -> None:
    assert notebook_environment(write_notebook(tmp_path / "nb.ipynb", **metadata)) == expected
    assert notebook_environment(None) is None


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"PIXI_CACHE_DIR": str(tmp_path / "cache"), "HOME": str(tmp_path / "home"), "PATH": os.environ["PATH"]}


def test_order_of_the_rules(tmp_path: Path, environ: dict[str, str]) -> None:
    above = write_manifest(tmp_path / "project", "above")
    named = write_manifest(tmp_path / "named", "named")
    chosen = write_manifest(tmp_path / "chosen", "chosen")
    own = MANIFEST.format(name="own")
    plain = Place(tmp_path / "project", write_notebook(tmp_path / "project" / "nb.ipynb"))
    carrying = Place(tmp_path / "project", write_notebook(tmp_path / "project" / "own.ipynb", pixi=own))

    assert find_target(plain, Choice(), environ).workspace.manifest_path == above
    variables = {**environ, "PIXI_JUPYTER_MANIFEST": str(named)}
    assert find_target(plain, Choice(), variables).workspace.manifest_path == named
    target = find_target(carrying, Choice(), variables)
    assert target.workspace.name == "own"
    assert target.workspace.root.is_relative_to(tmp_path / "cache")
    assert find_target(carrying, Choice(chosen), variables).workspace.manifest_path == chosen


@pytest.mark.parametrize(
    ("choice", "variable", "metadata", "expected"),
    [
        (None, None, {}, "default"),
        (None, "extra", {}, "extra"),
        (None, None, {"pixi": {"environment": "extra"}}, "extra"),
        (None, "default", {"pixi": {"environment": "extra"}}, "extra"),
        ("default", "extra", {"pixi": {"environment": "extra"}}, "default"),
    ],
)
def test_order_of_environments(
    tmp_path: Path,
    environ: dict[str, str],
    choice: str | None,
    variable: str | None,
    metadata: dict[str, object],
    expected: str,
) -> None:
    write_manifest(tmp_path, "one")
    notebook = write_notebook(tmp_path / "nb.ipynb", **metadata)
    if variable:
        environ["PIXI_JUPYTER_ENVIRONMENT"] = variable
    target = find_target(Place(tmp_path, notebook), Choice(None, choice), environ)
    assert target.environment == expected


def test_a_notebook_without_any_manifest_has_its_own_workspace(tmp_path: Path, environ: dict[str, str]) -> None:
    notebook = write_notebook(tmp_path / "lonely" / "nb.ipynb")
    target = find_target(Place(notebook.parent, notebook), Choice(), environ)
    assert target.workspace.manifest.is_host_kind
    assert target.workspace.root.is_relative_to(tmp_path / "cache")
    assert list(notebook.parent.iterdir()) == [notebook]
    console = find_target(Place(notebook.parent), Choice(), environ)
    assert console.workspace.root != target.workspace.root


def test_an_environment_that_is_not_there(tmp_path: Path, environ: dict[str, str]) -> None:
    write_manifest(tmp_path, "one")
    with pytest.raises(ManifestError, match="no environment 'gpu'"):
        find_target(Place(tmp_path), Choice(None, "gpu"), environ)


def test_a_notebook_that_is_none(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "nb.ipynb").write_text("{]")
    with pytest.raises(NotebookError, match="not valid JSON"):
        find_target(Place(tmp_path, tmp_path / "nb.ipynb"), Choice(), environ)


@pytest.mark.parametrize(
    ("argv", "kept"),
    [
        (["/bin/papermill", "in.ipynb", "out.ipynb", "-k", "pixi"], ["in.ipynb"]),
        (["/lib/papermill/__main__.py", "--cwd", "x", "in.ipynb", "out.ipynb"], ["--cwd", "x", "in.ipynb"]),
        (["/bin/papermill", "--version"], ["--version"]),
        (["/bin/jupyter-execute", "a.ipynb", "b.ipynb"], ["a.ipynb", "b.ipynb"]),
    ],
)
def test_papermills_output_is_not_what_it_runs(argv: list[str], kept: list[str]) -> None:
    assert process_arguments(argv) == kept
