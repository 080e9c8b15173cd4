"""The index of a folder of archives: what makes it a channel.

Archives lie in `<folder>/<subdir>/`, or all in the folder itself; then the index of each subdir says with `base_url`
that its files are one level up. Written per subdir, `noarch` always among them: `repodata.json` and
`run_exports.json` (CEP 12), both also as `.zst`, and shards (CEP 16).
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..archive.compression import read_bz2, read_zstd
from ..archive.limits import DEFAULT_LIMITS
from ..archive.zip import ZipReader
from ..errors import MALFORMED, ArchiveError, InputError
from ..fs import atomic_write, os_errors
from ..model.platform import NOARCH, SUBDIRS, Subdir
from ..model.record import EXTENSIONS
from .shards import INDEX_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

_LARGEST_MEMBER = 64 << 20
_WANTED = ("info/index.json", "info/run_exports.json")


class Indexed(NamedTuple):
    """One archive: its path, its entry for `repodata.json`, its run exports."""

    path: Path
    entry: dict[str, Any]
    run_exports: dict[str, Any]

    @property
    def subdir(self) -> Subdir:
        """Where the package belongs, as it says itself."""
        return Subdir(self.entry["subdir"])


def index_folder(folder: Path, *, advance: Callable[[str], None] = lambda _: None) -> dict[Subdir, int]:
    """Write the index of every subdir of `folder`; the number of packages of each.

    `advance` hears the name of each archive that was read. Raises `ArchiveError` for a damaged archive, `InputError`
    where archives lie both in the folder and in its subdirs, `InstallError`, `DiskFull`.
    """
    with os_errors(folder):
        loose = _archives(folder)
        inside = {subdir: _archives(folder / subdir) for subdir in SUBDIRS if (folder / subdir).is_dir()}
    if loose and any(inside.values()):
        raise InputError(
            f"{folder} has archives beside its subdirs, and in them",
            hints=[f"move them into the subdirs, or all into one folder: {loose[0].name} for example"],
        )
    found: dict[Subdir, list[Indexed]] = {subdir: [] for subdir in (NOARCH, *inside)}
    for subdir, path in [(None, path) for path in loose] + [(s, path) for s, paths in inside.items() for path in paths]:
        package = read_archive(path)
        if subdir is not None and package.subdir != subdir:
            raise ArchiveError(f"{path} is a package for {package.subdir}", hints=["move it into that subdir"])
        found.setdefault(package.subdir, []).append(package)
        advance(path.name)
    for name, packages in found.items():
        write_index(folder / name, name, packages, base_url="../" if loose else "./")
    return {subdir: len(packages) for subdir, packages in found.items()}


def _archives(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.name.endswith(EXTENSIONS) and path.is_file())


def read_archive(path: Path) -> Indexed:
    """What an index says of an archive. Raises `ArchiveError`."""
    with os_errors(path):
        content = path.read_bytes()
    found = _members(content, path)
    try:
        entry = json.loads(found[_WANTED[0]])
        exports = json.loads(found.get(_WANTED[1], b"{}"))
        for key in ("name", "version", "build"):
            if not isinstance(entry[key], str):
                raise TypeError(key)
    except MALFORMED as error:
        raise ArchiveError(f"{path} does not say what it is ({_WANTED[0]}: {error})") from None
    if entry.get("subdir") not in SUBDIRS:
        entry["subdir"] = path.parent.name if path.parent.name in SUBDIRS else NOARCH
    digests = {kind: hashlib.new(kind, content, usedforsecurity=False).hexdigest() for kind in ("md5", "sha256")}
    return Indexed(path, {**entry, **digests, "size": len(content)}, exports)


def _members(content: bytes, path: Path) -> dict[str, bytes]:
    """The wanted files of an archive, by name."""
    if path.name.endswith(".conda"):
        archive = ZipReader(memoryview(content), path.name)
        info = [e for e in archive.entries if e.name.startswith("info-") and e.name.endswith(".tar.zst")]
        if len(info) != 1:
            raise ArchiveError(f"{path} is not a sound .conda package: it has {len(info)} parts for `info`")
        read = read_zstd(archive.stored(info[0]), path.name, DEFAULT_LIMITS)
    else:
        read = read_bz2(io.BytesIO(content).read, path.name)
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=_Readable(read), mode="r|") as tar:  # type: ignore[call-overload]  # it reads, no more
            for member in tar:
                if member.name in _WANTED and member.isreg() and member.size <= _LARGEST_MEMBER:
                    file = tar.extractfile(member)
                    found[member.name] = b"" if file is None else file.read()
                    if len(found) == len(_WANTED):
                        break
    except tarfile.TarError as error:
        raise ArchiveError(f"{path} is not a sound package: {error}") from None
    return found


class _Readable:
    """A reading function as a file."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self.read = read


# ---------------------------------------------------------------- writing


def write_index(folder: Path, subdir: Subdir, packages: Sequence[Indexed], *, base_url: str) -> None:
    """Every form of one subdir's index. Shards that are no longer meant are removed."""
    import msgspec
    import zstandard

    pack, compress = msgspec.msgpack.encode, zstandard.ZstdCompressor(level=3).compress
    info: dict[str, object] = {"subdir": subdir}
    if base_url != "./":
        info["base_url"] = base_url
    entries = _by_kind((package.path.name, package.entry) for package in packages)
    exports = _by_kind((package.path.name, {"run_exports": package.run_exports}) for package in packages)
    version = 2 if base_url != "./" else 1
    documents = {
        "repodata.json": {"info": info, **entries, "removed": [], "repodata_version": version},
        "run_exports.json": {"info": {"subdir": subdir, "version": 1}, **exports},
    }
    (folder / "shards").mkdir(parents=True, exist_ok=True)
    digests: dict[str, bytes] = {}
    for name in sorted({str(package.entry["name"]).lower() for package in packages}):
        members = [package for package in packages if str(package.entry["name"]).lower() == name]
        shard = compress(pack({**_by_kind((p.path.name, _binary(p)) for p in members), "removed": []}))
        digest = hashlib.sha256(shard)
        digests[name] = digest.digest()
        atomic_write(folder / "shards" / f"{digest.hexdigest()}.msgpack.zst", shard)
    for file_name, document in documents.items():
        text = json.dumps(document, sort_keys=True).encode()
        atomic_write(folder / file_name, text)
        atomic_write(folder / f"{file_name}.zst", compress(text))
    places = {"subdir": subdir, "base_url": base_url, "shards_base_url": "./shards/"}
    atomic_write(folder / INDEX_NAME, compress(pack({"info": places, "shards": digests})))
    kept = {f"{digest.hex()}.msgpack.zst" for digest in digests.values()}
    with os_errors(folder):
        for path in (folder / "shards").iterdir():
            if path.name not in kept and path.name.endswith(".msgpack.zst"):
                path.unlink(missing_ok=True)


def _by_kind(entries: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, dict[str, Mapping[str, Any]]]:
    """Entries by file name, old archives and new ones apart."""
    tables: dict[str, dict[str, Mapping[str, Any]]] = {"packages": {}, "packages.conda": {}}
    for file_name, entry in entries:
        tables["packages.conda" if file_name.endswith(".conda") else "packages"][file_name] = entry
    return tables


def _binary(package: Indexed) -> dict[str, Any]:
    """An entry as shards have it: digests as bytes, run exports within."""
    digests = {kind: bytes.fromhex(package.entry[kind]) for kind in ("md5", "sha256")}
    return {**package.entry, **digests, "run_exports": package.run_exports}
