"""Two prefixes compared: what files there are, of what kind, mode and content, whatever the prefix is called."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

Tree = dict[str, tuple[str, int, str]]


def tree(prefix: Path, *, without: tuple[str, ...] = ("conda-meta/",)) -> Tree:
    """Relative path → (kind, permission bits, digest or link target) of everything below `prefix` but folders.

    The prefix's own path counts as one fixed word, and NULs after it as none, so that prefixes of different names
    compare; paths that begin with one of `without` are left out.
    """
    found: Tree = {}
    for folder, folders, files in os.walk(prefix):
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        for name in files + links:
            path = Path(folder) / name
            relative = path.relative_to(prefix).as_posix()
            if not relative.startswith(without):
                found[relative] = describe(path, os.fsencode(prefix))
    return found


def describe(path: Path, prefix: bytes) -> tuple[str, int, str]:
    """Kind, permission bits, and digest or link target."""
    if path.is_symlink():
        return ("link", 0, os.readlink(path))
    content = path.read_bytes()
    if prefix in content:
        content = content.replace(prefix, b"<prefix>")
        content = content.replace(b"\0", b"")
    return ("file", path.stat().st_mode & 0o777, hashlib.sha256(content).hexdigest())
