"""Extracted conda packages, shared by all environments and all processes of a user.

An entry is `<root>/<name>-<version>-<build>`, as rattler names it; with a part of the digest behind it when another
package of that name is there already, or when the package comes from a bare URL. Archives are checked against their
digest before a byte of them is interpreted, and are not kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ..errors import HashMismatch, InstallError
from ..fs import os_errors
from ..names import safe_component
from ..once import OnceMap
from ..value import Value
from .entry import (
    Fetch,
    FileRow,
    Marker,
    is_whole,
    make_entry,
    note_use,
    read_marker,
    temporary_archive,
)
from .unpack import Job, Unpack, unpack_here

if TYPE_CHECKING:
    from ..model.record import RepoDataRecord
    from ..net.client import Client
    from ..progress import Phase


class CachedPackage(Value):
    """A whole package: its folder (with `info/`), the digest of its archive, its files as (path, sha256, size,
    executable) and symbolic links as (path, target).
    """

    path: Path
    sha256: str
    record: RepoDataRecord
    files: tuple[FileRow, ...] = ()
    links: tuple[tuple[str, str], ...] = ()

    def is_whole(self) -> bool:
        """Whether every file is still there with its size, and every link."""
        return is_whole(self.path, self.files, self.links)


class _Taken(Exception):
    """A whole package with another digest has the name."""


class PackageCache:
    """The packages below `root`; `read_only_tiers` are looked into first and never changed. Safe for threads and
    processes.
    """

    def __init__(self, root: Path, read_only_tiers: Sequence[Path] = ()) -> None:
        self.root = root
        self.tiers = tuple(read_only_tiers)
        self._once: OnceMap[str, tuple[Path, Marker]] = OnceMap(keep=False)

    def fetch(
        self, record: RepoDataRecord, client: Client, *, phase: Phase | None = None, unpack: Unpack = unpack_here
    ) -> CachedPackage:
        """The package, downloaded when it is not here. Raises `NetworkError`, `ArchiveError`, `InstallError`."""

        def download(target: BinaryIO) -> str:
            return client.download(
                record.url, target, sha256=record.sha256, md5=record.md5, size=record.size, phase=phase
            ).sha256

        return self.get(record, download, unpack)

    def get(self, record: RepoDataRecord, fetch: Fetch, unpack: Unpack = unpack_here) -> CachedPackage:
        """The package; `fetch` gives its archive when it is not here, or not whole."""
        found = self.find(record, use=True)
        if found is not None:
            return found
        # fetch only once for all threads that ask for the same bytes; the lock does the same for processes
        key = f"{record.dist_name}\0{record.sha256 or record.md5 or record.url}"
        path, marker = self._once.get(key, lambda: self._make(record, fetch, unpack))
        return _package(path, marker, record)

    def find(self, record: RepoDataRecord, *, use: bool = False, look: bool = True) -> CachedPackage | None:
        """The package if it is here and whole; with `use`, collecting will remember that somebody wanted it. Without
        `look` it was whole once: whoever links it asks `is_whole`.
        """
        for root in (*self.tiers, self.root):
            for name in self._names(record):
                marker = self._complete(root / name, record) if look else _marker_of(root / name, record)
                if marker is not None:
                    if use:
                        note_use(root / name)
                    return _package(root / name, marker, record)
        return None

    def _make(self, record: RepoDataRecord, fetch: Fetch, unpack: Unpack) -> tuple[Path, Marker]:
        for name in self._names(record):
            place = self.root / name

            def look(place: Path = place) -> Marker | None:
                marker = self._complete(place, record)
                if marker is None:
                    other = read_marker(place)
                    if other is not None and not _is_of(other, record):
                        raise _Taken
                return marker

            def fill(work: Path, lock: int) -> None:
                with temporary_archive(self.root, record.size) as archive:
                    with os_errors(self.root, needed=record.size):
                        told = fetch(archive)
                    sha256 = told if isinstance(told, str) else _digest(archive, hashlib.sha256())
                    unpack(Job(record.file_name, work, *_checked(archive, record, sha256)), archive, lock)

            try:
                return place, make_entry(self.root, name, look, fill)
            except _Taken:
                continue
        raise InstallError(f"the cache {self.root} already has other packages called {record.dist_name}")

    # ------------------------------------------------------------ names

    def _names(self, record: RepoDataRecord) -> tuple[str, ...]:
        """The names that a record's entry can have, the usual one first."""
        plain = safe_component(record.dist_name, what="package")
        told = record.sha256 or record.md5
        part = told[:16] if told else hashlib.sha256(record.url.encode()).hexdigest()[:16]
        return (plain, f"{plain}-{part}") if record.channel is not None else (f"{plain}-{part}",)

    @staticmethod
    def _complete(place: Path, record: RepoDataRecord) -> Marker | None:
        marker = _marker_of(place, record)
        return marker if marker is not None and is_whole(place, marker.files, marker.links) else None


def _marker_of(place: Path, record: RepoDataRecord) -> Marker | None:
    marker = read_marker(place)
    return marker if marker is not None and _is_of(marker, record) else None


def _package(path: Path, marker: Marker, record: RepoDataRecord) -> CachedPackage:
    return CachedPackage(path, marker.sha256, record, marker.files, marker.links)


def _is_of(marker: Marker, record: RepoDataRecord) -> bool:
    if record.sha256 is not None:
        return marker.sha256 == record.sha256
    return record.md5 is None or marker.md5 == record.md5


def _checked(archive: BinaryIO, record: RepoDataRecord, sha256: str) -> tuple[str, str | None]:
    """The digests of what came, which are those that the record wants. Raises `HashMismatch`."""
    md5: str | None = record.md5
    if record.sha256 is None and record.md5 is not None:
        md5 = _digest(archive, hashlib.md5(usedforsecurity=False))
    expected, actual = (record.sha256, sha256) if record.sha256 is not None else (record.md5, md5)
    if expected is not None and expected != actual:
        raise HashMismatch(record.file_name, expected=expected, actual=str(actual))
    archive.seek(0)
    return sha256, md5


def _digest(archive: BinaryIO, digest: hashlib._Hash) -> str:
    archive.seek(0)
    while piece := archive.read(1 << 20):
        digest.update(piece)
    return digest.hexdigest()
