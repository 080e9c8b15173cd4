"""`pixi remove`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .add import say_rehearsal, target_of, where_arguments

if TYPE_CHECKING:
    import argparse

    from .context import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The packages, and where in the manifest they stand."""
    parser.add_argument("names", nargs="+", metavar="NAME", help="a package of the manifest")
    parser.add_argument("--pypi", action="store_true", help="the packages are PyPI requirements")
    where_arguments(parser)


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Remove, lock, install."""
    from ..ops.change import remove
    from .script import remove as remove_from_script

    if arguments.script is not None:
        return remove_from_script(arguments, context)
    workspace = context.workspace(arguments.manifest_path)
    workspace.configure(reporter=context.reporter)
    target = target_of(arguments)
    change = remove(workspace, arguments.names, pypi=arguments.pypi, target=target, reporter=context.reporter)
    for name in change.removed:
        context.reporter.message(f"{'Would remove' if target.dry_run else '✔ Removed'} {name}")
    if target.dry_run:
        say_rehearsal(change.difference, context)
    context.result("remove", change.to_json())
    return 0
