"""`pixi workspace`: look at and change what the manifest says of the workspace. A group of actions is a module."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from ..parser import Parser

if TYPE_CHECKING:
    import argparse

    from ..context import Context

GROUPS = {
    "activation": ("activation", "scripts and variables of the activation"),
    "channel": ("channel", "where conda packages come from"),
    "description": ("text", "the description of the workspace"),
    "environment": ("environment", "environments"),
    "export": ("export", "write an environment for conda"),
    "feature": ("feature", "features"),
    "name": ("text", "the name of the workspace"),
    "platform": ("platform", "the platforms that are locked"),
    "preview": ("preview", "preview features"),
    "register": ("register", "names by which workspaces are found from anywhere"),
    "requires-pixi": ("requires_pixi", "which pixi the workspace needs"),
    "system-requirements": ("system_requirements", "the older way to say what machines have"),
    "version": ("text", "the version of the workspace"),
}
"""Name → (module of this package, one line of help)."""


class Group(Protocol):
    """What a module of this package offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the actions."""
        ...

    def run(self, arguments: argparse.Namespace, context: Context) -> int:
        """Do one; the result is the exit code."""
        ...


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A group of actions for each thing."""
    groups = parser.add_subparsers(dest="group", required=True, metavar="THING", parser_class=Parser)
    for name, (_, text) in GROUPS.items():
        _group(name).add_arguments(groups.add_parser(name, help=text, description=text))


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Do the action of the group."""
    return _group(arguments.group).run(arguments, context)


def _group(name: str) -> Group:
    return cast("Group", import_module(f".{GROUPS[name][0]}", __package__))
