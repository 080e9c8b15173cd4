"""The pinned wheels, fetched by the running pip from whatever index it is configured for, and kept by digest."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import parse_wheel_filename

from .cache import cache_root

PINS = Path(__file__).parent / "pins"


class ChannelUnavailable(Exception):
    """The channel cannot be built here; the message is the reason that skipped tests state."""


@dataclass(frozen=True)
class Pin:
    """One wheel: its file name (which says name and version) and its digest."""

    file_name: str
    sha256: str

    @property
    def requirement(self) -> str:
        """The line of a requirements file that only this wheel satisfies."""
        name, version, _, _ = parse_wheel_filename(self.file_name)
        return f"{name}=={version} --hash=sha256:{self.sha256}"

    @property
    def project(self) -> str:
        """The normalised name of the project."""
        return str(parse_wheel_filename(self.file_name)[0])

    @property
    def cached(self) -> Path:
        """Where the wheel is, or will be, in the cache."""
        return cache_root() / "wheels" / self.sha256 / self.file_name


def read_pins(selection: str, tag: str) -> list[Pin]:
    """The pins of a file of `pins/` (`base`, `hundred`) for a python (`cp311`).

    Raises `ChannelUnavailable` when there are none for it.
    """
    table = tomllib.loads((PINS / f"{selection}.toml").read_text(encoding="utf-8"))
    if tag not in table:
        raise ChannelUnavailable(f"no wheels are pinned for {tag}, only for {', '.join(sorted(table))}")
    return [Pin(line["file"], line["sha256"]) for line in table[tag]]


def fetch_wheels(pins: Sequence[Pin]) -> list[Path]:
    """The wheels of `pins`, in their order; pip downloads those that the cache has not.

    Raises `ChannelUnavailable` with pip's last words.
    """
    missing = [pin for pin in pins if not pin.cached.exists()]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(download, one_version_each(missing)))
    return [pin.cached for pin in pins]


def one_version_each(pins: Sequence[Pin]) -> list[list[Pin]]:
    """`pins` in groups that name no project twice: pip takes one version of each at a time."""
    groups: list[list[Pin]] = []
    for pin in pins:
        fitting = [group for group in groups if all(other.project != pin.project for other in group)]
        if fitting:
            fitting[0].append(pin)
        else:
            groups.append([pin])
    return groups


def download(pins: Sequence[Pin]) -> None:
    """Let pip fetch `pins` and put each into the cache under its digest."""
    store = cache_root() / "wheels"
    store.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=store, prefix=".fetching-") as folder:
        requirements = Path(folder) / "requirements.txt"
        requirements.write_text("".join(f"{pin.requirement}\n" for pin in pins))
        command = [
            sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
            "--only-binary=:all:", "--require-hashes", "--retries=1", "--timeout=20",
            "--dest", folder, "--requirement", str(requirements),
        ]  # fmt: skip
        outcome = subprocess.run(command, capture_output=True, text=True)
        if outcome.returncode:
            words = (outcome.stderr.strip() or outcome.stdout.strip() or "pip said nothing").splitlines()
            raise ChannelUnavailable(f"pip could not fetch the pinned wheels: {words[-1]}")
        for pin in pins:
            keep(Path(folder) / pin.file_name, pin)


def keep(file: Path, pin: Pin) -> None:
    """Move a fetched wheel to its place, having checked that it is the pinned one."""
    if not file.exists() or hashlib.sha256(file.read_bytes()).hexdigest() != pin.sha256:
        raise ChannelUnavailable(f"pip fetched another file than {pin.file_name}")
    pin.cached.parent.mkdir(parents=True, exist_ok=True)
    arriving = pin.cached.with_name(f".{os.getpid()}-{pin.file_name}")
    shutil.move(file, arriving)
    arriving.replace(pin.cached)
