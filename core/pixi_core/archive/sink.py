"""Where the files of an archive are written: a fresh folder which nothing can leave.

Parents are opened as folder descriptors without following links, files are created and never opened, so a name in the
archive can reach neither outside nor what an earlier name made (CVE-2007-4559, CVE-2025-4517 and their kin). Symbolic
links are made when all files are there. Modes become 0755 or 0644 under the user's mask.
"""

from __future__ import annotations

import errno
import hashlib
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, NamedTuple, Self

from ..errors import ArchiveError, UnsafePath
from ..fs import os_errors, write_all
from ..names import safe_relative_path
from .limits import DEFAULT_LIMITS, Limits, too_big

_AT = os.open in os.supports_dir_fd and sys.platform != "win32"
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_CREATE |= getattr(os, "O_BINARY", 0)
_FOLDER = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_KEPT_OPEN = 32
_TIMED = os.utime in os.supports_fd


class ExtractedFile(NamedTuple):
    """A regular file that was written: `/`-separated path, sha256 in hex, bytes, whether it may be executed."""

    path: str
    sha256: str
    size: int
    executable: bool


@dataclass(frozen=True, slots=True)
class Extracted:
    """What came out of an archive."""

    files: tuple[ExtractedFile, ...]
    links: tuple[tuple[str, str], ...]
    size: int


