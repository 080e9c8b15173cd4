"""Who uses an environment of a store: while a lease is held, nobody removes it.

A lease is a file. One that a process holds is locked by it, so that the system drops it when the process ends; one for
another machine, or for a service that comes back later, says until when it holds; one for a workspace names the link
there, and holds while that leads to the environment. Users who may write nothing else of a
store may make leases: their folder is open to all, and sticky.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ..errors import InstallError
from ..fs import atomic_write, os_errors, try_lock
from .entry import Entry, entry_at

_STICKY = 0o1777
_LONGEST = 65536
_READ_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)


def lease_folder(root: Path) -> Path:
    """Where the leases of a store are; made where it is missing. Raises `InstallError`."""
    folder = root / "leases"
    with os_errors(folder):
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            with suppress(PermissionError):  # somebody else was faster
                folder.chmod(_STICKY)
    return folder


class Lease:
    """The use of an entry, until `release`, the end of this process, or (with `seconds`) that time from now on.

    To be taken by whoever holds the entry's lock: else it might be collected in the same moment. Raises `InstallError`.
    """

    def __init__(self, entry: Entry, *, seconds: float | None = None, now: Callable[[], float] = time.time) -> None:
        until = None if seconds is None else now() + seconds
        self.path = lease_folder(entry.root) / f"{entry.key}.{os.getpid()}.{os.urandom(6).hex()}"
        fields = {"until": until, "pid": os.getpid(), "host": socket.gethostname(), "user": _user()}
        with os_errors(self.path):
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o644)
            os.write(fd, json.dumps(fields).encode())
        if until is None:
            try_lock(fd, self.path)
            self._fd = fd
        else:
            os.close(fd)
            self._fd = -1

    def release(self) -> None:
        """Give it back. Calling it twice does nothing."""
        with suppress(FileNotFoundError):
            self.path.unlink()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def hold(prefix: Path) -> Lease | None:
    """Lease the environment of a store at this path; None for any other prefix, and where no lease can be made (a store
    that is read-only). Waits for no lock, which anybody who reads the store could keep: what a workspace is attached to
    is leased by its link, too.
    """
    entry = entry_at(prefix)
    if entry is None or not entry.is_whole:
        return None
    try:
        return Lease(entry)
    except InstallError:
        return None


def lease_link(entry: Entry, link: Path) -> None:
    """Lease an entry for as long as the symbolic link `link` leads to it. Raises `InstallError`."""
    place = hashlib.sha256(os.fsencode(link)).hexdigest()[:16]
    path = lease_folder(entry.root) / f"{entry.key}.link-{place}"
    if _fields(path) is None:
        atomic_write(path, json.dumps({"link": str(link), "host": socket.gethostname(), "user": _user()}))


def active_leases(entry: Entry, *, now: Callable[[], float] = time.time) -> list[dict[str, Any]]:
    """The leases of an entry that hold; those that do not any more are removed where this user may."""
    found = []
    try:
        names = sorted(name for name in os.listdir(entry.root / "leases") if name.startswith(f"{entry.key}."))
    except FileNotFoundError:
        return []
    for name in names:
        path = entry.root / "leases" / name
        fields = _fields(path)
        if fields is None:
            continue
        if _holds(entry, path, fields, now):
            found.append(fields)
        else:
            with suppress(OSError):
                path.unlink()
    return found


def _holds(entry: Entry, path: Path, fields: dict[str, Any], now: Callable[[], float]) -> bool:
    link = fields.get("link")
    if isinstance(link, str):
        return _leads_to(link, entry.prefix)
    until = fields.get("until")
    if isinstance(until, (int, float)):
        return now() < until
    try:
        # reading rights are enough to ask for the lock of somebody else's file
        fd = os.open(path, _READ_FLAGS)
    except FileNotFoundError:
        return False
    except PermissionError:
        return True  # who may not look believes it
    except OSError:
        return False  # no file: nobody can hold it
    try:
        return not try_lock(fd, path)
    finally:
        os.close(fd)


def _fields(path: Path) -> dict[str, Any] | None:
    """What a lease says; one that is only being written holds until it can be read. None where it is gone.

    Anybody may put things into that folder: what is no file is not waited for, and of a long one only the beginning is
    read.
    """
    try:
        fd = os.open(path, _READ_FLAGS)
    except FileNotFoundError:
        return None
    except OSError:
        return {}
    try:
        found = json.loads((os.read(fd, _LONGEST) if stat.S_ISREG(os.fstat(fd).st_mode) else b"") or b"{}")
    except (OSError, ValueError, RecursionError):
        return {}
    finally:
        os.close(fd)
    return found if isinstance(found, dict) else {}


def _leads_to(link: str, prefix: Path) -> bool:
    """Whether a link leads to a prefix; one that may not be looked at is believed."""
    try:
        os.lstat(link)
    except PermissionError:
        return True
    except OSError:
        return False
    return os.path.realpath(link) == os.path.realpath(prefix)


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid()) if hasattr(os, "getuid") else ""
