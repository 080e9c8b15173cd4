"""Unpacked wheels, by the digest of their file: linked from by every environment."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ..errors import ArchiveError, HashMismatch
from ..fs import os_errors
from ..names import safe_component
from ..once import OnceMap
from ..value import Value
from .entry import (
    Fetch,
    FileRow,
    Marker,
    checked_digest,
    is_whole,
    make_entry,
    note_use,
    read_marker,
    temporary_archive,
)
from .unpack import Job, Unpack, unpack_here

if TYPE_CHECKING:
    from ..model.record import PypiRecord
    from ..net.client import Client
    from ..progress import Phase


class CachedWheel(Value):
    """A whole, unpacked wheel: its folder and its files as (path, sha256, size, executable)."""

    path: Path
    files: tuple[FileRow, ...]
    sha256: str = ""

    def is_whole(self) -> bool:
        """Whether every file is still there with its size."""
        return is_whole(self.path, self.files)


class WheelCache:
    """The wheels below `root`; `read_only_tiers` are looked into first and never changed. Safe for threads and
    processes.
    """

    def __init__(self, root: Path, read_only_tiers: Sequence[Path] = ()) -> None:
        self.root = root
        self.tiers = tuple(read_only_tiers)
        self._once: OnceMap[str, tuple[Path, Marker]] = OnceMap(keep=False)

    def fetch(
        self, record: PypiRecord, client: Client, *, phase: Phase | None = None, unpack: Unpack = unpack_here
    ) -> CachedWheel:
        """The wheel of a record, downloaded when it is not here. Raises `NetworkError`, `ArchiveError`,
        `InstallError`.
        """

        def download(target: BinaryIO) -> str:
            url = _url(record.location)
            return client.download(
                url, target, sha256=record.sha256, md5=record.md5, size=record.size, phase=phase
            ).sha256

        return self.get(record, download, unpack)

    def get(self, record: PypiRecord, fetch: Fetch, unpack: Unpack = unpack_here) -> CachedWheel:
        """The wheel of a record; `fetch` gives its file when it is not here, or not whole."""
        if not record.is_wheel:
            raise ArchiveError(f"{record.file_name} is not a wheel", hints=["it has to be built first"])
        file_name = safe_component(record.file_name, what="wheel")
        found = self.find(record, use=True)
        if found is not None:
            return found
        name = self._name(record)
        place = self.root / name

        def make() -> tuple[Path, Marker]:
            return place, make_entry(
                self.root,
                name,
                lambda: _whole(place, record.sha256),
                self._filler(file_name, fetch, record.size, record.sha256, unpack),
            )

        path, marker = self._once.get(name, make)
        return CachedWheel(path, marker.files, marker.sha256)

    def find(self, record: PypiRecord, *, use: bool = False, look: bool = True) -> CachedWheel | None:
        """The wheel if it is here and whole; with `use`, collecting will remember that somebody wanted it. Without
        `look` it was whole once: whoever links it asks `is_whole`.
        """
        for root in (*self.tiers, self.root):
            place = root / self._name(record)
            marker = _whole(place, record.sha256) if look else _marker_of(place, record.sha256)
            if marker is not None:
                if use:
                    note_use(place)
                return CachedWheel(place, marker.files, marker.sha256)
        return None

    def known(self, sha256: str) -> CachedWheel | None:
        """The wheel of a digest if it is here and whole; collecting will remember that somebody wanted it."""
        place = self.root / checked_digest(sha256, "a wheel")
        marker = _whole(place, sha256)
        if marker is None:
            return None
        note_use(place)
        return CachedWheel(place, marker.files, marker.sha256)

    def add(self, wheel: Path) -> CachedWheel:
        """A wheel file of this machine (one that was just built)."""
        with os_errors(wheel), open(wheel, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        place = self.root / digest

        def copy(target: BinaryIO) -> None:
            import shutil

            with open(wheel, "rb") as source:
                shutil.copyfileobj(source, target, 1 << 20)

        marker = make_entry(
            self.root,
            digest,
            lambda: _whole(place, digest),
            self._filler(wheel.name, copy, wheel.stat().st_size, digest),
        )
        return CachedWheel(place, marker.files, digest)

    @staticmethod
    def _name(record: PypiRecord) -> str:
        if record.sha256 is not None:
            return checked_digest(record.sha256, record.file_name)
        return "url-" + hashlib.sha256(record.location.encode()).hexdigest()

    def _filler(
        self, file_name: str, fetch: Fetch, size: int | None, expected: str | None, unpack: Unpack = unpack_here
    ) -> Callable[[Path, int], None]:
        """Makes an entry of the wheel that `fetch` gives. Raises `HashMismatch` where it is not the expected one."""

        def fill(work: Path, lock: int) -> None:
            with temporary_archive(self.root, size) as archive:
                with os_errors(self.root):
                    told = fetch(archive)
                archive.seek(0)
                digest = told if isinstance(told, str) else hashlib.file_digest(archive, "sha256").hexdigest()
                if expected is not None and digest != expected:
                    raise HashMismatch(file_name, expected=expected, actual=digest)
                unpack(Job(file_name, work, digest), archive, lock)

        return fill


def _whole(place: Path, sha256: str | None) -> Marker | None:
    marker = _marker_of(place, sha256)
    return marker if marker is not None and is_whole(place, marker.files) else None


def _marker_of(place: Path, sha256: str | None) -> Marker | None:
    marker = read_marker(place)
    return marker if marker is not None and sha256 in (None, marker.sha256) else None


def _url(location: str) -> str:
    """The URL to download: `direct+https://…` without its mark, an absolute path as `file://`."""
    if location.startswith("direct+"):
        location = location[len("direct+") :]
    location = location.split("#", 1)[0]
    if "://" in location:
        return location
    from ..model.channel import file_url

    return file_url(Path(location).absolute())
