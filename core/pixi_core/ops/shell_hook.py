"""`pixi shell-hook`: what a shell evaluates to be inside an environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..progress import SILENT, Reporter
from .prepare import prepare

if TYPE_CHECKING:
    from ..workspace import Workspace


def hook_script(
    workspace: Workspace,
    environment: str | None,
    shell: str,
    *,
    change_prompt: bool = False,
    mode: str = "auto",
    install: bool = True,
    reporter: Reporter = SILENT,
) -> str:
    """The activation script for a shell (`bash`, `zsh`, `fish`, `xonsh`, `powershell`, `cmd`, `nushell`)."""
    from ..activation.hooks import hook
    from ..activation.session import Session

    ready = prepare(workspace, environment, mode=mode, install=install, reporter=reporter)
    return hook(
        shell,
        ready.prefix,
        scripts=[workspace.root / script for script in ready.activation["scripts"]],
        env=ready.settings,
        metadata=ready.activation["metadata"],
        environ=workspace.environ,
        session=Session(
            prompt=ready.activation["metadata"]["PIXI_PROMPT"] if change_prompt else "",
            again=again(workspace, ready.environment, shell, change_prompt=change_prompt),
        ),
    )


def again(workspace: Workspace, environment: str, shell: str, *, change_prompt: bool) -> list[str]:
    """The command that prints the same hook, from any folder."""
    words = ["pixi", "shell-hook", "--shell", shell, "--manifest-path", str(workspace.manifest_path)]
    return [*words, "--environment", environment, *(["--change-ps1", "true"] if change_prompt else [])]


def hook_json(
    workspace: Workspace,
    environment: str | None,
    *,
    fresh: bool = False,
    mode: str = "auto",
    install: bool = True,
    reporter: Reporter = SILENT,
) -> dict[str, Any]:
    """`{"environment_variables": {…}, "activation_scripts": […]}`: only what activation adds or changes; with `fresh`
    nothing is taken from an earlier activation.
    """
    ready = prepare(workspace, environment, mode=mode, install=install, reporter=reporter)
    variables = ready.activated(workspace.environ, fresh=fresh or workspace.config.force_activate)
    return {
        "environment_variables": {
            key: value for key, value in sorted(variables.items()) if workspace.environ.get(key) != value
        },
        "activation_scripts": [str(workspace.root / script) for script in ready.activation["scripts"]],
    }
