"""What the groups of `pixi workspace` share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..arguments import workspace_arguments
from ..config_options import config_options
from ..parser import Parser

if TYPE_CHECKING:
    import argparse

    from ...workspace import Workspace
    from ..context import Context


def actions(parser: argparse.ArgumentParser, *, dest: str = "action") -> Any:
    """The actions of a group; `action` adds one."""
    return parser.add_subparsers(dest=dest, required=True, metavar="ACTION", parser_class=Parser)


def action(group: Any, name: str, text: str) -> argparse.ArgumentParser:
    """One action, with the arguments that say which workspace."""
    parser: argparse.ArgumentParser = group.add_parser(name, help=text, description=text)
    workspace_arguments(parser)
    return parser


def feature_argument(parser: argparse.ArgumentParser) -> None:
    """Which feature."""
    parser.add_argument("-f", "--feature", default="default", metavar="NAME", help="of a feature")


def locking_arguments(parser: argparse.ArgumentParser) -> None:
    """For actions after which environments are solved again."""
    parser.add_argument("--no-install", action="store_true", help="do not change any environment")
    config_options(parser)


def opened(arguments: argparse.Namespace, context: Context) -> Workspace:
    """The workspace that an action is about."""
    workspace = context.workspace(arguments.manifest_path)
    workspace.configure(reporter=context.reporter)
    return workspace


def show(*lines: str) -> None:
    """Print lines of data; control characters are made visible."""
    from ..terminal import safe

    for line in lines:
        print(safe(line))
