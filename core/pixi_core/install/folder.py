"""An open folder, below which paths are used: by its descriptor where the system can do that, else by its path.

With a descriptor the kernel resolves short relative paths, and a prefix that is renamed meanwhile is still the same
one. Windows has no such calls.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import partial
from typing import Self

_FLAGS = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_BINARY = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
HAS_DESCRIPTORS = os.link in os.supports_dir_fd and os.mkdir in os.supports_dir_fd


class Folder:
    """A folder used by its path: works everywhere. Paths given to the methods are relative, with `/`."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def _of(self, path: str) -> str:
        return os.path.join(self.path, path)

    def link(self, source: Folder, name: str, target: str) -> None:
        """A hard link at `target` to the file `name` of another folder (a symbolic link is linked as such)."""
        os.link(source._of(name), self._of(target), follow_symlinks=False)

    def linking_to(self, target: Folder) -> Callable[[str, str], None]:
        """`link` for many files of this folder: name here, path in the other."""
        return lambda name, path: target.link(self, name, path)

    def alone(self) -> AbstractContextManager[object]:
        """Do something while no other process does it that has opened this folder, where the system can do that."""
        return nullcontext()

    def make(self, path: str) -> None:
        """Make one folder."""
        os.mkdir(self._of(path))

    def remove(self, path: str) -> None:
        """Remove one file or link."""
        os.unlink(self._of(path))

    def remove_folder(self, path: str) -> None:
        """Remove one empty folder."""
        os.rmdir(self._of(path))

    def rename(self, path: str, target: str) -> None:
        """Move a file or folder inside this folder, over what stands there."""
        os.replace(self._of(path), self._of(target))

    def symlink(self, leads_to: str, path: str) -> None:
        """Make a symbolic link."""
        os.symlink(leads_to, self._of(path))

    def read_link(self, path: str) -> str:
        """Where a symbolic link leads."""
        return os.readlink(self._of(path))

    def status(self, path: str) -> os.stat_result:
        """What `lstat` says."""
        return os.lstat(self._of(path))

    def set_modified(self, path: str, seconds: float) -> None:
        """Set the time of modification."""
        os.utime(self._of(path), (seconds, seconds))

    def open(self, path: str, flags: int, mode: int = 0o644) -> int:
        """A descriptor of a file, in binary mode, closed in children."""
        return os.open(self._of(path), flags | _BINARY, mode)


class DescribedFolder(Folder):
    """The same by descriptor."""

    def __enter__(self) -> Self:
        self._fd = os.open(self.path, _FLAGS)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def link(self, source: Folder, name: str, target: str) -> None:
        """A hard link at `target` to the file `name` of another folder (a symbolic link is linked as such)."""
        if not isinstance(source, DescribedFolder):
            raise TypeError("both folders must be open in the same way")
        os.link(name, target, src_dir_fd=source._fd, dst_dir_fd=self._fd, follow_symlinks=False)

    def linking_to(self, target: Folder) -> Callable[[str, str], None]:
        """`link` for many files of this folder: name here, path in the other."""
        if not isinstance(target, DescribedFolder):
            raise TypeError("both folders must be open in the same way")
        return partial(os.link, src_dir_fd=self._fd, dst_dir_fd=target._fd, follow_symlinks=False)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Do something while no other process does it that has opened this folder, where the system can do that."""
        import fcntl

        with suppress(OSError):  # a file system without locks
            fcntl.flock(self._fd, fcntl.LOCK_EX)
        try:
            yield
        finally:
            with suppress(OSError):
                fcntl.flock(self._fd, fcntl.LOCK_UN)

    def make(self, path: str) -> None:
        """Make one folder."""
        os.mkdir(path, dir_fd=self._fd)

    def remove(self, path: str) -> None:
        """Remove one file or link."""
        os.unlink(path, dir_fd=self._fd)

    def remove_folder(self, path: str) -> None:
        """Remove one empty folder."""
        os.rmdir(path, dir_fd=self._fd)

    def rename(self, path: str, target: str) -> None:
        """Move a file or folder inside this folder, over what stands there."""
        os.rename(path, target, src_dir_fd=self._fd, dst_dir_fd=self._fd)

    def symlink(self, leads_to: str, path: str) -> None:
        """Make a symbolic link."""
        os.symlink(leads_to, path, dir_fd=self._fd)

    def read_link(self, path: str) -> str:
        """Where a symbolic link leads."""
        return os.readlink(path, dir_fd=self._fd)

    def status(self, path: str) -> os.stat_result:
        """What `lstat` says."""
        return os.stat(path, dir_fd=self._fd, follow_symlinks=False)

    def set_modified(self, path: str, seconds: float) -> None:
        """Set the time of modification."""
        os.utime(path, (seconds, seconds), dir_fd=self._fd)

    def open(self, path: str, flags: int, mode: int = 0o644) -> int:
        """A descriptor of a file, in binary mode, closed in children."""
        return os.open(path, flags | _BINARY, mode, dir_fd=self._fd)


def folder(path: str, *, described: bool = HAS_DESCRIPTORS) -> Folder:
    """A folder to be entered (`with`) before it is used."""
    return DescribedFolder(path) if described else Folder(path)
