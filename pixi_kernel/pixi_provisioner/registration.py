"""Kernel specs in the user's own folder, for programs that no server of ours tells about environments (papermill,
VS Code, the console).
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

from jupyter_core.paths import jupyter_data_dir

from pixi_core.errors import UsageError
from pixi_core.fs import atomic_write
from pixi_core.workspace import Workspace
from pixi_server_ext.picker import Entry, read_entries

PREFIX = "pixi--"


def user_kernels() -> Path:
    """The folder of the user's kernel specs."""
    return Path(jupyter_data_dir()) / "kernels"


def register(workspace: Workspace, environment: str | None = None) -> list[Entry]:
    """Write a kernel spec for one environment, or for each. Raises `ManifestError`, `UsageError`."""
    entries = _entries(workspace, environment)
    for entry in entries:
        folder = user_kernels() / entry.name
        folder.mkdir(parents=True, exist_ok=True)
        atomic_write(folder / "kernel.json", json.dumps(entry.spec(), indent=1) + "\n")
    return entries


def unregister(workspace: Workspace, environment: str | None = None) -> list[str]:
    """Remove what `register` wrote; returns the names that were there."""
    removed = []
    for entry in _entries(workspace, environment):
        folder = user_kernels() / entry.name
        if folder.is_dir():
            shutil.rmtree(folder)
            removed.append(entry.name)
    return removed


def _entries(workspace: Workspace, environment: str | None) -> list[Entry]:
    """Named after the whole path, in short: a spec in the user's folder outlives the folder it was made in. What folder
    a server calls it is nothing to them.
    """
    read = read_entries(workspace.manifest_path, Path(os.sep), os.environ)
    entries = [replace(entry, folder=None) for entry in read]
    if environment is None:
        return entries
    name = workspace.environment_name(environment)
    chosen = [entry for entry in entries if entry.environment == name]
    if not chosen:
        raise UsageError(f"there is no environment '{environment}'")
    return chosen
