"""Extract package archives into fresh folders: `.conda`, `.tar.bz2`, wheels, source distributions.

`target` must exist and be empty. Every function returns what was written, with the sha256 of every file, and raises
`UnsafePath`, `ArchiveError`, `DiskFull` or `InstallError`; what a refused archive has left in the target is the
caller's to remove.
"""

from __future__ import annotations

import json
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ..errors import ArchiveError
from .compression import read_bz2, read_gzip, read_zstd
from .limits import DEFAULT_LIMITS, Limits
from .sink import Extracted, Sink
from .tar import TarReader
from .zip import ZipReader

Source = Path | BinaryIO
_METADATA_LIMIT = 1 << 16


@contextmanager
def _opened(source: Source) -> Iterator[BinaryIO]:
    if isinstance(source, Path):
        with open(source, "rb") as file:
            yield file
    else:
        source.seek(0)
        yield source


def extract_archive(source: Source, target: Path, *, file_name: str, limits: Limits = DEFAULT_LIMITS) -> Extracted:
    """A conda package, by the ending of its file name."""
    if file_name.endswith(".conda"):
        return extract_conda(source, target, what=file_name, limits=limits)
    if file_name.endswith(".tar.bz2"):
        return extract_tar_bz2(source, target, what=file_name, limits=limits)
    raise ArchiveError(f"{file_name} is not a conda package", hints=["those end in .conda or .tar.bz2"])


def extract_conda(
    source: Source, target: Path, *, what: str = "the package", limits: Limits = DEFAULT_LIMITS
) -> Extracted:
    """A `.conda` package: a zip of stored members, `metadata.json` and two zstd-compressed tar archives."""
    content = _read_all(source, what)
    members = ZipReader(content, what)
    found: dict[str, memoryview] = {}
    version: memoryview | None = None
    for entry in members.entries:
        part = entry.name.partition("-")[0]
        if entry.name == "metadata.json" and version is None:
            version = members.stored(entry)
        elif (
            part in ("pkg", "info") and entry.name.endswith(".tar.zst") and "/" not in entry.name and part not in found
        ):
            found[part] = members.stored(entry)
        else:
            raise ArchiveError(f"{what} is not a sound .conda package: it holds {entry.name!r}")
    _check_version(version, what)
    if len(found) != 2:
        raise ArchiveError(
            f"{what} is not a sound .conda package: it lacks its {' and '.join({'pkg', 'info'} - found.keys())}"
        )
    with Sink(target, what, allowed=limits.for_size(len(content)), limits=limits) as sink:
        for part in ("info", "pkg"):
            TarReader(read_zstd(found[part], what, limits), what).extract(sink)
        return sink.finish()


def _check_version(content: memoryview | None, what: str) -> None:
    try:
        told = json.loads(bytes(content)) if content is not None and len(content) <= _METADATA_LIMIT else None
    except ValueError:
        told = None
    if not isinstance(told, dict) or told.get("conda_pkg_format_version") != 2:
        raise ArchiveError(f"{what} is not a .conda package of format version 2")


def extract_tar_bz2(
    source: Source, target: Path, *, what: str = "the package", limits: Limits = DEFAULT_LIMITS
) -> Extracted:
    """A `.tar.bz2` package."""
    with _opened(source) as file:
        allowed = limits.for_size(os.fstat(file.fileno()).st_size)
        with Sink(target, what, allowed=allowed, limits=limits) as sink:
            TarReader(read_bz2(file.read, what), what).extract(sink)
            return sink.finish()


def extract_wheel(
    source: Source, target: Path, *, what: str = "the wheel", limits: Limits = DEFAULT_LIMITS
) -> Extracted:
    """A wheel (or any zip): its files as they are; where they are installed to is not decided here."""
    content = _read_all(source, what)
    members = ZipReader(content, what)
    with Sink(target, what, allowed=limits.for_size(len(content)), limits=limits) as sink:
        for entry in members.entries:
            if entry.is_folder:
                sink.folder(entry.name[:-1])
            else:
                sink.file(entry.name, members.chunks(entry), entry.size, executable=entry.executable)
        return sink.finish()


def extract_sdist(source: Source, target: Path, *, file_name: str, limits: Limits = DEFAULT_LIMITS) -> Extracted:
    """A source distribution (`.tar.gz`, `.tgz`, `.zip`, `.tar.bz2`), its one top folder included."""
    if file_name.endswith(".zip"):
        return extract_wheel(source, target, what=file_name, limits=limits)
    if file_name.endswith(".tar.bz2"):
        return extract_tar_bz2(source, target, what=file_name, limits=limits)
    if not file_name.endswith((".tar.gz", ".tgz")):
        raise ArchiveError(f"{file_name} is not a source distribution", hints=["those end in .tar.gz or .zip"])
    with _opened(source) as file:
        allowed = limits.for_size(os.fstat(file.fileno()).st_size)
        with Sink(target, file_name, allowed=allowed, limits=limits) as sink:
            TarReader(read_gzip(file.read, file_name), file_name).extract(sink)
            return sink.finish()


def _read_all(source: Source, what: str) -> memoryview:
    """The archive as mapped memory; it is let go of with the last piece of it."""
    with _opened(source) as file:
        if os.fstat(file.fileno()).st_size == 0:
            raise ArchiveError(f"{what} is empty")
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
