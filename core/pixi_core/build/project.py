"""What a source tree says about how it is built: the `[build-system]` table (PEP 518 and 517)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import BuildError

LEGACY_BACKEND = "setuptools.build_meta:__legacy__"
LEGACY_REQUIRES = ("setuptools>=40.8.0",)


@dataclass(frozen=True, slots=True)
class BuildSystem:
    """`requires` are PEP 508 strings; `backend` is `module[:object]`; `backend_path` are absolute folders inside the
    tree that the back end itself lies in.
    """

    requires: tuple[str, ...] = LEGACY_REQUIRES
    backend: str = LEGACY_BACKEND
    backend_path: tuple[str, ...] = ()


def read_build_system(folder: Path) -> BuildSystem:
    """The build system of the project in `folder`; setuptools, as ever, where it names none.

    Raises `BuildError` for a folder that is no project and for a table that breaks the rules.
    """
    path = folder / "pyproject.toml"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if (folder / "setup.py").is_file() or (folder / "setup.cfg").is_file():
            return BuildSystem()
        raise BuildError(f"{folder} has neither pyproject.toml nor setup.py") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BuildError(f"cannot read {path}: {error}") from None
    import tomli

    try:
        table = tomli.loads(text).get("build-system")
    except tomli.TOMLDecodeError as error:
        raise BuildError(f"{path} is not valid TOML: {error}") from None
    return BuildSystem() if table is None else _checked(table, folder, path)


def _checked(table: Any, folder: Path, path: Path) -> BuildSystem:
    """A table with every rule of PEP 518 and 517 applied to it."""
    if not isinstance(table, dict) or not _are_texts(table.get("requires")):
        raise BuildError(f"[build-system] of {path} must have `requires`, a list of strings")
    backend, places = table.get("build-backend"), table.get("backend-path", [])
    if backend is None and places:
        raise BuildError(f"[build-system] of {path} has `backend-path` without `build-backend`")
    if backend is not None and (not isinstance(backend, str) or not backend):
        raise BuildError(f"`build-backend` of {path} must be a string")
    if not _are_texts(places):
        raise BuildError(f"`backend-path` of {path} must be a list of strings")
    requires = tuple(table["requires"])
    if backend is None:
        return BuildSystem(requires)
    return BuildSystem(requires, backend, tuple(_inside(folder, place, path) for place in places))


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _inside(folder: Path, place: str, path: Path) -> str:
    """A folder of `backend-path`, which must lie in the tree, wherever links lead."""
    root = os.path.realpath(folder)
    found = os.path.realpath(os.path.join(root, place))
    if Path(place).is_absolute() or os.path.commonpath([root, found]) != root:
        raise BuildError(f"`backend-path` of {path} leads out of the source tree: '{place}'")
    return found
