"""`pixi store`: what a store holds, what nobody uses any more, what is damaged."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from ..errors import InstallError
from ..fs import FileLock, remove_tree
from ..progress import SILENT, Reporter
from ..store.entry import LAYOUT, Entry, Store
from ..store.leases import active_leases

DAY = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEnvironment:
    """One entry. `leases` says who uses it; `size` is in bytes, `age` in seconds since it was made."""

    entry: Entry
    whole: bool
    environment: str = ""
    platform: str = ""
    packages: int = 0
    size: int = 0
    age: float = 0.0
    leases: tuple[dict[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "key": self.entry.key,
            "prefix": str(self.entry.prefix),
            "whole": self.whole,
            "environment": self.environment,
            "platform": self.platform,
            "packages": self.packages,
            "bytes": self.size,
            "age_seconds": round(self.age),
            "leases": list(self.leases),
        }


def survey(store: Store, *, now: Callable[[], float] = time.time) -> list[StoredEnvironment]:
    """Every entry, by key."""
    return [_look(entry, now) for entry in store.entries()]


def _look(entry: Entry, now: Callable[[], float]) -> StoredEnvironment:
    leases = tuple(active_leases(entry, now=now))
    try:
        fields = entry.read()
        made = os.stat(entry.note).st_mtime
    except (InstallError, OSError):
        return StoredEnvironment(entry=entry, whole=False, leases=leases)
    return StoredEnvironment(
        entry=entry,
        whole=True,
        environment=str(fields.get("environment", "")),
        platform=str(fields.get("platform", "")),
        packages=int(fields.get("packages", 0)),
        size=int(fields.get("bytes", 0)),
        age=max(0.0, now() - made),
        leases=leases,
    )


def collect(
    store: Store,
    *,
    older_than: float = 30 * DAY,
    keep: Collection[str] = (),
    dry_run: bool = False,
    now: Callable[[], float] = time.time,
    reporter: Reporter = SILENT,
) -> list[StoredEnvironment]:
    """Remove entries that nobody leases, that are older than `older_than` seconds and not in `keep` (keys); and what
    killed builds left. An entry that is being built or used is not touched. Returns what was removed (or would be).
    """
    if not dry_run:
        for left in (store.root / LAYOUT).glob(".removed-*"):  # of a collection that was killed
            remove_tree(left)
    removed = []
    for entry in store.entries():
        lock = FileLock(entry.lock)
        if not lock.acquire(wait=False):
            continue
        try:
            found = _look(entry, now)
            if found.leases or (found.whole and (entry.key in keep or found.age < older_than)):
                continue
            removed.append(found)
            if dry_run:
                continue
            # first the name is gone, at once and for everybody; then the files, however long that takes
            away = store.root / LAYOUT / f".removed-{entry.key}-{os.getpid()}"
            entry.folder.rename(away)
        finally:
            lock.release()
        remove_tree(away)
        reporter.message(f"removed {entry.folder}")
    return removed


def damaged(
    store: Store, *, contents: bool = True, should_stop: Callable[[], bool] | None = None
) -> dict[str, list[str]]:
    """What is wrong with whole entries, by key: files that are missing or not as they were installed."""
    from ..install.verify import verify

    found = {}
    for entry in store.entries():
        if entry.is_whole:
            problems = verify(entry.prefix, contents=contents, should_stop=should_stop)
            if problems:
                found[entry.key] = [str(problem) for problem in problems]
    return found
