"""Linux: a `.desktop` file below `XDG_DATA_HOME/applications` (the Desktop Entry specification of freedesktop.org). Its
program is started by a shell script, if there is anything to do before.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from ...fs import atomic_write, home_folder, os_errors
from ..capture import Captured
from .entry import Entry

PLACE = re.compile(r"/pixi-[^/]+\.desktop\Z")
"""What the path of every entry of ours looks like: nothing else is ever taken away."""
SCRIPT = ".sh"
_LISTS = ("Categories", "Keywords", "MimeType")
_TEXTS = ("StartupWMClass", "GenericName")


def place(environment: str, entry: Entry, environ: Mapping[str, str]) -> Path:
    """Where the entry goes."""
    stated = environ.get("XDG_DATA_HOME")
    folder = (Path(stated) if stated else home_folder(environ) / ".local" / "share") / "applications"
    return folder / f"pixi-{environment}-{entry.slug}.desktop"


def write(path: Path, entry: Entry, activation: Captured, script: Path) -> None:
    """Make it, or make it anew. The words of the command stay in the entry, where the desktop puts its own between."""
    before = [*entry.precommand, *activation.posix_lines()]
    command = entry.command
    if before:
        shell = "/usr/bin/env bash" if entry.precommand else "/bin/sh"  # what packages write there is meant for bash
        atomic_write(script, "\n".join([f"#!{shell}", *before, 'exec "$@"', ""]))
        script.chmod(0o755)
        command = (str(script), *command)
    lines = ["[Desktop Entry]", "Type=Application", "Encoding=UTF-8", f"Name={_line(entry.name)}"]
    lines.append(f"Exec={' '.join(_argument(word) for word in command)}")
    lines.append(f"Terminal={'true' if entry.said.get('terminal') else 'false'}")
    plain = {"Comment": "description", "Icon": "icon", "Path": "working_dir"}
    lines += [f"{key}={entry.text(said)}" for key, said in plain.items() if entry.text(said)]
    lines += [f"{key}={entry.text(key)}" for key in _TEXTS if entry.text(key)]
    for key in _LISTS:
        listed = entry.said.get(key)
        if isinstance(listed, list):
            lines.append(f"{key}={_line(''.join(f'{one};' for one in listed))}")
    atomic_write(path, "\n".join(lines) + "\n")


def remove(path: Path) -> None:
    """Take it away."""
    with os_errors(path):
        path.unlink(missing_ok=True)


def _argument(word: str) -> str:
    """One argument of `Exec`; `%f` and its like are the desktop's to replace. What quotes a character is doubled, since
    a reader takes escapes out twice: of the line's text, then of its words.
    """
    if re.fullmatch(r"[\w@+=:,./-]+|%[fFuUick]", word):
        return word
    quoted = re.sub(r'(["`$\\])', r"\\\1", _line(word)).replace("%", "%%")
    return '"' + quoted.replace("\\", "\\\\") + '"'


def _line(text: str) -> str:
    return " ".join(text.splitlines())
