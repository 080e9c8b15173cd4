"""What front ends ask about the workspace of a notebook or folder; everything is read, nothing is changed.

Until a workspace is approved its manifest and lock file are read as text, and nothing else happens.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pixi_core.names import DEFAULT_ENVIRONMENT
from pixi_core.notebook import METADATA_KEY
from pixi_core.workspace import Workspace

from .activity import ACTIVITIES
from .status import UNTRUSTED, find_workspace, passes, trust_subject

MOST_MATCHES = 100
"""So many matches a search may be asked for."""

EntryOf = Callable[[Path, str], str | None]
"""(manifest, environment) to the name of the kernel spec for it; None where there is none."""


class NotApproved(Exception):
    """The workspace has not been approved, so nothing of it is asked for."""


class NoneYet(Exception):
    """There is no workspace."""


def environments(path: Path, environment: str | None, entry_of: EntryOf) -> dict[str, Any]:
    """The environments of the workspace, each with its state and its entry in the kernel picker. `current` is the one
    that is asked about, else the one that the notebook chose. Raises `PixiError`.
    """
    workspace, is_approved = subject(path)
    if workspace is None:
        return {"workspace": None, "environments": []}
    entries = {str(name): entry_of(workspace.manifest_path, name) for name in workspace.manifest.environments}
    current = environment or _chosen_by(path, entries)
    rows = [
        {
            "name": name,
            "kernelspec": entry,
            "state": _state(workspace, name) if is_approved else UNTRUSTED,
            "current": name == current,
        }
        for name, entry in entries.items()
    ]
    return {"workspace": workspace.name, "environments": rows}


def _state(workspace: Workspace, name: str) -> str:
    from pixi_core.ops.status import status

    running = ACTIVITIES.at(workspace.prefix(name))
    return running.state if running is not None else status(workspace, name).state


def _chosen_by(path: Path, entries: Mapping[str, str | None]) -> str:
    """The environment of the notebook's kernel spec, else of its metadata, else the default one."""
    metadata = _metadata(path)
    spec = metadata.get("kernelspec")
    kernel = spec.get("name") if isinstance(spec, dict) else None
    for name, entry in entries.items():
        if entry is not None and entry == kernel:
            return name
    table = metadata.get(METADATA_KEY)
    named = table.get("environment") if isinstance(table, dict) else None
    return named if isinstance(named, str) and named else str(DEFAULT_ENVIRONMENT)


def _metadata(path: Path) -> dict[str, Any]:
    """What a notebook says of itself; nothing where it is none."""
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_bytes())["metadata"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def packages(path: Path, environment: str | None) -> dict[str, Any]:
    """The packages of an environment, as they are locked for this machine. Raises `PixiError`, also for an environment
    that the workspace does not have.
    """
    workspace, _ = subject(path)
    if workspace is None:
        return {"environment": environment or str(DEFAULT_ENVIRONMENT), "packages": []}
    name = workspace.environment_name(environment or _chosen_by(path, {}))
    rows = []
    if workspace.lock() is not None:
        from pixi_core.ops.list_packages import list_packages

        rows = list_packages(workspace, name, mode="frozen")
    keys = ("name", "version", "build", "kind", "size_bytes", "is_explicit")
    return {"environment": str(name), "packages": [{key: getattr(row, key) for key in keys} for row in rows]}


def search(path: Path, environment: str | None, query: str, limit: int) -> dict[str, Any]:
    """What channels and index offer under a part of a name. Raises `NotApproved` (searching asks the hosts that a
    manifest names), `NoneYet`, `PixiError`.
    """
    workspace, is_approved = subject(path)
    if workspace is None:
        raise NoneYet
    if not is_approved:
        raise NotApproved
    from pixi_core.ops.find_packages import find_packages

    try:
        return find_packages(workspace, query, environment=environment, limit=limit).to_json()
    finally:
        workspace.close()


def history(path: Path, environment: str | None) -> dict[str, Any]:
    """The generations of an environment, as `pixi history --json` tells them. Raises `PixiError`."""
    workspace, _ = subject(path)
    if workspace is None:
        return {"environment": environment or str(DEFAULT_ENVIRONMENT), "current": None, "generations": []}
    from pixi_core.ops.history import history as generations_of

    return generations_of(workspace, environment)


def subject(path: Path) -> tuple[Workspace | None, bool]:
    """The workspace of a notebook or folder, and whether it is approved: what the notebook carries where that is not,
    else what is worked on. Raises `PixiError`.
    """
    asked = trust_subject(path, os.environ)
    if asked is not None and not passes(asked):
        return asked, False
    workspace = find_workspace(path, os.environ)
    return workspace, workspace is not None and passes(workspace)
