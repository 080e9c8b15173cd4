"""Any number of made-up packages, for measurements: a few files each, some with the placeholder."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from .fixtures import files
from .package_writer import PLACEHOLDER, Recipe, WrittenPackage, write_package


@dataclass(frozen=True)
class Amount:
    """How many packages, of how many files, how large, and every how many-th file names the prefix."""

    packages: int = 1000
    files: int = 10
    file_bytes: int = 400
    prefix_every: int = 10


def write_synthetic(channel: Path, subdir: str, amount: Amount) -> list[WrittenPackage]:
    """Write `synthetic-0000`… and `synthetic-all`, which needs them all; each needs up to three before it."""
    written = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(amount.packages):
            name = synthetic_name(number)
            stage = Path(folder) / name
            files(synthetic_files(name, amount))(stage)
            needs = sorted({synthetic_name(number // divisor) for divisor in (2, 3, 7)} - {name})
            recipe = Recipe(name=name, version="1.0", build="0", subdir=subdir, depends=needs)
            written.append(write_package(recipe, stage, channel))
    every = [synthetic_name(number) for number in range(amount.packages)]
    recipe = Recipe(name="synthetic-all", version="1.0", build="0", subdir=subdir, depends=every)
    return [*written, write_package(recipe, None, channel)]


def synthetic_name(number: int) -> str:
    """`synthetic-0042`"""
    return f"synthetic-{number:04d}"


def synthetic_files(name: str, amount: Amount) -> dict[str, str]:
    """Relative path → text of one package's files; no two alike, since caches may join equal ones."""
    texts = {}
    for number in range(amount.files):
        line = f"{name} file {number} of {amount.files}\n"
        text = line * (amount.file_bytes // len(line) + 1)
        if amount.prefix_every and number % amount.prefix_every == 0:
            text = f"prefix={PLACEHOLDER}\n{text}"
        texts[f"share/synthetic/{name}/{number % 7}/{number:05d}.txt"] = text
    return texts
