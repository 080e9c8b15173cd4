"""Files and folders: whole or absent, locked while they change, linked as cheaply as the disk allows.

Errors of the operating system leave this module as ours, with the path they speak of: no space or quota as `DiskFull`,
missing rights and read-only file systems as `InstallError`.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal, Self

from .errors import Cancelled, DiskFull, InstallError
from .names import WRITING

LinkKind = Literal["reflink", "hardlink", "copy"]
LINK_KINDS: tuple[LinkKind, ...] = ("reflink", "hardlink", "copy")
TOLD_AFTER = 1.0
"""Seconds after which whoever waits for a lock is told who holds it."""

_FICLONE = 0x40049409
_QUOTA = getattr(errno, "EDQUOT", None)
_NO_RIGHT = frozenset([errno.EACCES, errno.EPERM, errno.EROFS])
_BUSY = frozenset([errno.EAGAIN, errno.EACCES, errno.EWOULDBLOCK, errno.EDEADLK])
_NO_LINK = frozenset([errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EACCES, errno.ENOSYS, errno.EINVAL])
_PAUSE = 0.02
_CLOEXEC = getattr(os, "O_CLOEXEC", 0)


# ---------------------------------------------------------------- errors


def translated(error: OSError, path: Path | str, *, needed: int | None = None) -> InstallError:
    """An error of the operating system as one of ours; `path` is named where the error itself names none."""
    error = _first_of_many(error)
    shown = error.filename if isinstance(error.filename, str) and os.path.isabs(error.filename) else str(path)  # noqa: PTH117 - text, only shown
    if error.errno == errno.EFBIG:
        return DiskFull(shown, needed=needed, limit=_longest_file(), way="raise that limit (`ulimit -f`)")
    if error.errno == _QUOTA:
        way = "free some of what counts against it, or have it raised,"
        return DiskFull(shown, needed=needed, limit="the quota is used up", way=way)
    if error.errno == errno.ENOSPC:
        return DiskFull(shown, needed=needed, free=free_bytes(path), names=_has_inodes(path))
    hints = []
    if error.errno == errno.EROFS:
        hints.append("the file system is read-only: choose another folder")
    elif error.errno in _NO_RIGHT:
        hints.append(f"check who owns {shown} and whether you may write there")
    return InstallError(f"cannot write {shown}: {error.strerror or error}", hints=hints)


def _first_of_many(error: OSError) -> OSError:
    """`shutil.copytree` goes on to the end, and tells of all failures at once, as (source, target, text)."""
    if error.errno is not None or not error.args or not isinstance(error.args[0], list) or not error.args[0]:
        return error
    _, target, text = error.args[0][0]
    number = str(text).removeprefix("[Errno ").partition("]")[0]
    if not number.isdecimal():
        return OSError(None, str(text), str(target))
    return OSError(int(number), os.strerror(int(number)), str(target))


@contextmanager
def os_errors(path: Path | str, *, needed: int | None = None) -> Iterator[None]:
    """Inside, `OSError` becomes `DiskFull` or `InstallError` about `path`."""
    try:
        yield
    except OSError as error:
        raise translated(error, path, needed=needed) from error


def free_bytes(path: Path | str) -> int | None:
    """Bytes that this user may still write where `path` is, or would be; None where the system does not tell."""
    import shutil

    place = Path(path)
    for folder in (place, *place.parents):
        try:
            return shutil.disk_usage(folder).free
        except FileNotFoundError:
            continue
        except OSError:
            return None
    return None


def folds_case(folder: Path) -> bool:
    """Whether names that differ in case alone are one file in `folder`, or in what of the path to it there is. A file
    system says so, not an operating system: Linux has disks of Windows, and folders of its own kinds, that do.
    """
    for path in (*folder.iterdir(), folder, *folder.parents) if folder.is_dir() else (folder, *folder.parents):
        other = path.with_name(path.name.swapcase()) if path.name else path
        if other.name != path.name and path.exists():
            return other.exists() and other.samefile(path)
    return False


def _longest_file() -> str:
    """What sets an end to the length of a file: the limit of this process, else the file system."""
    if sys.platform != "win32":
        import resource

        limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
        if limit != resource.RLIM_INFINITY:
            return f"no file may be longer than {limit:,} bytes"
    return "the file system takes no longer file"


def _has_inodes(path: Path | str) -> bool:
    """Whether another file can be made where `path` is; true as well where the system does not tell."""
    if sys.platform == "win32":
        return True
    for folder in (Path(path), *Path(path).parents):
        with suppress(OSError):
            found = os.statvfs(folder)
            return found.f_files == 0 or found.f_favail > 0
    return True


# ---------------------------------------------------------------- folders


def pixi_home(environ: Mapping[str, str]) -> Path:
    """Where what belongs to the user and to no workspace lies: `PIXI_HOME`, else `~/.pixi`."""
    stated = environ.get("PIXI_HOME")
    return Path(stated).expanduser().absolute() if stated else home_folder(environ) / ".pixi"


def home_folder(environ: Mapping[str, str]) -> Path:
    """The user's home: `HOME` (`USERPROFILE` on Windows) where it is a folder, else what the system says, else the
    folder for temporary files (a container may give its user no home).
    """
    stated = environ.get("USERPROFILE" if sys.platform == "win32" else "HOME")
    if stated and Path(stated).is_absolute() and not Path(stated).is_file() and stated != "/dev/null":
        return Path(stated)
    try:
        found = Path.home()
    except RuntimeError:
        found = Path("/")
    if found.is_dir() and found != Path(found.anchor) and str(found) != stated:
        return found
    import tempfile

    return Path(tempfile.gettempdir())


# ---------------------------------------------------------------- writing


def ensure_dir(path: Path) -> Path:
    """The folder, made with its parents where it is missing. Raises `InstallError`, `DiskFull`."""
    with os_errors(path):
        path.mkdir(parents=True, exist_ok=True)
    return path


def atomic_write(path: Path, data: bytes | str, *, fsync: bool = True, private: bool = False) -> None:
    """Write a whole file or nothing: a temporary file beside it, then a rename. Text is written as UTF-8 and with the
    line ends it has; an existing file keeps its mode, a symbolic link is followed. With `private` nobody but the owner
    can read it, at no moment. Raises `DiskFull`, `InstallError`.
    """
    content = data.encode("utf-8") if isinstance(data, str) else data
    with os_errors(path, needed=len(content)):
        target = Path(os.path.realpath(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            mode: int | None = stat.S_IMODE(target.stat().st_mode)
        except FileNotFoundError:
            mode = None
        try:
            fd, temporary = _working_copy(target)
        except OSError as error:
            error.filename = str(target)  # the user knows the file, not its temporary name
            raise
        try:
            if private:
                mode = 0o600
                os.chmod(temporary, mode)
            write_all(fd, content)
            if mode is not None:
                os.chmod(temporary, mode)
            if fsync:
                os.fsync(fd)
            if sys.platform == "win32":  # which renames no open file
                os.close(fd)
                fd = -1
            replace(temporary, target)
        except BaseException as error:
            with suppress(OSError):
                temporary.unlink()
            if isinstance(error, OSError):
                error.filename = str(target)
            raise
        finally:
            if fd >= 0:
                os.close(fd)  # not before the rename: with it goes the right to the temporary name
        if fsync:
            sync_folder(target.parent)


@contextmanager
def replacing(path: Path | str, cache: Path | str) -> Iterator[BinaryIO]:
    """A file to write into, which takes the place of `path` at the end of the block, unsynced: for caches, where a file
    that a power cut tore is found out by its readers. It is written in a folder of `cache`, where `remove_abandoned`
    finds what a killed writer left. Raises `OSError`; then `path` is as it was.
    """
    folder = os.path.join(cache, WRITING)
    os.makedirs(folder, exist_ok=True)
    fd, working = _held_file(folder)
    with os.fdopen(fd, "wb") as file:
        try:
            yield file
            file.flush()
            if sys.platform == "win32":
                file.close()
            replace(Path(working), Path(path))
        except BaseException:
            with suppress(OSError):
                os.unlink(working)
            raise


def _held_file(folder: str) -> tuple[int, str]:
    """A new file, open and locked for as long as its writer lives."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | _CLOEXEC | getattr(os, "O_BINARY", 0)
    while True:
        path = os.path.join(folder, f"{os.getpid()}-{os.urandom(8).hex()}")
        fd = os.open(path, flags, 0o666)
        with suppress(InstallError):  # a file system without locks, where nobody removes what lies there
            # another process may have taken it for abandoned between the two calls
            if not try_lock(fd, Path(path)) or not os.path.exists(path):
                os.close(fd)
                continue
        return fd, path


