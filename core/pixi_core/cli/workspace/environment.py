"""`pixi workspace environment`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .actions import action, actions, opened, show

if TYPE_CHECKING:
    import argparse

    from ...manifest.edit_workspace import WorkspaceEditor
    from ..context import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """add, list, remove."""
    group = actions(parser)
    one = action(group, "add", "declare an environment")
    one.add_argument("name", metavar="NAME")
    one.add_argument("-f", "--feature", action="append", default=[], metavar="NAME", help="repeat for more")
    one.add_argument("--solve-group", metavar="NAME", help="share versions with the environments of this group")
    one.add_argument("--no-default-feature", action="store_true", help="without the default feature")
    one.add_argument("--force", action="store_true", help="replace a declaration")
    action(group, "list", "list the environments and their features")
    action(group, "remove", "take environments out").add_argument("names", nargs="+", metavar="NAME")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Edit, or list."""
    from ...ops.workspace_edit import add_environment, edit_manifest

    workspace = opened(arguments, context)
    if arguments.action == "list":
        for spec in workspace.manifest.environments.values():
            features = ", ".join(feature.name for feature in workspace.manifest.environment(spec.name).features)
            show(f"{spec.name}: features: {features}{f', solve group: {spec.solve_group}' if spec.solve_group else ''}")
    elif arguments.action == "add":
        add_environment(
            workspace,
            arguments.name,
            arguments.feature,
            solve_group=arguments.solve_group,
            no_default_feature=arguments.no_default_feature,
            force=arguments.force,
        )
        context.reporter.message(f"✔ Added environment {arguments.name}")
    else:

        def remove(editor: WorkspaceEditor) -> None:
            for name in arguments.names:
                editor.remove_environment(name)

        edit_manifest(workspace, remove)
        for name in arguments.names:
            context.reporter.message(f"✔ Removed environment {name}")
    return 0
