"""`pixi workspace export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..arguments import environment_argument
from .actions import action, actions, opened

if TYPE_CHECKING:
    import argparse

    from ...workspace import Workspace
    from ..context import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A file of conda's, with requirements or with exact packages."""
    group = actions(parser)
    one = action(group, "conda-environment", "write an environment.yml")
    one.add_argument("output", nargs="?", metavar="FILE", help="default: standard output")
    environment_argument(one)
    one.add_argument("-p", "--platform", metavar="PLATFORM", help="another platform than this machine's")
    one.add_argument("-n", "--name", metavar="NAME", help="the name in the file")
    one.add_argument("--no-pypi", action="store_true", help="conda packages only")
    one.add_argument("--from-lock-file", action="store_true", help="exactly what is locked")
    one = action(group, "conda-lock", "write what is locked as a conda-lock.yml")
    one.add_argument("output", nargs="?", metavar="FILE", help="default: standard output")
    environment_argument(one)
    one.add_argument("-p", "--platform", action="append", default=[], metavar="PLATFORM", help="repeat for more")
    one = action(group, "conda-explicit-spec", "write explicit lists of packages, one an environment and platform")
    one.add_argument("folder", metavar="FOLDER")
    one.add_argument("-e", "--environment", action="append", default=[], metavar="NAME", help="repeat for more")
    one.add_argument("-p", "--platform", action="append", default=[], metavar="PLATFORM", help="repeat for more")
    one.add_argument("--ignore-pypi-errors", action="store_true", help="leave PyPI packages out")
    one.add_argument("--ignore-source-errors", action="store_true", help="leave packages built from source out")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Write the files."""
    workspace = opened(arguments, context)
    if arguments.action == "conda-explicit-spec":
        _explicit(arguments, context, workspace)
    else:
        _text(arguments, context, workspace)
    return 0


def _explicit(arguments: argparse.Namespace, context: Context, workspace: Workspace) -> None:
    from ...ops.export import explicit_specs
    from ...ops.lock import ensure_lock

    written = explicit_specs(
        workspace,
        context.cwd / Path(arguments.folder),
        ensure_lock(workspace, reporter=context.reporter).lock,
        environments=arguments.environment,
        platforms=arguments.platform,
        ignore_pypi=arguments.ignore_pypi_errors,
        ignore_source=arguments.ignore_source_errors,
    )
    for path in written:
        context.reporter.message(f"✔ Wrote {path}")


def _text(arguments: argparse.Namespace, context: Context, workspace: Workspace) -> None:
    from ...ops.export import conda_environment, conda_lock
    from ...ops.lock import ensure_lock

    if arguments.action == "conda-lock":
        lock = ensure_lock(workspace, reporter=context.reporter).lock
        text = conda_lock(workspace, lock, arguments.environment, platforms=arguments.platform)
    else:
        text = conda_environment(
            workspace,
            arguments.environment,
            platform=arguments.platform,
            name=arguments.name,
            pypi=not arguments.no_pypi,
            lock=ensure_lock(workspace, reporter=context.reporter).lock if arguments.from_lock_file else None,
        )
    if arguments.output is None:
        print(text, end="")
        return
    from ...fs import atomic_write

    atomic_write(context.cwd / Path(arguments.output), text)
    context.reporter.message(f"✔ Wrote {arguments.output}")
