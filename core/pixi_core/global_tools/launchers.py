"""The launchers in `bin/`: each starts one program of one environment with the variables that were captured for it.

A launcher is a configuration (`trampoline_configuration/<name>.json`, pixi's form: `exe`, `path_diff`, `env`) and a
program beside it which reads that. The configuration is written first and removed last, so whoever finds a launcher
finds its configuration.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..activation import quote
from ..errors import InstallError
from ..fs import atomic_write, ensure_dir, os_errors, replace
from .capture import Captured
from .home import GlobalHome

_SCRIPT_MARK = "# a launcher made by pixi global"


@dataclass(frozen=True, slots=True, kw_only=True)
class Launcher:
    """What one name on `PATH` starts. `path_diff` goes in front of `PATH`, `env` is set."""

    name: str
    program: Path
    path_diff: str
    env: Mapping[str, str]

    @property
    def text(self) -> str:
        """The content of the configuration."""
        data = {"exe": str(self.program), "path_diff": self.path_diff, "env": dict(sorted(self.env.items()))}
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"

    @property
    def script(self) -> str:
        """The same as a POSIX shell script, for machines on which the program cannot be made."""
        lines = Captured(self.path_diff, self.env).posix_lines()
        return "\n".join(["#!/bin/sh", _SCRIPT_MARK, *lines, f'exec {quote.posix(str(self.program))} "$@"', ""])

    @property
    def batch(self) -> str:
        """The same for Windows."""
        lines = Captured(self.path_diff, self.env).batch_lines()
        program = quote.cmd(str(self.program))
        return "\r\n".join(["@setlocal", *lines, f'@"{program}" %*', "@exit /b %ERRORLEVEL%", ""])


def program_path(home: GlobalHome, name: str, *, windows: bool = os.name == "nt") -> Path:
    """Where the program of a launcher is."""
    return home.bin / (f"{name}.bat" if windows else name)


def configuration_path(home: GlobalHome, name: str) -> Path:
    """Where its configuration is."""
    return home.configurations / f"{name}.json"


def write_launcher(home: GlobalHome, launcher: Launcher, master: Path | None) -> None:
    """Put a launcher in place, over an older one of ours. `master` is the program to link to, None for a script.

    Raises `InstallError` where something that is not ours has the name, or the folder cannot be written.
    """
    refuse_foreign(home, launcher.name)
    path = program_path(home, launcher.name)
    atomic_write(configuration_path(home, launcher.name), launcher.text)
    ensure_dir(home.bin)
    with os_errors(path):
        if master is None:
            content = launcher.batch if os.name == "nt" else launcher.script
            if path.is_symlink() or _reads(path) != content:
                path.unlink(missing_ok=True)  # never written through: it may be a link to the program of all
                atomic_write(path, content)
            path.chmod(0o755)
            return
        # renaming one link of a file over another one of it would do nothing, and leave both
        if path.exists() and not path.is_symlink() and path.samefile(master):
            return
        draft = path.with_name(f".{launcher.name}.new")
        draft.unlink(missing_ok=True)
        try:
            os.link(master, draft)
        except OSError:  # a file system without hard links
            draft.write_bytes(master.read_bytes())
            draft.chmod(0o755)
        replace(draft, path)


def refuse_foreign(home: GlobalHome, name: str) -> None:
    """Raise `InstallError` where something that no launcher of ours is lies at its place."""
    path = program_path(home, name)
    if os.path.lexists(path) and not configuration_path(home, name).exists():
        raise InstallError(
            f"{path} exists, and was not put there by `pixi global`",
            hints=["remove it, or expose the program by another name: --expose NAME=PROGRAM"],
        )


def remove_launcher(home: GlobalHome, name: str) -> None:
    """Take a launcher away; absent is fine. Raises `InstallError`."""
    path = program_path(home, name)
    with os_errors(path):
        if configuration_path(home, name).exists():
            path.unlink(missing_ok=True)
            path.with_name(f".{name}.new").unlink(missing_ok=True)
        configuration_path(home, name).unlink(missing_ok=True)


def read_launchers(home: GlobalHome) -> dict[str, str]:
    """Every launcher that is there, by name, with the environment it belongs to; empty for what cannot be read."""
    found: dict[str, str] = {}
    with suppress(FileNotFoundError):
        for path in sorted(home.configurations.glob("*.json")):
            if not path.name.startswith("."):
                found[path.stem] = _owner(home, path)
    return found


def _owner(home: GlobalHome, path: Path) -> str:
    try:
        program = Path(json.loads(path.read_bytes())["exe"])
        return program.relative_to(home.environments).parts[0]
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return ""


def _reads(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
