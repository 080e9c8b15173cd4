"""`pixi workspace system-requirements`: the older way to say what machines have; platforms say it today."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .actions import action, actions, feature_argument, locking_arguments, opened, show

if TYPE_CHECKING:
    import argparse

    from ..context import Context

KEYS = ("cuda", "glibc", "linux", "macos", "archspec")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """add, list."""
    group = actions(parser)
    one = action(group, "add", "say what machines need to have")
    one.add_argument("key", choices=KEYS, metavar="NAME", help=", ".join(KEYS))
    one.add_argument("value", metavar="VERSION")
    feature_argument(one)
    locking_arguments(one)
    action(group, "list", "list what machines need to have").add_argument(
        "--json", action="store_true", help="print JSON"
    )


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Edit and lock, or list."""
    workspace = opened(arguments, context)
    if arguments.action == "list":
        found = {
            feature.name: {package.name: package.build or package.version for package in feature.system_requirements}
            for feature in workspace.manifest.features.values()
            if feature.system_requirements
        }
        if arguments.json:
            print(json.dumps(found, indent=2))
        else:
            for name, packages in found.items():
                show(f"{name}:", *(f"  {package} {version}" for package, version in packages.items()))
        return 0
    from ...ops.workspace_edit import edit_and_lock

    key = "libc" if arguments.key == "glibc" else arguments.key
    edit_and_lock(
        workspace,
        lambda editor: editor.set_system_requirement(key, arguments.value, feature=arguments.feature),
        install=not arguments.no_install,
        reporter=context.reporter,
    )
    context.reporter.message(f"✔ Added {arguments.key} {arguments.value}")
    context.reporter.warning("system-requirements is the older way; see `pixi workspace platform edit`")
    return 0