def remove_abandoned(cache: Path | str) -> None:
    """Remove what killed writers of a cache (`replacing`) left; what a living one holds stays."""
    folder = os.path.join(cache, WRITING)
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError, InstallError):
                fd = os.open(entry.path, os.O_RDWR | _CLOEXEC | getattr(os, "O_NOFOLLOW", 0))
                try:
                    abandoned = try_lock(fd, Path(entry.path))
                    if abandoned and sys.platform != "win32":
                        os.unlink(entry.path)
                finally:
                    os.close(fd)
                if abandoned and sys.platform == "win32":  # which removes no open file
                    os.unlink(entry.path)


def _working_copy(target: Path) -> tuple[int, Path]:
    """An empty file beside the target, open for writing. Its name is fixed, so that the next writer overwrites what a
    killed one left; while another writer holds it, the name is one that nobody has.
    """
    if sys.platform != "win32":
        import fcntl

        place = target.parent / f".{target.name[:200]}.tmp"
        with suppress(OSError):  # another user's, or a file system without locks
            fd = os.open(place, os.O_WRONLY | os.O_CREAT | _CLOEXEC | os.O_NOFOLLOW, 0o666)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                held = os.fstat(fd)
                # its writer may have renamed it away between the two calls
                if os.path.samestat(held, os.lstat(place)) and held.st_nlink == 1 and held.st_uid == os.geteuid():
                    os.ftruncate(fd, 0)
                    return fd, place
            except OSError as error:
                os.close(fd)
                if error.errno not in (*_BUSY, errno.ENOENT):
                    os.unlink(place)
                raise
            os.close(fd)
    place = target.parent / f".{target.name[:200]}.{os.getpid()}-{os.urandom(4).hex()}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _CLOEXEC | getattr(os, "O_BINARY", 0)
    return os.open(place, flags, 0o666), place


