"""`pixi workspace feature`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .actions import action, actions, opened, show

if TYPE_CHECKING:
    import argparse

    from ...manifest.edit_workspace import WorkspaceEditor
    from ..context import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """list, remove."""
    group = actions(parser)
    action(group, "list", "list the features and what they ask for")
    action(group, "remove", "take features out, also out of environments").add_argument(
        "names", nargs="+", metavar="FEATURE"
    )


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Edit, or list."""
    from ...ops.workspace_edit import edit_manifest

    workspace = opened(arguments, context)
    if arguments.action == "list":
        for feature in workspace.manifest.features.values():
            names = [*map(str, feature.dependencies), *map(str, feature.pypi_dependencies)]
            show(f"{feature.name}: {', '.join(names) or 'no dependencies'}")
        return 0

    def remove(editor: WorkspaceEditor) -> None:
        for name in arguments.names:
            editor.remove_feature(name)

    edit_manifest(workspace, remove)
    for name in arguments.names:
        context.reporter.message(f"✔ Removed feature {name}")
    return 0
