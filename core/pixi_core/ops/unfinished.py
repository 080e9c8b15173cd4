"""A note about a removal that is under way, so that the same command finishes it after its process was killed.

When the manifest no longer names a package, `pixi remove` would refuse to remove it; the note says that an earlier call
took it out and did not come to the end. It holds only for the manifest which that call wrote.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from ..fs import atomic_write, os_errors

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from ..workspace import Workspace


def note_removal(workspace: Workspace, names: Collection[str], manifest: str) -> None:
    """Say that `names` go, in favour of the text `manifest`. Raises `InstallError`, `DiskFull`."""
    from .installing import write_pixi_dir

    write_pixi_dir(workspace.pixi_dir)
    note = {"removed": sorted(name.lower() for name in names), "manifest": _digest(manifest)}
    atomic_write(_path(workspace), json.dumps(note) + "\n")


def unfinished_removal(workspace: Workspace) -> frozenset[str]:
    """The names (in lower case) that an earlier call took out of this very manifest without coming to its end."""
    try:
        note = json.loads(_path(workspace).read_bytes())
        if note["manifest"] == _digest(workspace.manifest_text):
            return frozenset(note["removed"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return frozenset()


def forget_removal(workspace: Workspace) -> None:
    """It has come to its end, or was taken back. Raises `InstallError`."""
    path = _path(workspace)
    if path.exists():  # a read-only file system refuses to remove even what is not there
        with os_errors(path):
            path.unlink(missing_ok=True)


def _path(workspace: Workspace) -> Path:
    return workspace.pixi_dir / "unfinished-removal.json"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
