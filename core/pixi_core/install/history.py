"""The generations of environments: what manifest and lock file said after each change, and which packages that gave.

`.pixi/history-v1` holds

| path | what |
|---|---|
| `<environment>.json` | the generations of an environment, oldest first; `rollback`: the one to which it goes now |
| `objects/<sha256>` | texts (manifests, lock files, lists of packages), compressed, each once |
| `pins/<sha256>` | one more name for one file of a package: its cache entry counts as linked, and is kept |

An object is written before the list that names it, so a kill leaves at most an object that nobody names; the next
change takes it away. The oldest generations are forgotten when there are more than `KEEP`.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import MALFORMED, InstallError
from ..fs import FileLock, atomic_write
from ..names import safe_component
from ..value import Value

FOLDER = "history-v1"
KEEP = 50
"""Generations that an environment remembers."""

Packages = Mapping[str, tuple[str, ...]]
"""Name of a package (PyPI packages: `pypi:name`) -> version, build, SHA-256 of its archive (empty where unknown)."""


class Generation(Value, kw_only=True):
    """One state of an environment. `at` is in seconds since 1970, `command` what made it (empty: a kernel's start or
    another program). `manifest`, `lock` and `packages` name objects; `lock` is empty where there was no lock file.
    `installed` is false where both files were only set aside before a rollback replaced them.
    """

    number: int
    at: int
    command: str
    manifest: str
    lock: str
    packages: str
    installed: bool = True

    def to_json(self) -> dict[str, Any]:
        """As it stands in the list."""
        return {field: getattr(self, field) for field in type(self).__fields__}


class History:
    """The generations of the environments below one `.pixi` folder. `on_wait` is told who holds their lock."""

    def __init__(self, pixi_dir: Path, *, on_wait: Callable[[str], None] | None = None) -> None:
        self.folder = pixi_dir / FOLDER
        self._on_wait = on_wait

    def lock(self) -> FileLock:
        """Held while generations are added or forgotten."""
        return FileLock(self.folder / ".lock", on_wait=self._on_wait)

    def generations(self, environment: str) -> list[Generation]:
        """Oldest first; none where nothing was recorded. Raises `InstallError` for a list that cannot be read."""
        return self._read(environment)[0]

    def intended(self, environment: str) -> int | None:
        """The number of the generation to which a rollback is under way, or was when it was killed. Raises
        `InstallError`.
        """
        return self._read(environment)[1]

    def intend(self, environment: str, number: int | None) -> None:
        """Say that a rollback begins, or (None) that it has come to its end; so does any generation that is added.
        Raises `InstallError`.
        """
        with self.lock():
            generations, intended = self._read(environment)
            if intended != number:
                self._write(environment, generations, intended=number)

    def text(self, digest: str) -> bytes:
        """An object, compared with its name. Raises `InstallError` where it is missing or damaged."""
        path = self._object(digest)
        try:
            content = zlib.decompress(path.read_bytes())
        except (OSError, zlib.error) as error:
            raise InstallError(f"{path}, which the history needs, cannot be read: {error}") from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise InstallError(f"{path}, which the history needs, is damaged")
        return content

    def packages(self, generation: Generation) -> Packages:
        """What the environment held."""
        return {name: tuple(row) for name, row in json.loads(self.text(generation.packages)).items()}

    def add(
        self,
        environment: str,
        *,
        at: int,
        command: str,
        manifest: bytes,
        lock: bytes | None,
        packages: Packages,
        installed: bool = True,
    ) -> Generation:
        """Record a generation, unless it is what the newest one says."""
        with self.lock():
            known = self.generations(environment)
            generation = Generation(
                number=known[-1].number + 1 if known else 1,
                at=at,
                command=command,
                manifest=self._put(manifest),
                lock=self._put(lock) if lock is not None else "",
                packages=self._put(json.dumps(packages, sort_keys=True).encode()),
                installed=installed,
            )
            if known and _same(known[-1], generation):
                return known[-1]  # `intend` ends what is under way
            self._write(environment, [*known, generation][-KEEP:])
            if len(known) >= KEEP:
                self._sweep()
        return generation

    def pin(self, files: Mapping[str, Path]) -> None:
        """Keep cache entries: one file of each, by the digest of its package. Done before the packages are linked: a
        command that finishes the work of a killed one no longer knows what that one linked.
        """
        if not files:
            return
        with self.lock():
            for digest, source in files.items():
                self._pin(digest, source)

    def forget(self, environments: Iterable[str], keep: int) -> int:
        """Keep only the newest `keep` generations of some environments; how many were forgotten."""
        count = 0
        with self.lock():
            for environment in environments:
                known = self.generations(environment)
                count += max(len(known) - keep, 0)
                self._write(environment, known[max(len(known) - keep, 0) :])
            self._sweep()
        return count

    def unpin(self) -> None:
        """Let the caches drop what generations need: going back may have to fetch then."""
        if not self.folder.is_dir():
            return
        with self.lock():
            for path in (self.folder / "pins").glob("*"):
                path.unlink(missing_ok=True)

    def environments(self) -> list[str]:
        """The environments that have a list."""
        return sorted(path.stem for path in self.folder.glob("*.json"))

    # ------------------------------------------------------------ on disk

    def _read(self, environment: str) -> tuple[list[Generation], int | None]:
        path = self._list(environment)
        try:
            content = json.loads(path.read_bytes())
            intended = content.get("rollback")
            return [Generation(**row) for row in content["generations"]], None if intended is None else int(intended)
        except FileNotFoundError:
            return [], None
        except (OSError, *MALFORMED) as error:
            raise InstallError(
                f"the history {path} cannot be read: {error!r}",
                hints=["remove this file; the environment itself is well"],
            ) from error

    def _list(self, environment: str) -> Path:
        return self.folder / f"{safe_component(environment, what='environment name')}.json"

    def _object(self, digest: str) -> Path:
        return self.folder / "objects" / safe_component(digest, what="digest")

    def _put(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        path = self._object(digest)
        try:
            self.text(digest)
        except InstallError:  # not there, or torn by a power cut
            path.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(path, zlib.compress(content), fsync=False)
        return digest

    def _pin(self, digest: str, source: Path) -> None:
        """One more name for a file; where the file system cannot do that, a rollback may have to fetch."""
        target = self.folder / "pins" / safe_component(digest, what="digest")
        target.parent.mkdir(parents=True, exist_ok=True)
        with suppress(OSError):
            if not target.exists() or not target.samefile(source):
                target.unlink(missing_ok=True)
                os.link(source, target)

    def _write(self, environment: str, generations: Iterable[Generation], *, intended: int | None = None) -> None:
        content: dict[str, Any] = {"version": 1, "generations": [generation.to_json() for generation in generations]}
        if intended is not None:
            content["rollback"] = intended
        # synced, unlike the objects: those of older generations were, by the installations since, but a torn list is
        # the loss of all of them
        atomic_write(self._list(environment), json.dumps(content) + "\n")

    def _sweep(self) -> None:
        """Take away what no generation of any environment needs."""
        used: set[str] = set()
        pinned: set[str] = set()
        for environment in self.environments():
            for generation in self.generations(environment):
                used |= {generation.manifest, generation.lock, generation.packages}
                pinned |= {row[-1] for row in self.packages(generation).values()}
        for folder, needed in (("objects", used), ("pins", pinned)):
            for path in (self.folder / folder).glob("*"):
                if path.name not in needed:
                    path.unlink(missing_ok=True)


def _same(one: Generation, other: Generation) -> bool:
    return (one.manifest, one.lock, one.packages) == (other.manifest, other.lock, other.packages)


def changes(before: Packages, after: Packages) -> dict[str, list[dict[str, str]]]:
    """`added`, `removed` and `changed` packages from one state to the next, by name."""
    return {
        "added": [{"name": n, "version": after[n][0]} for n in sorted(after.keys() - before.keys())],
        "removed": [{"name": n, "version": before[n][0]} for n in sorted(before.keys() - after.keys())],
        "changed": [
            {"name": n, "old_version": before[n][0], "new_version": after[n][0]}
            for n in sorted(before.keys() & after.keys())
            if before[n] != after[n]
        ],
    }
