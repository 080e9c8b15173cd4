"""`pixi names`: what completion asks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .arguments import environment_argument, workspace_arguments

if TYPE_CHECKING:
    import argparse

    from ..workspace import Workspace
    from .context import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How the names begin."""
    parser.add_argument("part", metavar="PART", nargs="?", default="", help="how the names begin")
    parser.add_argument("--pypi", action="store_true", help="names of the index instead of the channels")
    parser.add_argument(
        "--after", metavar="WORDS", help="what may stand behind these words of a command line, the command first"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    workspace_arguments(parser)
    environment_argument(parser)


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Print a name a line, or a list."""
    from ..ops.known_names import known_names
    from .terminal import safe

    workspace = context.workspace(arguments.manifest_path)
    if arguments.after is None:
        found = known_names(workspace, arguments.part, pypi=arguments.pypi, environment=arguments.environment)
    else:
        found = _behind(workspace, arguments.after.split(), arguments.part)
    context.result("names", {"names": found})
    if arguments.json and not context.json_lines:
        print(json.dumps(found))
    elif not context.json_lines:
        for name in found:
            print(safe(name))
    return 0


def _behind(workspace: Workspace, words: list[str], part: str) -> list[str]:
    """What completes a command line; aliases are the commands that they stand for."""
    from ..ops.completing import completions
    from .commands import ALIASES

    command, *before = [word for position, word in enumerate(words) if position or not word.startswith("-")] or [""]
    return completions(workspace, ALIASES.get(command, command), before, part)