def hold(path: Path) -> int:
    """A descriptor of a file that is there, locked until it is closed; -1 where another process has it locked, where it
    is gone, and where that cannot be known.
    """
    if sys.platform == "win32":
        return -1
    try:
        fd = os.open(path, os.O_RDONLY | _CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return -1
    import fcntl  # mostly there is no such file

    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(fd), os.lstat(path)):
            return fd
    except OSError:
        pass
    os.close(fd)
    return -1


def remove_unheld(path: Path) -> None:
    """Remove a file that its writer `hold`s as long as it lives, where there is no such writer any more."""
    fd = hold(path)
    if fd >= 0:
        with suppress(OSError):
            os.unlink(path)
        os.close(fd)


def drop_working_copy(target: Path) -> None:
    """Remove what a killed `atomic_write` has left beside its target. Whoever opens it now and gets the lock after us
    finds it gone, and takes another name.
    """
    remove_unheld(target.parent / f".{target.name[:200]}.tmp")


def write_all(fd: int, content: bytes | memoryview) -> None:
    """Write every byte: one call nearly always, more where a signal or the system cut it short."""
    written = os.write(fd, content)
    while written < len(content):
        written += os.write(fd, memoryview(content)[written:])


def replace(source: Path, target: Path) -> None:
    """Rename over `target`. On Windows a virus scanner or a reader may hold it for a moment: try for a second."""
    for attempt in range(20):
        try:
            os.replace(source, target)
        except PermissionError:
            if os.name != "nt" or attempt == 19:
                raise
            time.sleep(0.05)
        else:
            return


def sync_folder(path: Path) -> None:
    """Make a rename inside the folder last through a power cut, where the system can do that."""
    with suppress(OSError):  # Windows does not open folders
        fd = os.open(path, os.O_RDONLY | _CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def remove_tree(path: Path) -> None:
    """Remove a file, a link or a folder with all that is in it; read-only folders too; absent is fine.

    Raises `InstallError`.
    """
    import shutil

    try:
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            os.unlink(path)
            return
    except FileNotFoundError:
        return
    except OSError as error:
        raise translated(error, path) from error
    with suppress(OSError):
        shutil.rmtree(path)
        return
    # a folder without write permission keeps its files: give it back, then once more
    for folder, _, _ in os.walk(path):
        with suppress(OSError):
            os.chmod(folder, 0o700)
    with suppress(FileNotFoundError), os_errors(path):
        shutil.rmtree(path)


# ---------------------------------------------------------------- linking


def link_file(source: Path | str, target: Path | str, allow: Sequence[LinkKind] = LINK_KINDS) -> LinkKind:
    """Put a regular file at a place where nothing is, in the first allowed way that works here, and say which. Whatever
    the way, it has the source's mode and time of change, by which Python knows its bytecode.

    Raises `FileExistsError` where something is; `DiskFull`, `InstallError`.
    """
    try:
        if "reflink" in allow and _reflink(source, target):
            return "reflink"
        if "hardlink" in allow and _hard_link(source, target):
            return "hardlink"
        if "copy" not in allow:
            raise InstallError(
                f"{source} cannot be linked to {target}", hints=["allow copies, or keep both on one file system"]
            )
        _copy(source, target)
    except FileExistsError:
        raise
    except OSError as error:
        raise translated(error, target) from error
    return "copy"


def _reflink(source: Path | str, target: Path | str) -> bool:
    if sys.platform != "linux":
        return False
    import fcntl

    with open(source, "rb") as original:
        status = os.fstat(original.fileno())
        fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _CLOEXEC, stat.S_IMODE(status.st_mode))
        try:
            fcntl.ioctl(fd, _FICLONE, original.fileno())
            os.utime(fd, ns=(status.st_atime_ns, status.st_mtime_ns))
        except OSError:
            os.unlink(target)
            return False
        finally:
            os.close(fd)
    return True


