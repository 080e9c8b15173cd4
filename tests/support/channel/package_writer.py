"""Conda packages (`.conda` and `.tar.bz2`) written from a staged prefix, the same bytes for the same input.

Formats: `info/` as conda-build lays it out (`index.json`, `paths.json`, `files`, `has_prefix`, `about.json`,
`link.json`, `run_exports.json`, `licenses/`); `.conda` is an uncompressed zip holding `metadata.json`,
`pkg-*.tar.zst` and `info-*.tar.zst`.
"""

from __future__ import annotations

import bz2
import hashlib
import io
import json
import os
import tarfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import zstandard

PLACEHOLDER = ("/opt/placeholder" + "_placeholder" * 40)[:255]
"""The prefix every staged file believes to live in; 255 characters, as conda-build pads it."""
STAMP = 1_735_689_600
"""2025-01-01 in seconds: every file of every package bears it."""
ArchiveKind = Literal[".conda", ".tar.bz2"]
Member = tuple[str, "Path | bytes"]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a package says about itself; names as in `info/index.json`.

    `entry_points` is None for packages that are not noarch python; `no_link` names paths that installers must
    copy; `legacy` leaves `paths.json` out, as packages older than it do; `extra_index` goes into `index.json` as it
    stands; `info_files` are further members of `info/`.
    """

    name: str
    version: str
    build: str
    subdir: str
    build_number: int = 0
    noarch: Literal["python", "generic"] | None = None
    depends: Sequence[str] = ()
    constrains: Sequence[str] = ()
    license: str = "CC0-1.0"
    summary: str = ""
    home: str = ""
    timestamp: int = STAMP * 1000
    track_features: str | None = None
    run_exports: Mapping[str, Sequence[str]] | None = None
    entry_points: Sequence[str] | None = None
    no_link: frozenset[str] = frozenset()
    placeholder: str = PLACEHOLDER
    legacy: bool = False
    extra_index: Mapping[str, Any] = field(default_factory=dict)
    info_files: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def dist_name(self) -> str:
        """`name-version-build`."""
        return f"{self.name}-{self.version}-{self.build}"


@dataclass(frozen=True)
class WrittenPackage:
    """An archive on disk with its line of the index (`entry`) and its run exports."""

    path: Path
    subdir: str
    entry: Mapping[str, Any]
    run_exports: Mapping[str, Sequence[str]]


def write_package(
    recipe: Recipe, stage: Path | None, channel: Path, *, archive: ArchiveKind = ".conda", level: int = 1
) -> WrittenPackage:
    """Pack the prefix staged in `stage` (None: no files) into `channel/<subdir>/`; `level` is zstd's."""
    paths = describe_paths(stage, recipe) if stage else []
    index = index_json(recipe)
    info: list[Member] = sorted(info_files(recipe, index, paths).items())
    payload: list[Member] = [(entry["_path"], stage / entry["_path"]) for entry in paths if stage]
    folder = channel / recipe.subdir
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (recipe.dist_name + archive)
    if archive == ".tar.bz2":
        content = bz2.compress(tar_bytes(info + payload), 5)
    else:
        content = conda_bytes(recipe.dist_name, payload, info, level)
    path.write_bytes(content)
    return WrittenPackage(path, recipe.subdir, index_entry(index, content), recipe.run_exports or {})


def index_json(recipe: Recipe) -> dict[str, Any]:
    """The content of `info/index.json`."""
    system, _, machine = recipe.subdir.partition("-")
    index: dict[str, Any] = {
        "name": recipe.name,
        "version": recipe.version,
        "build": recipe.build,
        "build_number": recipe.build_number,
        "depends": list(recipe.depends),
        "constrains": list(recipe.constrains),
        "license": recipe.license,
        "subdir": recipe.subdir,
        "timestamp": recipe.timestamp,
        "arch": {"64": "x86_64"}.get(machine, machine) or None,
        "platform": system if machine else None,
    }
    if recipe.noarch:
        index["noarch"] = recipe.noarch
    if recipe.track_features:
        index["track_features"] = recipe.track_features
    return index | dict(recipe.extra_index)


