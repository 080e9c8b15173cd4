"""`pixi shell`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from .arguments import environment_argument, lock_arguments, lock_mode, no_install, workspace_arguments

if TYPE_CHECKING:
    import argparse

    from .context import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which environment, and whether the prompt shows it."""
    workspace_arguments(parser)
    environment_argument(parser)
    parser.add_argument("--change-ps1", choices=("true", "false"), help="show the environment in the prompt")
    parser.add_argument("--no-completions", action="store_true", help="without what the packages complete")
    parser.add_argument("--force-activate", action="store_true", help="run the activation scripts, known or not")
    lock_arguments(parser, as_is=True)


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Become the shell."""
    from ..ops.shell import shell_start
    from .replace import become

    workspace = context.workspace(arguments.manifest_path)
    workspace.configure(reporter=context.reporter)
    start = shell_start(
        workspace,
        arguments.environment,
        interactive=os.isatty(sys.stdin.fileno()),
        change_prompt=None if arguments.change_ps1 is None else arguments.change_ps1 == "true",
        completions=not arguments.no_completions,
        fresh=arguments.force_activate,
        mode=lock_mode(arguments),
        install=not no_install(arguments),
        reporter=context.reporter,
    )
    context.close()
    return become(start.argv[0], list(start.argv), start.env)
