"""`pixi shell`: the user's shell inside an environment."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import TaskError
from ..progress import SILENT, Reporter
from .prepare import prepare

if TYPE_CHECKING:
    from ..workspace import Workspace


@dataclass(frozen=True, slots=True)
class ShellStart:
    """What to become: a program with its arguments and its whole environment."""

    argv: tuple[str, ...]
    env: dict[str, str]


def shell_start(
    workspace: Workspace,
    environment: str | None,
    *,
    interactive: bool,
    change_prompt: bool | None = None,
    completions: bool = True,
    fresh: bool = False,
    mode: str = "auto",
    install: bool = True,
    reporter: Reporter = SILENT,
) -> ShellStart:
    """Prepare the environment, and say how the shell of `SHELL` is started in it.

    One that is not interactive (its input is no terminal) gets the variables and nothing else; `fresh` runs the
    activation scripts for them even where it is known what they do. Raises `TaskError`, and
    whatever preparing raises.
    """
    from ..activation.hooks import hook
    from ..activation.interactive import HOOKS, launch
    from ..activation.session import Session
    from .shell_hook import again

    if os.name == "nt":
        raise TaskError(
            "`pixi shell` works on Linux and macOS only", hints=["evaluate what `pixi shell-hook -s powershell` prints"]
        )
    program = user_shell(workspace)
    ready = prepare(workspace, environment, mode=mode, install=install, reporter=reporter)
    if not interactive:
        return ShellStart((program,), ready.activated(workspace.environ, fresh=fresh))
    name = os.path.basename(program)
    metadata = ready.activation["metadata"]
    text = hook(
        HOOKS.get(name, "bash"),
        ready.prefix,
        scripts=[workspace.root / script for script in ready.activation["scripts"]],
        env=ready.settings,
        metadata=metadata,
        environ=workspace.environ,
        session=Session(again=again(workspace, ready.environment, HOOKS.get(name, "bash"), change_prompt=False)),
    )
    wanted = workspace.config.change_ps1 if change_prompt is None else change_prompt
    folder = Path(tempfile.mkdtemp(prefix="pixi-shell-"))
    try:
        start = launch(
            program,
            name=name,
            folder=folder,
            hook=text,
            prompt=metadata["PIXI_PROMPT"] if wanted else None,
            environ=workspace.environ,
            completions=ready.prefix if completions and workspace.config.source_completion_scripts else None,
        )
    except TaskError:
        folder.rmdir()
        raise
    for file, content in start.files.items():
        (folder / file).write_text(content, encoding="utf-8")
    return ShellStart(start.argv, {**workspace.environ, **start.env})


def user_shell(workspace: Workspace) -> str:
    """The path of the shell that `SHELL` names, else of bash, else of sh. Raises `TaskError`."""
    for name in (workspace.environ.get("SHELL", ""), "bash", "sh"):
        found = shutil.which(name, path=workspace.environ.get("PATH")) if name else None
        if found is not None:
            return found
    raise TaskError("no shell was found", hints=["set SHELL to the path of bash, zsh or fish"])
