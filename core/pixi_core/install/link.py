"""Making and removing files in a prefix: hard links where possible, each folder made once, nothing outside.

Every path is used relative to the open prefix folder. A folder that turns out to be a symbolic link is followed only
where it leads to another place inside the prefix.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import InstallError, UnsafePath
from ..fs import LinkKind
from ..model.digest import Sha256
from ..model.platform import Subdir, operating_system
from .conda_meta import META_FOLDER
from .items import Item, Layout
from .placeholder import is_mach_o, replace_prefix

Runner = Callable[[Sequence[str], Mapping[str, str], Path], "tuple[int, str]"]
_FICLONE = 0x40049409
_NO_HARD_LINK = (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EACCES, errno.ENOSYS)
_STAYS = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT, errno.ENOTDIR, errno.EBUSY, errno.EINVAL)
"""Why a folder may stay: it is not empty, not there, a link, or somebody's mount or working folder."""
_PYC = re.compile(r"(?P<module>.+?)\.(?:cpython|pypy)-?\d+[\w.\-]*\.pyc\Z")


def run_quietly(argv: Sequence[str], environ: Mapping[str, str], folder: Path) -> tuple[int, str]:
    """Run a program to its end: exit code, and what it printed on both streams."""
    import subprocess

    try:
        done = subprocess.run(
            list(argv), env=dict(environ), cwd=folder, capture_output=True, text=True, errors="replace", check=False
        )
    except OSError as error:
        return 127, str(error)
    return done.returncode, done.stdout + done.stderr


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkOptions:
    """How files are put in place. `allow` is tried in this order; `run_link_scripts` lets packages run their post-link
    and pre-unlink scripts; `durable` waits until the disk has everything before the journal goes; `runner` starts the
    few programs that installing needs (codesign, link scripts).
    """

    allow: tuple[LinkKind, ...] = ("reflink", "hardlink", "copy")
    run_link_scripts: bool = False
    durable: bool = True
    runner: Runner = run_quietly


@dataclass(slots=True)
class LinkReport:
    """How many files came to be in which way, and the bytes that were really written."""

    reflinked: int = 0
    hard_linked: int = 0
    copied: int = 0
    rewritten: int = 0
    removed: int = 0
    bytes_written: int = 0
    replaced: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The numbers, and the paths of strangers' files that were replaced."""
        return {
            "reflink": self.reflinked,
            "hardlink": self.hard_linked,
            "copy": self.copied,
            "rewritten": self.rewritten,
            "removed": self.removed,
            "bytes_written": self.bytes_written,
            "replaced": list(self.replaced),
        }


@dataclass(frozen=True, slots=True)
class Written:
    """What a rewritten file became."""

    sha256: Sha256
    size: int


