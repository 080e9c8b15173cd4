"""`pixi workspace channel`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .actions import action, actions, feature_argument, locking_arguments, opened, show

if TYPE_CHECKING:
    import argparse

    from ...manifest.edit_workspace import WorkspaceEditor
    from ..context import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """add, remove, list."""
    group = actions(parser)
    for name, text in (("add", "add channels"), ("remove", "take channels out")):
        one = action(group, name, text)
        one.add_argument("names", nargs="+", metavar="CHANNEL")
        feature_argument(one)
        locking_arguments(one)
        if name == "add":
            one.add_argument("--priority", type=int, metavar="N", help="a higher one comes first")
            one.add_argument("--prepend", action="store_true", help="before the others")
    listed = action(group, "list", "list the channels of every environment")
    listed.add_argument("--json", action="store_true", help="print JSON")
    listed.add_argument("--urls", action="store_true", help="addresses instead of names")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Edit and lock, or list."""
    workspace = opened(arguments, context)
    if arguments.action == "list":
        found = {
            name: [
                entry.channel.url if arguments.urls else entry.channel.name
                for entry in workspace.manifest.environment(name).channels
            ]
            for name in workspace.manifest.environments
        }
        context.result("workspace", {"environments": found})
        if arguments.json and not context.json_lines:
            print(json.dumps(found, indent=2))
        elif not context.json_lines:
            for name, entries in found.items():
                show(f"Environment: {name}", *(f"- {entry}" for entry in entries))
        return 0
    from ...ops.workspace_edit import edit_and_lock

    def edit(editor: WorkspaceEditor) -> None:
        for name in arguments.names:
            if arguments.action == "add":
                editor.add_channel(
                    name, feature=arguments.feature, priority=arguments.priority, prepend=arguments.prepend
                )
            else:
                editor.remove_channel(name, feature=arguments.feature)

    changed = edit_and_lock(workspace, edit, install=not arguments.no_install, reporter=context.reporter)
    verb = "Added" if arguments.action == "add" else "Removed"
    for name in arguments.names:
        context.reporter.message(f"✔ {verb} {name}" if changed else f"{name} is in the manifest already")
    context.result("workspace", {"changed": changed})
    return 0
