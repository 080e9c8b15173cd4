"""Comparing every file of a prefix with its record: what `pixi doctor` shows, and what `--fix` links again."""

from __future__ import annotations

import base64
import binascii
import csv
import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import Cancelled, PixiError
from .path_entry import PathEntry
from .prefix import InstalledDistribution, InstalledPackage, PrefixState, inside, read_prefix

What = Literal["missing", "changed", "not a file", "unreadable record"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One file (or record) that is not as it was installed; `path` is relative to the prefix."""

    package: str
    kind: Literal["conda", "pypi"]
    path: str
    what: What

    def __str__(self) -> str:
        return f"{self.package} ({self.kind}): {self.path}: {self.what}"


def verify(
    prefix: Path, *, contents: bool = True, should_stop: Callable[[], bool] | None = None
) -> tuple[Problem, ...]:
    """Every file that is missing or differs. With `contents`, all bytes are hashed; else only sizes are compared where
    they are known. Raises `Cancelled`.
    """
    state = read_prefix(prefix)
    problems: list[Problem] = []
    for check in (_conda_problems, _pypi_problems):
        for problem in check(state, contents):
            if should_stop is not None and should_stop():
                raise Cancelled
            if problem is not None:
                problems.append(problem)
    return tuple(problems)


def _conda_problems(state: PrefixState, contents: bool) -> Iterator[Problem | None]:
    for name, package in state.conda.items():
        try:
            paths = package.paths
        except PixiError:
            paths = ()
        if package.broken or not (paths or package.record.url):
            yield Problem(
                package=name, kind="conda", path=f"conda-meta/{package.meta_file.name}", what="unreadable record"
            )
            continue
        origin = _origin(package) if contents else _Origin({}, frozenset())
        for entry in paths:
            what = _entry_problem(state.path, entry, contents) or origin.problem(state.path, entry)
            yield Problem(package=name, kind="conda", path=entry.path, what=what) if what else None


@dataclass(frozen=True, slots=True)
class _Origin:
    """What records do not say of links and modes, and the package in the cache does, as long as it is there."""

    links: Mapping[str, str]
    programs: frozenset[str]

    def problem(self, prefix: Path, entry: PathEntry) -> What | None:
        """A link that leads elsewhere, a program that may not be run."""
        place, source = prefix / entry.path, entry.original_path or entry.path
        if source in self.links:
            return None if place.is_symlink() and os.readlink(place) == self.links[source] else "changed"
        return "changed" if source in self.programs and not place.stat().st_mode & 0o100 else None


def _origin(package: InstalledPackage) -> _Origin:
    from ..cache.entry import read_marker

    try:
        folder = package.load().extracted_package_dir
    except PixiError:
        folder = None
    marker = read_marker(Path(folder)) if isinstance(folder, str) else None
    if marker is None:
        return _Origin({}, frozenset())
    return _Origin(dict(marker.links), frozenset(path for path, _, _, executable in marker.files if executable))


def _entry_problem(prefix: Path, entry: PathEntry, contents: bool) -> What | None:
    place = prefix / entry.path
    if entry.path_type == "directory":
        return None if place.is_dir() else "missing"
    if entry.path_type == "softlink":
        return None if os.path.lexists(place) else "missing"
    rewritten = entry.sha256_in_prefix is not None or entry.prefix_placeholder is not None
    digest = entry.sha256_in_prefix or (None if rewritten else entry.sha256)
    return _file_problem(place, digest, None if rewritten else entry.size, contents)


def _file_problem(place: Path, digest: str | None, size: int | None, contents: bool) -> What | None:
    """What is wrong with a file; `digest` in hex. A symbolic link in a file's place counts for what it leads to."""
    try:
        status = place.stat()
        if not stat.S_ISREG(status.st_mode):
            return "not a file"
        if size is not None and status.st_size != size:
            return "changed"
        if contents and digest is not None:
            with place.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                    return "changed"
    except (OSError, ValueError):  # ValueError: a path that no file can have
        return "missing"
    return None


def _pypi_problems(state: PrefixState, contents: bool) -> Iterator[Problem | None]:
    for found in state.pypi.values():
        if not found.is_ours:
            continue
        try:
            yield from _distribution_problems(state.path, found, contents)
        except (OSError, ValueError, PixiError):
            path = f"{found.dist_info}/RECORD"
            yield Problem(package=found.name, kind="pypi", path=path, what="unreadable record")


def _distribution_problems(prefix: Path, found: InstalledDistribution, contents: bool) -> Iterator[Problem | None]:
    text = (prefix / found.dist_info / "RECORD").read_text(encoding="utf-8")
    for row in csv.reader(text.splitlines()):
        if len(row) < 3:
            continue
        path = inside(prefix, found.site_packages, row[0])
        digest = _hex(row[1]) if row[1] else None
        what = _file_problem(prefix / path, digest, int(row[2]) if row[2] else None, contents)
        yield Problem(package=found.name, kind="pypi", path=path, what=what) if what else None


def _hex(text: str) -> str | None:
    """The digest of a RECORD line in hex; None for another algorithm. Raises `ValueError`."""
    algorithm, _, value = text.partition("=")
    if algorithm != "sha256":
        return None
    try:
        return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).hex()
    except binascii.Error as error:
        raise ValueError(str(error)) from None
