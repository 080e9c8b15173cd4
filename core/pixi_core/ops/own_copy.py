"""A notebook in a workspace that its user cannot change: what it changes, it gets for itself.

The default workspace of a machine (`PIXI_JUPYTER_DEFAULT_MANIFEST`, a class on a JupyterHub) belongs to somebody else,
and its environment is used in place. The first command that would change it begins a workspace of the notebook's own
(`pixi_core.notebook`) with the same manifest and lock file, whose environments still are those of the store. What the
command then does happens there: an environment that comes to differ is installed for this notebook alone.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ..errors import DiskFull, InstallError, ManifestError
from ..fs import atomic_write, free_bytes, os_errors, remove_tree
from ..names import DEFAULT_ENVIRONMENT, DEFAULT_ENVIRONMENT_VARIABLE, DEFAULT_MANIFEST_VARIABLE
from ..notebook import LOCK_NAME, MANIFEST_NAME
from ..store.leases import lease_link
from ..value import Value
from ..workspace import Workspace
from .attach import link_to
from .notebook_workspace import own_folder, workspace_for_notebook

SESSION_VARIABLE = "JPY_SESSION_NAME"
COMMANDS = frozenset(["add", "lock", "remove", "update", "upgrade"])
"""Commands that change what is locked."""


class OwnCopy(Value):
    """The notebook's workspace. `size` is about what an environment of its own will take, in bytes: that of the shared
    one; 0 where it has its own already. `is_new`: it was begun just now.
    """

    workspace: Workspace
    size: int
    is_new: bool


def notebook_that_needs_one(shared: Workspace, environ: Mapping[str, str]) -> Path | None:
    """The notebook for which a change of `shared` must be made elsewhere; None where it can be made, or no notebook is
    known to be at work.
    """
    named = environ.get(DEFAULT_MANIFEST_VARIABLE)
    notebook = Path(environ.get(SESSION_VARIABLE, ""))
    if not named or os.path.realpath(named) != os.path.realpath(shared.manifest_path):
        return None
    if os.access(shared.root, os.W_OK) or notebook.suffix != ".ipynb" or not notebook.is_absolute():
        return None
    return notebook if notebook.is_file() else None


def own_copy(shared: Workspace, notebook: Path) -> OwnCopy:
    """The notebook's own workspace, begun with what `shared` holds where it has none yet.

    Raises `DiskFull`, with numbers and before anything is written, where an environment of its own has no room; and
    `ManifestError` where manifest and lock file would not be the same elsewhere.
    """
    folder = own_folder(notebook, shared.environ)
    is_new = not (folder / MANIFEST_NAME).is_file()
    environment = shared.environ.get(DEFAULT_ENVIRONMENT_VARIABLE) or DEFAULT_ENVIRONMENT
    before = shared if is_new else workspace_for_notebook(notebook, environ=shared.environ)
    entry = before.stored(environment)
    size = int(entry.read().get("bytes", 0)) if entry is not None and entry.is_whole else 0
    _require_room(folder, size)
    return OwnCopy(_begin(shared, notebook, folder) if is_new else before, size, is_new)


def give_back(copy: OwnCopy) -> None:
    """After a command that failed: a workspace that was begun for it and is as it was begun goes again, so that the
    notebook stays in the shared one. Raises `InstallError`, `ManifestError`.
    """
    workspace = copy.workspace
    if not copy.is_new or workspace.reload().manifest_text != workspace.manifest_text:
        return
    from .. import trust  # lazy: few commands fail

    trust.revoke(workspace)
    remove_tree(workspace.root)  # of links to a store it takes the link


def _begin(shared: Workspace, notebook: Path, folder: Path) -> Workspace:
    """The lock file and the links first: with its manifest the workspace is there, and whole."""
    if shared.kind != "pixi":
        raise ManifestError(
            f"{shared.manifest_path} belongs to somebody else, and describes a project that is not in this notebook",
            hints=[f"copy {shared.root} into your home, and work there"],
        )
    scripts = _scripts(shared)
    lock = shared.lock_text()
    if lock is not None:
        atomic_write(folder / LOCK_NAME, lock)
    for script in scripts:
        with os_errors(folder / script):
            (folder / script).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(shared.root / script, folder / script)
    for name in shared.manifest.environments:
        entry = shared.stored(name)
        if entry is not None and entry.is_whole:
            link = folder / ".pixi" / "envs" / name
            link_to(link, entry.prefix)
            with suppress(InstallError):  # a store that is read-only
                lease_link(entry, link)
    return workspace_for_notebook(notebook, environ=shared.environ, begin_with=shared.manifest_text)


def _scripts(shared: Workspace) -> list[str]:
    """The activation scripts, which the manifest names by relative paths. Raises `ManifestError` for others."""
    contents = [content for feature in shared.manifest.features.values() for content in feature.contents]
    found = [script for content in contents for script in content.activation_scripts or ()]
    for script in found:
        if not (shared.root / script).resolve().is_relative_to(shared.root.resolve()):
            raise ManifestError(f"{shared.manifest_path} names the activation script {script}, outside of its folder")
    return [script for script in found if not Path(script).is_absolute()]


def _require_room(folder: Path, size: int) -> None:
    free = free_bytes(folder)
    if free is not None and free < size:
        raise DiskFull(folder, needed=size, free=free)
