"""Notebooks as files: their own manifest in and out of them, and whether their outputs agree with the lock file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from pixi_core.errors import ManifestError, NotebookError
from pixi_core.fs import atomic_write
from pixi_core.notebook import LOCK_NAME, MANIFEST_NAME, embed, read_embedded
from pixi_core.ops.notebook_workspace import workspace_for_notebook
from pixi_core.workspace import Workspace, manifest_in

from .documents import read_document, write_document
from .notebook_run import PROVENANCE_KEY, provenance


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether a notebook's outputs were made with the present lock file. `reason` says why not; `made_with` and
    `present` are digests of lock files, empty where there is none.
    """

    agrees: bool
    reason: str
    made_with: str
    present: str


def embed_workspace(notebook: Path) -> Workspace:
    """Write the manifest and the lock file of the notebook's workspace into its metadata, so that it can travel.

    Raises `NotebookError`, `ManifestError`.
    """
    document = read_document(notebook)
    workspace = workspace_for_notebook(notebook, environ=os.environ)
    if workspace.manifest_path.name != MANIFEST_NAME:
        raise NotebookError(
            f"{workspace.manifest_path} cannot be embedded: only {MANIFEST_NAME} can",
            hints=["give the notebook a manifest of its own"],
        )
    embed(document["metadata"], workspace.root)
    write_document(notebook, document)
    return workspace


def extract_workspace(notebook: Path, folder: Path) -> list[Path]:
    """Write the manifest and lock file that a notebook carries into `folder`, and take them out of the notebook.

    From then on the folder's workspace is the notebook's, where it lies below. Returns the files written. Raises
    `NotebookError` where it carries none, `ManifestError` where the folder is a workspace already.
    """
    carried = read_embedded(notebook)
    if carried is None:
        raise NotebookError(f"{notebook} carries no manifest", hints=["put one into it with `pixi notebook embed`"])
    present = manifest_in(folder)
    if present is not None:
        raise ManifestError(f"{present} exists already", hints=["choose another folder"])
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / MANIFEST_NAME]
    atomic_write(written[0], carried.manifest)
    if carried.lock is not None:
        written.append(folder / LOCK_NAME)
        atomic_write(written[1], carried.lock)
    document = read_document(notebook)
    del document["metadata"]["pixi"]
    write_document(notebook, document)
    return written


def verify(notebook: Path) -> Verification:
    """Were the notebook's outputs made with the present lock file of its workspace? Raises `NotebookError`."""
    stamp = read_document(notebook)["metadata"].get(PROVENANCE_KEY)
    made_with = str(stamp.get("lock_sha256", "")) if isinstance(stamp, dict) else ""
    present = provenance(notebook).get("lock_sha256", "")
    if not made_with:
        return Verification(False, "it does not say what its outputs were made with", made_with, present)
    if not present:
        return Verification(False, "its workspace has no lock file", made_with, present)
    if made_with != present:
        return Verification(False, "its outputs were made with another lock file", made_with, present)
    return Verification(True, "its outputs were made with the present lock file", made_with, present)
