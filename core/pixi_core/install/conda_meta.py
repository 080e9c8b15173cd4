"""`conda-meta/<name>-<version>-<build>.json`: what is installed, as conda, mamba and rattler read and write it.

The format is the repodata entry of the package with `fn`, `url`, `channel`, `extracted_package_dir`, `link`,
`requested_specs`, `files` and `paths_data` beside it. `requested_spec` (one string) is the older form and is read too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MALFORMED, InstallError, PixiError
from ..model.platform import Subdir
from ..model.record import RepoDataRecord, record_from_repodata, record_to_repodata
from ..names import safe_component
from .fingerprint import META_FOLDER

if TYPE_CHECKING:
    from .path_entry import PathEntry, PrefixRecord

LINK_HARD, LINK_SOFT, LINK_COPY, LINK_DIRECTORY = 1, 2, 3, 4
_FILES = ("files", "paths_data")


def record_file_name(record: RepoDataRecord) -> str:
    """The file name of a package's record. Raises `UnsafePath` where name, version or build would be no file name."""
    return safe_component(f"{record.dist_name}.json", what="package record")


def read_record(path: Path) -> PrefixRecord:
    """Read one record. Raises `InstallError` where the file is empty, is not JSON, or misses what a record needs."""
    from .path_entry import PrefixRecord, decode_installed_paths

    try:
        content = path.read_bytes()
        head = decode_head(content)
        link = head.get("link") or {}
        return PrefixRecord(
            record=repodata_from_meta(head),
            paths=decode_installed_paths(content),
            requested_specs=requested_from_meta(head),
            extracted_package_dir=head.get("extracted_package_dir"),
            link_type=link_type(link.get("type")),
            installed_system_menus=tuple(head.get("installed_system_menus") or ()),
        )
    except (*MALFORMED, PixiError) as error:
        raise unreadable(path, error) from error


def read_paths(path: Path) -> tuple[PathEntry, ...]:
    """The files of one record alone. Raises like `read_record`."""
    from .path_entry import decode_installed_paths

    try:
        return decode_installed_paths(path.read_bytes())
    except MALFORMED as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: Exception) -> InstallError:
    """The error for a record that cannot be used."""
    return InstallError(
        f"the package record {path} cannot be read: {str(error) or type(error).__name__}",
        hints=["run `pixi reinstall` to put the package and its record back"],
    )


def decode_head(content: bytes) -> dict[str, Any]:
    """A record without its files, which are nearly all of it and are passed over in C. Raises `ValueError`."""
    import msgspec  # lazy: not on the start-up path

    try:
        raw = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
        return {key: msgspec.json.decode(value) for key, value in raw.items() if key not in _FILES}
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from None


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


def record_to_meta(record: PrefixRecord) -> dict[str, Any]:
    """The record as JSON data."""
    data = record_to_repodata(record.record)
    data["fn"] = record.record.file_name
    data["url"] = record.record.url
    data["channel"] = record.record.channel
    data["extracted_package_dir"] = record.extracted_package_dir
    data["requested_specs"] = list(record.requested_specs)
    data["files"] = record.files
    data["paths_data"] = {"paths_version": 1, "paths": record.paths}
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
