"""`pixi workspace name | version | description`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .actions import action, actions, opened, show

if TYPE_CHECKING:
    import argparse

    from ..context import Context

PARTS = ("major", "minor", "patch")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """get, set; a version can also be raised."""
    group = actions(parser)
    what = parser.prog.split()[-1]
    action(group, "get", f"print the {what}")
    action(group, "set", f"change the {what}").add_argument("value", metavar=what.upper())
    if what == "version":
        for part in PARTS:
            action(group, part, f"raise the {part} number")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Print it, or change it in the manifest."""
    workspace = opened(arguments, context)
    present = str(getattr(workspace.manifest, arguments.group) or "")
    if arguments.action == "get":
        show(present)
        return 0
    from ...ops.workspace_edit import edit_manifest, raised_version

    value = raised_version(present, PARTS.index(arguments.action)) if arguments.action in PARTS else arguments.value
    edit_manifest(workspace, lambda editor: editor.set_workspace(arguments.group, value))
    context.reporter.message(f"✔ Updated workspace {arguments.group} to '{value}'")
    return 0