class Sink:
    """Writes one archive into `target`, an existing, empty folder that only we know of. Use as a context manager.

    Every method raises `UnsafePath` or `ArchiveError` for what must not be written, `DiskFull` and `InstallError` for
    what cannot be. `what` names the archive in messages; `allowed` is the number of bytes that may come out.
    """

    def __init__(self, target: Path, what: str, *, allowed: int, limits: Limits = DEFAULT_LIMITS) -> None:
        self.target = target
        self.what = what
        self._allowed = allowed
        self._limits = limits
        self._left = allowed
        self._kinds: dict[str, Literal["file", "folder", "link"]] = {"": "folder"}
        self._made: dict[str, ExtractedFile] = {}
        self._links: dict[str, str] = {}
        self._open: dict[str, int] = {}
        self._base = str(target)

    def __enter__(self) -> Self:
        if _AT:
            with os_errors(self.target):
                self._open[""] = os.open(self.target, _FOLDER)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for fd in self._open.values():
            os.close(fd)
        self._open.clear()

    # ------------------------------------------------------------ names

    def _checked(self, path: str) -> str:
        safe_relative_path(path, what=f"a path in {self.what}:")
        if path.count("/") >= self._limits.max_depth:
            raise UnsafePath(f"a path in {self.what} is {path.count('/') + 1} folders deep")
        if len(self._kinds) > self._limits.max_files:
            raise ArchiveError(f"{self.what} holds more than {self._limits.max_files:,} files")
        return path

    def _folder(self, path: str) -> int:
        """A descriptor of a folder below the target, made where it is missing (-1 where the system has none)."""
        known = self._open.get(path)
        if known is not None:
            return known
        parent, _, name = path.rpartition("/")
        kind = self._kinds.get(path)
        if kind not in (None, "folder"):
            raise UnsafePath(f"{self.what} uses {path!r} both as a {kind} and as a folder")
        if not _AT:
            if kind is None:
                if path:
                    self._folder(parent)
                self._make_folder(os.path.join(self._base, path), None)
                self._kinds[path] = "folder"
            return -1
        above = self._folder(parent)
        if kind is None:
            self._make_folder(name, above)
            self._kinds[path] = "folder"
        fd = os.open(name, _FOLDER, dir_fd=above)
        self._open[path] = fd
        if len(self._open) > _KEPT_OPEN:
            self._close_one(path)
        return fd

    @staticmethod
    def _make_folder(name: str, above: int | None) -> None:
        try:
            os.mkdir(name, 0o755, dir_fd=above)
        except FileExistsError:
            # a file system without case: opening it next, without following links, shows whether it is a folder
            if os.name == "nt" and not os.path.isdir(name):
                raise

    def _close_one(self, but: str) -> None:
        for path in self._open:
            if path not in ("", but):
                os.close(self._open.pop(path))
                return

    def _place(self, path: str) -> tuple[str, int | None]:
        """What to give to the system for a new name: the name and the folder it is in."""
        parent, _, name = path.rpartition("/")
        above = self._folder(parent)
        return (name, above) if _AT else (os.path.join(self._base, path), None)

    # ------------------------------------------------------------ entries

    def folder(self, path: str) -> None:
        """An explicit folder."""
        self._checked(path)
        with os_errors(self.target):
            self._folder(path)

    def file(
        self,
        path: str,
        chunks: Iterable[bytes | memoryview],
        size: int,
        *,
        executable: bool,
        modified: int | None = None,
    ) -> ExtractedFile:
        """A regular file of exactly `size` bytes. A name that was there before must have the same content.

        With `modified` (seconds) it has that time of change: Python believes the bytecode of a package only where it
        was made from a source of that very time.
        """
        self._checked(path)
        self._left -= size
        if size < 0 or self._left < 0:
            raise too_big(self.what, self._allowed)
        kind = self._kinds.get(path)
        if kind is not None:
            return self._repeated(path, kind, chunks, size, executable=executable)
        digest = hashlib.sha256()
        written = 0
        with os_errors(self.target, needed=size):
            fd = self._create(path, 0o755 if executable else 0o644)
            try:
                for chunk in chunks:
                    digest.update(chunk)
                    write_all(fd, chunk)
                    written += len(chunk)
                if modified is not None and _TIMED:
                    os.utime(fd, (modified, modified))
            finally:
                os.close(fd)
        if written != size:
            raise ArchiveError(f"{path} in {self.what} has {written:,} bytes instead of {size:,}")
        entry = ExtractedFile(path, digest.hexdigest(), size, executable)
        self._kinds[path] = "file"
        self._made[path] = entry
        return entry

    def _create(self, path: str, mode: int) -> int:
        name, above = self._place(path)
        try:
            return os.open(name, _CREATE, mode, dir_fd=above)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ELOOP):
                raise
            raise self._alike(path) from None

    def _alike(self, path: str) -> ArchiveError:
        """The archive made no such name, and yet it is there: the file system takes another one for it."""
        return ArchiveError(
            f"{self.what} holds two names that this file system cannot keep apart: {path!r} is there already"
        )

    def _repeated(
        self, path: str, kind: str, chunks: Iterable[bytes | memoryview], size: int, *, executable: bool
    ) -> ExtractedFile:
        known = self._made.get(path)
        digest = hashlib.sha256()
        for chunk in chunks:
            digest.update(chunk)
        again = ExtractedFile(path, digest.hexdigest(), size, executable)
        if kind != "file" or known != again:
            raise ArchiveError(f"{self.what} holds {path!r} twice, with different contents")
        return again

    def hard_link(self, path: str, target: str) -> None:
        """Another name for a regular file which this archive has already given (never for a link: CVE-2026-82049)."""
        self._checked(path)
        known = self._made.get(safe_relative_path(target, what=f"a link target in {self.what}:"))
        if known is None:
            raise UnsafePath(f"{self.what} links {path!r} to {target!r}, which is no file of this archive before it")
        if path in self._kinds:
            if self._made.get(path, known)[1:] == known[1:] and self._kinds[path] == "file":
                return
            raise ArchiveError(f"{self.what} holds {path!r} twice, with different contents")
        self._left -= known.size
        if self._left < 0:
            raise too_big(self.what, self._allowed)
        with os_errors(self.target):
            name, above = self._place(path)
            source, beside = self._place(target)
            try:
                if above is not None:
                    name, above = self._place(path)  # the second look may have closed the first folder
                    source, beside = self._place(target)
                    os.link(source, name, src_dir_fd=beside, dst_dir_fd=above, follow_symlinks=False)
                else:
                    os.link(source, name)
            except FileExistsError:
                raise self._alike(path) from None
        self._kinds[path] = "file"
        self._made[path] = known._replace(path=path)

    def symbolic_link(self, path: str, target: str) -> None:
        """A symbolic link, made at the end; it must lead to a place inside. `..` may stand at its start only, or after
        names that are no links of this archive, so that where it leads can be told from its text.
        """
        self._checked(path)
        parts = target.split("/")
        depth = path.count("/")
        if (
            not target
            or target.startswith("/")
            or "\\" in target
            or len(target) > 4096
            or any(ord(c) < 0x20 or ord(c) == 0x7F or 0xD800 <= ord(c) <= 0xDFFF for c in target)
            or (len(parts[0]) >= 2 and parts[0][1] == ":")
        ):
            raise UnsafePath(f"the link {path!r} of {self.what} leads to {target!r}")
        for part in parts:
            depth += -1 if part == ".." else 0 if part in ("", ".") else 1
            if depth < 0:
                raise UnsafePath(f"the link {path!r} of {self.what} leads out of it, to {target!r}")
        known = self._kinds.get(path)
        if known is not None and (known != "link" or self._links[path] != target):
            raise ArchiveError(f"{self.what} holds {path!r} twice, with different contents")
        self._kinds[path] = "link"
        self._links[path] = target

    # ------------------------------------------------------------ the end

    def finish(self) -> Extracted:
        """Make the symbolic links; returns everything that was written, in the archive's order."""
        for path, target in self._links.items():
            self._check_climb(path, target)
            with os_errors(self.target):
                name, above = self._place(path)
                try:
                    os.symlink(target, name, dir_fd=above)
                except FileExistsError:
                    raise self._alike(path) from None
        files = tuple(self._made.values())
        return Extracted(files, tuple(self._links.items()), self._allowed - self._left)

    def _check_climb(self, path: str, target: str) -> None:
        """Refuse `..` behind a name that is itself a link: where that leads depends on who follows it."""
        place = path.split("/")[:-1]
        for part in target.split("/"):
            if part in ("", "."):
                continue
            if part == "..":
                if self._kinds.get("/".join(place)) == "link":
                    raise UnsafePath(f"the link {path!r} of {self.what} climbs out of another link: {target!r}")
                place.pop()
            else:
                place.append(part)
