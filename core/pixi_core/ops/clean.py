"""`pixi clean`: remove environments of a workspace, or what the caches hold; everything can be made again."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..fs import remove_tree, translated
from .registry import registry_file

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
    "build": ("built_wheels",),
    "notices": (),
}
"""Kind of cache -> folders of `CacheDirs`. Notebooks' own manifests are no cache: they are never removed here. What
channels announce is not kept.
"""


@dataclass(frozen=True, slots=True)
class Removed:
    """A folder (or file) that was (or, in a rehearsal, would be) removed, and the bytes of its files."""

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
    fields = dict.fromkeys(field for kind in kinds or CACHES for field in CACHES[kind])
    return _present([getattr(dirs, field) for field in fields])


def parts_of(
    workspace: Workspace | None, *, activation: bool, build: bool, registry: Mapping[str, str] | None
) -> list[Removed]:
    """What is known of a workspace's activation, what pixi has built in it, and (of the user with these variables) the
    names of registered workspaces.
    """
    folders = []
    if workspace is not None:
        folders += [workspace.pixi_dir / "activation-env-v0"] if activation else []
        folders += [workspace.pixi_dir / "build"] if build else []
    found = _present(folders)
    if registry is not None:
        file = registry_file(registry)
        found += [Removed(file, file.stat().st_size)] if file.is_file() else []
    return found


def remove(folders: Sequence[Removed]) -> None:
    """Remove them. Raises `InstallError` with the path that cannot be removed."""
    for folder in folders:
        if folder.path.is_file():
            try:
                folder.path.unlink()
            except OSError as error:
                raise translated(error, folder.path) from None
        else:
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
