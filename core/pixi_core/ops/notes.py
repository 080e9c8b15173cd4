"""The notes in `.pixi/prepared-v1`, by which a prepared environment is recognised without parsing anything.

| file | says |
|---|---|
| `<environment>.json` | when the environment was last found good, and how to activate it |
| `_tasks.json` | for which manifest and machine these tasks and platforms hold, in every environment |

Loads nothing but the standard library's small modules: this is on the way of every `pixi run`.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from typing import Any

from .. import __version__
from ..install.fingerprint import fingerprint
from ..policy.place import mark

FOLDER = "prepared-v1"
TASKS_FILE = "_tasks.json"
_DRIVER = "/proc/driver/nvidia/version"


def file_digest(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file; empty where there is none."""
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except FileNotFoundError:
        return ""


def state(manifest_path: str | os.PathLike[str], prefix: str | os.PathLike[str]) -> dict[str, str]:
    """What must be unchanged for the note of an environment to hold. Raises `OSError`."""
    lock = os.path.join(os.path.dirname(manifest_path), "pixi.lock")
    return {
        "version": __version__,
        "manifest": file_digest(manifest_path),
        "lock": file_digest(lock),
        "prefix": fingerprint(prefix) or "",
        "policy": mark(os.environ),
    }


def sources_hold(note: Mapping[str, Any]) -> bool:
    """Whether the folders that something in the environment was built from are as they were. Raises `KeyError`,
    `TypeError`, `ValueError` for a note of another kind.
    """
    sources = note["sources"]
    if not sources:
        return True
    from pathlib import Path  # lazy, as the rest: few environments are built from folders

    from ..build.stamp import source_stamp

    return all(source_stamp(Path(folder), editable=editable) == stamp for folder, editable, stamp in sources)


def machine(environ: Mapping[str, str]) -> str:
    """What the choice of a platform depends on: system, C library, graphics driver, and what overrides them."""
    found: list[object] = [sys.platform, sys.maxsize, *(tuple(os.uname())[2:] if hasattr(os, "uname") else ())]
    if hasattr(os, "confstr"):
        try:
            found.append(os.confstr("CS_GNU_LIBC_VERSION"))
        except (ValueError, OSError):
            found.append("")
    try:
        with open(_DRIVER, encoding="utf-8", errors="replace") as file:
            found.append(file.read())
    except OSError:
        found.append("")
    names = sorted(name for name in environ if name.startswith(("CONDA_OVERRIDE_", "PIXI_OVERRIDE_")))
    return json.dumps([*found, *((name, environ[name]) for name in names)])


def read(folder: str | os.PathLike[str], name: str) -> dict[str, Any] | None:
    """A note of `.pixi` (`folder`); None where there is none that can be read."""
    try:
        with open(os.path.join(folder, FOLDER, name), encoding="utf-8") as file:
            note = json.load(file)
    except (OSError, ValueError):
        return None
    return note if isinstance(note, dict) else None


def tasks_key(manifest_digest: str, environ: Mapping[str, str]) -> list[str]:
    """What `for` of the tasks' note must say for it to hold."""
    return [__version__, manifest_digest, machine(environ)]
