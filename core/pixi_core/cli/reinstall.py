"""`pixi reinstall`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .arguments import install_arguments, lock_mode

if TYPE_CHECKING:
    import argparse

    from .context import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which packages of which environments."""
    parser.add_argument("packages", nargs="*", metavar="PACKAGE", help="default: every package")
    install_arguments(parser)


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Install again and say so."""
    from ..ops.install import reinstall

    workspace = context.workspace(arguments.manifest_path)
    workspace.configure(reporter=context.reporter)
    found = reinstall(
        workspace,
        arguments.packages,
        arguments.environment,
        everything=arguments.all,
        platform=arguments.platform,
        mode=lock_mode(arguments),
        reporter=context.reporter,
    )
    for ready in found:
        context.reporter.message(f"The {ready.environment} environment has been reinstalled.")
        if ready.installation is not None:
            context.result("reinstall", ready.installation.to_json())
    return 0
