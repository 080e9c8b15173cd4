"""`pixi workspace requires-pixi`: works also where the manifest asks for another pixi than this."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .actions import action, actions, opened, show

if TYPE_CHECKING:
    import argparse

    from ..context import Context

MISMATCH = 4
"""The exit code of `verify` where this pixi is not the one that is asked for."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """get, set, unset, verify."""
    group = actions(parser)
    action(group, "get", "print the requirement")
    action(group, "set", "change the requirement").add_argument("value", metavar="SPEC", help="such as '>=0.50'")
    action(group, "unset", "take the requirement out")
    action(group, "verify", f"exit with {MISMATCH} where it is not met")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Print, change or check it."""
    from ...errors import PixiTooOld
    from ...manifest.edit_workspace import WorkspaceEditor

    workspace = opened(arguments, context)
    if arguments.action == "get":
        present = WorkspaceEditor(workspace.manifest_text, workspace.kind).workspace_text("requires-pixi")
        show(*([present] if present else []))
    elif arguments.action == "verify":
        try:
            _ = workspace.manifest
        except PixiTooOld as error:
            context.report(error)
            return MISMATCH
    else:
        from ...ops.workspace_edit import edit_manifest

        value = arguments.value if arguments.action == "set" else None
        edit_manifest(workspace, lambda editor: editor.set_workspace("requires-pixi", value))
        context.reporter.message(f"✔ Updated requires-pixi to '{value}'" if value else "✔ Removed requires-pixi")
    return 0
