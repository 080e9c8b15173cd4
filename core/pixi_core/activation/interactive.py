"""The user's own shell, started inside an environment: which files make it read its usual start-up first and ours then.

The shell takes the place of `pixi` in the same terminal, so line editing, job control, window sizes and the exit code
are all its own. Nothing is written here: the result names the files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePath

from ..errors import TaskError
from . import quote


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start a shell. `files` (name → text) are written into the folder that was given, which the shell removes
    when it has read them; `env` is added to its variables; `argv[0]` is the shell's path.
    """

    argv: tuple[str, ...]
    files: Mapping[str, str]
    env: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Start:
    shell: str
    folder: PurePath
    hook: str
    prompt: str
    environ: Mapping[str, str]
    completions: PurePath | None = None

    @property
    def file(self) -> str:
        return str(self.folder / "start")


def launch(
    program: str,
    *,
    name: str,
    folder: PurePath,
    hook: str,
    prompt: str | None,
    environ: Mapping[str, str],
    completions: PurePath | None = None,
) -> Launch:
    """Start `program`, a shell of kind `name` (`bash`, `zsh`, `fish`, `sh`), whose activation script is `hook`.

    `completions` is the prefix whose programs are completed, `folder` an empty folder that only this shell uses. Raises
    `TaskError` for shells that cannot be started so.
    """
    if name not in _LAUNCHERS:
        raise TaskError(
            f"`pixi shell` does not know how to start {program}",
            hints=["set SHELL to bash, zsh or fish", "or evaluate what `pixi shell-hook` prints"],
        )
    # what a prompt would expand has no place in it
    shown = "" if prompt is None else re.sub(r"[^\w .:()+-]", "_", prompt)
    return _LAUNCHERS[name](_Start(program, folder, hook, shown, environ, completions))


def _posix_text(start: _Start, *, usual: str, prompt: str, completions: str = "") -> str:
    remove = f"rm -rf {quote.posix(str(start.folder))}"
    known = completions if start.completions is not None else ""
    lines = [usual, start.hook.rstrip("\n"), prompt if start.prompt else "", known, f"command {remove}", ""]
    return "\n".join(line for line in lines if line) + "\n"


def _bash(start: _Start) -> Launch:
    folder = quote.posix(str((start.completions or start.folder) / "share/bash-completion/completions"))
    text = _posix_text(
        start,
        usual="if [ -f ~/.bashrc ]; then . ~/.bashrc; fi",
        prompt=f'PS1={quote.posix(start.prompt)}"$PS1"',
        completions=f'for _pixi_file in {folder}/*; do [ -f "$_pixi_file" ] && . "$_pixi_file"; done; unset _pixi_file',
    )
    return Launch((start.shell, "--rcfile", start.file, "-i"), {"start": text}, {})


def _sh(start: _Start) -> Launch:
    former = start.environ.get("ENV", "")
    usual = f"if [ -f {quote.posix(former)} ]; then . {quote.posix(former)}; fi" if former else ""
    # a plain POSIX shell has no way to replace text, by which leaving would take PATH apart
    hook = start.hook.split("\npixi_deactivate() {", 1)[0]
    text = _posix_text(
        _Start(start.shell, start.folder, hook, start.prompt, start.environ),
        usual=usual,
        prompt=f'PS1={quote.posix(start.prompt)}"$PS1"',
    )
    return Launch((start.shell, "-i"), {"start": text}, {"ENV": start.file})


def _zsh(start: _Start) -> Launch:
    """The files of zsh are in `ZDOTDIR`: ours read the user's, and give the variable back."""
    former = start.environ.get("ZDOTDIR")
    home = quote.posix(former) if former else '"$HOME"'
    back = f"export ZDOTDIR={quote.posix(former)}" if former else "unset ZDOTDIR"
    own = quote.posix(str(start.folder))
    environment = f"if [ -f {home}/.zshenv ]; then . {home}/.zshenv; fi\nexport ZDOTDIR={own}\n"
    usual = f"{back}\nif [ -f {home}/.zshrc ]; then . {home}/.zshrc; fi"
    functions = quote.posix(str((start.completions or start.folder) / "share/zsh/site-functions"))
    text = _posix_text(
        start,
        usual=usual,
        prompt=f'PROMPT={quote.posix(start.prompt)}"$PROMPT"',
        completions=f"[ -d {functions} ] && fpath=({functions} $fpath) && autoload -Uz compinit && compinit -u -D",
    )
    return Launch((start.shell, "-i"), {".zshenv": environment, ".zshrc": text}, {"ZDOTDIR": str(start.folder)})


def _fish(start: _Start) -> Launch:
    lines = [start.hook]
    if start.prompt:
        lines += [
            "functions --query fish_prompt; and functions --copy fish_prompt _pixi_former_prompt",
            "function fish_prompt",
            f"    echo -n {quote.fish(start.prompt)}",
            "    functions --query _pixi_former_prompt; and _pixi_former_prompt",
            "end",
        ]
    if start.completions is not None:
        folder = quote.fish(str(start.completions / "share/fish/vendor_completions.d"))
        lines.append(f"for file in {folder}/*.fish; source $file; end")
    lines.append(f"command rm -rf {quote.fish(str(start.folder))}")
    argv = (start.shell, "--interactive", "--init-command", f"source {quote.fish(start.file)}")
    return Launch(argv, {"start": "\n".join([*lines, ""])}, {})


_LAUNCHERS: dict[str, Callable[[_Start], Launch]] = {
    "bash": _bash,
    "zsh": _zsh,
    "fish": _fish,
    "sh": _sh,
    "dash": _sh,
    "ksh": _sh,
}
HOOKS = {"bash": "bash", "zsh": "zsh", "fish": "fish", "sh": "bash", "dash": "bash", "ksh": "bash"}
"""Kind of shell → the kind of activation script it reads."""
