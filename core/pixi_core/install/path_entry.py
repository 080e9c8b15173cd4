"""One file of a package: an entry of `info/paths.json` before it is installed, of `paths_data` in `conda-meta` after.

There is one for each file of each package, so they are decoded and encoded in C, straight from and to the JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self, cast, get_args

import msgspec

from ..model.digest import Sha256
from ..model.record import RepoDataRecord
from ..value import Value

PathType = Literal[
    "hardlink",
    "softlink",
    "directory",
    "pyc_file",
    "unix_python_entry_point",
    "windows_python_entry_point_script",
    "windows_python_entry_point_exe",
]
FileMode = Literal["text", "binary"]
_PATH_TYPES = frozenset(get_args(PathType))


class PathEntry(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    gc=False,
    rename={"path": "_path", "size": "size_in_bytes"},
):
    """`path` is relative to the prefix, with `/`. `sha256` and `size` are those of the file in the package;
    `sha256_in_prefix` of what was written where that differs. `original_path` is set where the file was moved aside
    because another package owns its place.
    """

    path: str
    path_type: PathType
    original_path: str | None = None
    no_link: bool = False
    sha256: Sha256 | None = None
    sha256_in_prefix: Sha256 | None = None
    size: int | None = None
    file_mode: FileMode | None = None
    prefix_placeholder: str | None = None

    @property
    def content(self) -> str | None:
        """What tells whether two files are the same; None where that is not known. What has the prefix in it is the
        same again where it is made of the same, with the same placeholder.
        """
        return f"{self.sha256}{self.prefix_placeholder or ''}" if self.sha256 else None

    def replace(self, **changes: Any) -> Self:
        """The same with other values for some fields."""
        return msgspec.structs.replace(self, **changes)


class PrefixRecord(Value, kw_only=True):
    """One installed conda package: the `conda-meta/<name>-<version>-<build>.json` of a prefix."""

    record: RepoDataRecord
    paths: tuple[PathEntry, ...]
    requested_specs: tuple[str, ...] = ()
    extracted_package_dir: str | None = None
    link_type: int = 1
    installed_system_menus: tuple[Mapping[str, Any], ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """Prefix-relative paths of everything that was put there."""
        return tuple([entry.path for entry in self.paths])


class _Paths(msgspec.Struct, gc=False):
    paths: tuple[PathEntry, ...] | None = None


class _Record(msgspec.Struct, gc=False):
    files: tuple[str, ...] | None = None
    paths_data: _Paths | None = None


_PACKAGE = msgspec.json.Decoder(_Paths)
_INSTALLED = msgspec.json.Decoder(_Record)


def decode_package_paths(content: bytes) -> tuple[PathEntry, ...]:
    """The entries of an `info/paths.json`. Raises `ValueError`, `KeyError`, `TypeError`, `AttributeError`."""
    try:
        found = _PACKAGE.decode(content).paths
    except msgspec.ValidationError:
        found = None
    return found if found is not None else _lenient(msgspec.json.decode(content)["paths"])


def decode_installed_paths(content: bytes) -> tuple[PathEntry, ...]:
    """The entries of a `conda-meta` record; from `files` where it describes none. Raises likewise."""
    try:
        record = _INSTALLED.decode(content)
    except msgspec.ValidationError:
        data = msgspec.json.decode(content)
        described = data.get("paths_data") or {}
        listed = described.get("paths") if isinstance(described, Mapping) else None
        if listed is not None:
            return _lenient(listed)
        return _plain(map(str, data.get("files") or ()))
    if record.paths_data is not None and record.paths_data.paths is not None:
        return record.paths_data.paths
    return _plain(record.files or ())


def _plain(files: Any) -> tuple[PathEntry, ...]:
    return tuple([PathEntry(path=file, path_type="hardlink") for file in files])


def _lenient(entries: Any) -> tuple[PathEntry, ...]:
    """What other tools write beside the format: nulls where a value is left out, words of their own."""
    return tuple([_from_json(entry) for entry in entries])


def _only(kind: type, value: Any) -> Any:
    return value if isinstance(value, kind) else None


def _from_json(entry: Mapping[str, Any]) -> PathEntry:
    kind, mode, path = entry.get("path_type"), entry.get("file_mode"), entry["_path"]
    if not isinstance(path, str):
        raise TypeError(f"a path is {path!r}")
    return PathEntry(
        path=path,
        path_type=cast(PathType, kind) if kind in _PATH_TYPES else "hardlink",
        sha256=_only(str, entry.get("sha256")),
        size=_only(int, entry.get("size_in_bytes")),
        file_mode=mode if mode in ("text", "binary") else None,
        prefix_placeholder=_only(str, entry.get("prefix_placeholder")),
        no_link=bool(entry.get("no_link")),
        sha256_in_prefix=entry.get("sha256_in_prefix"),
        original_path=entry.get("original_path"),
    )
