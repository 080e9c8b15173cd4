"""`pixi trust`: approve a workspace or a notebook, show what that would allow, take it back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import trust
from ..workspace import Workspace
from .notebook_workspace import carried_by

if TYPE_CHECKING:
    from ..trust import Approval


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustAnswer:
    """Whether the subject (a manifest, or a notebook that carries one) is approved, and what that allows."""

    subject: Path
    trusted: bool
    lines: tuple[str, ...]
    changed: bool

    def to_json(self) -> dict[str, Any]:
        """For `--json`, the server and the kernel."""
        return {
            "subject": str(self.subject),
            "trusted": self.trusted,
            "changed": self.changed,
            "lines": list(self.lines),
        }


def subject_workspace(path: Path, *, environ: Mapping[str, str]) -> Workspace:
    """What an approval of `path` is about: for a notebook the manifest that it carries, else the one above it; for a
    manifest or a folder that one. Nothing is written. Raises `NoWorkspace`, `ManifestError`, `NotebookError`.
    """
    if path.suffix == ".ipynb":
        carried = carried_by(path, environ=environ)
        return carried or Workspace.discover(path.resolve().parent, environ=environ)
    return Workspace.discover(path, manifest_path=path, environ=environ)


def show(workspace: Workspace) -> TrustAnswer:
    """The present state; nothing is changed."""
    return _answer(workspace, changed=False)


def approve(workspace: Workspace, *, by: str) -> TrustAnswer:
    """Approve what the workspace says now."""
    if trust.is_trusted(workspace):
        trust.renew(workspace)
        return _answer(workspace, changed=False)
    trust.approve(workspace, by=by)
    return _answer(workspace, changed=True)


def revoke(workspace: Workspace) -> TrustAnswer:
    """Take it back; what is installed stays."""
    return _answer(workspace, changed=trust.revoke(workspace))


def approvals(environ: Mapping[str, str]) -> list[Approval]:
    """All approvals of this user."""
    return trust.approvals(environ)


def _answer(workspace: Workspace, *, changed: bool) -> TrustAnswer:
    return TrustAnswer(
        subject=workspace.notebook or workspace.manifest_path,
        trusted=trust.is_trusted(workspace),
        lines=tuple(trust.shown(workspace)),
        changed=changed,
    )
