"""Has a source folder changed since something was built from it?

An editable installation only follows the files that say how it is built: its modules are used where they lie. Anything
else follows every file that may go into a wheel, and the commit, which many back ends make a version of.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

RULES = ("pyproject.toml", "setup.py", "setup.cfg")
READ_WHOLE = 1 << 20
"""Files up to this many bytes are read; larger ones count by size and time."""
_PRODUCTS = frozenset(["build", "dist"])


def source_stamp(folder: Path, *, editable: bool = False) -> str:
    """A digest of what a build of the folder depends on, 64 hexadecimal digits."""
    found = hashlib.sha256(b"editable\n" if editable else b"tree\n")
    for name in sorted(_rules(folder) if editable else _files(folder)):
        found.update(os.fsencode(name) + b"\0" + _content(folder / name) + b"\n")
    if not editable:
        found.update(_commit(folder))
    return found.hexdigest()


def _rules(folder: Path) -> Iterator[str]:
    return (name for name in RULES if (folder / name).is_file())


def _files(folder: Path) -> Iterator[str]:
    """Relative paths of everything but hidden files, what builds leave behind, and environments."""
    for place, folders, files in os.walk(folder):
        inner = os.path.relpath(place, folder)
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".")
            and name not in ("__pycache__", "node_modules")
            and not name.endswith(".egg-info")
            and not (inner == "." and name in _PRODUCTS)
            and not os.path.isdir(os.path.join(place, name, "conda-meta"))
            and not os.path.isfile(os.path.join(place, name, "pyvenv.cfg"))
        ]
        for name in files:
            if not name.startswith(".") and not name.endswith((".pyc", ".pyo")):
                yield name if inner == "." else os.path.join(inner, name)


def _content(path: Path) -> bytes:
    """What stands for a file's content; nothing for one that has just gone."""
    with suppress(OSError):
        status = os.stat(path)
        if status.st_size > READ_WHOLE:
            return b"%d %d" % (status.st_size, status.st_mtime_ns)
        return hashlib.sha256(path.read_bytes()).digest()
    return b""


def _commit(folder: Path) -> bytes:
    """The commit that is checked out, and the names of the tags: versions are made of both. Nothing outside of git."""
    for place in (folder, *folder.parents):
        git = place / ".git"
        if git.is_dir():
            break
    else:
        return b""
    parts = [_read(git / "HEAD"), _read(git / "packed-refs")]
    reference = parts[0].partition(b"ref: ")[2].strip()
    if reference:
        parts.append(_read(git / os.fsdecode(reference)))
    with suppress(OSError):
        parts += sorted(os.fsencode(entry) for entry in os.listdir(git / "refs" / "tags"))
    return b"\0".join(parts)


def _read(path: Path) -> bytes:
    with suppress(OSError):
        return path.read_bytes()
    return b""