def index_entry(index: Mapping[str, Any], content: bytes) -> dict[str, Any]:
    """A line of `repodata.json`: `index.json` with the archive's digests and size."""
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return {**index, "md5": md5, "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}


def describe_paths(stage: Path, recipe: Recipe) -> list[dict[str, Any]]:
    """The entries of `info/paths.json`, sorted by path, for everything below `stage` but plain folders."""
    entries = [describe_path(stage, relative, recipe.placeholder) for relative in sorted(walk(stage))]
    return [entry | ({"no_link": True} if entry["_path"] in recipe.no_link else {}) for entry in entries]


def walk(stage: Path) -> Iterable[str]:
    """Relative POSIX paths of files and symbolic links; empty folders too, as conda-build's `directory` entries."""
    for folder, folders, files in os.walk(stage):
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        folders[:] = sorted(set(folders) - set(links))
        if not folders and not files and not links and Path(folder) != stage:
            yield Path(folder).relative_to(stage).as_posix()
        for name in files + links:
            yield (Path(folder) / name).relative_to(stage).as_posix()


def describe_path(stage: Path, relative: str, placeholder: str = PLACEHOLDER) -> dict[str, Any]:
    """One entry of `paths.json`; a symbolic link bears the digest of what it points to, as conda-build does."""
    path = stage / relative
    if path.is_dir() and not path.is_symlink():
        return {"_path": relative, "path_type": "directory"}
    data = path.read_bytes() if path.is_file() else b""
    entry: dict[str, Any] = {
        "_path": relative,
        "path_type": "softlink" if path.is_symlink() else "hardlink",
        "sha256": hashlib.sha256(data).hexdigest(),
        "size_in_bytes": len(data),
    }
    # a .pyc names its source inside the prefix, but import corrects that; padding it with NUL would spoil the name
    if not path.is_symlink() and not relative.endswith(".pyc") and placeholder.encode() in data:
        entry["file_mode"] = "binary" if b"\0" in data else "text"
        entry["prefix_placeholder"] = placeholder
    return entry


def info_files(recipe: Recipe, index: Mapping[str, Any], paths: Sequence[Mapping[str, Any]]) -> dict[str, Path | bytes]:
    """Every member of `info/`, by its name in the archive."""
    about = {"summary": recipe.summary, "home": recipe.home, "license": recipe.license, "channels": []}
    members: dict[str, Path | bytes] = {
        "info/index.json": json_bytes(index),
        "info/paths.json": json_bytes({"paths": paths, "paths_version": 1}),
        "info/files": "".join(f"{entry['_path']}\n" for entry in paths).encode(),
        "info/about.json": json_bytes(about),
    }
    if recipe.legacy:
        del members["info/paths.json"]
    prefixed = [entry for entry in paths if "prefix_placeholder" in entry]
    if prefixed:
        lines = [f'{recipe.placeholder} {entry["file_mode"]} "{entry["_path"]}"\n' for entry in prefixed]
        members["info/has_prefix"] = "".join(lines).encode()
    if recipe.no_link:
        members["info/no_link"] = "".join(f"{path}\n" for path in sorted(recipe.no_link)).encode()
    if recipe.noarch:
        noarch: dict[str, Any] = {"type": recipe.noarch}
        if recipe.entry_points:
            noarch["entry_points"] = list(recipe.entry_points)
        members["info/link.json"] = json_bytes({"noarch": noarch, "package_metadata_version": 1})
    if recipe.run_exports:
        members["info/run_exports.json"] = json_bytes({kind: list(v) for kind, v in recipe.run_exports.items()})
    return members | {f"info/{name}": data for name, data in recipe.info_files.items()}


def conda_bytes(dist_name: str, payload: Sequence[Member], info: Sequence[Member], level: int) -> bytes:
    """A `.conda` archive: a stored zip of `metadata.json` and two zstd tars, the payload first."""
    compressor = zstandard.ZstdCompressor(level=level)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in (
            ("metadata.json", json.dumps({"conda_pkg_format_version": 2}).encode()),
            (f"pkg-{dist_name}.tar.zst", compressor.compress(tar_bytes(payload))),
            (f"info-{dist_name}.tar.zst", compressor.compress(tar_bytes(info))),
        ):
            member = zipfile.ZipInfo(name, (2025, 1, 1, 0, 0, 0))
            member.external_attr = 0o644 << 16
            archive.writestr(member, data)
    return buffer.getvalue()


def tar_bytes(members: Sequence[Member]) -> bytes:
    """A tar of `members` in the given order, owners and times fixed, modes 0755 or 0644."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, source in members:
            info = tarfile.TarInfo(name)
            info.mtime = STAMP
            info.mode = 0o644
            if isinstance(source, bytes):
                info.size = len(source)
                archive.addfile(info, io.BytesIO(source))
            elif source.is_symlink():
                info.type, info.linkname, info.mode = tarfile.SYMTYPE, os.readlink(source), 0o777
                archive.addfile(info)
            elif source.is_dir():
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(info)
            else:
                data = source.read_bytes()
                info.size = len(data)
                info.mode = 0o755 if source.stat().st_mode & 0o111 else 0o644
                archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def json_bytes(value: object) -> bytes:
    """Indented JSON with sorted keys and a final newline."""
    return (json.dumps(value, indent=2, sort_keys=True) + "\n").encode()
