"""What was built before, by everything that it was built from.

A result is a small file that names a wheel in the wheel cache by its digest, or holds the metadata that a back end
gave. Nothing is removed here: where the wheel cache has forgotten a wheel it is built again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ..cache.entry import LOCKS
from ..cache.wheels import CachedWheel, WheelCache
from ..errors import InstallError
from ..fs import FileLock, atomic_write, ensure_dir, os_errors, remove_tree
from ..pypi.metadata import CoreMetadata, decode_metadata, encode_metadata

_FORMAT = "1"
_WORK = ".work-"


def result_key(*parts: str) -> str:
    """The name of a result: a digest of what it depends on."""
    return hashlib.sha256("\0".join((_FORMAT, *parts)).encode("utf-8", "surrogatepass")).hexdigest()


def tree_key(stamp: str) -> str:
    """The name of the metadata that a source folder in that state had when it was last built, by whatever Python."""
    return result_key("tree", stamp)


@dataclass(frozen=True, slots=True)
class BuildResults:
    """The results below `root`. Safe for threads and processes."""

    root: Path
    wheels: WheelCache

    @contextmanager
    def workshop(self, key: str, should_stop: Callable[[], bool] | None = None) -> Iterator[Path]:
        """An empty folder for the one who makes the result `key`: others wait, and it is gone at the end. What the
        system refuses meanwhile is an error about the folder. Raises `Cancelled`, `DiskFull`, `InstallError`.
        """
        ensure_dir(self.root)
        with self._lock(key, should_stop):
            folder = self.root / f"{_WORK}{key}"
            remove_tree(folder)
            try:
                with os_errors(folder):
                    folder.mkdir(0o700)
                    # back ends look above a project for the repository that it belongs to: not further than this
                    (folder / ".git").touch()
                    yield folder
            finally:
                remove_tree(folder)

    def _lock(self, key: str, should_stop: Callable[[], bool] | None = None) -> FileLock:
        return FileLock(self.root / LOCKS / key, should_stop=should_stop)

    def remove_abandoned(self) -> None:
        """Remove what killed builds left, whatever they were of; what a living one holds stays."""
        with suppress(OSError):
            for name in os.listdir(self.root):
                if name.startswith(_WORK):
                    self._remove(name)

    def _remove(self, name: str) -> None:
        lock = self._lock(name.removeprefix(_WORK))
        with suppress(InstallError):
            if lock.acquire(wait=False):
                try:
                    remove_tree(self.root / name)
                finally:
                    lock.release()

    def wheel(self, key: str) -> CachedWheel | None:
        """The wheel of an earlier build that is still in the wheel cache."""
        try:
            digest = json.loads(self._path(key, "json").read_bytes())["sha256"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return self.wheels.known(digest) if isinstance(digest, str) else None

    def keep_wheel(self, key: str, wheel: Path) -> CachedWheel:
        """Take a wheel that was just built into the cache. Raises `ArchiveError`, `InstallError`."""
        cached = self.wheels.add(wheel)
        self._write(key, "json", json.dumps({"sha256": cached.sha256, "file": wheel.name}).encode())
        return cached

    def metadata(self, key: str) -> CoreMetadata | None:
        """Metadata of an earlier build."""
        try:
            return decode_metadata(self._path(key, "msgpack").read_bytes())
        except OSError:
            return None

    def keep_metadata(self, key: str, metadata: CoreMetadata) -> CoreMetadata:
        """Remember metadata, and give it back."""
        self._write(key, "msgpack", encode_metadata(metadata))
        return metadata

    def _path(self, key: str, kind: str) -> Path:
        return self.root / key[:2] / f"{key}.{kind}"

    def _write(self, key: str, kind: str, content: bytes) -> None:
        path = self._path(key, kind)
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, content, fsync=False)
