"""`pixi upgrade`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .arguments import no_install
from .update import selection_arguments, selection_of, tell

if TYPE_CHECKING:
    import argparse

    from .context import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which packages of which feature."""
    parser.add_argument("packages", nargs="*", metavar="PACKAGE", help="default: every dependency of the feature")
    parser.add_argument("-f", "--feature", metavar="NAME", help="the feature (default: `default`)")
    parser.add_argument("--exclude", action="append", default=[], metavar="PACKAGE", help="leave alone; repeat")
    selection_arguments(parser)


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Upgrade, and say which requirements and packages moved."""
    from ..ops.update import upgrade

    workspace = context.workspace(arguments.manifest_path)
    workspace.configure(reporter=context.reporter)
    done = upgrade(
        workspace,
        selection_of(arguments),
        feature=arguments.feature,
        dry_run=arguments.dry_run,
        install=not no_install(arguments),
        reporter=context.reporter,
    )
    for name, spec in done.specs.items():
        context.reporter.message(f"{'Would upgrade' if arguments.dry_run else '✔ Upgraded'} {name} to {spec}")
    tell("upgrade", done, arguments, context)
    return 0