def _hard_link(source: Path | str, target: Path | str) -> bool:
    try:
        os.link(source, target, follow_symlinks=False) if sys.platform != "win32" else os.link(source, target)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno in _NO_LINK:
            return False
        raise
    return True


def _copy(source: Path | str, target: Path | str) -> None:
    import shutil

    with open(source, "rb") as original:
        status = os.fstat(original.fileno())
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _CLOEXEC | getattr(os, "O_BINARY", 0)
        fd = os.open(target, flags, stat.S_IMODE(status.st_mode))
        try:
            with os.fdopen(fd, "wb") as copy:
                shutil.copyfileobj(original, copy, 1 << 20)
            os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
        except OSError:
            os.unlink(target)
            raise


# ---------------------------------------------------------------- locks


class FileLock:
    """One holder at a time, across processes and threads: an advisory lock on a file, dropped by the system when its
    holder dies. The file stays where it is.

    `on_wait` is called once, after a second of waiting, with who holds it (`process 4711 (pixi install)`).
    Raises `Cancelled` when `should_stop` says so while waiting; `InstallError` where the file cannot be made.
    """

    def __init__(
        self,
        path: Path,
        *,
        on_wait: Callable[[str], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> None:
        self.path = path
        self.waited = False
        self._on_wait = on_wait
        self._should_stop = should_stop
        self._fd = -1

    def acquire(self, *, wait: bool = True) -> bool:
        """Take the lock; False when `wait` is false and another holds it."""
        with os_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            try:
                fd = os.open(self.path, os.O_RDWR | os.O_CREAT | _CLOEXEC, 0o666)
            except PermissionError:
                if not self.path.is_file():
                    raise
                # a file of somebody else: whoever can read it can wait for it
                fd = os.open(self.path, os.O_RDONLY | _CLOEXEC)
        try:
            if not self._wait(fd, wait=wait):
                os.close(fd)
                return False
        except BaseException:
            os.close(fd)
            raise
        self._fd = fd
        return True

    def _wait(self, fd: int, *, wait: bool) -> bool:
        started, told = time.monotonic(), False
        while not try_lock(fd, self.path):
            if not wait:
                return False
            self.waited = True
            if self._should_stop is not None and self._should_stop():
                raise Cancelled
            if not told and self._on_wait is not None and time.monotonic() - started >= TOLD_AFTER:
                told = True
                self._on_wait(lock_holder(fd))
            time.sleep(_PAUSE)
        return True

    @property
    def descriptor(self) -> int:
        """The open file whose copies hold the lock, too: another process that is given one."""
        return self._fd

    def release(self) -> None:
        """Let others have it. Calling it twice does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def try_lock(fd: int, path: Path) -> bool:
    """Lock an open file for this process alone, without waiting; False where another one has it. `path` is named in
    the `InstallError` of a file system that knows no locks.
    """
    try:
        if sys.platform == "win32":
            import msvcrt

            # far behind any content, which others may read while we hold it
            os.lseek(fd, 1 << 30, os.SEEK_SET)
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _BUSY:
            return False
        raise InstallError(
            f"{path} cannot be locked: {error.strerror}",
            hints=["its file system has no locks; use a folder on a local disk (`cache`, `detached-environments`)"],
        ) from error
    return True


def lock_holder(fd: int) -> str:
    """Who holds the lock on an open file, as far as the system tells."""
    try:
        inode = os.fstat(fd).st_ino
        with open("/proc/locks", encoding="ascii", errors="replace") as table:
            for line in table:
                words = line.split()
                if "->" not in words and len(words) > 5 and words[5].rpartition(":")[2] == str(inode):
                    return f"process {words[4]}{_command(words[4])}"
    except OSError:
        pass
    return "another process"


def _command(process: str) -> str:
    try:
        words = Path(f"/proc/{process}/cmdline").read_bytes()[:4096].decode("utf-8", "replace").split("\0")
    except OSError:
        return ""
    shown = " ".join(word for word in words if word)[:80]
    return f" ({shown})" if shown else ""
