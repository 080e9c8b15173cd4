"""Which workspace and which environment a kernel belongs to.

In this order: what the kernel spec names (an entry of the kernel picker), the notebook's own manifest, the variables
`PIXI_JUPYTER_MANIFEST` and `PIXI_JUPYTER_ENVIRONMENT`, the nearest manifest above the notebook, the default workspace
of this machine (`PIXI_JUPYTER_DEFAULT_MANIFEST`, which a JupyterHub sets). A notebook with none of these has its own
workspace, empty at first. No client tells a provisioner which notebook it starts a kernel
for; Jupyter Server, and our own headless runs, put the path into `JPY_SESSION_NAME`.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pixi_core import trust
from pixi_core.names import DEFAULT_ENVIRONMENT_VARIABLE, DEFAULT_MANIFEST_VARIABLE
from pixi_core.notebook import METADATA_KEY, read_embedded
from pixi_core.ops.notebook_workspace import carried_by, workspace_for_notebook
from pixi_core.workspace import Workspace
from pixi_server_ext.status import find_workspace

SESSION_VARIABLE = "JPY_SESSION_NAME"
MANIFEST_VARIABLE = "PIXI_JUPYTER_MANIFEST"
ENVIRONMENT_VARIABLE = "PIXI_JUPYTER_ENVIRONMENT"

_DRIVE = re.compile(r"[A-Za-z][A-Za-z0-9_-]*:")
SCRATCH_NAME = "scratch.ipynb"
"""Stands for the notebook where there is none (a console): such a session has the folder's scratch workspace."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a kernel spec asks for; None leaves the question to the later rules."""

    manifest: Path | None = None
    environment: str | None = None

    @classmethod
    def of_spec(cls, metadata: Mapping[str, Any] | None) -> Choice:
        """The choice in a kernel spec's `metadata.pixi`; whatever has another type than text is not one."""
        table = (metadata or {}).get("pixi")
        if not isinstance(table, Mapping):
            return cls()
        manifest, environment = table.get("manifest"), table.get("environment")
        return cls(
            Path(manifest) if isinstance(manifest, str) and manifest else None,
            environment if isinstance(environment, str) and environment else None,
        )


@dataclass(frozen=True, slots=True)
class Place:
    """Where a kernel starts: the folder, and the notebook where it is known."""

    folder: Path
    notebook: Path | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """What a kernel runs in. `mode` is the lock mode that the user's policy for unapproved workspaces demands."""

    workspace: Workspace
    environment: str
    notebook: Path | None = None
    mode: str | None = None

    @property
    def prefix(self) -> Path:
        """The prefix of the environment."""
        return self.workspace.prefix(self.environment)


def find_place(
    cwd: str | None, environ: Mapping[str, str], *, root_dir: str | None = None, argv: Sequence[str] = ()
) -> Place:
    """The place of a kernel.

    `cwd` is what the client gave (it may be relative, or missing), `root_dir` the folder that Jupyter Server serves.
    `argv` is the command line of this process where it may name the notebook: of `jupyter execute one.ipynb` it is the
    only trace. It goes before the session name, which such a program inherits when a cell of a notebook calls it.
    """
    folder = Path(os.path.abspath(cwd or "."))
    notebook = _named_on_command_line(argv) or _named_by_session(environ.get(SESSION_VARIABLE, ""), folder, root_dir)
    if notebook is None:
        return Place(folder)
    return Place(folder if cwd else notebook.parent, notebook)


def _named_on_command_line(argv: Sequence[str]) -> Path | None:
    """The one existing notebook among some words; of two it could be either."""
    named = [Path(os.path.abspath(word)) for word in argv if word.endswith(".ipynb")]
    existing = [path for path in named if path.is_file()]
    return existing[0] if len(existing) == 1 else None


def _named_by_session(session: str, folder: Path, root_dir: str | None) -> Path | None:
    found = _notebook_candidates(session, folder, root_dir)
    return next((path for path in found if path.is_file()), None)


def _notebook_candidates(session: str, folder: Path, root_dir: str | None) -> list[Path]:
    """The files that a session name may mean: absolute, below the root, beside the working folder; with and without
    the drive of a collaboration server (`RTC:folder/a.ipynb`, which Jupyter Server may have put behind the root).
    """
    if not session:
        return []
    names = [session]
    before, start, inside = session.rpartition(f"{root_dir}{os.sep}") if root_dir else ("", "", session)
    drive = _DRIVE.match(inside)
    if drive is not None and len(drive.group()) > 2:
        names.append(before + start + inside[drive.end() :])
    found = []
    for name in names:
        path = Path(name)
        if path.is_absolute():
            found.append(path)
        else:
            found += [Path(base) / name for base in (root_dir, folder) if base]
    return found


