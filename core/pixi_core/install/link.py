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
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import InstallError, UnsafePath
from ..fs import LinkKind, write_all
from ..model.digest import Sha256
from ..model.platform import Subdir, operating_system
from ..value import Value
from .fingerprint import META_FOLDER
from .folder import HAS_DESCRIPTORS, Folder, folder
from .items import Item, Layout
from .placeholder import is_mach_o, replace_prefix

Runner = Callable[[Sequence[str], Mapping[str, str], Path], "tuple[int, str]"]
_FICLONE = 0x40049409
_NO_HARD_LINK = (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EACCES, errno.ENOSYS)
_STAYS = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT, errno.ENOTDIR, errno.EBUSY, errno.EINVAL)
"""Why a folder may stay: it is not empty, not there, a link, or somebody's mount or working folder."""
_PYC = re.compile(r"(?P<module>.+?)\.(?:cpython|pypy)-?\d+[\w.\-]*\.pyc\Z")


def run_quietly(argv: Sequence[str], environ: Mapping[str, str], cwd: Path) -> tuple[int, str]:
    """Run a program to its end: exit code, and what it printed on both streams."""
    import subprocess

    try:
        done = subprocess.run(
            list(argv), env=dict(environ), cwd=cwd, capture_output=True, text=True, errors="replace", check=False
        )
    except OSError as error:
        return 127, str(error)
    return done.returncode, done.stdout + done.stderr


class LinkOptions(Value, kw_only=True):
    """How files are put in place. `allow` is tried in this order; `run_link_scripts` lets packages run their post-link
    and pre-unlink scripts; `durable` waits until the disk has everything before the journal goes; `described` works by
    descriptors of folders; up to `processes` work side by side; `runner` starts the few programs that installing needs
    (codesign, link scripts).
    """

    allow: tuple[LinkKind, ...] = ("reflink", "hardlink", "copy")
    run_link_scripts: bool = False
    durable: bool = True
    described: bool = HAS_DESCRIPTORS
    processes: int = 2
    runner: Runner = run_quietly


