"""What only root can set up, and what root must give up to see what others see."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65534
_CAPABILITIES_3 = 0x20080522


def is_root() -> bool:
    """Whether files of other users can be made, and small file systems mounted."""
    return sys.platform == "linux" and os.geteuid() == 0


def give_up_privileges() -> None:
    """From now on this process may write and read only what its user may (it stays the owner of its files)."""
    if not is_root():
        return
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_3, 0)
    if ctypes.CDLL(None, use_errno=True).capset(header, (ctypes.c_uint32 * 6)()):
        raise OSError(ctypes.get_errno(), "capset")


def belongs_to_nobody(folder: Path) -> None:
    """Another user owns everything below a folder; all may read it."""
    for base, folders, names in os.walk(folder):
        for path in (base, *(os.path.join(base, name) for name in (*folders, *names))):
            os.lchown(path, NOBODY, NOBODY)


@contextmanager
def small_disk(folder: Path, size: int, inodes: int = 0) -> Iterator[bool]:
    """A file system of `size` bytes, and of so many inodes (0: as many as you like), at `folder`; gives False where the
    system does not let us.
    """
    folder.mkdir(parents=True, exist_ok=True)
    mounted = is_root() and mount("-t", "tmpfs", "-o", f"size={size},nr_inodes={inodes}", "tmpfs", str(folder))
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)


def mount(*words: str) -> bool:
    """Whether `mount` did it."""
    return subprocess.run(["mount", *words], capture_output=True, check=False).returncode == 0


@contextmanager
def read_only(folder: Path) -> Iterator[bool]:
    """A folder as on a read-only file system; gives False where the system does not let us."""
    mounted = is_root() and mount("--bind", str(folder), str(folder))
    try:
        yield mounted and mount("-o", "remount,bind,ro", str(folder))
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)
