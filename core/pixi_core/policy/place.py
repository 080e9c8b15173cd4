"""Where the machine's policy is, and whether its file can be believed.

Nothing but small modules of the standard library: every start of a prepared environment comes by here (`mark`).
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Mapping

from ..value import Value

VARIABLE = "PIXI_POLICY_FILE"
GROUP_VARIABLE = "PIXI_POLICY_GROUP"
_PLACES = {"win32": r"C:\ProgramData\pixi\policy.toml", "darwin": "/Library/Application Support/pixi/policy.toml"}
_ELSEWHERE = "/etc/pixi/policy.toml"
_MOST_LINKS = 40
"""How many symbolic links a path may go through, as in Linux."""


def _opens_for_writing(path: str) -> bool:
    """Whether this user may change a file, asked of the system without changing it (Windows: by its access list)."""
    try:
        with open(path, "r+b"):
            return True
    except OSError:
        return False


def _is_administrator() -> bool:
    """Windows: whether this process runs with an administrator's rights."""
    import ctypes

    library = getattr(ctypes, "windll", None)
    return library is not None and bool(library.shell32.IsUserAnAdmin())


class Machine(Value, kw_only=True):
    """What the answers depend on: the platform (as `sys.platform` calls it) and how it is asked about files."""

    platform: str = sys.platform
    lstat: Callable[[str], os.stat_result] = os.lstat
    readlink: Callable[[str], str] = os.readlink
    opens_for_writing: Callable[[str], bool] = _opens_for_writing
    is_administrator: Callable[[], bool] = _is_administrator

    @property
    def system_place(self) -> str:
        """Where the administrator's file is, if there is one. No variable has a say in it."""
        return _PLACES.get(self.platform, _ELSEWHERE)


HERE = Machine()


def place(environ: Mapping[str, str], machine: Machine = HERE) -> str | None:
    """The file that counts, None where there is none: the system's, and only where that is missing the one that
    `PIXI_POLICY_FILE` names. So the variable can add a policy, never replace one.
    """
    try:
        machine.lstat(machine.system_place)
    except (FileNotFoundError, NotADirectoryError):
        named = environ.get(VARIABLE)
        return os.path.abspath(named) if named else None
    except OSError:
        pass  # it is there, and cannot be looked at: reading it will say why
    return machine.system_place


def weakness(path: str, machine: Machine = HERE) -> str | None:
    """Why the file cannot be believed, as the end of a sentence; None where only an administrator can change it.

    On POSIX the file, its folders and the links on the way must be root's, and writable by nobody else; a folder with
    the sticky bit (`/tmp`) will do. On Windows the user must be unable to write it, or be an administrator.
    """
    if machine.platform == "win32":
        weak = machine.opens_for_writing(path) and not machine.is_administrator()
        return "this user may write it" if weak else None
    here, todo, links = "/", [part for part in reversed(path.split("/")) if part], 0
    while todo:
        part = todo.pop()
        if part == "..":
            here = os.path.dirname(here)
            continue
        step = os.path.join(here, part)
        found = machine.lstat(step)
        if found.st_uid != 0:
            return f"{step} belongs to user {found.st_uid}, not to root"
        if stat.S_ISLNK(found.st_mode):
            links += 1
            if links > _MOST_LINKS:
                return f"{step} leads in a circle"
            target = machine.readlink(step)
            todo += [each for each in reversed(target.split("/")) if each not in ("", ".")]
            here = "/" if target.startswith("/") else here
            continue
        shared = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        if shared and not (stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX):
            return f"others than root may write {step}"
        here = step
    return None


def groups(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The groups of the policy that this process belongs to, each once: `PIXI_POLICY_GROUP`, divided by commas."""
    names = (name.strip() for name in environ.get(GROUP_VARIABLE, "").split(","))
    return tuple(dict.fromkeys(name for name in names if name))


def mark(environ: Mapping[str, str], machine: Machine = HERE) -> str:
    """What changes when another policy holds; empty where there is none. One look at the file, which is not read."""
    path = place(environ, machine)
    if path is None:
        return ""
    try:
        found = os.stat(path)
    except OSError as error:
        return f"{path} {error.errno}"
    return f"{path} {found.st_ino} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {','.join(groups(environ))}"
