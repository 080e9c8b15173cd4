"""Windows: a link (`.lnk`) in the start menu's folder `Pixi ENVIRONMENT`, made by the system's own shell object. Its
program is started by a batch file, if there is anything to do before.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PureWindowsPath

from ...activation import quote
from ...errors import InstallError
from ...fs import atomic_write, home_folder, os_errors
from ...install.link import run_quietly
from ..capture import Captured
from .entry import Entry

PLACE = re.compile(r"[/\\]Programs[/\\]Pixi [^/\\]+[/\\][^/\\]+\.lnk\Z")
"""What the path of every entry of ours looks like: nothing else is ever taken away."""
SCRIPT = ".bat"
Runner = Callable[[Sequence[str], Mapping[str, str], Path], "tuple[int, str]"]
_MINIMIZED = 7
_SHELL = ("powershell.exe", "-NoLogo", "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-Command")


def place(environment: str, entry: Entry, environ: Mapping[str, str]) -> Path:
    """Where the entry goes."""
    stated = environ.get("APPDATA")
    data = Path(stated) if stated else home_folder(environ) / "AppData" / "Roaming"
    return data / "Microsoft" / "Windows" / "Start Menu" / "Programs" / f"Pixi {environment}" / f"{entry.file_name}.lnk"


def write(path: Path, entry: Entry, activation: Captured, script: Path, *, runner: Runner = run_quietly) -> None:
    """Make it, or make it anew. Raises `InstallError` with what the system says."""
    before = [*entry.precommand, *activation.batch_lines()]
    if before:
        atomic_write(script, "\r\n".join(["@echo off", "@chcp 65001 >nul", *before, _batch_command(entry.command), ""]))
    with os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    code, said = runner([*_SHELL, link_script(path, entry, script if before else None)], os.environ, path.parent)
    if code:
        raise InstallError(f"the link {path} cannot be made: {said.strip() or f'exit code {code}'}")


def link_script(path: Path, entry: Entry, script: Path | None) -> str:
    """The commands that make a link: to the program, or to what runs a batch file."""
    program, *words = entry.command
    arguments = subprocess.list2cmdline(words)
    if script is not None:
        program, arguments = _runs(script, terminal=bool(entry.said.get("terminal")))
    values = {
        "TargetPath": program,
        "Arguments": arguments,
        "WorkingDirectory": entry.text("working_dir") or "%HOMEPATH%",
        "Description": entry.text("description")[:250],
    }
    if entry.text("icon"):
        values["IconLocation"] = entry.text("icon")
    lines = ["$ErrorActionPreference = 'Stop'"]
    lines.append(f"$link = (New-Object -ComObject WScript.Shell).CreateShortcut({_quoted(str(path))})")
    if script is not None and not entry.said.get("terminal"):
        lines.append(f"$link.WindowStyle = {_MINIMIZED}")
    lines += [f"$link.{key} = {_quoted(value)}" for key, value in values.items()]
    return "; ".join([*lines, "$link.Save()"])


def _runs(script: Path, *, terminal: bool) -> tuple[str, str]:
    """The program that runs a batch file, and its arguments: in a window that stays, or without one."""
    system = PureWindowsPath(os.environ.get("SYSTEMROOT", r"C:\Windows")) / "System32"
    if terminal:  # with /S only the outermost quotes are taken off, whatever stands between
        return str(system / "cmd.exe"), f'/D /S /K ""{script}""'
    shell = system / "WindowsPowerShell" / "v1.0" / "powershell.exe"
    words = [
        "-NoLogo",
        "-NoProfile",
        "-NonInteractive",
        "-WindowStyle",
        "Hidden",
        "-Command",
        f"& {_quoted(str(script))}",
    ]
    return str(shell), subprocess.list2cmdline(words)


def _batch_command(command: Sequence[str]) -> str:
    """A line of a batch file that gives a program exactly these words. Its own path stands in quotes that the shell
    sees; those of the arguments are hidden from it, so that every character it knows can be taken from it alike.
    """
    program, *words = command
    arguments = re.sub(r'([()!^"<>&|])', r"^\1", subprocess.list2cmdline(words))
    return f'"{quote.cmd(program)}" {quote.cmd(arguments)}'.rstrip()


def _quoted(text: str) -> str:
    """A word that PowerShell takes as it stands; it also knows quotes of other shapes than `'`."""
    return "'" + re.sub("(['\u2018\u2019\u201a\u201b])", r"\1\1", text) + "'"


def remove(path: Path) -> None:
    """Take it away, and the environment's folder when it was the last."""
    with os_errors(path):
        path.unlink(missing_ok=True)
        if path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()
