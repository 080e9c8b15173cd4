"""The lock status of a notebook or a folder, for people who look at it: read, never changed."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pixi_core import trust
from pixi_core.errors import NoWorkspace, PixiError, TrustRequired
from pixi_core.notebook import MANIFEST_NAME, copy_folder, read_embedded, unsaved
from pixi_core.ops.notebook_workspace import carried_by, default_workspace, own_manifest
from pixi_core.workspace import Workspace

from .activity import ACTIVITIES, Activities

StatusProvider = Callable[[Path, str | None], dict[str, Any]]
"""(file or folder, environment or None) to the JSON answer; raises `PixiError`."""

NONE = "no-workspace"
UNTRUSTED = "untrusted"


def lock_status(path: Path, environment: str | None, *, activities: Activities = ACTIVITIES) -> dict[str, Any]:
    """The answer of the status endpoint.

    `state` is `untrusted` (with what an approval would allow), `in-sync`, `stale`, `not-installed`, `no-lock`,
    `no-workspace` (the first `%pixi add` makes one), `solving` or `installing`; `reasons` says why, one sentence each.
    For a notebook with a workspace of its own `unsaved` is the table that its metadata should hold under `pixi`, null
    where they do. Paths below the user's home stay out of it: names suffice. Raises `PixiError` for a manifest or lock
    file that cannot be read.
    """
    asked = trust_subject(path, os.environ)
    if asked is not None and not passes(asked):
        return untrusted_answer(asked, environment)
    workspace = find_workspace(path, os.environ)
    if workspace is None:
        return {"state": NONE, "reasons": [], "workspace": None, "environment": environment or "default"}
    from pixi_core.ops.status import status

    found = status(workspace, environment).to_json()
    answer = {key: found[key] for key in ("state", "reasons", "workspace", "environment", "lock_digest", "packages")}
    answer["manifest"] = workspace.manifest_path.name
    answer["own"] = workspace.notebook is not None
    if workspace.notebook is not None:
        answer["unsaved"] = _unsaved(path, workspace)
    running = activities.at(workspace.prefix(answer["environment"]))
    if running is not None:
        answer["state"], answer["reasons"] = running.state, [running.text]
    return answer


def _unsaved(notebook: Path, workspace: Workspace) -> dict[str, str] | None:
    """What the notebook's metadata should hold; nothing as long as nobody has put anything into its workspace."""
    table = unsaved(notebook, workspace.root)
    if table is None or read_embedded(notebook) is not None:
        return table
    return None if table["manifest"] == own_manifest(notebook, workspace.environ) else table


def trust_subject(path: Path, environ: Mapping[str, str]) -> Workspace | None:
    """The workspace that must be approved before a kernel starts for this notebook or folder; None where nobody's
    manifest is involved. Writes nothing.
    """
    carried = carried_by(path, environ=environ) if path.suffix == ".ipynb" and path.is_file() else None
    return carried or find_workspace(path, environ)


def passes(workspace: Workspace) -> bool:
    """Whether a kernel may start in a workspace: it is approved, or the user's policy lets it through."""
    try:
        trust.require(workspace)
    except TrustRequired:
        return False
    return True


def untrusted_answer(workspace: Workspace, environment: str | None) -> dict[str, Any]:
    """The status of a workspace that is not approved: what approving would allow, and the name of just that state."""
    refusal = trust.refusal(workspace)
    return {
        "state": UNTRUSTED,
        "reasons": [
            "changed since you approved it" if trust.find_approval(workspace) else "not approved by you",
        ],
        "workspace": workspace.name,
        "environment": environment or "default",
        "manifest": workspace.manifest_path.name,
        "own": workspace.notebook is not None,
        "trust": {
            "fingerprint": trust.fingerprint(workspace),
            "lines": [line.strip() for line in refusal.details[1:]],
        },
    }


def find_workspace(path: Path, environ: Mapping[str, str]) -> Workspace | None:
    """The workspace of a notebook or a folder as it is; a notebook's own one only if it was made before."""
    if path.is_dir() or path.suffix != ".ipynb":
        return _nearest(path if path.is_dir() else path.parent, environ) or default_workspace(environ)
    if read_embedded(path) is None:
        nearest = _nearest(path.parent, environ)
        if nearest is not None:
            return nearest
    from pixi_core.cache.layout import CacheDirs
    from pixi_core.config.load import load_config

    manifest = (
        copy_folder(path, CacheDirs.from_environment(environ, load_config(None, environ)).notebooks) / MANIFEST_NAME
    )
    if not manifest.is_file():
        return None if read_embedded(path) is not None else default_workspace(environ)
    workspace = Workspace.open(manifest, environ=environ)
    workspace.notebook = path
    return workspace


def _nearest(folder: Path, environ: Mapping[str, str]) -> Workspace | None:
    try:
        return Workspace.discover(folder, environ=environ)
    except NoWorkspace:
        return None


def error_answer(error: PixiError) -> dict[str, Any]:
    """An error as the endpoint tells it."""
    return {"message": error.message, "details": list(error.details), "hints": list(error.hints)}
