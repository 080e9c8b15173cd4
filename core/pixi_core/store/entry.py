"""Where environments of a store are.

    ROOT/v1/KEY/env           the prefix
    ROOT/v1/KEY/entry.json    written last: without it nothing here counts
    ROOT/locks/KEY            held by whoever builds or removes the entry
    ROOT/leases/KEY.…         see `leases`

The key is a digest of the packages, so that the same lock file leads every user and every machine to the same path.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..errors import InstallError
from ..fs import atomic_write
from ..model.record import PypiRecord, RepoDataRecord
from ..names import safe_component
from ..value import Value

LAYOUT = "v1"
_DIGITS = 32


def environment_key(
    subdir: str, conda: Iterable[RepoDataRecord], pypi: Iterable[PypiRecord], interpreter: str = ""
) -> str:
    """32 hexadecimal digits over everything that decides which files an environment has. `interpreter` is the machine's
    Python (path and version) where no conda package brings one.
    """
    told = [LAYOUT, subdir, interpreter]
    told += sorted(f"conda\0{r.file_name}\0{r.sha256 or r.md5}\0{r.subdir}" for r in conda)
    told += sorted(f"pypi\0{r.file_name}\0{r.sha256}" for r in pypi)
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:_DIGITS]


class Entry(Value):
    """One environment of a store, whether it is there or not."""

    root: Path
    key: str

    @property
    def folder(self) -> Path:
        """Everything of it but locks and leases."""
        return self.root / LAYOUT / self.key

    @property
    def prefix(self) -> Path:
        """The environment."""
        return self.folder / "env"

    @property
    def note(self) -> Path:
        """What is known of it; only whole entries have one."""
        return self.folder / "entry.json"

    @property
    def lock(self) -> Path:
        """The file that is locked by whoever changes the entry."""
        return self.root / "locks" / self.key

    @property
    def is_whole(self) -> bool:
        """Whether it can be used."""
        return self.note.is_file()

    def read(self) -> dict[str, Any]:
        """The note. Raises `InstallError` where it cannot be read."""
        try:
            found = json.loads(self.note.read_bytes())
        except (OSError, ValueError) as error:
            raise InstallError(
                f"{self.note} cannot be read: {error}", hints=["`pixi store verify` looks at every entry"]
            ) from error
        return found if isinstance(found, dict) else {}

    def write(self, fields: dict[str, Any]) -> None:
        """Declare the entry whole."""
        atomic_write(self.note, json.dumps(fields, indent=1) + "\n")


def entry_at(prefix: Path) -> Entry | None:
    """The entry whose environment is (or was, before it was collected) at this path; None for any other prefix."""
    folder = prefix.parent
    if prefix.name != "env" or folder.parent.name != LAYOUT:
        return None
    entry = Entry(folder.parent.parent, folder.name)
    return entry if entry.lock.is_file() else None


class Store(Value):
    """A store. Whoever owns its folders builds; everybody else only uses what is there."""

    root: Path

    def entry(self, key: str) -> Entry:
        """The entry of a key. Raises `UnsafePath`."""
        return Entry(self.root, safe_component(key, what="key of a store"))

    def entries(self) -> list[Entry]:
        """Every entry that has a folder, whole or not, by key."""
        try:
            names = sorted(path.name for path in (self.root / LAYOUT).iterdir() if path.is_dir())
        except OSError:
            return []
        return [Entry(self.root, name) for name in names if not name.startswith(".")]
