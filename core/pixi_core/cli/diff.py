"""`pixi diff`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from .arguments import environment_argument, workspace_arguments

if TYPE_CHECKING:
    import argparse

    from .context import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What with what."""
    parser.add_argument("before", nargs="?", metavar="OLD", help="a lock file (default: what is installed)")
    parser.add_argument("after", nargs="?", metavar="NEW", help="a lock file (default: the workspace's)")
    workspace_arguments(parser)
    environment_argument(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
    form.add_argument("--html", action="store_true", help="print a page for a browser")
    parser.add_argument("--check", action="store_true", help="exit code 1 when there is a difference")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Print the difference to standard output."""
    from ..ops import diff

    if arguments.after is not None:
        found = diff.diff_files(context.cwd / Path(arguments.before), context.cwd / Path(arguments.after))
    elif arguments.before is not None:
        before = context.cwd / Path(arguments.before)
        found = diff.diff_sides(before) or diff.diff_with_workspace(context.workspace(arguments.manifest_path), before)
    else:
        found = diff.diff_with_prefix(context.workspace(arguments.manifest_path), arguments.environment)
    context.result("diff", found)
    if arguments.json and not context.json_lines:
        print(json.dumps(found, indent=2))
    elif arguments.html and not context.json_lines:
        from .difference_html import page

        print(page(found, title=_title(arguments)))
    elif not context.json_lines:
        from .difference import lines
        from .terminal import safe

        for line in lines(found):
            print(safe(line))
        if not found["environment"]:
            context.reporter.message("no difference")
    return 1 if arguments.check and found["environment"] else 0


def _title(arguments: argparse.Namespace) -> str:
    """What is compared."""
    if arguments.before is None:
        return "What is installed, and what is locked"
    return f"From {Path(arguments.before).name} to {Path(arguments.after).name if arguments.after else 'pixi.lock'}"