class LinkReport:
    """How many files came to be in which way, and the bytes that were really written."""

    def __init__(self) -> None:
        self.reflinked = 0
        self.hard_linked = 0
        self.copied = 0
        self.rewritten = 0
        self.removed = 0
        self.bytes_written = 0
        self.replaced: list[str] = []

    def add(self, other: LinkReport) -> None:
        """Count what somebody else did, too."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

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


class Written(Value):
    """What a rewritten file became."""

    sha256: Sha256
    size: int


class Linker:
    """Changes one prefix. Use as a context manager: it holds the prefix folder open. Others may work in the same prefix
    at the same time, on other packages.
    """

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
        self._root = folder(str(prefix), described=options.described)

    def __enter__(self) -> Linker:
        self._root.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._root.__exit__()

    # ------------------------------------------------------------ folders

    def make_folder(self, place: str) -> None:
        """Make sure that a folder exists (with those above it) and lies inside the prefix. Raises `UnsafePath`."""
        if place in self._known:
            return
        self.make_folder(place.rpartition("/")[0])
        try:
            self._root.make(place)
        except FileExistsError:
            with self._root.alone():  # of two that find a stranger's file there one puts it aside
                self._accept_existing(place)
        self._known.add(place)

    def _accept_existing(self, place: str) -> None:
        mode = self._root.status(place).st_mode
        if stat.S_ISDIR(mode):
            return
        if stat.S_ISLNK(mode):
            real = os.path.realpath(os.path.join(self._real, place))
            if real != self._real and not real.startswith(self._real + os.sep):
                raise UnsafePath(f"{self.prefix / place} leads out of the environment, to {real}")
            if os.path.isdir(real):
                return
        self._set_aside(place)
        with suppress(FileExistsError):  # the other one was faster
            self._root.make(place)

    def _set_aside(self, path: str) -> None:
        """Something that no package owns stands where a file or folder must go: keep it under another name."""
        number = 1
        while os.path.lexists(os.path.join(self._real, f"{path}.pixi-saved-{number}")):
            number += 1
        aside = f"{path}.pixi-saved-{number}"
        self._root.rename(path, aside)
        self.report.replaced.append(f"{path} (kept as {aside})")

    # ------------------------------------------------------------ putting files in place

    def link(self, layout: Layout) -> None:
        """Put everything of a package in place, whatever of it is there already."""
        with folder(layout.source, described=self.options.described) as source:
            for place in sorted({item.target.rpartition("/")[0] for item in layout.items}):
                self.make_folder(place)
            link = source.linking_to(self._root)
            linked = 0
            for item in layout.items:
                if item.action == "link" and self._hardlink and not self._reflink:
                    # the way of nearly every file: one system call
                    try:
                        link(item.source, item.target)
                    except OSError as error:
                        self._link_otherwise(item, source, error)
                    else:
                        linked += 1
                else:
                    self._put(item, source)
            self.report.hard_linked += linked

    def _put(self, item: Item, source: Folder) -> None:
        action = item.action
        if action == "link":
            self._clear(item.target)
            self._clone_or_copy(item, source)
        elif action == "directory":
            self.make_folder(item.target)
        else:
            self._clear(item.target)
            if action == "copy":
                self._copy(item, source)
            elif action == "symlink":
                self._root.symlink(source.read_link(item.source), item.target)
            elif action == "write":
                self._write(item.target, item.content, item.mode)
            else:
                self._replace(item, source)

    def _link_otherwise(self, item: Item, source: Folder, error: OSError) -> None:
        if error.errno == errno.EEXIST:
            self._clear(item.target)
            try:
                self._root.link(source, item.source, item.target)
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
            self._root.remove(target)
        except FileNotFoundError:
            return
        except (IsADirectoryError, PermissionError):
            if not stat.S_ISDIR(self._root.status(target).st_mode):
                raise
            try:
                self._root.remove_folder(target)
            except OSError:
                self._set_aside(target)
            self._known.discard(target)

    def _clone_or_copy(self, item: Item, source: Folder) -> None:
        """A reflink where the file system has them; the first refusal decides for all files of this prefix."""
        if self._reflink:
            if self._clone(item, source):
                self.report.reflinked += 1
                return
            self._reflink = False
        if self._hardlink:
            try:
                self._root.link(source, item.source, item.target)
            except OSError as error:
                if error.errno not in _NO_HARD_LINK:
                    raise
                self._hardlink = error.errno != errno.EXDEV
            else:
                self.report.hard_linked += 1
                return
        self._copy(item, source)

    def _clone(self, item: Item, source: Folder) -> bool:
        if sys.platform != "linux":
            return False
        import fcntl

        with open(source.open(item.source, os.O_RDONLY), "rb") as original:
            mode = stat.S_IMODE(os.fstat(original.fileno()).st_mode) & 0o777
            fd = self._create(item.target, mode)
            try:
                fcntl.ioctl(fd, _FICLONE, original.fileno())
            except OSError:
                self._root.remove(item.target)
                return False
            finally:
                os.close(fd)
        return True

    def _copy(self, item: Item, source: Folder) -> None:
        content, mode = _read(item.source, source)
        if content is None:
            self._root.symlink(source.read_link(item.source), item.target)
            return
        self._write(item.target, content, (mode | 0o111) if item.mode & 0o111 else mode)
        self.report.copied += 1

    def _replace(self, item: Item, source: Folder) -> None:
        """Copy a file with the prefix put into it, and note what it became."""
        entry = item.entry
        content, mode = _read(item.source, source)
        if content is None:
            self._root.symlink(source.read_link(item.source), item.target)
            return
        changed = replace_prefix(
            content,
            placeholder=entry.prefix_placeholder or "",
            prefix=self._prefix_text,
            mode=entry.file_mode or "text",
            subdir=self.subdir,
            what=f"{item.source} of {os.path.basename(source.path)}",
        )
        self._write(item.target, changed, mode)
        if changed != content and operating_system(self.subdir) == "osx" and is_mach_o(changed):
            changed = self._sign(item.target, changed)
        # one second younger, so that no .pyc of the package passes for this file's
        modified = source.status(item.source).st_mtime + 1
        self._root.set_modified(item.target, modified)
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
        return self._root.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)

    def _write(self, target: str, content: bytes, mode: int) -> None:
        fd = self._create(target, mode)
        try:
            write_all(fd, content)
        finally:
            os.close(fd)
        self.report.bytes_written += len(content)

    # ------------------------------------------------------------ taking files away

    def remove(self, paths: Iterable[str]) -> None:
        """Remove files, the compiled files of removed modules, and the folders that this empties."""
        folders: set[str] = set()
        modules: dict[str, set[str]] = {}
        for path in paths:
            place, _, name = path.rpartition("/")
            if not self._is_inside(place):
                continue
            try:
                self._root.remove(path)
                self.report.removed += 1
            except (FileNotFoundError, NotADirectoryError):
                pass
            except (IsADirectoryError, PermissionError):
                if not os.path.isdir(os.path.join(self._real, path)):
                    raise
                folders.add(path)
            folders.add(place)
            if name.endswith(".py"):
                modules.setdefault(place, set()).add(name[:-3])
        for place, names in modules.items():
            self._remove_compiled(place, names)
            folders.add(f"{place}/__pycache__" if place else "__pycache__")
        self.prune(folders)

    def _is_inside(self, place: str) -> bool:
        """Whether a folder exists and is a place in the prefix, not behind a link that leads out. Raises `UnsafePath`
        where it leads out.
        """
        if place in self._known:
            return True
        try:
            real = os.path.realpath(os.path.join(self._real, place), strict=True)
        except OSError:
            return True  # gone already: removing says so by itself
        if real != self._real and not real.startswith(self._real + os.sep):
            raise UnsafePath(f"{self.prefix / place} leads out of the environment, to {real}")
        return True

    def _remove_compiled(self, place: str, modules: set[str]) -> None:
        """Python leaves `__pycache__/<module>.<tag>.pyc` behind for modules that it imported."""
        cache = f"{place}/__pycache__" if place else "__pycache__"
        try:
            names = os.listdir(os.path.join(self._real, cache))
        except OSError:
            return
        for name in names:
            found = _PYC.match(name)
            if found is not None and found["module"] in modules:
                self._root.remove(f"{cache}/{name}")

    def prune(self, folders: Iterable[str]) -> None:
        """Remove folders that are empty, and those above them which become so."""
        candidates: set[str] = set()
        for path in folders:
            while path and path not in candidates:
                candidates.add(path)
                path = path.rpartition("/")[0]  # noqa: PLW2901 - walks up
        for place in sorted(candidates, key=lambda path: (-path.count("/"), path)):
            if place == META_FOLDER:
                continue
            try:
                self._root.remove_folder(place)
            except OSError as error:
                if error.errno not in _STAYS:
                    raise
                continue
            self._known.discard(place)

    def move(self, source: str, target: str) -> None:
        """Move a file that changes places with another package's; nothing happens where that was done before."""
        if not os.path.lexists(os.path.join(self._real, source)):
            return
        self.make_folder(target.rpartition("/")[0])
        self._root.rename(source, target)


def _read(path: str, source: Folder) -> tuple[bytes | None, int]:
    """Content and permission bits of a file of the cache; None for a symbolic link."""
    try:
        fd = source.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except OSError as error:
        if error.errno == errno.ELOOP:
            return None, 0
        raise
    with open(fd, "rb") as file:
        return file.read(), stat.S_IMODE(os.fstat(fd).st_mode) & 0o777
