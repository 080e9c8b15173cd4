"""What PyPI packages are resolved for: marker values and wheel tags of a platform of the workspace.

Everything is computed from the declared platform and the Python chosen for it, never from the machine that runs us,
so that one machine locks for all. Values follow pixi; the order of tags follows the "Platform compatibility tags"
specification, best first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from ..errors import EnvironmentUnavailable
from .marker_environment import machine_of, marker_environment
from .platform import Platform, operating_system
from .record import RepoDataRecord

_WINDOWS_TAG = {"win-32": "win32", "win-64": "win_amd64", "win-arm64": "win_arm64"}
_WHEEL_MACHINE = {"i386": "i686"}
_LEGACY_MANYLINUX = {(2, 17): "manylinux2014", (2, 12): "manylinux2010", (2, 5): "manylinux1"}
_LEGACY_MACHINES = {
    (2, 17): frozenset(["x86_64", "i686", "aarch64", "armv7l", "ppc64", "ppc64le", "s390x"]),
    (2, 12): frozenset(["x86_64", "i686"]),
    (2, 5): frozenset(["x86_64", "i686"]),
}
_RELEASE = re.compile(r"(\d+)\.(\d+)")

Rank = tuple[int, int]
"""How well a wheel fits; smaller is better."""


@dataclass(frozen=True, slots=True, eq=False)
class PypiTarget:
    """A platform with a Python. `python_version` is the full version (`3.12.4`), `environment` the marker values,
    `platform_tags` the tags of compiled wheels, best first.
    """

    platform: Platform
    python_version: str
    free_threaded: bool
    environment: Mapping[str, str]
    platform_tags: tuple[str, ...]
    _platform_rank: Mapping[str, int] = field(repr=False)
    _interpreter_rank: Mapping[tuple[str, str], int] = field(repr=False)

    @classmethod
    def for_platform(cls, platform: Platform, python_version: str, *, free_threaded: bool = False) -> PypiTarget:
        """The target of a workspace platform. Raises `EnvironmentUnavailable` where PyPI knows no such platform."""
        machine = machine_of(platform.subdir)
        if machine is None:
            raise EnvironmentUnavailable(
                f"PyPI packages cannot be resolved for the platform {platform.name}",
                hints=["move the dependencies below a [target] table of the platforms that have them"],
            )
        major, minor = python_release(python_version)
        tags = tuple(_platform_tags(platform, machine))
        interpreters = enumerate(_interpreters(major, minor, free_threaded=free_threaded))
        return cls(
            platform=platform,
            python_version=python_version,
            free_threaded=free_threaded,
            environment=marker_environment(platform, python_version),
            platform_tags=tags,
            _platform_rank={tag: rank for rank, tag in enumerate(tags)},
            _interpreter_rank={pair: rank for rank, pair in interpreters},
        )

    @classmethod
    def for_conda(cls, platform: Platform, records: Iterable[RepoDataRecord]) -> PypiTarget | None:
        """The target that a conda solution makes; None where it has no Python. Raises as `for_platform` does."""
        by_name = {record.name: record for record in records}
        python = by_name.get("python")
        if python is None:
            return None
        abi = by_name.get("python_abi", python)
        return cls.for_platform(platform, python.version, free_threaded=abi.build.endswith("t"))

    def rank(self, wheel_tags: str) -> Rank | None:
        """How well a wheel with these tags (`cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64`) fits; None
        where it does not run here.
        """
        pythons, _, rest = wheel_tags.partition("-")
        abis, _, platforms = rest.partition("-")
        best_platform = self._best_platform(platforms)
        if best_platform is None:
            return None
        pure = best_platform == len(self.platform_tags)
        best: int | None = None
        for python in pythons.split("."):
            for abi in abis.split("."):
                rank = self._interpreter_rank.get((python, abi))
                if rank is not None and (best is None or rank < best):
                    best = rank
        if best is None:
            return None
        return (best + (1000 if pure else 0), best_platform)

    def fits(self, wheel: str) -> bool:
        """Whether the wheel with this file name runs here."""
        return self.rank(_tags_of(wheel)) is not None

    def fits_with_some_python(self, wheel: str) -> bool:
        """Whether the wheel with this file name runs on the platform, whatever Python is there."""
        return self._best_platform(_tags_of(wheel).rpartition("-")[2]) is not None

    def _best_platform(self, platforms: str) -> int | None:
        if platforms == "any":
            return len(self.platform_tags)
        ranks = [self._platform_rank[tag] for tag in platforms.split(".") if tag in self._platform_rank]
        return min(ranks, default=None)

    def allows_python(self, requires_python: str | None) -> bool:
        """Whether a `Requires-Python` admits the target's Python. What cannot be read does not count against it."""
        return not requires_python or _allows(requires_python, self.python_version)

    @property
    def description(self) -> str:
        """For messages: `linux-64 with Python 3.12.4`."""
        return f"{self.platform.name} with Python {self.python_version}{' (free-threaded)' * self.free_threaded}"


