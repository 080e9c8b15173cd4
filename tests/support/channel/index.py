"""A channel's index: `repodata.json`, `run_exports.json` (both also `.zst`) and CEP-16 shards."""

from __future__ import annotations

import bz2
import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgpack
import zstandard

from .package_writer import WrittenPackage, index_entry

Form = Literal["json", "zst", "shards", "run_exports"]
ALL_FORMS: tuple[Form, ...] = ("json", "zst", "shards", "run_exports")
CREATED = "2025-01-01T00:00:00Z"
EXTENSIONS = (".conda", ".tar.bz2")


def write_index(
    channel: Path,
    packages: Iterable[WrittenPackage],
    *,
    forms: Sequence[Form] = ALL_FORMS,
    subdirs: Sequence[str] = ("noarch",),
) -> None:
    """Write the index of every subdir that has packages, and of `subdirs` even if empty."""
    by_subdir: dict[str, list[WrittenPackage]] = {subdir: [] for subdir in subdirs}
    for package in packages:
        by_subdir.setdefault(package.subdir, []).append(package)
    for subdir, members in by_subdir.items():
        folder = channel / subdir
        folder.mkdir(parents=True, exist_ok=True)
        write_subdir_index(folder, subdir, sorted(members, key=lambda package: package.path.name), forms)


def write_subdir_index(folder: Path, subdir: str, packages: Sequence[WrittenPackage], forms: Sequence[Form]) -> None:
    """Write the chosen forms of one subdir's index and remove the others, so that none is older than the rest."""
    compress = zstandard.ZstdCompressor(level=3).compress
    repodata = json.dumps(repodata_of(subdir, packages), sort_keys=True).encode()
    exports = json.dumps(run_exports_of(subdir, packages), sort_keys=True).encode()
    files: dict[str, bytes | None] = {
        "repodata.json": repodata if "json" in forms else None,
        "repodata.json.zst": compress(repodata) if "zst" in forms else None,
        "run_exports.json": exports if "run_exports" in forms else None,
        "run_exports.json.zst": compress(exports) if "run_exports" in forms else None,
        "repodata_shards.msgpack.zst": None,
    }
    if "shards" in forms:
        shards = {name: compress(shard) for name, shard in shards_of(packages).items()}
        (folder / "shards").mkdir(exist_ok=True)
        digests = {name: hashlib.sha256(shard) for name, shard in shards.items()}
        for name, shard in shards.items():
            (folder / "shards" / f"{digests[name].hexdigest()}.msgpack.zst").write_bytes(shard)
        index = shard_index(subdir, {name: digest.digest() for name, digest in digests.items()})
        files["repodata_shards.msgpack.zst"] = compress(index)
    for file_name, content in files.items():
        if content is None:
            (folder / file_name).unlink(missing_ok=True)
        else:
            (folder / file_name).write_bytes(content)


def repodata_of(subdir: str, packages: Sequence[WrittenPackage]) -> dict[str, Any]:
    """`repodata.json`, version 1."""
    tables = by_archive_kind({package.path.name: package.entry for package in packages})
    return {"info": {"subdir": subdir}, **tables, "removed": [], "repodata_version": 1}


def run_exports_of(subdir: str, packages: Sequence[WrittenPackage]) -> dict[str, Any]:
    """`run_exports.json` (CEP 12)."""
    tables = by_archive_kind({package.path.name: {"run_exports": package.run_exports} for package in packages})
    return {"info": {"subdir": subdir, "version": 1}, **tables}


def by_archive_kind(entries: Mapping[str, object]) -> dict[str, dict[str, object]]:
    """Entries by file name, split into `packages` (.tar.bz2) and `packages.conda`."""
    tables: dict[str, dict[str, object]] = {"packages": {}, "packages.conda": {}}
    for file_name, entry in entries.items():
        tables["packages.conda" if file_name.endswith(".conda") else "packages"][file_name] = entry
    return tables


def shards_of(packages: Sequence[WrittenPackage]) -> dict[str, bytes]:
    """One msgpack shard per package name (CEP 16): digests are raw bytes, run exports are within."""
    grouped: dict[str, dict[str, object]] = {}
    for package in packages:
        entry = {**package.entry, "run_exports": package.run_exports}
        entry |= {kind: bytes.fromhex(package.entry[kind]) for kind in ("md5", "sha256")}
        grouped.setdefault(str(package.entry["name"]), {})[package.path.name] = entry
    return {name: pack({**by_archive_kind(entries), "removed": []}) for name, entries in grouped.items()}


def shard_index(subdir: str, digests: Mapping[str, bytes]) -> bytes:
    """`repodata_shards.msgpack` before compression: where the shards are and the digest of each (CEP 16)."""
    info = {"subdir": subdir, "base_url": "./", "shards_base_url": "./shards/", "created_at": CREATED}
    return pack({"info": info, "shards": dict(digests)})


def pack(value: object) -> bytes:
    """msgpack, typed."""
    packed: bytes = msgpack.packb(value)
    return packed


def index_channel(channel: Path, *, forms: Sequence[Form] = ALL_FORMS) -> None:
    """Index whatever archives lie in `channel`, by reading them (for tests that add or replace some)."""
    subdirs = sorted(folder.name for folder in channel.iterdir() if folder.is_dir())
    archives = [path for subdir in subdirs for path in sorted((channel / subdir).iterdir())]
    write_index(
        channel,
        [read_package(path) for path in archives if path.name.endswith(EXTENSIONS)],
        forms=forms,
        subdirs=subdirs,
    )


def read_package(path: Path) -> WrittenPackage:
    """The index entry of an archive, from its own `info/`; the subdir is the folder it lies in."""
    content = path.read_bytes()
    info = read_info(content, conda=path.name.endswith(".conda"))
    exports = json.loads(info.get("info/run_exports.json", b"{}"))
    return WrittenPackage(path, path.parent.name, index_entry(json.loads(info["info/index.json"]), content), exports)


def read_info(content: bytes, *, conda: bool) -> dict[str, bytes]:
    """The regular files below `info/`, by name."""
    if conda:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            member = next(name for name in archive.namelist() if name.startswith("info-"))
            tar = zstandard.ZstdDecompressor().stream_reader(archive.read(member)).read()
    else:
        tar = bz2.decompress(content)
    found: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(tar)) as members:
        for entry in members:
            stream = members.extractfile(entry) if entry.isreg() and entry.name.startswith("info/") else None
            if stream is not None:
                found[entry.name] = stream.read()
    return found
