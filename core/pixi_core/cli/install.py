"""`pixi install`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .arguments import install_arguments, lock_mode

if TYPE_CHECKING:
    import argparse

    from .context import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which environments."""
    install_arguments(parser)


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Install and say so."""
    from ..ops.install import install

    workspace = context.workspace(arguments.manifest_path)
    workspace.configure(offline=arguments.offline, reporter=context.reporter)
    found = install(
        workspace,
        arguments.environment,
        everything=arguments.all,
        mode=lock_mode(arguments),
        reporter=context.reporter,
    )
    for ready in found:
        context.reporter.message(f"The {ready.environment} environment has been installed.")
        if context.json_lines:
            context.result("install", ready.to_json())
    return 0
