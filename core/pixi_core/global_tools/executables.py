"""Which programs a package puts into an environment."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ..install.paths import conda_layout
from ..model.platform import Subdir, operating_system

if TYPE_CHECKING:
    from ..cache.store import CachedPackage
    from ..install.prefix import InstalledPackage
    from ..install.python_info import PythonInfo

_WINDOWS_FOLDERS = frozenset([".", "Library/bin", "Library/usr/bin", "Scripts", "bin"])
_WINDOWS_ENDINGS = frozenset([".exe", ".bat", ".cmd", ".com"])


@dataclass(frozen=True, slots=True)
class Executable:
    """A program: the name it is called by, and its path in the prefix."""

    name: str
    path: str


def of_cached(package: CachedPackage, python: PythonInfo | None, prefix: Path) -> list[Executable]:
    """The programs that a package will have when it is linked. Raises `ArchiveError`."""
    record = package.record
    runnable = {path for path, _, _, executable in package.files if executable}
    layout = conda_layout(record, package.path, python, prefix=str(prefix))
    paths = [
        item.target
        for item in layout.items
        if item.action == "symlink" or item.source in runnable or (item.action == "write" and item.mode & 0o111)
    ]
    return among(paths, record.subdir if python is None or not python.windows else Subdir("win-64"))


def of_installed(package: InstalledPackage, prefix: Path) -> list[Executable]:
    """The programs of a package that is in the prefix."""
    windows = os.name == "nt"
    paths = [path for path in package.files if windows or os.access(prefix / path, os.X_OK)]
    return among(paths, Subdir("win-64") if windows else package.record.subdir)


def among(paths: Iterable[str], subdir: Subdir) -> list[Executable]:
    """Those of the paths that a search along `PATH` would find, sorted by name."""
    windows = operating_system(subdir) == "win"
    found = []
    for text in paths:
        path = PurePosixPath(text)
        if windows and str(path.parent) in _WINDOWS_FOLDERS and path.suffix.lower() in _WINDOWS_ENDINGS:
            found.append(Executable(path.stem, text))
        elif not windows and str(path.parent) == "bin":
            found.append(Executable(path.name, text))
    return sorted(found, key=lambda one: one.name)


def exposed_by_default(executables: Mapping[str, Iterable[Executable]], packages: Iterable[str]) -> dict[str, str]:
    """What an environment exposes where nobody says otherwise: every program of the named packages, and one that is
    called like such a package, whichever package brings it.
    """
    named = list(packages)
    found = {one.name: one.name for package in named for one in executables.get(package, ())}
    everywhere = {one.name for group in executables.values() for one in group}
    found.update({package: package for package in named if package in everywhere})
    found.pop("pixi", None)  # the name is pixi's own
    return dict(sorted(found.items()))


def find_program(executables: Mapping[str, Iterable[Executable]], program: str) -> str | None:
    """The path in the prefix of a program called by its name, or by its path; None where there is none."""
    by_name = {one.name: one.path for group in executables.values() for one in group}
    paths = set(by_name.values())
    if program in by_name:
        return by_name[program]
    return program if "/" in program or program in paths else None
