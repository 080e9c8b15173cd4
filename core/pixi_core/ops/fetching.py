"""Bring every package that a plan needs into the caches, several at a time, before anything is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..cache.unpack import unpack_here
from ..errors import Cancelled
from ..model.record import RepoDataRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..cache.store import CachedPackage
    from ..cache.unpack import Unpack
    from ..cache.wheels import CachedWheel
    from ..model.record import PypiRecord
    from ..progress import Phase, Reporter
    from ..workspace import Services

WORKERS = 8  # downloads are bounded again, by host, inside the client


class Fetched:
    """Packages in the caches, by where they came from: whole when they were put there, as `again` makes them.

    A record that was not fetched ahead is fetched (`build` makes the wheels of sources) when it is asked for: another
    process may have changed the prefix after the plan was made.
    """

    def __init__(self, services: Services) -> None:
        self.services = services
        self._packages, self._wheels = services.packages, services.wheels
        self.conda: dict[str, CachedPackage] = {}
        self.pypi: dict[str, CachedWheel] = {}
        self.build: Callable[[PypiRecord], CachedWheel] | None = None
        self.renewed = False

    def get(
        self, record: RepoDataRecord | PypiRecord, phase: Phase | None = None, unpack: Unpack = unpack_here
    ) -> object:
        """The package of a record of either kind; `phase` counts the bytes of a download."""
        if isinstance(record, RepoDataRecord):
            return self.package(record, phase, unpack)
        return self.wheel(record, phase, unpack)

    def package(
        self, record: RepoDataRecord, phase: Phase | None = None, unpack: Unpack = unpack_here
    ) -> CachedPackage:
        """The extracted conda package of a record."""
        if record.url not in self.conda:
            self.conda[record.url] = self._packages.fetch(record, self.services.client, phase=phase, unpack=unpack)
        return self.conda[record.url]

    def wheel(self, record: PypiRecord, phase: Phase | None = None, unpack: Unpack = unpack_here) -> CachedWheel:
        """The unpacked wheel of a record."""
        if record.location not in self.pypi:
            if self.build is not None and not record.is_wheel:
                self.pypi[record.location] = self.build(record)
            else:
                self.pypi[record.location] = self._wheels.fetch(
                    record, self.services.client, phase=phase, unpack=unpack
                )
        return self.pypi[record.location]

    def again(self, record: RepoDataRecord | PypiRecord) -> CachedPackage | CachedWheel:
        """The package of a record once more: what was given for it is not whole."""
        self.renewed = True
        if isinstance(record, RepoDataRecord):
            del self.conda[record.url]
            return self.package(record)
        del self.pypi[record.location]
        return self.wheel(record)


def fetch_packages(
    services: Services,
    conda: Sequence[RepoDataRecord],
    pypi: Sequence[PypiRecord],
    *,
    reporter: Reporter,
    should_stop: Callable[[], bool] | None = None,
) -> Fetched:
    """Fetch what is not cached yet. The first failure ends the others and is raised (`NetworkError`, `ArchiveError`,
    `DiskFull`, `Cancelled`).
    """
    fetched = Fetched(services)
    records = _not_cached(fetched, conda, pypi)
    if records:
        from ..cache.collect import sweep  # lazy, like all that downloading needs
        from ..cache.unpack_helper import unpacking

        records = _ordered(records)
        total = sum(record.size or 0 for record in records)
        with (
            unpacking(total) as unpack,
            reporter.phase("download", total=total or None, unit="bytes", detail=f"{len(records)} packages") as phase,
        ):
            _fetch_all(records, fetched, phase, unpack, should_stop)
            phase.finish(f"{len(records)} packages")
        for root in {cache.root for cache in (services.packages, services.wheels)}:
            sweep(root)
    return fetched


def _ordered(records: list[RepoDataRecord | PypiRecord]) -> list[RepoDataRecord | PypiRecord]:
    """The biggest, the smallest, the second biggest and so on: the longest download should not be the last to start,
    and something is to be unpacked at once.
    """
    falling = sorted(records, key=lambda record: -(record.size or 0))
    half = (len(falling) + 1) // 2
    ordered = list(falling)
    ordered[::2], ordered[1::2] = falling[:half], falling[half:][::-1]
    return ordered


def _fetch_all(
    records: Sequence[RepoDataRecord | PypiRecord],
    fetched: Fetched,
    phase: Phase,
    unpack: Unpack,
    should_stop: Callable[[], bool] | None,
) -> None:
    """Several at a time. Raises like `fetch_packages`."""
    from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait  # they bring logging

    def fetch(record: RepoDataRecord | PypiRecord) -> None:
        if should_stop is not None and should_stop():
            raise Cancelled
        fetched.get(record, phase, unpack)

    with ThreadPoolExecutor(min(WORKERS, len(records)), thread_name_prefix="fetch") as pool:
        futures = [pool.submit(fetch, record) for record in records]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:  # also where Ctrl-C is an exception: what has begun is ended, nothing else begins
            for future in futures:
                future.cancel()
    for future in futures:
        if not future.cancelled():
            future.result()


def _not_cached(
    fetched: Fetched, conda: Sequence[RepoDataRecord], pypi: Sequence[PypiRecord]
) -> list[RepoDataRecord | PypiRecord]:
    """Take what the caches hold, and return the rest. Whether all files are still there sees whoever links them."""
    packages, wheels = fetched.services.packages, fetched.services.wheels
    missing: list[RepoDataRecord | PypiRecord] = []
    for record in conda:
        package = packages.find(record, use=True, look=False)
        if package is None:
            missing.append(record)
        else:
            fetched.conda[record.url] = package
    for wheel_record in pypi:
        wheel = wheels.find(wheel_record, use=True, look=False) if wheel_record.is_wheel else None
        if wheel is None:
            missing.append(wheel_record)
        else:
            fetched.pypi[wheel_record.location] = wheel
    return missing
