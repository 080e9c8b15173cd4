"""Changes of the manifest that a notebook carries: made and solved in the working copy, written back with the lock
file.

They are for files that no front end has open: it would save over them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pixi_core import trust
from pixi_core.errors import NotebookError
from pixi_core.fs import atomic_write
from pixi_core.notebook import METADATA_KEY, embed, read_embedded
from pixi_core.ops.notebook_workspace import own_manifest, workspace_for_notebook
from pixi_core.progress import Reporter
from pixi_core.workspace import Workspace

from .documents import read_document, write_document

if TYPE_CHECKING:
    from pixi_core.ops.change import Change
    from pixi_core.ops.lock import Locked

Result = TypeVar("Result")
KERNEL = {"name": "pixi", "display_name": "Pixi (project environment)", "language": "python"}


def init_notebook(
    notebook: Path, *, channels: Sequence[str] = (), cells: Sequence[dict[str, Any]] = (), text: str = ""
) -> Workspace:
    """Give a notebook a manifest of its own; one that does not exist is made, with `cells` in it.

    Without `channels` its Python is this machine's and packages come from PyPI. `text` is a manifest to begin with.
    Raises `NotebookError` where it carries one already, `SpecError` for a channel that cannot be one.
    """
    if not notebook.exists():
        metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
        document: dict[str, Any] = {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    elif read_embedded(notebook) is not None:
        raise NotebookError(f"{notebook} carries a manifest already", hints=["change it with `pixi notebook add`"])
    else:
        document = read_document(notebook)
    given = document["metadata"].get(METADATA_KEY)
    table = given if isinstance(given, dict) else {}
    document["metadata"][METADATA_KEY] = {**table, "manifest": text or own_manifest(notebook, os.environ, channels)}
    write_document(notebook, document)
    workspace = workspace_for_notebook(notebook, environ=os.environ)
    trust.sign(workspace, by="pixi notebook init")
    return workspace


def add_to_notebook(notebook: Path, specs: Sequence[str], *, pypi: bool, reporter: Reporter) -> Change:
    """Add packages to the manifest that a notebook carries. Raises as `pixi add` does; nothing has changed then."""
    from pixi_core.ops import change  # lazy: solvers, for commands that change something

    target = change.Target(install=False)
    return _change(notebook, lambda own: change.add(own, specs, pypi=pypi, target=target, reporter=reporter))


def remove_from_notebook(notebook: Path, names: Sequence[str], *, pypi: bool, reporter: Reporter) -> Change:
    """The reverse. Raises as `pixi remove` does."""
    from pixi_core.ops import change  # lazy: as above

    target = change.Target(install=False)
    return _change(notebook, lambda own: change.remove(own, names, pypi=pypi, target=target, reporter=reporter))


def lock_notebook(notebook: Path, *, reporter: Reporter) -> Locked:
    """Bring the lock file that a notebook carries up to date with its manifest. Raises as `pixi lock` does."""
    from pixi_core.ops.lock import ensure_lock  # lazy: as above

    return _change(notebook, lambda own: ensure_lock(own, mode="auto", reporter=reporter))


def _change(notebook: Path, work: Callable[[Workspace], Result]) -> Result:
    own = own_workspace(notebook)
    trust.sign(own, by="pixi notebook")
    result = work(own)
    document = read_document(notebook)
    embed(document["metadata"], own.root)
    write_document(notebook, document)
    # the text is in both places now: the next start has nothing to take over, and nothing new to ask about
    trust.sign(workspace_for_notebook(notebook, environ=os.environ), by="pixi notebook")
    return result


def own_workspace(notebook: Path) -> Workspace:
    """The workspace of the manifest that a notebook carries; one that has none at all gets it. Raises `NotebookError`
    where it lies in a workspace, which is then the one to change.
    """
    read_document(notebook)
    workspace = workspace_for_notebook(notebook, environ=os.environ)
    if workspace.notebook is None:
        raise NotebookError(
            f"{notebook} carries no manifest: it belongs to {workspace.manifest_path}",
            hints=["change that with `pixi add`", "or give the notebook its own with `pixi notebook init`"],
        )
    return workspace


def init_from_script(notebook: Path, script: Path) -> Workspace:
    """A new notebook with the cells and the packages of a script. Raises `NotebookError` where the notebook exists
    already, `ManifestError` for a block that cannot be understood.
    """
    from pixi_core.config.load import load_config
    from pixi_core.ops.script import manifest_text, script_file, script_metadata
    from pixi_core.virtual import host_subdir

    from .script_text import cells_of

    if notebook.exists():
        raise NotebookError(f"{notebook} exists already", hints=["choose another name"])
    text = script_file(script).text
    manifest = manifest_text(
        script_metadata(text, source=str(script)),
        source=str(script),
        channels=list(load_config(None, os.environ).default_channels),
        platform=str(host_subdir()),
    )
    return init_notebook(notebook, cells=cells_of(text), text=manifest)


def export_script(notebook: Path, script: Path) -> None:
    """Write a notebook as a script for `pixi run --script`. Raises `NotebookError` where the script is there already,
    or its manifest says more than a script can.
    """
    from .script_text import script_of

    document = read_document(notebook)
    if script.exists():
        raise NotebookError(f"{script} exists already", hints=["choose another name"])
    workspace = workspace_for_notebook(notebook, environ=os.environ)
    text = script_of(workspace.manifest_text, document["cells"], source=str(workspace.manifest_path))
    atomic_write(script, text)
