"""What the caches of packages hold, what of it no environment links, and taking that away.

An entry is linked when one of its files has more names than the entry itself gives it: those are in environments, which
keep the bytes whatever happens here. Copies and reflinks leave no such trace; what they were made from counts as unused
as soon as it was not asked for in a while, and environments lose nothing by its going but a download later.
Folders that other tools keep in the same place (no marker of ours) are never touched.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..errors import Cancelled, InstallError
from ..fs import FileLock, os_errors, remove_tree
from .entry import LOCKS, MARKER, entry_names, read_marker

if TYPE_CHECKING:
    from .layout import CacheDirs

GRACE = 600.0
"""Seconds after its last use in which an entry stays: a command that is about to link it must find it."""
Kind = Literal["conda", "pypi"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheEntry:
    """One package in a cache. `size` is in bytes, `last_used` in seconds since 1970; `linked` says that an environment
    shares its files.
    """

    kind: Kind
    path: Path
    size: int
    files: int
    linked: bool
    last_used: float

    def to_json(self) -> dict[str, Any]:
        """The entry for `--json`."""
        return {
            "kind": self.kind,
            "path": str(self.path),
            "size": self.size,
            "files": self.files,
            "linked": self.linked,
            "last_used": self.last_used,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What was taken away (or would be), and what stays."""

    removed: tuple[CacheEntry, ...]
    leftovers: tuple[Path, ...]
    kept: tuple[CacheEntry, ...]
    dry_run: bool

    @property
    def freed(self) -> int:
        """Bytes of the removed entries."""
        return sum(entry.size for entry in self.removed)

    def to_json(self) -> dict[str, Any]:
        """The data of a result."""
        return {
            "dry_run": self.dry_run,
            "freed": self.freed,
            "removed": [entry.to_json() for entry in self.removed],
            "leftovers": [str(path) for path in self.leftovers],
            "kept": len(self.kept),
            "kept_size": sum(entry.size for entry in self.kept),
        }


def package_caches(dirs: CacheDirs) -> tuple[tuple[Kind, Path], ...]:
    """The folders whose entries have markers."""
    return ("conda", dirs.packages), ("pypi", dirs.wheels)


def survey(dirs: CacheDirs, *, should_stop: Callable[[], bool] | None = None) -> list[CacheEntry]:
    """Every complete entry of both caches. Raises `Cancelled`."""
    found = []
    for kind, root in package_caches(dirs):
        for name in entry_names(root):
            if should_stop is not None and should_stop():
                raise Cancelled
            entry = look_at(kind, root / name)
            if entry is not None:
                found.append(entry)
    return found


def look_at(kind: Kind, place: Path) -> CacheEntry | None:
    """One entry; None where there is none of ours."""
    marker = read_marker(place)
    if marker is None:
        return None
    try:
        status = os.stat(place / MARKER)
    except OSError:
        return None
    names: Counter[tuple[int, int]] = Counter()
    links: dict[tuple[int, int], int] = {}
    size = 0
    for path, _, _, _ in marker.files:
        try:
            found = os.lstat(place / path)
        except OSError:
            continue
        inode = (found.st_dev, found.st_ino)
        names[inode] += 1
        if inode not in links:
            links[inode] = found.st_nlink
            size += found.st_size
    return CacheEntry(
        kind=kind,
        path=place,
        size=size,
        files=len(marker.files),
        linked=any(links[inode] > names[inode] for inode in links),
        last_used=status.st_mtime,
    )


def leftovers(root: Path) -> Iterator[Path]:
    """What killed processes left half made: the folders that no living process works on."""
    try:
        names = sorted(entry.name for entry in os.scandir(root))
    except FileNotFoundError:
        return
    for name in names:
        if name.startswith(".tmp-"):
            lock = FileLock(root / LOCKS / name.removeprefix(".tmp-"))
            if lock.acquire(wait=False):
                lock.release()
                yield root / name
        elif name.startswith(".download-"):
            yield root / name


def remove_leftover(path: Path) -> bool:
    """Remove what a killed process left, unless another one has taken up the same work meanwhile. Returns whether it is
    gone. Raises `InstallError`.
    """
    if not path.name.startswith(".tmp-"):
        remove_tree(path)
        return True
    lock = FileLock(path.parent / LOCKS / path.name.removeprefix(".tmp-"))
    if not lock.acquire(wait=False):
        return False
    try:
        remove_tree(path)
    finally:
        lock.release()
    return True


def sweep(root: Path) -> None:
    """Remove what killed processes left in a cache; for whoever adds to it, so that nobody has to ask. What cannot be
    removed stays.
    """
    with suppress(InstallError):
        for path in leftovers(root):
            if path.name.startswith(".tmp-"):
                remove_leftover(path)


def collect_unused(
    dirs: CacheDirs,
    *,
    dry_run: bool = False,
    older_than: float = GRACE,
    should_stop: Callable[[], bool] | None = None,
) -> Collected:
    """Remove every entry that no environment links and nobody asked for in the last `older_than` seconds, and what
    killed processes left. Raises `InstallError` where the cache cannot be changed, `Cancelled`.
    """
    before = time.time() - older_than
    entries = survey(dirs, should_stop=should_stop)
    unused = [entry for entry in entries if not entry.linked and entry.last_used <= before]
    left = [path for _, root in package_caches(dirs) for path in leftovers(root) if _age(path) >= older_than]
    removed = []
    for entry in unused:
        if should_stop is not None and should_stop():
            raise Cancelled
        if dry_run or remove_entry(entry.path, lambda entry=entry: _is_unused(entry, before)):  # type: ignore[misc]  # the default binds the entry now
            removed.append(entry)
    if not dry_run:
        left = [path for path in left if remove_leftover(path)]
    gone = {entry.path for entry in removed}
    return Collected(
        removed=tuple(removed),
        leftovers=tuple(left),
        kept=tuple(entry for entry in entries if entry.path not in gone),
        dry_run=dry_run,
    )


def _is_unused(entry: CacheEntry, before: float) -> bool:
    """Whether it still is, now that nobody else may make or remove it."""
    now = look_at(entry.kind, entry.path)
    return now is not None and not now.linked and now.last_used <= before


def _age(path: Path) -> float:
    try:
        return time.time() - os.lstat(path).st_mtime
    except OSError:
        return 0.0


def remove_entry(place: Path, still: Callable[[], bool] = lambda: True) -> bool:
    """Remove an entry in one step for its readers, unless another process works on it or `still` says no. Returns
    whether it is gone. Raises `InstallError`.
    """
    lock = FileLock(place.parent / LOCKS / place.name)
    if not lock.acquire(wait=False):
        return False
    try:
        if not still():
            return False
        aside = place.parent / f".tmp-{place.name}"
        remove_tree(aside)
        with os_errors(place):
            place.rename(aside)
        remove_tree(aside)
    finally:
        lock.release()
    return True