def find_target(place: Place, choice: Choice, environ: Mapping[str, str]) -> Target:
    """The workspace and environment of a kernel. Raises `PixiError`, but never `NoWorkspace`."""
    return _with_environment(_find_workspace(place, choice, environ), place, choice, environ)


def approved_target(place: Place, choice: Choice, environ: Mapping[str, str]) -> Target:
    """The same for a kernel that is to be started: only where this user has approved it.

    Until that is clear nothing is written, not even the working copy of a manifest that the notebook carries; the
    policy is that of this process, whatever a client chose for the kernel. Raises `TrustRequired`, `PixiError`.
    """
    carried = None
    if choice.manifest is None and place.notebook is not None:
        carried = carried_by(place.notebook, environ=environ)
    if carried is not None:
        trust.require(carried)
    target = find_target(place, choice, environ)
    return replace(target, mode=trust.require(target.workspace))


def known_target(place: Place, choice: Choice, environ: Mapping[str, str]) -> Target | None:
    """The same without making anything: None for a notebook whose own workspace was not made yet."""
    named = choice.manifest or environ.get(MANIFEST_VARIABLE)
    if place.notebook is None or (named and read_embedded(place.notebook) is None):
        return find_target(place, choice, environ)
    workspace = find_workspace(place.notebook, environ)
    return None if workspace is None else _with_environment(workspace, place, choice, environ)


def _with_environment(workspace: Workspace, place: Place, choice: Choice, environ: Mapping[str, str]) -> Target:
    wanted = choice.environment or notebook_environment(place.notebook) or environ.get(ENVIRONMENT_VARIABLE)
    wanted = wanted or _default_environment(workspace, environ)
    return Target(workspace, workspace.environment_name(wanted), place.notebook)


def _default_environment(workspace: Workspace, environ: Mapping[str, str]) -> str | None:
    """The environment that goes with the default workspace, also for a notebook's own copy of that."""
    named = environ.get(DEFAULT_ENVIRONMENT_VARIABLE)
    if not named or str(workspace.manifest_path) == environ.get(DEFAULT_MANIFEST_VARIABLE):
        return named
    return named if workspace.notebook is not None and named in workspace.manifest.environments else None


def _find_workspace(place: Place, choice: Choice, environ: Mapping[str, str]) -> Workspace:
    if choice.manifest is not None:
        return Workspace.discover(place.folder, manifest_path=choice.manifest, environ=environ)
    if place.notebook is not None and read_embedded(place.notebook) is not None:
        return workspace_for_notebook(place.notebook, environ=environ)
    named = environ.get(MANIFEST_VARIABLE)
    if named:
        return Workspace.discover(place.folder, manifest_path=place.folder / named, environ=environ)
    return workspace_for_notebook(place.notebook or place.folder / SCRATCH_NAME, environ=environ)


def notebook_environment(notebook: Path | None) -> str | None:
    """The environment named in a notebook's metadata (`{"pixi": {"environment": NAME}}`); None where there is none."""
    if notebook is None:
        return None
    try:
        document: Any = json.loads(notebook.read_bytes())
        table = document["metadata"][METADATA_KEY]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    name = table.get("environment") if isinstance(table, dict) else None
    return name if isinstance(name, str) and name else None


def server_root(manager: Any) -> str | None:
    """The folder that Jupyter Server serves, from a kernel manager's chain of parents; None under other clients."""
    parent = getattr(manager, "parent", None)
    while parent is not None:
        root = getattr(parent, "root_dir", None)
        if isinstance(root, str) and root:
            return root
        parent = getattr(parent, "parent", None)
    return None


def process_arguments(argv: Sequence[str] | None = None) -> Sequence[str]:
    """The command line of this process, as far as it names notebooks that run in it: `papermill IN OUT` has written
    its output already when the kernel starts.
    """
    program, *words = sys.argv if argv is None else argv
    if "papermill" not in (Path(program).stem, Path(program).parent.name):
        return words
    inputs = [position for position, word in enumerate(words) if word.endswith(".ipynb")]
    return words[: inputs[0] + 1] if inputs else words
