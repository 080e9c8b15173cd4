"""The cache of wheels and finished packages, outside the repository: `PIXI_TEST_CACHE` or the user's cache folder."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .package_writer import WrittenPackage

CONVERTERS = ("package_writer.py", "elf.py", "host_python.py", "wheel_converter.py")
KEPT_DAYS = 30


def cache_root() -> Path:
    """Where wheels and packages are kept between test runs."""
    chosen = os.environ.get("PIXI_TEST_CACHE")
    return Path(chosen) if chosen else Path("~/.cache/pixi-jupyter-tests").expanduser()


@cache
def converter_digest() -> str:
    """A digest of the source that finished packages depend on: those of another converter are not reused."""
    content = hashlib.sha256()
    for module in CONVERTERS:
        content.update(Path(__file__).with_name(module).read_bytes())
    return content.hexdigest()


@dataclass(frozen=True)
class Job:
    """Work whose packages are worth keeping: `make` writes them into the channel folder it is given.

    `key` names every input of `make` besides the converter's source; `make` can be sent to another process.
    """

    key: tuple[str, ...]
    make: Callable[[Path], list[WrittenPackage]]

    @property
    def folder(self) -> Path:
        """Where its packages are, or will be, in the cache."""
        digest = hashlib.sha256("\0".join([converter_digest(), *self.key]).encode()).hexdigest()
        return cache_root() / "packages" / digest[:24]

    @property
    def finished(self) -> bool:
        """Whether the cache has its packages."""
        return (self.folder / "packages.json").exists()


def finish(job: Job) -> None:
    """Do the work in a folder of its own, then put that folder in place; whoever comes first wins."""
    folder = job.folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".making-"))
    try:
        lines = [
            {"file": p.path.name, "subdir": p.subdir, "entry": p.entry, "run_exports": p.run_exports}
            for p in job.make(work)
        ]
        (work / "packages.json").write_text(json.dumps(lines))
        try:
            work.rename(folder)
        except OSError:
            if not job.finished:
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def place(job: Job, channel: Path) -> list[WrittenPackage]:
    """Copy a finished job's packages into `channel`.

    Copied, not linked: a test that damages its channel must not damage the cache.
    """
    folder = job.folder
    os.utime(folder)
    return [place_one(folder, channel, line) for line in json.loads((folder / "packages.json").read_text())]


def remove_unused() -> None:
    """Remove finished packages that no build has used for a month (another converter's, mostly)."""
    limit = time.time() - KEPT_DAYS * 86_400
    for folder in (cache_root() / "packages").glob("*"):
        if folder.stat().st_mtime < limit:
            shutil.rmtree(folder, ignore_errors=True)


def place_one(folder: Path, channel: Path, line: dict[str, object]) -> WrittenPackage:
    """Copy one cached archive into `channel`."""
    subdir, name = str(line["subdir"]), str(line["file"])
    target = channel / subdir / name
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(folder / subdir / name, target)
    entry, run_exports = line["entry"], line["run_exports"]
    assert isinstance(entry, dict)
    assert isinstance(run_exports, dict)
    return WrittenPackage(target, subdir, entry, run_exports)
