"""`pixi workspace … add | remove | set` and `pixi import`: one edit of the manifest, solved before it is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import ManifestError
from ..fs import atomic_write
from ..progress import SILENT, Reporter
from .change import commit
from .locking import update_lock

if TYPE_CHECKING:
    from ..manifest.edit_workspace import WorkspaceEditor
    from ..workspace import Workspace


def edit_manifest(workspace: Workspace, edit: Callable[[WorkspaceEditor], object]) -> bool:
    """Write what `edit` makes of the manifest; no solve. Returns whether it changed anything.

    Raises `ManifestError` where the outcome would be wrong; the file is then as it was.
    """
    text = edited(workspace, edit)
    if text == workspace.manifest_text:
        return False
    atomic_write(workspace.manifest_path, text)
    return True


def edit_and_lock(
    workspace: Workspace,
    edit: Callable[[WorkspaceEditor], object],
    *,
    install: bool = True,
    reporter: Reporter = SILENT,
) -> bool:
    """The same with a solve before anything is written. Environments that are installed follow, the others wait for
    their first use. Raises also what solving and installing raise; all files are then as they were.
    """
    text = edited(workspace, edit)
    if text == workspace.manifest_text:
        return False
    manifest = workspace.parse(text)
    lock = update_lock(workspace, manifest=manifest, previous=workspace.lock(), reporter=reporter)
    installed = [name for name in manifest.environments if (workspace.prefix(name) / "conda-meta").is_dir()]
    commit(workspace, text, lock, environments=installed if install else [], reporter=reporter)
    return True


def edited(workspace: Workspace, edit: Callable[[WorkspaceEditor], object]) -> str:
    """The manifest's text after an edit, checked. Raises `ManifestError`."""
    from ..manifest.edit_workspace import WorkspaceEditor

    editor = WorkspaceEditor(workspace.manifest_text, workspace.kind)
    edit(editor)
    workspace.parse(editor.text)
    return editor.text


def raised_version(present: str, position: int) -> str:
    """The version with the number at `position` (0: major) raised. Raises `ManifestError` where there is none."""
    from ..model.version import parse_version

    if not present:
        raise ManifestError(
            "the workspace has no version that could be raised", hints=["set one with `pixi workspace version set`"]
        )
    return str(parse_version(present).with_segments(3).bump(position))


def add_environment(
    workspace: Workspace,
    name: str,
    features: list[str],
    *,
    solve_group: str | None = None,
    no_default_feature: bool = False,
    force: bool = False,
) -> None:
    """Declare an environment. Raises `ManifestError` where it is declared already (unless `force`), or where a feature
    is not.
    """
    if name in workspace.manifest.environments and not force:
        raise ManifestError(
            f"the environment '{name}' is in the manifest already", hints=["use --force to replace its declaration"]
        )
    edit_manifest(
        workspace,
        lambda editor: editor.add_environment(
            name, features, solve_group=solve_group, no_default_feature=no_default_feature
        ),
    )
