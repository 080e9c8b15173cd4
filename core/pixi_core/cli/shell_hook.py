"""`pixi shell-hook`."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from .arguments import environment_argument, lock_arguments, lock_mode, no_install, workspace_arguments

if TYPE_CHECKING:
    import argparse

    from .context import Context

SHELLS = ("bash", "zsh", "fish", "xonsh", "powershell", "cmd", "nushell")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """For which shell."""
    parser.add_argument("-s", "--shell", choices=SHELLS, help="default: the shell this command was started from")
    parser.add_argument("--change-ps1", choices=("true", "false"), default="false", help="show it in the prompt")
    parser.add_argument("--json", action="store_true", help="print the variables as JSON")
    parser.add_argument("--no-completions", action="store_true", help="taken for pixi's sake: none are in it")
    parser.add_argument("--force-activate", action="store_true", help="run the activation scripts, known or not")
    workspace_arguments(parser)
    environment_argument(parser)
    lock_arguments(parser, as_is=True)


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Print the script, or the variables."""
    from ..ops.shell_hook import hook_json, hook_script

    workspace = context.workspace(arguments.manifest_path)
    workspace.configure(reporter=context.reporter)
    mode, install = lock_mode(arguments), not no_install(arguments)
    if arguments.json:
        data = hook_json(
            workspace,
            arguments.environment,
            fresh=arguments.force_activate,
            mode=mode,
            install=install,
            reporter=context.reporter,
        )
        print(json.dumps(data, indent=2))
        return 0
    shell = arguments.shell or guess_shell(context.environ.get("SHELL", ""))
    script = hook_script(
        workspace,
        arguments.environment,
        shell,
        change_prompt=arguments.change_ps1 == "true",
        mode=mode,
        install=install,
        reporter=context.reporter,
    )
    print(script)
    return 0


def guess_shell(login_shell: str) -> str:
    """The user's shell by its path; bash (or cmd on Windows) where that says nothing we know."""
    name = os.path.basename(login_shell).removesuffix(".exe")
    if name in ("nu", "pwsh"):
        return {"nu": "nushell", "pwsh": "powershell"}[name]
    return name if name in SHELLS else ("cmd" if os.name == "nt" else "bash")
