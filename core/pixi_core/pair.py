"""Manifest and lock file written as one: whoever looks after a kill finds both old, or both new.

Where both change, `.pixi/unfinished-pair.json` says first what they become, and goes when they are. Each file is
written whole or not at all; where only one of them was, opening the workspace writes the other. That may happen while
the writer is at work: both then write the same. What somebody has changed by hand meanwhile stays as it is.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from .errors import MALFORMED, PixiError
from .fs import atomic_write, drop_working_copy, hold, os_errors, remove_unheld

_INTENT = "unfinished-pair.json"
_ESCAPE = "surrogateescape"


class Pair:
    """Both files of the workspace whose manifest is at a path."""

    def __init__(self, manifest: Path) -> None:
        self.manifest = manifest
        self.lock = manifest.parent / "pixi.lock"
        self._intent = manifest.parent / ".pixi" / _INTENT

    def write(self, manifest: bytes, lock: bytes | None) -> None:
        """Make both say this (None: there is no lock file). Raises `DiskFull`, `InstallError`."""
        now = self.read()
        if now[0] == manifest or now[1] == lock:
            self._put(now, (manifest, lock))
            self._forget()
            return
        told = {
            "file": self.manifest.name,
            "before": [_digest(content) for content in now],
            "manifest": manifest.decode("utf-8", _ESCAPE),
            "lock": None if lock is None else lock.decode("utf-8", _ESCAPE),
        }
        held = self._announce(json.dumps(told).encode())
        try:
            self._put(now, (manifest, lock))
            self._forget()
        finally:
            if held >= 0:
                os.close(held)

    def finish(self) -> None:
        """Write what a killed process has not, and remove what it left half written; nothing where there is nothing to
        do, or no right to do it.
        """
        for target in (self.manifest, self.lock, self._intent):
            drop_working_copy(target)
        if not os.path.lexists(self._intent):
            return
        if any(path.is_symlink() for path in (self.manifest, self.lock, self._intent.parent, self._intent)):
            return  # whoever made this folder may have written the intent, too: nothing behind a link is touched
        with suppress(OSError, PixiError):
            try:
                told: Any = json.loads(self._intent.read_bytes())
                lock = told["lock"]
                after = told["manifest"].encode("utf-8", _ESCAPE), lock and lock.encode("utf-8", _ESCAPE)
                before = tuple(told["before"])
                mine = told["file"] == self.manifest.name
            except FileNotFoundError:
                return
            except MALFORMED:
                self._forget()
                return
            now = self.read()
            digests, wanted = tuple(map(_digest, now)), tuple(map(_digest, after))
            if not mine:
                return
            if digests == before:
                remove_unheld(self._intent)  # nothing is written yet; where its writer lives, it is about to
                return
            if digests in ((wanted[0], before[1]), (before[0], wanted[1])):
                self._put(now, after)
            self._forget()

    def read(self) -> tuple[bytes, bytes | None]:
        """Manifest and lock file as they are on disk (None: there is no lock file). Raises `OSError`."""
        manifest = self.manifest.read_bytes()
        try:
            return manifest, self.lock.read_bytes()
        except FileNotFoundError:
            return manifest, None

    def digests(self) -> tuple[str, str]:
        """The SHA-256 of both as they are on disk (lock: empty where there is none). Raises `OSError`."""
        manifest, lock = self.read()
        return _digest(manifest), _digest(lock)

    def _put(self, now: tuple[bytes, bytes | None], wanted: tuple[bytes, bytes | None]) -> None:
        """The lock file first: one that knows another manifest is only stale."""
        manifest, lock = wanted
        if lock is None:
            with os_errors(self.lock):
                self.lock.unlink(missing_ok=True)
        elif lock != now[1]:
            atomic_write(self.lock, lock)
        if manifest != now[0]:
            atomic_write(self.manifest, manifest)

    def _announce(self, told: bytes) -> int:
        """Write the intent and hold it, so that whoever finds it knows that its writer lives; a descriptor, or -1 where
        the system has no such locks.
        """
        for _ in range(3):  # somebody may find it before it is held, and take it for a dead one's
            atomic_write(self._intent, told)
            held = hold(self._intent)
            if held >= 0 or sys.platform == "win32":
                break
        return held

    def _forget(self) -> None:
        if os.path.lexists(self._intent):  # a read-only file system refuses to remove even what is not there
            with os_errors(self._intent):
                self._intent.unlink(missing_ok=True)


def _digest(content: bytes | None) -> str:
    if content is None:
        return ""
    import hashlib  # lazy: it loads OpenSSL

    return hashlib.sha256(content).hexdigest()
