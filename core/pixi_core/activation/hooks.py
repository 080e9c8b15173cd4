"""`pixi shell-hook`: text that a shell evaluates to be inside an environment, and to leave it again.

Every hook defines `pixi_deactivate`, which runs the packages' `deactivate.d`, takes our folders out of `PATH` and
gives every variable the value it had when the hook was made.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import UsageError
from . import quote
from .compute import Activation, before_scripts, expanded, path_key
from .files import EXTENSIONS, package_scripts, read_activation
from .session import Session, session_lines

SHELLS = tuple(EXTENSIONS)
NOBODY = Session()


@dataclass(frozen=True, slots=True)
class _Change:
    """What a hook does, in no shell's words. `variables` hold everything but `PATH`, with their old values; only
    `entered` and `left` are lines of the shell itself.
    """

    path: tuple[str, ...]
    variables: tuple[tuple[str, str, str | None], ...]
    scripts: tuple[str, ...]
    after: tuple[tuple[str, str, str | None], ...]
    leaving: tuple[str, ...]
    entered: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def hook(
    shell: str,
    prefix: Path,
    *,
    scripts: Sequence[Path],
    env: Mapping[str, str],
    metadata: Mapping[str, str],
    environ: Mapping[str, str],
    windows: bool = os.name == "nt",
    session: Session = NOBODY,
) -> str:
    """The activation script of a prefix for one of `SHELLS`. `environ` is the environment of the asking shell,
    `session` what is added for a person who works in it.

    Raises `UsageError` for an unknown shell, `UnsafePath` for values that the shell cannot express.
    """
    if shell not in _WRITERS:
        raise UsageError(f"'{shell}' is not a known shell", hints=[f"use one of: {', '.join(SHELLS)}"])
    usable = [script for script in scripts if script.suffix.lower() in EXTENSIONS[shell]]
    activation = read_activation(prefix, scripts=(), env=env, metadata=metadata, windows=windows, shell=shell)
    change = _change(
        activation, [str(script) for script in usable], environ, package_scripts(prefix, shell, folder="deactivate.d")
    )
    entered, left = session_lines(shell, session)
    return "\n".join(_WRITERS[shell](replace(change, entered=tuple(entered), left=tuple(left)))) + "\n"


def _change(
    activation: Activation, scripts: Sequence[str], environ: Mapping[str, str], leaving: Sequence[Path]
) -> _Change:
    prepared = before_scripts(activation, environ)
    name = path_key(environ, windows=activation.windows)
    set_first = [(k, v, environ.get(k)) for k, v in prepared.items() if environ.get(k) != v and k != name]
    finally_set = expanded(activation.env, prepared, windows=activation.windows)
    return _Change(
        path=activation.path,
        variables=tuple(set_first),
        scripts=(*map(str, activation.scripts), *scripts),
        after=tuple((key, finally_set[key], environ.get(key)) for key in activation.env),
        leaving=tuple(map(str, leaving)),
    )


def _restored(change: _Change) -> list[tuple[str, str | None]]:
    """Variables to give back, each once, with its old value."""
    return list({key: old for key, _, old in (*change.variables, *change.after)}.items())


def _posix(change: _Change) -> list[str]:
    word = quote.posix
    front = ":".join(change.path)
    lines = [f"export PATH={word(front)}${{PATH:+:$PATH}}"]
    lines += [f"export {key}={word(value)}" for key, value, _ in change.variables]
    lines += [f". {word(script)}" for script in change.scripts]
    lines += [f"export {key}={word(value)}" for key, value, _ in change.after]
    leave = [f"  . {word(script)}" for script in change.leaving]
    for entry in change.path:
        # in a variable, so that nothing in the path is taken for a pattern
        leave += [f"  _pixi_entry={word(entry)}", '  PATH=":$PATH:"; PATH="${PATH//":$_pixi_entry:"/:}"']
        leave += ['  PATH="${PATH#:}"; PATH="${PATH%:}"']
    leave += [f"  unset {key}" if old is None else f"  export {key}={word(old)}" for key, old in _restored(change)]
    return [
        *lines,
        "pixi_deactivate() {",
        *leave,
        *change.left,
        "  export PATH",
        "  unset _pixi_entry",
        "  unset -f pixi_deactivate",
        "}",
        *change.entered,
        "hash -r 2>/dev/null || true",
    ]


def _fish(change: _Change) -> list[str]:
    word = quote.fish
    lines = [f"set -gx PATH {' '.join(map(word, change.path))} $PATH"]
    lines += [f"set -gx {key} {word(value)}" for key, value, _ in change.variables]
    lines += [f"source {word(script)}" for script in change.scripts]
    lines += [f"set -gx {key} {word(value)}" for key, value, _ in change.after]
    leave = [f"    source {word(script)}" for script in change.leaving]
    leave += [
        f"    set -gx PATH (for entry in $PATH; test $entry != {word(e)}; and echo $entry; end)" for e in change.path
    ]
    leave += [
        f"    set -e {key}" if old is None else f"    set -gx {key} {word(old)}" for key, old in _restored(change)
    ]
    end = ["    functions -e pixi_deactivate", "end"]
    return [*lines, "function pixi_deactivate", *leave, *change.left, *end, *change.entered]


def _xonsh(change: _Change) -> list[str]:
    word = quote.xonsh
    lines = [f"$PATH.insert({index}, {word(entry)})" for index, entry in enumerate(change.path)]
    lines += [f"${{{word(key)}}} = {word(value)}" for key, value, _ in change.variables]
    lines += [f"source @({word(script)})" for script in change.scripts]
    lines += [f"${{{word(key)}}} = {word(value)}" for key, value, _ in change.after]
    leave = [f"    source @({word(script)})" for script in change.leaving]
    leave += [f"    $PATH.remove({word(entry)})" for entry in change.path]
    leave += [
        f"    __xonsh__.env.pop({word(key)}, None)" if old is None else f"    ${{{word(key)}}} = {word(old)}"
        for key, old in _restored(change)
    ]
    return [*lines, "def _pixi_deactivate(args):", *leave, "aliases['pixi_deactivate'] = _pixi_deactivate"]


def _powershell(change: _Change) -> list[str]:
    word = quote.powershell
    entries = ", ".join(map(word, change.path))
    separator = "[IO.Path]::PathSeparator"
    lines = [f"$Env:PATH = (@({entries}) + @($Env:PATH)) -join {separator}"]
    lines += [f"${{Env:{key}}} = {word(value)}" for key, value, _ in change.variables]
    lines += [f". {word(script)}" for script in change.scripts]
    lines += [f"${{Env:{key}}} = {word(value)}" for key, value, _ in change.after]
    leave = [f"    . {word(script)}" for script in change.leaving]
    leave += [
        f"    $Env:PATH = ($Env:PATH -split {separator} | Where-Object {{ $_ -notin @({entries}) }}) -join {separator}"
    ]
    leave += [
        f"    Remove-Item -ErrorAction SilentlyContinue {word('Env:' + key)}"
        if old is None
        else f"    ${{Env:{key}}} = {word(old)}"
        for key, old in _restored(change)
    ]
    end = ["    Remove-Item Function:pixi_deactivate", "}"]
    return [*lines, "function global:pixi_deactivate {", *leave, *change.left, *end, *change.entered]


def _cmd(change: _Change) -> list[str]:
    word = quote.cmd
    lines = ["@echo off", f'@SET "PATH={word(";".join(change.path))};%PATH%"']
    lines += [f'@SET "{key}={word(value)}"' for key, value, _ in change.variables]
    lines += [f'@CALL "{word(script)}"' for script in change.scripts]
    lines += [f'@SET "{key}={word(value)}"' for key, value, _ in change.after]
    leave = [f'CALL "{word(script)}"' for script in change.leaving]
    leave += [f'SET "{key}={word(old or "")}"' for key, old in _restored(change)]
    leave += [f'CALL SET "PATH=%PATH:{word(entry)};=%"' for entry in change.path]
    return [*lines, f"@DOSKEY pixi_deactivate={' $T '.join(leave)}"]


def _nushell(change: _Change) -> list[str]:
    word = quote.nushell
    entries = " ".join(map(word, change.path))
    lines = [f"$env.PATH = ($env.PATH | split row (char esep) | prepend [{entries}])"]
    lines += [f"$env.{word(key)} = {word(value)}" for key, value, _ in change.variables]
    lines += [f"source {word(script)}" for script in change.scripts]
    lines += [f"$env.{word(key)} = {word(value)}" for key, value, _ in change.after]
    leave = [f"    source {word(script)}" for script in change.leaving]
    leave += [f"    $env.PATH = ($env.PATH | split row (char esep) | where $it not-in [{entries}])"]
    leave += [
        f"    hide-env -i {word(key)}" if old is None else f"    $env.{word(key)} = {word(old)}"
        for key, old in _restored(change)
    ]
    return [*lines, "def --env pixi_deactivate [] {", *leave, "}"]


_WRITERS: dict[str, Callable[[_Change], list[str]]] = {
    "bash": _posix,
    "zsh": _posix,
    "fish": _fish,
    "xonsh": _xonsh,
    "powershell": _powershell,
    "cmd": _cmd,
    "nushell": _nushell,
}
