"""Manifests in and out of notebooks; kernel specs in the user's folder."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import pytest

from pixi_core.errors import ManifestError, NotebookError
from pixi_core.progress import SILENT
from pixi_provisioner.cli import COMMAND
from pixi_provisioner.notebook_files import embed_workspace, extract_workspace, verify
from tests.provisioner.conftest import write_notebook


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    COMMAND.add_arguments(parser)
    return COMMAND.run(parser.parse_args(words), SILENT)


def test_embed_and_extract_are_each_others_inverse(project: Path, own_cache: Path, tmp_path: Path) -> None:
    (project / "pixi.lock").write_text("version: 7\n")
    notebook = write_notebook(project / "nb.ipynb", "1 + 1")
    before = notebook.read_text()
    embed_workspace(notebook)
    carried = json.loads(notebook.read_text())["metadata"]["pixi"]
    assert carried == {"manifest": (project / "pixi.toml").read_text(), "lock": "version: 7\n"}
    written = extract_workspace(notebook, tmp_path / "new")
    assert [path.read_text() for path in written] == [carried["manifest"], carried["lock"]]
    assert notebook.read_text() == before


def test_what_cannot_be_extracted(project: Path, tmp_path: Path) -> None:
    notebook = write_notebook(project / "nb.ipynb")
    with pytest.raises(NotebookError, match="carries no manifest"):
        extract_workspace(notebook, tmp_path / "new")
    carrying = write_notebook(tmp_path / "nb.ipynb", pixi="[workspace]\n")
    with pytest.raises(ManifestError, match="exists already"):
        extract_workspace(carrying, project)
    with pytest.raises(NotebookError, match="does not exist"):
        verify(tmp_path / "gone.ipynb")


def test_a_notebook_that_was_never_stamped_is_not_verified(project: Path) -> None:
    assert not verify(write_notebook(project / "nb.ipynb")).agrees
    assert run("verify", str(project / "nb.ipynb")) == 1


def test_register_and_unregister(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    assert run("register", "-m", str(project)) == 0
    kernels = tmp_path / "data" / "kernels"
    names = sorted(path.name for path in kernels.iterdir())
    assert [name.rpartition("--")[2] for name in names] == ["default", "extra"]
    assert not [name for name in names if os.sep in name or str(tmp_path).strip("/").split("/")[0] in name]
    spec = json.loads((kernels / names[1] / "kernel.json").read_text())
    assert spec["metadata"]["pixi"] == {"manifest": str(project / "pixi.toml"), "environment": "extra"}
    assert run("unregister", "-m", str(project), "-e", "extra") == 0
    assert sorted(path.name for path in kernels.iterdir()) == names[:1]
