"""What only root can set up, and what root must give up to see what others see."""

from __future__ import annotations

import ctypes
import os
import shutil
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


@contextmanager
def quota_disk(folder: Path, image: Path, size: int) -> Iterator[bool]:
    """A file system whose folder `volume` has a quota (btrfs, from a file): `set_quota` says how much there may be.
    Gives False where the system has none.
    """
    with _disk_of_image(folder, image, size, "mkfs.btrfs -q", "mount -o loop") as mounted:
        yield mounted and _did("btrfs", "quota", "enable", str(folder)) and _did(*VOLUME, str(folder / "volume"))


VOLUME = ("btrfs", "subvolume", "create")


def set_quota(volume: Path, room: int | None) -> None:
    """Let so many bytes more be written to a folder with a quota; None: as many as there is space."""
    disk = str(volume.parent)  # whose own quota has no end: on a full one even the change of a limit is refused
    subprocess.run(["btrfs", "filesystem", "sync", disk], check=True)
    words = ["btrfs", "qgroup", "show", "--raw", "-f", str(volume)]
    shown = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    [(group, used)] = [line.split()[:2] for line in shown.splitlines() if line.startswith("0/")]
    limit = "none" if room is None else str(int(used) + room)
    subprocess.run(["btrfs", "qgroup", "limit", limit, group, disk], check=True)


@contextmanager
def folding_disk(folder: Path, image: Path, size: int) -> Iterator[bool]:
    """A file system on which names that differ in case alone are one file, with links and modes (NTFS, from a file).
    Gives False where the system has none.
    """
    with _disk_of_image(
        folder, image, size, "mkntfs -q -Q -F", "lowntfs-3g -o ignore_case,permissions,hard_remove"
    ) as mounted:
        yield mounted


@contextmanager
def _disk_of_image(folder: Path, image: Path, size: int, make: str, bind: str) -> Iterator[bool]:
    folder.mkdir(parents=True, exist_ok=True)
    with image.open("wb") as file:
        file.truncate(size)
    mounted = is_root() and _did(*make.split(), str(image)) and _did(*bind.split(), str(image), str(folder))
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)
        image.unlink()


def _did(*words: str) -> bool:
    """Whether a program is there, and did it."""
    return shutil.which(words[0]) is not None and not subprocess.run(words, capture_output=True, check=False).returncode


def mount(*words: str) -> bool:
    """Whether `mount` did it."""
    return _did("mount", *words)


@contextmanager
def read_only(folder: Path) -> Iterator[bool]:
    """A folder as on a read-only file system; gives False where the system does not let us."""
    mounted = is_root() and mount("--bind", str(folder), str(folder))
    try:
        yield mounted and mount("-o", "remount,bind,ro", str(folder))
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)
