"""What is to be put into a prefix, file by file, as data that both package kinds share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

from ..errors import UnsafePath
from ..model.record import PypiRecord, RepoDataRecord
from ..names import safe_relative_path
from ..value import Value
from .fingerprint import META_FOLDER
from .path_entry import PathEntry

Action = Literal["link", "copy", "symlink", "replace", "write", "directory"]


class UnpackedWheel(Protocol):
    """An unpacked wheel: its folder and, per file, (path, sha256 in hex, size, executable)."""

    @property
    def path(self) -> object:
        """The folder."""

    @property
    def files(self) -> Sequence[tuple[str, str, int, bool]]:
        """Every file of the archive."""


class CachedPackage(UnpackedWheel, Protocol):
    """A package of either kind in a cache; that of a conda package has `info/` in it."""

    def is_whole(self) -> bool:
        """Whether all of it is still there."""


class Packages(Protocol):
    """Where the packages of records are."""

    def package(self, record: RepoDataRecord) -> CachedPackage:
        """An extracted conda package."""

    def wheel(self, record: PypiRecord) -> CachedPackage:
        """An unpacked wheel."""

    def again(self, record: RepoDataRecord | PypiRecord) -> CachedPackage:
        """The package of a record once more: what was given for it is not whole."""


class Item(NamedTuple):
    """One thing to make in the prefix.

    `target` is prefix-relative; `source` is relative to the package's folder; `entry` describes it as `paths_data`
    does; `content` is what a `write` puts there, with the permission bits `mode`.
    """

    target: str
    action: Action
    source: str
    entry: PathEntry
    content: bytes = b""
    mode: int = 0o644


class Layout(Value, kw_only=True):
    """Everything of one package: where its files lie (absolute), and what becomes of them."""

    name: str
    kind: Literal["conda", "pypi"]
    version: str
    source: str
    items: tuple[Item, ...]

    @property
    def targets(self) -> tuple[str, ...]:
        """Every path in the prefix, folders left out."""
        return tuple(item.target for item in self.items if item.action != "directory")


def checked_path(path: str, *, what: str) -> str:
    """`path` as a place below the prefix where a package may put something: not in the records of the prefix itself.

    Raises `UnsafePath`.
    """
    safe_relative_path(path, what=what)
    if path[:10].lower() == META_FOLDER and (len(path) == 10 or path[10] == "/") and not _harmless_meta(path):
        raise UnsafePath(f"{what} {path!r} would overwrite the records of the environment")
    return path


def _harmless_meta(path: str) -> bool:
    """Packages may bring pins and variables, never records and markers."""
    return path in (f"{META_FOLDER}/pinned", f"{META_FOLDER}/state")
