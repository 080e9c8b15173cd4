"""Windows: a link (`.lnk`) in the start menu's folder `Pixi ENVIRONMENT`, made by the system's own shell object."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ...errors import InstallError
from ...fs import home_folder, os_errors
from ...install.link import run_quietly
from .entry import Entry

PLACE = re.compile(r"[/\\]Programs[/\\]Pixi [^/\\]+[/\\][^/\\]+\.lnk\Z")
"""What the path of every entry of ours looks like: nothing else is ever taken away."""
Runner = Callable[[Sequence[str], Mapping[str, str], Path], "tuple[int, str]"]
_SHELL = ("powershell.exe", "-NoLogo", "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-Command")


def place(environment: str, entry: Entry, environ: Mapping[str, str]) -> Path:
    """Where the entry goes."""
    stated = environ.get("APPDATA")
    data = Path(stated) if stated else home_folder(environ) / "AppData" / "Roaming"
    return data / "Microsoft" / "Windows" / "Start Menu" / "Programs" / f"Pixi {environment}" / f"{entry.file_name}.lnk"


def write(path: Path, entry: Entry, *, runner: Runner = run_quietly) -> None:
    """Make it, or make it anew. Raises `InstallError` with what the system says."""
    with os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    code, said = runner([*_SHELL, link_script(path, entry)], os.environ, path.parent)
    if code:
        raise InstallError(f"the link {path} cannot be made: {said.strip() or f'exit code {code}'}")


def link_script(path: Path, entry: Entry) -> str:
    """The commands that make a link."""
    program, *arguments = entry.command
    values = {
        "TargetPath": program,
        "Arguments": subprocess.list2cmdline(arguments),
        "WorkingDirectory": entry.text("working_dir") or "%HOMEPATH%",
        "Description": entry.text("description")[:250],
    }
    if entry.text("icon"):
        values["IconLocation"] = entry.text("icon")
    lines = ["$ErrorActionPreference = 'Stop'"]
    lines.append(f"$link = (New-Object -ComObject WScript.Shell).CreateShortcut({_quoted(str(path))})")
    lines += [f"$link.{key} = {_quoted(value)}" for key, value in values.items()]
    return "; ".join([*lines, "$link.Save()"])


def _quoted(text: str) -> str:
    """A word that PowerShell takes as it stands; it also knows quotes of other shapes than `'`."""
    return "'" + re.sub("(['\u2018\u2019\u201a\u201b])", r"\1\1", text) + "'"


def remove(path: Path) -> None:
    """Take it away, and the environment's folder when it was the last."""
    with os_errors(path):
        path.unlink(missing_ok=True)
        if path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()
