"""Whether a prefix is as it was, by its fingerprint file or by every record in it: nothing but small modules of the
standard library, for whoever starts in milliseconds.
"""

from __future__ import annotations

import os

META_FOLDER = "conda-meta"
FINGERPRINT_FILE = ".pixi-environment-fingerprint"
FINGERPRINT_SIZE = 16
INSTALLING = b"pixi:installing!"
JOURNAL_FILE = ".pixi-transaction"


def fingerprint(prefix: str | os.PathLike[str]) -> str | None:
    """What is installed, as 16 characters; None where that is not known (never installed, or under way)."""
    folder = os.path.join(prefix, META_FOLDER)
    try:
        with open(os.path.join(folder, FINGERPRINT_FILE), "rb") as file:
            content = file.read(FINGERPRINT_SIZE + 1)
    except OSError:
        return None
    if len(content) != FINGERPRINT_SIZE or content == INSTALLING:
        return None
    return None if os.path.lexists(os.path.join(folder, JOURNAL_FILE)) else content.decode("ascii", "replace")


def stamp(prefix: str | os.PathLike[str]) -> str:
    """A digest over everything that comparing a prefix with its lock file looks at, without reading any of it: the
    records, the folders of distributions, the interpreter, each by inode, size and times. The time of change (ctime)
    cannot be set, so nobody alters a record behind its back. Empty where there is nothing to look at.
    """
    import hashlib

    base = os.fspath(prefix)
    found = [base]
    try:
        found += _looks(os.path.join(base, META_FOLDER), "")
        library = os.path.join(base, "lib")
        folders = [os.path.join(base, "Lib")]
        if os.path.isdir(library):
            folders += [entry.path for entry in os.scandir(library) if entry.name.startswith(("python", "pypy"))]
        for folder in sorted(folders):
            packages = os.path.join(folder, "site-packages")
            if os.path.isdir(packages):
                found += [_look(packages, os.stat(packages)), *_looks(packages, ".dist-info")]
        for python in ("bin/python", "python.exe", "Scripts/python.exe"):
            path = os.path.join(base, python)
            if os.path.exists(path):
                found.append(_look(path, os.stat(path)))
    except OSError:
        return ""
    return hashlib.sha256("\n".join(found).encode("utf-8", "surrogateescape")).hexdigest()


def _looks(folder: str, ending: str) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted([_look(entry.name, entry.stat(follow_symlinks=False)) for entry in entries
                       if entry.name.endswith(ending)])  # fmt: skip


def _look(name: str, status: os.stat_result) -> str:
    return f"{name} {status.st_ino} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"
