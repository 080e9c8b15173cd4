"""`conda-meta/<name>-<version>-<build>.json`: what is installed, as conda, mamba and rattler read and write it.

The format is the repodata entry of the package with `fn`, `url`, `channel`, `extracted_package_dir`, `link`,
`requested_specs`, `files` and `paths_data` beside it. `requested_spec` (one string) is the older form and is read too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from ..errors import InstallError, PixiError
from ..model.platform import Subdir
from ..model.record import PathEntry, PathType, PrefixRecord, RepoDataRecord, record_from_repodata, record_to_repodata
from ..names import safe_component
from .fingerprint import META_FOLDER

LINK_HARD, LINK_SOFT, LINK_COPY, LINK_DIRECTORY = 1, 2, 3, 4
_PATH_TYPES = frozenset(
    [
        "hardlink",
        "softlink",
        "directory",
        "pyc_file",
        "unix_python_entry_point",
        "windows_python_entry_point_script",
        "windows_python_entry_point_exe",
    ]
)


def record_file_name(record: RepoDataRecord) -> str:
    """The file name of a package's record. Raises `UnsafePath` where name, version or build would be no file name."""
    return safe_component(f"{record.dist_name}.json", what="package record")


def read_record(path: Path) -> PrefixRecord:
    """Read one record. Raises `InstallError` where the file is empty, is not JSON, or misses what a record needs."""
    try:
        data = decode(path.read_bytes())
        return record_from_meta(data)
    except (ValueError, KeyError, TypeError, AttributeError, PixiError) as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: Exception) -> InstallError:
    """The error for a record that cannot be used."""
    return InstallError(
        f"the package record {path} cannot be read: {str(error) or type(error).__name__}",
        hints=["run `pixi reinstall` to put the package and its record back"],
    )


def decode(content: bytes) -> dict[str, Any]:
    """Parse the JSON of a record. Raises `ValueError`."""
    import msgspec  # lazy: not on the start-up path

    try:
        data = msgspec.json.decode(content)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from None
    if not isinstance(data, dict):
        raise TypeError("it is not a JSON object")
    return data


def record_from_meta(data: Mapping[str, Any]) -> PrefixRecord:
    """A record from parsed JSON. Raises `KeyError`, `TypeError`, `SpecError` where it is none."""
    repodata = repodata_from_meta(data)
    described = data.get("paths_data") or {}
    listed = described.get("paths") if isinstance(described, Mapping) else None
    if listed is None:
        paths = tuple(PathEntry(path=str(file), path_type="hardlink") for file in data.get("files") or ())
    else:
        paths = tuple(path_from_json(entry) for entry in listed)
    link = data.get("link") or {}
    return PrefixRecord(
        record=repodata,
        paths=paths,
        requested_specs=requested_from_meta(data),
        extracted_package_dir=data.get("extracted_package_dir"),
        link_type=link_type(link.get("type")),
        installed_system_menus=tuple(data.get("installed_system_menus") or ()),
    )


def repodata_from_meta(data: Mapping[str, Any]) -> RepoDataRecord:
    """The package itself, without what was installed of it."""
    url = str(data.get("url") or "")
    subdir = str(data.get("subdir") or "noarch")
    name = str(data.get("fn") or url.rpartition("/")[2] or f"{data['name']}-{data['version']}-{data['build']}.conda")
    channel = data.get("channel")
    return record_from_repodata(
        data, file_name=name, url=url, channel=str(channel) if channel else None, subdir=Subdir(subdir)
    )


def requested_from_meta(data: Mapping[str, Any]) -> tuple[str, ...]:
    """The specs that asked for the package, from either form; empty where it is only a dependency."""
    many = data.get("requested_specs")
    if many:
        return tuple(str(spec) for spec in many)
    one = data.get("requested_spec")
    return (str(one),) if one and one != "None" else ()


def link_type(value: object) -> int:
    """The number of a link type; conda once wrote names. Unknown ones count as hard links."""
    names = {"hardlink": LINK_HARD, "softlink": LINK_SOFT, "copy": LINK_COPY, "directory": LINK_DIRECTORY}
    if isinstance(value, str):
        return names.get(value, LINK_HARD)
    return value if isinstance(value, int) and 1 <= value <= 4 else LINK_HARD


def path_from_json(entry: Mapping[str, Any]) -> PathEntry:
    """One entry of `paths_data` or of `info/paths.json`. Raises `KeyError`."""
    kind = entry.get("path_type") or "hardlink"
    mode = entry.get("file_mode")
    return PathEntry(
        path=entry["_path"],
        path_type=cast(PathType, kind) if kind in _PATH_TYPES else "hardlink",
        sha256=entry.get("sha256"),
        size=entry.get("size_in_bytes"),
        file_mode=mode if mode in ("text", "binary") else None,
        prefix_placeholder=entry.get("prefix_placeholder"),
        no_link=bool(entry.get("no_link")),
        sha256_in_prefix=entry.get("sha256_in_prefix"),
        original_path=entry.get("original_path"),
    )


def path_to_json(entry: PathEntry) -> dict[str, Any]:
    """The inverse of `path_from_json`; what is not set is left out."""
    data: dict[str, Any] = {"_path": entry.path, "path_type": entry.path_type}
    if entry.original_path is not None:
        data["original_path"] = entry.original_path
    if entry.no_link:
        data["no_link"] = True
    if entry.sha256 is not None:
        data["sha256"] = entry.sha256
    if entry.sha256_in_prefix is not None:
        data["sha256_in_prefix"] = entry.sha256_in_prefix
    if entry.size is not None:
        data["size_in_bytes"] = entry.size
    if entry.file_mode is not None:
        data["file_mode"] = entry.file_mode
    if entry.prefix_placeholder is not None:
        data["prefix_placeholder"] = entry.prefix_placeholder
    return data


def record_to_meta(record: PrefixRecord) -> dict[str, Any]:
    """The record as JSON data."""
    data = record_to_repodata(record.record)
    data["fn"] = record.record.file_name
    data["url"] = record.record.url
    data["channel"] = record.record.channel
    data["extracted_package_dir"] = record.extracted_package_dir
    data["requested_specs"] = list(record.requested_specs)
    data["files"] = [entry.path for entry in record.paths]
    data["paths_data"] = {"paths_version": 1, "paths": [path_to_json(entry) for entry in record.paths]}
    data["link"] = {"source": record.extracted_package_dir or "", "type": record.link_type}
    if record.installed_system_menus:
        data["installed_system_menus"] = [dict(menu) for menu in record.installed_system_menus]
    return data


def encode_record(record: PrefixRecord) -> bytes:
    """The text of a record file."""
    import msgspec  # lazy: not on the start-up path

    return msgspec.json.format(msgspec.json.encode(record_to_meta(record)), indent=2) + b"\n"


def write_record(prefix: Path, record: PrefixRecord) -> Path:
    """Write a record, whole or not at all, into `prefix/conda-meta`. Returns where it is."""
    target = prefix / META_FOLDER / record_file_name(record.record)
    replace_file(target, encode_record(record))
    return target


def replace_file(target: Path, content: bytes) -> None:
    """Put `content` at `target` in one step. The working copy has a fixed name, so that the writer which repeats an
    interrupted work overwrites it instead of leaving another one behind.
    """
    working = target.with_name(f".{target.name}.writing")
    working.write_bytes(content)
    working.replace(target)


def specs_text(specs: str | Sequence[str] | None) -> tuple[str, ...]:
    """The specs of one package as a caller gives them: one, several, or none."""
    if specs is None:
        return ()
    return (specs,) if isinstance(specs, str) else tuple(str(spec) for spec in specs)
