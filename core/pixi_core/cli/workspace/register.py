"""`pixi workspace register`: names by which workspaces are found from anywhere (`-w NAME`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from ..arguments import workspace_arguments
from ..parser import Parser
from .actions import show

if TYPE_CHECKING:
    import argparse

    from ..context import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Without an action: register the workspace of this folder."""
    workspace_arguments(parser)
    parser.add_argument("-n", "--name", metavar="NAME", help="default: the workspace's own name")
    parser.add_argument("-p", "--path", metavar="PATH", help="default: the workspace of this folder")
    parser.add_argument("--force", action="store_true", help="replace the workspace that has this name")
    group = parser.add_subparsers(dest="action", metavar="ACTION", parser_class=Parser)
    group.add_parser("list", help="list the names").add_argument("--json", action="store_true", help="print JSON")
    group.add_parser("remove", help="forget names").add_argument("names", nargs="+", metavar="NAME")
    group.add_parser("prune", help="forget the names of workspaces that are not there any more")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Change or show the registry."""
    from ...ops import registry

    if arguments.action == "list":
        found = registry.registered(context.environ)
        if arguments.json:
            print(json.dumps({name: str(path) for name, path in found.items()}, indent=2))
        else:
            show(*(f"{name}  {path}" for name, path in found.items()))
    elif arguments.action == "remove":
        for name in arguments.names:
            registry.unregister(name, context.environ)
            context.reporter.message(f"✔ Removed {name}")
    elif arguments.action == "prune":
        for name in registry.prune(context.environ):
            context.reporter.message(f"✔ Removed {name}")
    else:
        path = None if arguments.path is None else str(context.cwd / Path(arguments.path))
        workspace = context.workspace(path or arguments.manifest_path)
        name = arguments.name or workspace.manifest.name
        registry.register(name, workspace.root, context.environ, force=arguments.force)
        context.reporter.message(f"✔ Registered {workspace.root} as {name}")
    return 0
