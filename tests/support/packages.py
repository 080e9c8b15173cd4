"""Small packages for tests of installing: extracted conda packages and unpacked wheels, written straight into folders
as the caches would hold them, with the records that a lock file would hold.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pixi_core.archive.sink import Extracted, ExtractedFile
from pixi_core.cache.entry import write_marker
from pixi_core.model.digest import Sha256
from pixi_core.model.platform import Subdir
from pixi_core.model.record import Noarch, PypiRecord, RepoDataRecord

PLACEHOLDER = ("/opt/placeholder" + "_placeholder" * 40)[:255]
Content = str | bytes


@dataclass(frozen=True)
class StoredPackage:
    """What a cache gives: the folder of a package (with `info/` for conda), and its files."""

    path: Path
    files: tuple[tuple[str, str, int, bool], ...] = ()

    def is_whole(self) -> bool:
        """Nobody changes it."""
        return True


@dataclass
class Shelf:
    """A folder of packages, by record, as `execute` asks for them."""

    root: Path
    conda: dict[str, StoredPackage] = field(default_factory=dict)
    pypi: dict[str, StoredPackage] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def package(self, record: RepoDataRecord) -> StoredPackage:
        self.asked.append(record.name)
        return self.conda[record.url]

    def wheel(self, record: PypiRecord) -> StoredPackage:
        self.asked.append(record.name)
        return self.pypi[record.location]

    def again(self, record: RepoDataRecord | PypiRecord) -> StoredPackage:
        """What it gives is always whole."""
        raise AssertionError(f"nothing is wrong with {record.name}")

    def add_conda(
        self,
        name: str,
        version: str,
        files: Mapping[str, Content] | None = None,
        *,
        build: str = "0",
        links: Mapping[str, str] | None = None,
        noarch: Noarch | None = None,
        depends: Sequence[str] = (),
        entry_points: Sequence[str] = (),
        no_link: Sequence[str] = (),
        paths: Sequence[Mapping[str, Any]] | None = None,
        subdir: str = "linux-64",
        site_packages: str | None = None,
    ) -> RepoDataRecord:
        """Write a package; a file holding `PLACEHOLDER` gets a prefix entry, one of `bin/` is executable."""
        stem = f"{name}-{version}-{build}"
        folder = self.root / "pkgs" / stem
        (folder / "info").mkdir(parents=True)
        entries: list[dict[str, Any]] = []
        for path, content in (files or {}).items():
            data = content.encode() if isinstance(content, str) else content
            _write(folder / path, data, executable="bin/" in path or "scripts/" in path)
            entries.append(_entry(path, data, no_link=path in no_link))
        for path, target in (links or {}).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).symlink_to(target)
            entries.append({"_path": path, "path_type": "softlink"})
        _json(folder / "info" / "paths.json", {"paths_version": 1, "paths": entries if paths is None else list(paths)})
        _json(folder / "info" / "index.json", {"name": name, "version": version, "build": build})
        if noarch is not None:
            _json(folder / "info" / "link.json", {"noarch": {"type": noarch, "entry_points": list(entry_points)}})
        url = f"https://channel.example/test/{subdir}/{stem}.conda"
        self.conda[url] = _stored(folder)
        digest = hashlib.sha256(json.dumps([stem, subdir, entries]).encode()).hexdigest()
        return RepoDataRecord(
            name=name,
            version=version,
            build=build,
            build_number=0,
            subdir=Subdir("noarch" if noarch else subdir),
            file_name=f"{stem}.conda",
            url=url,
            channel="https://channel.example/test/",
            noarch=noarch,
            depends=tuple(depends),
            sha256=Sha256(digest),
            python_site_packages_path=site_packages,
        )

    def add_python(self, version: str, *, build: str = "0") -> RepoDataRecord:
        """A package called python with a program that is none."""
        short = ".".join(version.split(".")[:2])
        files = {f"bin/python{short}": f"python {version}", f"lib/python{short}/os.py": f"version = '{version}'"}
        return self.add_conda("python", version, files, build=build, links={"bin/python": f"python{short}"})

    def add_wheel(
        self,
        name: str,
        version: str,
        files: Mapping[str, Content] | None = None,
        *,
        entry_points: str = "",
        dist_info: str | None = None,
        location: str | None = None,
    ) -> PypiRecord:
        """Write an unpacked wheel with its metadata."""
        spelled = name.lower().replace("-", "_")
        info = dist_info or f"{spelled}-{version}.dist-info"
        folder = self.root / "wheels" / f"{spelled}-{version}"
        every: dict[str, Content] = dict(files or {f"{spelled}/__init__.py": f"version = {version!r}\n"})
        every[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        every[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        if entry_points:
            every[f"{info}/entry_points.txt"] = entry_points
        listed = []
        for path, content in every.items():
            data = content.encode() if isinstance(content, str) else content
            _write(folder / path, data)
            listed.append((path, hashlib.sha256(data).hexdigest(), len(data), False))
        record = "".join(f"{path},sha256={_urlsafe(digest)},{size}\n" for path, digest, size, _ in listed)
        _write(folder / info / "RECORD", (record + f"{info}/RECORD,,\n").encode())
        listed.append((f"{info}/RECORD", "0" * 64, 0, False))
        where = location or f"https://files.example/{spelled}-{version}-py3-none-any.whl"
        self.pypi[where] = _stored(folder, listed)
        return PypiRecord(name=name, version=version, location=where, index="https://pypi.example/simple")


def _stored(folder: Path, files: Sequence[tuple[str, str, int, bool]] = ()) -> StoredPackage:
    """A package as a cache entry: with its marker. Its rows are `files`, else what lies there."""
    found = [path for path in folder.rglob("*") if path.is_file() or path.is_symlink()]
    links = [(path.relative_to(folder).as_posix(), str(path.readlink())) for path in found if path.is_symlink()]
    rows = [
        (path.relative_to(folder).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size, False)
        for path in found
        if not path.is_symlink()
    ]
    size = sum(size for _, _, size, _ in rows)
    extracted = Extracted(tuple(ExtractedFile(*row) for row in rows), tuple(links), size)
    write_marker(folder, extracted, sha256="0" * 64, md5=None)
    return StoredPackage(folder, tuple(files or rows))


def tree(folder: Path, *, skip: Sequence[str] = ()) -> dict[str, str]:
    """Every file and link below a folder with a digest of its content (or where it leads), folders with `/`."""
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name in skip:
            continue
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_dir():
            found[name + "/"] = ""
        else:
            mode = path.stat().st_mode & 0o111
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()[:16] + ("x" if mode else "")
    return found


def _entry(path: str, data: bytes, *, no_link: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "_path": path,
        "path_type": "hardlink",
        "sha256": hashlib.sha256(data).hexdigest(),
        "size_in_bytes": len(data),
    }
    if PLACEHOLDER.encode() in data:
        entry["prefix_placeholder"] = PLACEHOLDER
        entry["file_mode"] = "binary" if b"\0" in data else "text"
    if no_link:
        entry["no_link"] = True
    return entry


def _write(path: Path, data: bytes, *, executable: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    if executable:
        path.chmod(0o755)


def _json(path: Path, data: object) -> None:
    path.write_text(json.dumps(data), encoding="utf-8")


def _urlsafe(digest: str) -> str:
    return base64.urlsafe_b64encode(bytes.fromhex(digest)).rstrip(b"=").decode()
