"""Which files of a release can be used for a target, and a sentence for each that cannot."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from ..model.pypi_options import PypiOptions
from ..model.pypi_target import PypiTarget
from ..names import PypiName
from .simple import IndexFile


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a file is not used: a phrase that follows the file's name."""

    filename: str
    reason: str

    def __str__(self) -> str:
        return f"{self.filename} {self.reason}"


@dataclass(frozen=True, slots=True)
class Usable:
    """The best wheel and the sdist of one release, either may be missing; and what was refused."""

    wheel: tuple[str | None, IndexFile] | None
    sdist: tuple[str | None, IndexFile] | None
    refused: tuple[Refusal, ...]

    @property
    def best(self) -> tuple[str | None, IndexFile] | None:
        """(index, file) of the wheel if there is one, else of the sdist."""
        return self.wheel or self.sdist


def choose(
    files: Iterable[tuple[str | None, IndexFile]],
    *,
    name: PypiName,
    target: PypiTarget,
    options: PypiOptions,
    allow_yanked: bool = False,
) -> Usable:
    """The files of one release that may be used, from the first index that has any.

    As uv has it, an index has one when nothing but its bounds on Python speaks against it: a release that has gone over
    to newer Pythons there is not taken from another index.
    """
    refused: list[Refusal] = []
    wheels: list[tuple[tuple[int, int], int, str | None, IndexFile]] = []
    sdist: tuple[str | None, IndexFile] | None = None
    cutoff = options.cutoff(name)
    first_index: list[str | None] = []
    for index, file in files:
        reason = refuse(file, name=name, target=target, options=options, cutoff=cutoff, allow_yanked=allow_yanked)
        if reason is None and not target.allows_python(file.requires_python):
            reason = f"needs Python {file.requires_python}"
            if not first_index and index is not None:
                first_index.append(index)
        if reason is not None:
            refused.append(Refusal(file.filename, reason))
            continue
        if not first_index:
            first_index.append(index)
        elif index != first_index[0]:
            continue
        rank = target.rank(file.tags) if file.is_wheel else None
        if rank is not None:
            wheels.append((rank, -build_number(file.build), index, file))
        elif sdist is None or file.filename.endswith(".tar.gz"):
            sdist = (index, file)
    best = min(wheels, key=lambda entry: entry[:2], default=None)
    return Usable(None if best is None else (best[2], best[3]), sdist, tuple(refused))


def refuse(
    file: IndexFile,
    *,
    name: PypiName,
    target: PypiTarget,
    options: PypiOptions,
    cutoff: datetime | None = None,
    allow_yanked: bool = False,
) -> str | None:
    """Why a file cannot be used, None where it can; its bounds on Python are not looked at."""
    if file.is_wheel:
        if options.forbids_binary(name):
            return "is a wheel, and `no-binary` is set"
        if target.rank(file.tags) is None:
            return f"does not run on {target.description}"
    elif options.forbids_build(name):
        return "is a source distribution, and `no-build` is set"
    if file.yanked is not None and not allow_yanked:
        return f"was yanked{f' ({file.yanked})' if file.yanked else ''}"
    if cutoff is not None:
        return _too_new(file, cutoff)
    return None


def _too_new(file: IndexFile, cutoff: datetime) -> str | None:
    """`exclude-newer` needs to know when a file came; one of unknown age is not used (as pixi has it)."""
    if file.upload_time is None:
        return "has no upload time, which `exclude-newer` needs"
    uploaded = upload_moment(file.upload_time)
    if uploaded is None or uploaded >= cutoff:
        return f"was uploaded on {file.upload_time[:10]}, after the `exclude-newer` date"
    return None


def upload_moment(text: str) -> datetime | None:
    """An ISO 8601 upload time as a moment in UTC; None where it cannot be read."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def build_number(build: str) -> int:
    """The number at the head of a wheel's build tag, 0 where there is none."""
    digits = len(build) - len(build.lstrip("0123456789"))
    return int(build[:digits]) if 0 < digits <= 40 else 0
