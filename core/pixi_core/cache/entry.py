"""Folders of a cache that are whole or not there: locked while they are made, marked when they are complete.

An entry is made as `.tmp-<name>` beside its place and renamed. Its marker, written last, names the format, the sha256
of the archive and every file with its size, so that a reader can tell in one look per file whether all is still there.
Nothing is synced to disk here: after a power cut a torn marker is none, and a torn file has another size. Installing
waits for the disk once, at its end, for all entries together.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from ..errors import MALFORMED, ArchiveError, InstallError
from ..fs import FileLock, ensure_dir, os_errors, remove_tree, replace, write_all
from ..value import Value

if TYPE_CHECKING:
    from ..archive.sink import Extracted
    from ..model.digest import Sha256

FORMAT = 1
MARKER = ".pixi-complete.json"
LOCKS = ".locks"
_IN_MEMORY = 8 << 20
"""Bytes of an archive that is downloaded into memory: eight of these at most are there at a time."""
FileRow = tuple[str, str, int, bool]
Fetch = Callable[[BinaryIO], object]
"""Writes the archive into a file; gives its sha256 (hex) where it was computed on the way, else anything but a text."""


class Marker(Value):
    """What a complete entry says of itself. `files` are (path, sha256, size, executable), `links` (path, target)."""

    sha256: str
    md5: str | None
    files: tuple[FileRow, ...]
    links: tuple[tuple[str, str], ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(size for _, _, size, _ in self.files)


@cache
def _decoder() -> Callable[[bytes], Any]:
    """Decodes markers, and checks that they hold texts and numbers where these belong."""
    import msgspec  # lazy: only who installs needs it

    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = [
        ("format", int),
        ("sha256", str),
        ("md5", str | None, None),
        ("count", int),
        ("size", int),
        ("files", tuple[FileRow, ...]),
        ("links", tuple[tuple[str, str], ...]),
    ]
    decode: Callable[[bytes], Any] = msgspec.json.Decoder(msgspec.defstruct("_Data", fields, kw_only=True)).decode
    return decode


def read_marker(folder: Path) -> Marker | None:
    """The marker of an entry; None where there is none that can be trusted."""
    try:
        with open(f"{folder}{os.sep}{MARKER}", "rb") as file:
            data = _decoder()(file.read())
    except (OSError, *MALFORMED):
        return None
    marker = Marker(data.sha256, data.md5, data.files, data.links)
    whole = data.format == FORMAT and len(data.files) == data.count and marker.size == data.size
    return marker if whole else None


def write_marker(folder: Path, extracted: Extracted, *, sha256: str, md5: str | None) -> None:
    """Mark an entry as complete. Raises `DiskFull`, `InstallError`."""
    import json

    files = tuple(tuple(file) for file in extracted.files)
    size = sum(file.size for file in extracted.files)
    data = {
        "format": FORMAT,
        "sha256": sha256,
        "md5": md5,
        "count": len(files),
        "size": size,
        "files": files,
        "links": extracted.links,
    }
    content = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
    path = folder / MARKER
    with os_errors(path, needed=len(content)):
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o644)
        try:
            write_all(fd, content)
        finally:
            os.close(fd)


def is_whole(folder: Path, files: Iterable[FileRow], links: Iterable[tuple[str, str]] = ()) -> bool:
    """Whether every file is there with its size, and every link."""
    base = f"{folder}{os.sep}"
    look = os.lstat
    try:
        for path, _, size, _ in files:
            if look(base + path).st_size != size:
                return False
        for path, target in links:
            if os.readlink(base + path) != target:
                return False
    except OSError:
        return False
    return True


def note_use(folder: Path) -> None:
    """Remember that an entry was asked for now (the time of its marker): unused entries are collected by that."""
    with suppress(OSError):  # a cache that is only read
        os.utime(folder / MARKER)


def damaged_files(folder: Path, marker: Marker) -> list[str]:
    """The files whose bytes, or whose right to be run, are not what was extracted (a whole read: for `doctor`)."""
    import hashlib

    damaged = []
    for path, digest, _, executable in marker.files:
        try:
            with open(folder / path, "rb") as file:
                runs = not executable or os.name == "nt" or bool(os.fstat(file.fileno()).st_mode & 0o100)
                if not runs or hashlib.file_digest(file, "sha256").hexdigest() != digest:
                    damaged.append(path)
        except OSError:
            damaged.append(path)
    return damaged


def make_entry(root: Path, name: str, find: Callable[[], Marker | None], fill: Callable[[Path, int], None]) -> Marker:
    """Make the entry `name` below `root` unless `find` says that it is there by now. `fill` gets a fresh folder,
    which it leaves complete, and the descriptor that holds the lock. One process at a time; what a killed one left is
    removed. Raises what `fill` raises, and `InstallError` where the cache cannot be written.
    """
    ensure_dir(root)
    with FileLock(root / LOCKS / name) as lock:
        found = find()
        if found is not None:
            return found
        work = root / f".tmp-{name}"
        remove_tree(work)
        remove_tree(root / name)
        with os_errors(work):
            work.mkdir(0o755)
        try:
            fill(work, lock.descriptor)
            marker = read_marker(work)
            if marker is None:
                raise InstallError(f"the package cache cannot be read again: {work}")
            with os_errors(root / name):
                replace(work, root / name)
        except BaseException:
            _discard(work)
            raise
        return marker


def _discard(work: Path) -> None:
    """Remove a failed attempt; where even that fails the next attempt will."""
    try:
        remove_tree(work)
    except InstallError:
        return


def temporary_archive(root: Path, size: int | None) -> Any:
    """An open file without a name: a kill leaves nothing behind. It is in the cache's file system, or in memory where
    an archive is known to be small: ext4 looks, for every file that is made, at those that were removed a moment ago.
    """
    if size is not None and size <= _IN_MEMORY and sys.platform == "linux":
        with suppress(OSError):  # forbidden, or no memory: there is still the disk
            return os.fdopen(os.memfd_create("archive"), "w+b", buffering=0)
    import tempfile

    ensure_dir(root)
    with os_errors(root):
        return tempfile.TemporaryFile(dir=root, prefix=".download-", buffering=0)


def entry_names(root: Path) -> list[str]:
    """The names of all entries, complete or not."""
    try:
        return sorted(entry.name for entry in os.scandir(root) if entry.is_dir() and not entry.name.startswith("."))
    except FileNotFoundError:
        return []


def checked_digest(sha256: Sha256 | str | None, what: str) -> str:
    """A digest as part of a file name. Raises `ArchiveError`."""
    text = str(sha256 or "").lower()
    if len(text) != 64 or text.strip("0123456789abcdef"):
        raise ArchiveError(f"{what} has no usable sha256: {text!r}")
    return sys.intern(text)
