"""Whole channels: fixtures alone (`small_channel`), or with a real python and converted wheels (`full_channel`)."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .cache import finished_packages, remove_unused
from .fixtures import write_fixtures
from .host_python import Interpreter, pack_python, running_interpreter
from .index import write_index
from .package_writer import ArchiveKind, WrittenPackage
from .stand_ins import stand_in_python, write_stand_ins
from .synthetic import Amount, write_synthetic
from .wheel_converter import convert_wheel
from .wheels import ChannelUnavailable, Pin, fetch_wheels, read_pins

FOREIGN = ("linux-64", "osx-arm64", "win-64")
"""Other platforms that every channel can be locked for; their packages have no files."""
OLD_ARCHIVES = ("six-1.16.0",)
"""Wheels that become `.tar.bz2`."""


@dataclass
class Built:
    """A channel: its folder, its packages, and the seconds each step took."""

    path: Path
    packages: list[WrittenPackage] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure a step."""
        begin = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - begin, 2)


def host_subdir() -> str:
    """conda's name of this platform."""
    system = {"linux": "linux", "darwin": "osx", "win32": "win"}[sys.platform]
    machine = {"x86_64": "64", "AMD64": "64"}.get(platform.machine(), platform.machine())
    return f"{system}-{machine}"


def small_channel(path: Path) -> Built:
    """The fixtures and a stand-in for python, for this platform and two others; no network, under a second."""
    built = Built(path)
    subdir = host_subdir()
    with built.step("fixtures"):
        built.packages += write_fixtures(path, subdir)
        built.packages += stand_in_python(path, subdir)
    finish(built, subdir)
    return built


def synthetic_channel(path: Path, amount: Amount) -> Built:
    """Made-up packages in any number; no network."""
    built = Built(path)
    with built.step("packages"):
        built.packages += write_synthetic(path, host_subdir(), amount)
    with built.step("index"):
        write_index(path, built.packages, subdirs=("noarch", host_subdir()))
    return built


def full_channel(path: Path, *, selections: Sequence[str] = ("base",)) -> Built:
    """A real python, the wheels pinned in `selections` (`base`, `hundred`), and the fixtures.

    Raises `ChannelUnavailable` with the reason where that cannot be done.
    """
    subdir = host_subdir()
    if subdir != "linux-64":
        raise ChannelUnavailable(f"wheels are pinned for linux-64 only; this is {subdir}")
    interpreter = running_interpreter()
    pins = {pin.file_name: pin for selection in selections for pin in read_pins(selection, interpreter.tag)}
    built = Built(path)
    with ThreadPoolExecutor(2) as threads:
        fetched = threads.submit(fetch_wheels, list(pins.values()))
        python = threads.submit(packed_python, path, subdir, interpreter)
        with built.step("fixtures"):
            built.packages += write_fixtures(path, subdir)
        with built.step("wheels fetched"):
            wheels = fetched.result()
        with built.step("wheels converted"):
            built.packages += convert_wheels(path, subdir, interpreter, dict(zip(pins.values(), wheels, strict=True)))
        with built.step("python packed"):
            built.packages += python.result()
    remove_unused()
    finish(built, subdir)
    return built


def packed_python(path: Path, subdir: str, interpreter: Interpreter) -> list[WrittenPackage]:
    """The interpreter's packages, from the cache if it has been packed before."""
    key = ["python", subdir, interpreter.digest()]
    return finished_packages(key, path, lambda work: pack_python(work, subdir, interpreter))


def convert_wheels(
    path: Path, subdir: str, interpreter: Interpreter, wheels: Mapping[Pin, Path]
) -> list[WrittenPackage]:
    """Convert every wheel that the cache has not, large ones first, two at a time."""
    order = sorted(wheels, key=lambda pin: -wheels[pin].stat().st_size)
    with ProcessPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        futures: list[Future[list[WrittenPackage]]] = [
            pool.submit(converted_wheel, path, subdir, interpreter.minor, pin, wheels[pin]) for pin in order
        ]
        return [package for future in futures for package in future.result()]


def converted_wheel(path: Path, subdir: str, python: str, pin: Pin, wheel: Path) -> list[WrittenPackage]:
    """One wheel as a conda package, from the cache if it has been converted before."""
    archive: ArchiveKind = ".tar.bz2" if pin.file_name.startswith(OLD_ARCHIVES) else ".conda"

    def convert(work: Path) -> list[WrittenPackage]:
        return [convert_wheel(wheel, work, python=python, subdir=subdir, archive=archive)]

    return finished_packages(["wheel", subdir, python, pin.sha256, archive], path, convert)


def finish(built: Built, subdir: str) -> None:
    """Add the other platforms' stand-ins and write the index."""
    foreign = [name for name in FOREIGN if name != subdir]
    with built.step("stand-ins"):
        built.packages += write_stand_ins(built.path, [p for p in built.packages if p.subdir == subdir], foreign)
    with built.step("index"):
        write_index(built.path, built.packages, subdirs=("noarch", subdir, *foreign))