class Linker:
    """Changes one prefix. Use as a context manager: it holds the prefix folder open."""

    def __init__(self, prefix: Path, subdir: Subdir, options: LinkOptions) -> None:
        self.prefix = prefix
        self.subdir = subdir
        self.options = options
        self.report = LinkReport()
        self.rewritten: dict[str, Written] = {}
        self._prefix_text = str(prefix.absolute())
        self._real = os.path.realpath(prefix)
        self._known: set[str] = {""}
        self._reflink = "reflink" in options.allow and sys.platform == "linux"
        self._hardlink = "hardlink" in options.allow
        self._fd = -1

    def __enter__(self) -> Linker:
        self._fd = os.open(self.prefix, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0))
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    # ------------------------------------------------------------ folders

    def make_folder(self, folder: str) -> None:
        """Make sure that a folder exists (with those above it) and lies inside the prefix. Raises `UnsafePath`."""
        if folder in self._known:
            return
        self.make_folder(folder.rpartition("/")[0])
        try:
            os.mkdir(folder, dir_fd=self._fd)
        except FileExistsError:
            self._accept_existing(folder)
        self._known.add(folder)

    def _accept_existing(self, folder: str) -> None:
        mode = os.stat(folder, dir_fd=self._fd, follow_symlinks=False).st_mode
        if stat.S_ISDIR(mode):
            return
        if stat.S_ISLNK(mode):
            real = os.path.realpath(os.path.join(self._real, folder))
            if real != self._real and not real.startswith(self._real + os.sep):
                raise UnsafePath(f"{self.prefix / folder} leads out of the environment, to {real}")
            if os.path.isdir(real):
                return
        self._set_aside(folder)
        os.mkdir(folder, dir_fd=self._fd)

    def _set_aside(self, path: str) -> None:
        """Something that no package owns stands where a file or folder must go: keep it under another name."""
        number = 1
        while os.path.lexists(os.path.join(self._real, f"{path}.pixi-saved-{number}")):
            number += 1
        aside = f"{path}.pixi-saved-{number}"
        os.rename(path, aside, src_dir_fd=self._fd, dst_dir_fd=self._fd)
        self.report.replaced.append(f"{path} (kept as {aside})")

    # ------------------------------------------------------------ putting files in place

    def link(self, layout: Layout) -> None:
        """Put everything of a package in place, whatever of it is there already."""
        source = os.open(layout.source, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0))
        try:
            for folder in sorted({item.target.rpartition("/")[0] for item in layout.items}):
                self.make_folder(folder)
            for item in layout.items:
                self._put(item, source, layout.source)
        finally:
            os.close(source)

    def _put(self, item: Item, source: int, source_path: str) -> None:
        action = item.action
        if action == "link":
            if self._hardlink and not self._reflink:
                # the way of nearly every file: one system call
                try:
                    os.link(item.source, item.target, src_dir_fd=source, dst_dir_fd=self._fd, follow_symlinks=False)
                except OSError as error:
                    self._link_otherwise(item, source, error)
                else:
                    self.report.hard_linked += 1
                return
            self._clear(item.target)
            self._clone_or_copy(item, source)
        elif action == "directory":
            self.make_folder(item.target)
        else:
            self._clear(item.target)
            if action == "copy":
                self._copy(item, source)
            elif action == "symlink":
                os.symlink(os.readlink(item.source, dir_fd=source), item.target, dir_fd=self._fd)
            elif action == "write":
                self._write(item.target, item.content, item.mode)
            else:
                self._replace(item, source, source_path)

    def _link_otherwise(self, item: Item, source: int, error: OSError) -> None:
        if error.errno == errno.EEXIST:
            self._clear(item.target)
            try:
                os.link(item.source, item.target, src_dir_fd=source, dst_dir_fd=self._fd, follow_symlinks=False)
            except OSError as second:
                if second.errno not in _NO_HARD_LINK:
                    raise
                self._copy(item, source)
            else:
                self.report.hard_linked += 1
            return
        if error.errno not in _NO_HARD_LINK:
            raise error
        if error.errno == errno.EXDEV:
            self._hardlink = False  # another file system: no need to ask again
        self._copy(item, source)

    def _clear(self, target: str) -> None:
        """Make way at `target`: a file goes, a folder with something in it is set aside."""
        try:
            os.unlink(target, dir_fd=self._fd)
        except FileNotFoundError:
            return
        except (IsADirectoryError, PermissionError):
            if not stat.S_ISDIR(os.stat(target, dir_fd=self._fd, follow_symlinks=False).st_mode):
                raise
            try:
                os.rmdir(target, dir_fd=self._fd)
            except OSError:
                self._set_aside(target)
            self._known.discard(target)

    def _clone_or_copy(self, item: Item, source: int) -> None:
        """A reflink where the file system has them; the first refusal decides for all files of this prefix."""
        if self._reflink:
            if self._clone(item, source):
                self.report.reflinked += 1
                return
            self._reflink = False
        if self._hardlink:
            try:
                os.link(item.source, item.target, src_dir_fd=source, dst_dir_fd=self._fd, follow_symlinks=False)
            except OSError as error:
                if error.errno not in _NO_HARD_LINK:
                    raise
                self._hardlink = error.errno != errno.EXDEV
            else:
                self.report.hard_linked += 1
                return
        self._copy(item, source)

    def _clone(self, item: Item, source: int) -> bool:
        if sys.platform != "linux":
            return False
        import fcntl

        with open(item.source, "rb", opener=lambda p, f: os.open(p, f, dir_fd=source)) as original:
            mode = stat.S_IMODE(os.fstat(original.fileno()).st_mode) & 0o777
            fd = self._create(item.target, mode)
            try:
                fcntl.ioctl(fd, _FICLONE, original.fileno())
            except OSError:
                os.unlink(item.target, dir_fd=self._fd)
                return False
            finally:
                os.close(fd)
        return True

    def _copy(self, item: Item, source: int) -> None:
        content, mode = _read(item.source, source)
        if content is None:
            os.symlink(os.readlink(item.source, dir_fd=source), item.target, dir_fd=self._fd)
            return
        self._write(item.target, content, (mode | 0o111) if item.mode & 0o111 else mode)
        self.report.copied += 1

    def _replace(self, item: Item, source: int, source_path: str) -> None:
        """Copy a file with the prefix put into it, and note what it became."""
        entry = item.entry
        content, mode = _read(item.source, source)
        if content is None:
            os.symlink(os.readlink(item.source, dir_fd=source), item.target, dir_fd=self._fd)
            return
        changed = replace_prefix(
            content,
            placeholder=entry.prefix_placeholder or "",
            prefix=self._prefix_text,
            mode=entry.file_mode or "text",
            subdir=self.subdir,
            what=f"{item.source} of {os.path.basename(source_path)}",
        )
        self._write(item.target, changed, mode)
        if changed != content and operating_system(self.subdir) == "osx" and is_mach_o(changed):
            changed = self._sign(item.target, changed)
        # one second younger, so that no .pyc of the package passes for this file's
        modified = os.stat(item.source, dir_fd=source).st_mtime + 1
        os.utime(item.target, (modified, modified), dir_fd=self._fd)
        self.rewritten[item.target] = Written(Sha256(hashlib.sha256(changed).hexdigest()), len(changed))
        self.report.rewritten += 1

    def _sign(self, target: str, content: bytes) -> bytes:
        """Renew the ad-hoc signature which macOS demands of programs; the bytes that stand there afterwards."""
        path = self.prefix / target
        code, output = self.options.runner(
            ["/usr/bin/codesign", "--sign", "-", "--force", str(path)], os.environ, self.prefix
        )
        if code:
            raise InstallError(f"codesign could not sign {path}: {output.strip()}")
        return path.read_bytes() if path.exists() else content

    def _create(self, target: str, mode: int) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        return os.open(target, flags, mode, dir_fd=self._fd)

    def _write(self, target: str, content: bytes, mode: int) -> None:
        fd = self._create(target, mode)
        try:
            view = memoryview(content)
            while view:
                view = view[os.write(fd, view) :]
        finally:
            os.close(fd)
        self.report.bytes_written += len(content)

    # ------------------------------------------------------------ taking files away

    def remove(self, paths: Iterable[str]) -> None:
        """Remove files, the compiled files of removed modules, and the folders that this empties."""
        folders: set[str] = set()
        modules: dict[str, set[str]] = {}
        for path in paths:
            folder, _, name = path.rpartition("/")
            if not self._is_inside(folder):
                continue
            try:
                os.unlink(path, dir_fd=self._fd)
                self.report.removed += 1
            except (FileNotFoundError, NotADirectoryError):
                pass
            except (IsADirectoryError, PermissionError):
                if not os.path.isdir(os.path.join(self._real, path)):
                    raise
                folders.add(path)
            folders.add(folder)
            if name.endswith(".py"):
                modules.setdefault(folder, set()).add(name[:-3])
        for folder, names in modules.items():
            self._remove_compiled(folder, names)
            folders.add(f"{folder}/__pycache__" if folder else "__pycache__")
        self.prune(folders)

    def _is_inside(self, folder: str) -> bool:
        """Whether a folder exists and is a place in the prefix, not behind a link that leads out. Raises `UnsafePath`
        where it leads out.
        """
        if folder in self._known:
            return True
        try:
            real = os.path.realpath(os.path.join(self._real, folder), strict=True)
        except OSError:
            return True  # gone already: removing says so by itself
        if real != self._real and not real.startswith(self._real + os.sep):
            raise UnsafePath(f"{self.prefix / folder} leads out of the environment, to {real}")
        return True

    def _remove_compiled(self, folder: str, modules: set[str]) -> None:
        """Python leaves `__pycache__/<module>.<tag>.pyc` behind for modules that it imported."""
        cache = f"{folder}/__pycache__" if folder else "__pycache__"
        try:
            names = os.listdir(os.path.join(self._real, cache))
        except OSError:
            return
        for name in names:
            found = _PYC.match(name)
            if found is not None and found["module"] in modules:
                os.unlink(f"{cache}/{name}", dir_fd=self._fd)

    def prune(self, folders: Iterable[str]) -> None:
        """Remove folders that are empty, and those above them which become so."""
        candidates = set(folders)
        for folder in tuple(candidates):
            while folder:
                candidates.add(folder)
                folder = folder.rpartition("/")[0]  # noqa: PLW2901 - walks up
        for folder in sorted(candidates, key=lambda path: (-path.count("/"), path)):
            if not folder or folder == META_FOLDER:
                continue
            try:
                os.rmdir(folder, dir_fd=self._fd)
            except OSError as error:
                if error.errno not in _STAYS:
                    raise
                continue
            self._known.discard(folder)

    def move(self, source: str, target: str) -> None:
        """Move a file that changes places with another package's; nothing happens where that was done before."""
        if not os.path.lexists(os.path.join(self._real, source)):
            return
        self.make_folder(target.rpartition("/")[0])
        os.rename(source, target, src_dir_fd=self._fd, dst_dir_fd=self._fd)


def _read(path: str, folder: int) -> tuple[bytes | None, int]:
    """Content and permission bits of a file of the cache; None for a symbolic link."""
    try:
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0), dir_fd=folder)
    except OSError as error:
        if error.errno == errno.ELOOP:
            return None, 0
        raise
    with open(fd, "rb") as file:
        return file.read(), stat.S_IMODE(os.fstat(fd).st_mode) & 0o777
