"""Whole channels: fixtures alone (`small_channel`), or with a real python and converted wheels (`full_channel`)."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from .cache import Job, finish, place, remove_unused
from .fixtures import write_fixtures
from .host_python import Interpreter, interpreter_at, pack_python, running_interpreter
from .index import write_index
from .package_writer import ArchiveKind, WrittenPackage
from .stand_ins import stand_in_python, write_stand_ins
from .subdirs import all_subdirs, host_subdir
from .synthetic import Amount, write_synthetic
from .wheel_converter import convert_wheel
from .wheels import ChannelUnavailable, Pin, fetch_wheels, read_pins

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


def small_channel(path: Path) -> Built:
    """The fixtures and a stand-in for python, for this platform and two others; no network, under a second."""
    built = Built(path)
    subdir = host_subdir()
    with built.step("fixtures"):
        built.packages += write_fixtures(path, all_subdirs())
        built.packages += stand_in_python(path, subdir)
    complete(built, subdir)
    return built


def synthetic_channel(path: Path, amount: Amount) -> Built:
    """Made-up packages in any number; no network."""
    built = Built(path)
    with built.step("packages"):
        built.packages += write_synthetic(path, host_subdir(), amount)
    with built.step("index"):
        write_index(path, built.packages, subdirs=("noarch", host_subdir()))
    return built


def full_channel(path: Path, *, selections: Sequence[str] = ("base",), pythons: Sequence[Path] = ()) -> Built:
    """A real python, the wheels pinned in `selections` (`base`, `hundred`), and the fixtures; and as many other real
    pythons as `pythons` names executables of.

    Raises `ChannelUnavailable` with the reason where that cannot be done.
    """
    subdir = host_subdir()
    if subdir != "linux-64":
        raise ChannelUnavailable(f"wheels are pinned for linux-64 only; this is {subdir}")
    interpreter = running_interpreter()
    pins = {pin.file_name: pin for selection in selections for pin in read_pins(selection, interpreter.tag)}
    built = Built(path)
    with built.step("packages made"), ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        jobs = [
            Job(("python", subdir, each.digest()), partial(pack_python, subdir=subdir, interpreter=each))
            for each in (interpreter, *map(interpreter_at, pythons))
        ]
        running = submitted(pool, jobs)
        with built.step("wheels fetched"):
            wheels = fetch_wheels(list(pins.values()))
        jobs += wheel_jobs(dict(zip(pins.values(), wheels, strict=True)), subdir, interpreter)
        for future in running + submitted(pool, jobs[1 + len(pythons) :]):
            future.result()
    with built.step("packages placed"):
        built.packages += [package for job in jobs for package in place(job, path)]
    with built.step("fixtures"):
        built.packages += write_fixtures(path, all_subdirs())
    remove_unused()
    complete(built, subdir)
    return built


def submitted(pool: ProcessPoolExecutor, jobs: Sequence[Job]) -> list[Future[None]]:
    """The jobs that the cache has not, on their way."""
    return [pool.submit(finish, job) for job in jobs if not job.finished]


def wheel_jobs(wheels: Mapping[Pin, Path], subdir: str, interpreter: Interpreter) -> list[Job]:
    """The conversion of every wheel, large ones first."""
    jobs = []
    for pin in sorted(wheels, key=lambda pin: -wheels[pin].stat().st_size):
        archive: ArchiveKind = ".tar.bz2" if pin.file_name.startswith(OLD_ARCHIVES) else ".conda"
        make = partial(convert, wheels[pin], python=interpreter.minor, subdir=subdir, archive=archive)
        jobs.append(Job(("wheel", subdir, interpreter.minor, pin.sha256, archive), make))
    return jobs


def convert(wheel: Path, channel: Path, *, python: str, subdir: str, archive: ArchiveKind) -> list[WrittenPackage]:
    """One wheel as the packages of a job."""
    return [convert_wheel(wheel, channel, python=python, subdir=subdir, archive=archive)]


def complete(built: Built, subdir: str) -> None:
    """Add the other platforms' stand-ins and write the index."""
    with built.step("stand-ins"):
        built.packages += write_stand_ins(built.path, built.packages, subdir, all_subdirs()[1:])
    with built.step("index"):
        write_index(built.path, built.packages, subdirs=("noarch", *all_subdirs()))
