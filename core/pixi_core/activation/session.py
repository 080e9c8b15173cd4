"""What a hook adds for a shell that somebody works in: the environment in the prompt, and a `pixi` that activates again
after a command that changed the environment.

Each writer gives the lines for entering and those for `pixi_deactivate`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from . import quote

CHANGING = ("add", "a", "remove", "rm", "install", "i", "reinstall", "update", "upgrade", "rollback")
"""Commands after which the variables of an activated shell may be old."""

Lines = tuple[list[str], list[str]]


@dataclass(frozen=True, slots=True)
class Session:
    """`prompt` stands before the user's own, empty for none; `again` is the command that prints the hook, program first
    (empty: no `pixi` function).
    """

    prompt: str = ""
    again: Sequence[str] = ()


def session_lines(shell: str, session: Session) -> Lines:
    """The lines for a shell; none for those that have no writer."""
    writer = _WRITERS.get(shell)
    return writer(session) if writer is not None else ([], [])


def _posix(session: Session) -> Lines:
    enter: list[str] = []
    leave: list[str] = []
    if session.prompt:
        enter += ['_pixi_former_ps1="${PS1-}"', f'PS1={quote.posix(session.prompt)}"${{PS1-}}"']
        leave += ['  PS1="$_pixi_former_ps1"', "  unset _pixi_former_ps1"]
    if session.again:
        program = quote.posix(session.again[0])
        enter += [
            "pixi() {",
            f'  command {program} "$@"',
            '  set -- "$?" "${1-}"',
            f'  case "$1:$2" in {"|".join(f"0:{name}" for name in CHANGING)})',
            f'    pixi_deactivate; eval "$(command {" ".join(map(quote.posix, session.again))})" ;;',
            "  esac",
            '  return "$1"',
            "}",
        ]
        leave += ["  unset -f pixi"]
    return enter, leave


def _fish(session: Session) -> Lines:
    enter: list[str] = []
    leave: list[str] = []
    if session.prompt:
        enter += [
            "functions -q fish_prompt; and functions -c fish_prompt _pixi_former_prompt",
            "function fish_prompt",
            f"    echo -n {quote.fish(session.prompt)}",
            "    functions -q _pixi_former_prompt; and _pixi_former_prompt",
            "end",
        ]
        leave += [
            "    functions -e fish_prompt",
            "    functions -q _pixi_former_prompt; and functions -c _pixi_former_prompt fish_prompt",
            "    functions -e _pixi_former_prompt",
        ]
    if session.again:
        words = " ".join(map(quote.fish, session.again))
        enter += [
            "function pixi",
            f"    command {quote.fish(session.again[0])} $argv",
            "    set -l code $status",
            f'    if test $code -eq 0; and contains -- "$argv[1]" {" ".join(CHANGING)}',
            f"        pixi_deactivate; command {words} | source",
            "    end",
            "    return $code",
            "end",
        ]
        leave += ["    functions -e pixi"]
    return enter, leave


def _powershell(session: Session) -> Lines:
    if not session.prompt:
        return [], []
    enter = [
        "$global:_pixi_former_prompt = $function:prompt",
        f"function global:prompt {{ {quote.powershell(session.prompt)} + (& $global:_pixi_former_prompt) }}",
    ]
    return enter, ["    $function:global:prompt = $global:_pixi_former_prompt"]


_WRITERS: dict[str, Callable[[Session], Lines]] = {
    "bash": _posix,
    "zsh": _posix,
    "fish": _fish,
    "powershell": _powershell,
}
