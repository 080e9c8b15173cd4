"""`pixi clean`: remove environments of a workspace, or what the caches hold; everything can be made again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..fs import remove_tree

if TYPE_CHECKING:
    from ..cache.layout import CacheDirs
    from ..workspace import Workspace

CACHES: dict[str, tuple[str, ...]] = {
    "conda": ("packages",),
    "pypi": ("wheels", "pypi_index", "built_wheels"),
    "repodata": ("repodata",),
    "mapping": ("mapping",),
    "exec": ("exec_environments",),
    "build-backends": ("build_environments",),
}
"""Kind of cache -> folders of `CacheDirs`. Notebooks' own manifests are no cache: they are never removed here."""


@dataclass(frozen=True, slots=True)
class Removed:
    """A folder that was (or, in a rehearsal, would be) removed, and the bytes of its files."""

    path: Path
    size: int

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {"path": str(self.path), "size_bytes": self.size}


def environments_of(workspace: Workspace, name: str | None) -> list[Removed]:
    """The prefix of one environment (declared or left over), or those of all."""
    folder = workspace.environments_dir
    if name is not None:
        return _present([folder / workspace.environment_name(name)])
    return _present(sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else [])


def caches_of(dirs: CacheDirs, kinds: Sequence[str]) -> list[Removed]:
    """The folders of some kinds of caches; of all where none is named."""
    return _present([getattr(dirs, field) for kind in kinds or CACHES for field in CACHES[kind]])


def remove(folders: Sequence[Removed]) -> None:
    """Remove them. Raises `InstallError` with the path that cannot be removed."""
    for folder in folders:
        remove_tree(folder.path)


def _present(paths: Sequence[Path]) -> list[Removed]:
    return [Removed(path, size_of(path)) for path in paths if path.is_dir() and not path.is_symlink()]


def size_of(folder: Path) -> int:
    """Bytes of the files below a folder; a file with several links counts once."""
    total, seen = 0, set()
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                found = os.lstat(os.path.join(parent, name))
            except OSError:
                continue  # somebody else removed it meanwhile
            if (found.st_dev, found.st_ino) not in seen:
                seen.add((found.st_dev, found.st_ino))
                total += found.st_size
    return total