def _tags_of(wheel: str) -> str:
    """The compatibility tags in a wheel's file name."""
    return "-".join(wheel.removesuffix(".whl").split("-")[-3:])


@lru_cache(maxsize=4096)
def _allows(requires_python: str, python_version: str) -> bool:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    from ..errors import SpecError
    from .pep508 import normalised_specifier

    try:
        return SpecifierSet(normalised_specifier(requires_python)).contains(python_version, prereleases=True)
    except (InvalidSpecifier, SpecError):
        return True


def python_release(version: str) -> tuple[int, int]:
    """Major and minor of a Python version. Raises `EnvironmentUnavailable` where it has none."""
    match = _RELEASE.match(version)
    if match is None:
        raise EnvironmentUnavailable(f"'{version}' is not a version of Python")
    return int(match[1]), int(match[2])


def _interpreters(major: int, minor: int, *, free_threaded: bool) -> Iterator[tuple[str, str]]:
    """(Python tag, ABI tag) pairs that CPython X.Y accepts, best first."""
    own = f"cp{major}{minor}"
    abi = own + ("t" if free_threaded else "m" if (major, minor) < (3, 8) else "")
    yield own, abi
    if not free_threaded:
        yield own, "abi3"
    yield own, "none"
    if not free_threaded:
        for older in range(minor - 1, 1, -1):
            yield f"cp{major}{older}", "abi3"
    yield f"py{major}{minor}", "none"
    yield f"py{major}", "none"
    for older in range(minor - 1, -1, -1):
        yield f"py{major}{older}", "none"


def _platform_tags(platform: Platform, machine: str) -> Iterator[str]:
    system = operating_system(platform.subdir)
    if system == "win":
        yield _WINDOWS_TAG[platform.subdir]
    elif system == "osx":
        yield from _mac_tags(platform.version_of("__osx") or "13.0", machine)
    else:
        yield from _linux_tags(platform, _WHEEL_MACHINE.get(machine, machine))


def _linux_tags(platform: Platform, machine: str) -> Iterator[str]:
    """Tags: musllinux where the platform declares `__musl`, else manylinux up to the declared `__glibc`."""
    musl = platform.version_of("__musl")
    if musl is not None:
        major, minor = _two(musl)
        yield from (f"musllinux_{major}_{older}_{machine}" for older in range(minor, -1, -1))
    else:
        major, minor = _two(platform.version_of("__glibc") or "2.28")
        oldest = 5 if machine in ("x86_64", "i686") else 17
        for older in range(minor, oldest - 1, -1):
            yield f"manylinux_{major}_{older}_{machine}"
            legacy = _LEGACY_MANYLINUX.get((major, older))
            if legacy is not None and machine in _LEGACY_MACHINES[major, older]:
                yield f"{legacy}_{machine}"
    yield f"linux_{machine}"


def _mac_tags(version: str, machine: str) -> Iterator[str]:
    """From the declared macOS version down: from 11 on the minor number stays 0, before it the major stays 10."""
    major, minor = _two(version)
    intel = ("x86_64", "intel", "fat64", "fat3", "universal2", "universal")
    formats = ("arm64", "universal2") if machine == "arm64" else intel
    for release in range(major, 10, -1):
        yield from (f"macosx_{release}_0_{form}" for form in formats)
    old_formats = ("universal2",) if machine == "arm64" else intel
    for release in range(16 if major > 10 else minor, 3, -1):
        yield from (f"macosx_10_{release}_{form}" for form in old_formats)


def _two(version: str) -> tuple[int, int]:
    numbers = [int(part) for part in re.findall(r"\d+", version)[:2]]
    return (numbers[0] if numbers else 0, numbers[1] if len(numbers) > 1 else 0)
