"""`.conda` packages out of extracted ones: the same bytes for the same files.

A `.conda` package (CEP 2) is a zip of stored members: `metadata.json`, and two tar archives compressed with zstd, one
with `info/` and one with everything else.
"""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

from ..fs import os_errors

_METADATA = b'{"conda_pkg_format_version": 2}'
_LEVEL = 3
_STAMP = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can tell


def write_conda(folder: Path, paths: Iterable[str], target: Path) -> None:
    """Pack the files and links `paths` (relative to `folder`, with `/`) into `target`, whose name ends in `.conda`.

    Raises `InstallError`, `DiskFull`.
    """
    stem = target.name.removesuffix(".conda")
    parts: dict[str, list[str]] = {"pkg": [], "info": []}
    for path in sorted(paths):
        parts["info" if path.startswith("info/") else "pkg"].append(path)
    with os_errors(target), zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo("metadata.json", _STAMP), _METADATA)
        for part, members in parts.items():
            archive.writestr(zipfile.ZipInfo(f"{part}-{stem}.tar.zst", _STAMP), _tar_zst(folder, members))


def _tar_zst(folder: Path, members: Iterable[str]) -> bytes:
    import zstandard

    content = io.BytesIO()
    with (
        zstandard.ZstdCompressor(level=_LEVEL).stream_writer(content, closefd=False) as compressed,
        tarfile.open(fileobj=compressed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in members:
            place = folder / path
            member = tar.gettarinfo(place, path)
            # hard links of a cache say nothing about the package
            if member.islnk():
                member.type, member.linkname, member.size = tarfile.REGTYPE, "", os.stat(place).st_size
            member.uid = member.gid = member.mtime = 0
            member.uname = member.gname = ""
            if member.isreg():
                with open(place, "rb") as file:
                    tar.addfile(member, file)
            else:
                tar.addfile(member)
    return content.getvalue()
