"""The cache of wheels and finished packages, outside the repository: `PIXI_TEST_CACHE` or the user's cache folder."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from .package_writer import WrittenPackage

CONVERTERS = ("package_writer.py", "elf.py", "host_python.py", "wheel_converter.py")
KEPT_DAYS = 30


def cache_root() -> Path:
    """Where wheels and packages are kept between test runs."""
    chosen = os.environ.get("PIXI_TEST_CACHE")
    return Path(chosen) if chosen else Path("~/.cache/pixi-jupyter-tests").expanduser()


def converter_digest() -> str:
    """A digest of the source that finished packages depend on: those of another converter are not reused."""
    content = hashlib.sha256()
    for module in CONVERTERS:
        content.update(Path(__file__).with_name(module).read_bytes())
    return content.hexdigest()


def finished_packages(
    key: Sequence[str], channel: Path, make: Callable[[Path], list[WrittenPackage]]
) -> list[WrittenPackage]:
    """The packages that `make` writes into a channel folder, copied into `channel` from the cache if they are there.

    `key` names every input of `make` besides the converter's source. Files are copied, not linked: a test that
    damages its channel must not damage the cache.
    """
    digest = hashlib.sha256("\0".join([converter_digest(), *key]).encode()).hexdigest()
    folder = cache_root() / "packages" / digest[:24]
    if (folder / "packages.json").exists():
        os.utime(folder)
    else:
        make_finished(folder, make)
    return [place(folder, channel, line) for line in json.loads((folder / "packages.json").read_text())]


def make_finished(folder: Path, make: Callable[[Path], list[WrittenPackage]]) -> None:
    """Run `make` in a folder of its own, then put that folder in place; whoever comes first wins."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".making-"))
    try:
        lines = [
            {"file": p.path.name, "subdir": p.subdir, "entry": p.entry, "run_exports": p.run_exports}
            for p in make(work)
        ]
        (work / "packages.json").write_text(json.dumps(lines))
        try:
            work.rename(folder)
        except OSError:
            if not (folder / "packages.json").exists():
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def remove_unused() -> None:
    """Remove finished packages that no build has used for a month (another converter's, mostly)."""
    limit = time.time() - KEPT_DAYS * 86_400
    for folder in (cache_root() / "packages").glob("*"):
        if folder.stat().st_mtime < limit:
            shutil.rmtree(folder, ignore_errors=True)


def place(folder: Path, channel: Path, line: dict[str, object]) -> WrittenPackage:
    """Copy one cached archive into `channel`."""
    subdir, name = str(line["subdir"]), str(line["file"])
    target = channel / subdir / name
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(folder / subdir / name, target)
    entry, run_exports = line["entry"], line["run_exports"]
    assert isinstance(entry, dict)
    assert isinstance(run_exports, dict)
    return WrittenPackage(target, subdir, entry, run_exports)
