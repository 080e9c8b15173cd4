"""`pixi update`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .arguments import no_install, workspace_arguments
from .config_options import config_options

if TYPE_CHECKING:
    import argparse

    from ..ops.update import Selection, Updated
    from .context import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which packages, where."""
    parser.add_argument("packages", nargs="*", metavar="PACKAGE", help="default: every package")
    selection_arguments(parser)


def selection_arguments(parser: argparse.ArgumentParser) -> None:
    """What `update` and `upgrade` share."""
    workspace_arguments(parser)
    parser.add_argument("-e", "--environment", action="append", default=[], metavar="NAME", help="repeat for more")
    parser.add_argument("-p", "--platform", action="append", default=[], metavar="PLATFORM", help="repeat for more")
    parser.add_argument("-n", "--dry-run", action="store_true", help="change nothing, say what would change")
    parser.add_argument("--json", action="store_true", help="print the difference as JSON")
    parser.add_argument("--no-install", action="store_true", help="do not change any environment")
    config_options(parser)


def selection_of(arguments: argparse.Namespace) -> Selection:
    """What may move."""
    from ..ops.update import Selection

    return Selection(
        packages=tuple(arguments.packages),
        environments=tuple(arguments.environment),
        platforms=tuple(arguments.platform),
        exclude=tuple(getattr(arguments, "exclude", ())),
    )


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Update, and say what moved."""
    from ..ops.update import update

    workspace = context.workspace(arguments.manifest_path)
    workspace.configure(reporter=context.reporter)
    done = update(
        workspace,
        selection_of(arguments),
        dry_run=arguments.dry_run,
        install=not no_install(arguments),
        reporter=context.reporter,
    )
    tell("update", done, arguments, context)
    return 0


def tell(command: str, done: Updated, arguments: argparse.Namespace, context: Context) -> None:
    """The difference as JSON on standard output, or for people on standard error."""
    from .difference import lines

    if arguments.json and not context.json_lines:
        print(json.dumps(done.difference, indent=2))
    elif not done.difference["environment"]:
        context.reporter.message("✔ Lock-file was already up-to-date")
    else:
        for line in lines(done.difference):
            context.reporter.message(line)
        context.reporter.message("The lock file would change" if arguments.dry_run else "✔ Updated the lock file")
    context.result(command, done.to_json())
