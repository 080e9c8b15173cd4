"""`pixi reinstall`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .arguments import lock_arguments, lock_mode, workspace_arguments

if TYPE_CHECKING:
    import argparse

    from .context import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which packages of which environments."""
    parser.add_argument("packages", nargs="*", metavar="PACKAGE", help="default: every package")
    workspace_arguments(parser)
    parser.add_argument("-e", "--environment", action="append", default=[], metavar="NAME", help="repeat for more")
    parser.add_argument("-a", "--all", action="store_true", help="every environment that this machine can run")
    lock_arguments(parser)


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Install again and say so."""
    from ..ops.install import reinstall

    workspace = context.workspace(arguments.manifest_path)
    workspace.configure(offline=arguments.offline, reporter=context.reporter)
    found = reinstall(
        workspace,
        arguments.packages,
        arguments.environment,
        everything=arguments.all,
        mode=lock_mode(arguments),
        reporter=context.reporter,
    )
    for ready in found:
        context.reporter.message(f"The {ready.environment} environment has been reinstalled.")
        if ready.installation is not None:
            context.result("reinstall", ready.installation.to_json())
    return 0
