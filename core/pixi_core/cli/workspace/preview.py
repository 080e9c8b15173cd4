"""`pixi workspace preview`: features of pixi that are not settled yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .actions import action, actions, opened, show

if TYPE_CHECKING:
    import argparse

    from ..context import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """add, list, remove."""
    group = actions(parser)
    for name, text in (("add", "turn features on"), ("remove", "turn features off")):
        action(group, name, text).add_argument("names", nargs="+", metavar="FLAG")
    action(group, "list", "list what is on")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Edit, or list."""
    workspace = opened(arguments, context)
    if arguments.action == "list":
        show(*workspace.manifest.preview)
        return 0
    from ...ops.workspace_edit import edit_manifest

    if arguments.action == "add":
        edit_manifest(workspace, lambda editor: editor.add_preview(arguments.names))
    else:
        edit_manifest(workspace, lambda editor: editor.remove_preview(arguments.names))
    for name in arguments.names:
        context.reporter.message(f"✔ {'Added' if arguments.action == 'add' else 'Removed'} {name}")
    return 0
