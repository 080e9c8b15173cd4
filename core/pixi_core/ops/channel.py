"""`pixi channel`: folders of archives, and the package cache, as channels that need no internet."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InstallError, UsageError
from ..fs import os_errors
from ..progress import SILENT

if TYPE_CHECKING:
    from ..progress import Reporter
    from ..repodata.serving import ChannelServer


@dataclass(frozen=True, slots=True)
class IndexedFolder:
    """A folder that is a channel now: its path, and the number of packages by subdir."""

    path: str
    packages: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return asdict(self)


def index(folder: Path, *, reporter: Reporter = SILENT) -> IndexedFolder:
    """Write the index of a folder of archives. Raises `UsageError`, `ArchiveError`, `InputError`, `InstallError`."""
    from ..repodata.indexing import index_folder

    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder")
    with reporter.phase("repodata", detail=str(folder)) as phase:
        found = index_folder(folder, advance=lambda name: phase.advance(detail=name))
    return IndexedFolder(str(folder), {str(subdir): count for subdir, count in found.items()})


def pack_cache(cache: Path, target: Path, *, reporter: Reporter = SILENT) -> int:
    """Make an archive below `target/<subdir>/` of every whole package in a package cache; how many there are.

    Raises `InstallError`, `DiskFull`.
    """
    import json

    from ..archive.write import write_conda
    from ..cache.entry import read_marker
    from ..names import safe_component

    with os_errors(cache):
        folders = sorted(path for path in cache.iterdir() if (path / "info" / "index.json").is_file())
    count = 0
    with reporter.phase("extract", total=len(folders), detail=str(cache)) as phase:
        for folder in folders:
            phase.advance(detail=folder.name)
            marker = read_marker(folder)
            if marker is None:
                continue  # made by another program, or not finished
            about = json.loads((folder / "info" / "index.json").read_bytes())
            place = target / safe_component(str(about.get("subdir") or "noarch"), what="the subdir")
            place.mkdir(parents=True, exist_ok=True)
            stem = safe_component(f"{about['name']}-{about['version']}-{about['build']}", what="the package")
            paths = [path for path, *_ in marker.files] + [path for path, _ in marker.links]
            write_conda(folder, paths, place / f"{stem}.conda")
            count += 1
    return count


@contextmanager
def served(
    folder: Path | None, *, cache: Path, host: str, port: int, reporter: Reporter = SILENT
) -> Iterator[tuple[ChannelServer, IndexedFolder]]:
    """A server for a folder of archives, or (None) for what is in the package cache, packed into a folder for the time.

    It listens; the caller serves. Raises what `index` and `pack_cache` raise, `InstallError` when the port is taken.
    """
    from ..repodata.serving import ChannelServer

    with tempfile.TemporaryDirectory(prefix="pixi-channel-") as temporary:
        if folder is None:
            folder = Path(temporary)
            if not os.path.isdir(cache) or not pack_cache(cache, folder, reporter=reporter):
                raise InstallError(f"no package is in the cache {cache}", hints=["install something first"])
        found = index(folder, reporter=reporter)
        try:
            server = ChannelServer(folder, host, port)
        except OSError as error:
            raise InstallError(
                f"cannot listen at {host}:{port}: {error.strerror or error}", hints=["choose another `--port`"]
            ) from None
        with server:
            yield server, found
