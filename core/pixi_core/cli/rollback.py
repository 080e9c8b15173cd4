"""`pixi rollback`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .arguments import environment_argument, workspace_arguments
from .config_options import config_options

if TYPE_CHECKING:
    import argparse

    from .context import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """To which generation, of which environment."""
    parser.add_argument(
        "generation", nargs="?", type=int, metavar="GENERATION", help="a number of `pixi history` (default: the last)"
    )
    workspace_arguments(parser)
    environment_argument(parser)
    parser.add_argument("-n", "--dry-run", action="store_true", help="change nothing, say what would change")
    parser.add_argument("--json", action="store_true", help="print JSON")
    config_options(parser)


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Go back, and say what that changed."""
    from ..ops.rollback import rollback
    from .history import change_lines

    workspace = context.workspace(arguments.manifest_path)
    workspace.configure(reporter=context.reporter)
    done = rollback(
        workspace,
        arguments.generation,
        arguments.environment,
        dry_run=arguments.dry_run,
        reporter=context.reporter,
    )
    context.result("rollback", done.to_json())
    if arguments.json and not context.json_lines:
        print(json.dumps(done.to_json(), indent=2))
    if done.kept is not None:
        context.reporter.message(f"what was in the manifest or lock file by hand is kept as generation {done.kept}")
    verb = "Would return" if arguments.dry_run else "✔ Returned"
    context.reporter.message(f"{verb} to generation {done.generation} of the {done.environment} environment")
    for line in change_lines(done.changes):
        context.reporter.message(f"  {line}")
    return 0
