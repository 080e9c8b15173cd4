"""Bring every package that a plan needs into the caches, several at a time, before anything is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..cache.store import CachedPackage, PackageCache
    from ..cache.wheels import CachedWheel, WheelCache
    from ..model.record import PypiRecord, RepoDataRecord
    from ..progress import Reporter
    from ..workspace import Services

WORKERS = 8  # downloads are bounded again, by host, inside the client


class Fetched:
    """Packages that are whole in the caches, by where they came from.

    A record that was not fetched ahead is fetched (`build` makes the wheels of sources) when it is asked for: another
    process may have changed the prefix after the plan was made.
    """

    def __init__(self, services: Services) -> None:
        self.services = services
        self.conda: dict[str, CachedPackage] = {}
        self.pypi: dict[str, CachedWheel] = {}
        self.build: Callable[[PypiRecord], CachedWheel] | None = None

    def package(self, record: RepoDataRecord) -> CachedPackage:
        """The extracted conda package of a record."""
        if record.url not in self.conda:
            self.conda[record.url] = self.services.packages.fetch(record, self.services.client)
        return self.conda[record.url]

    def wheel(self, record: PypiRecord) -> CachedWheel:
        """The unpacked wheel of a record."""
        if record.location not in self.pypi:
            if self.build is not None and not record.is_wheel:
                self.pypi[record.location] = self.build(record)
            else:
                self.pypi[record.location] = self.services.wheels.fetch(record, self.services.client)
        return self.pypi[record.location]


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
    packages, wheels = services.packages, services.wheels
    records = _not_cached(fetched, packages, wheels, conda, pypi)
    if not records:
        return fetched
    from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait  # lazy: they bring logging

    total = sum(record.size or 0 for record in records)
    # biggest first: the longest download should not be the last to start
    ordered = sorted(records, key=lambda record: -(record.size or 0))
    client = services.client
    with (
        reporter.phase("download", total=total or None, unit="bytes", detail=f"{len(ordered)} packages") as phase,
        ThreadPoolExecutor(WORKERS, thread_name_prefix="fetch") as pool,
    ):
        futures: list[Future[None]] = []

        def one(record: RepoDataRecord | PypiRecord) -> None:
            if should_stop is not None and should_stop():
                raise Cancelled
            from ..model.record import RepoDataRecord

            if isinstance(record, RepoDataRecord):
                fetched.conda[record.url] = packages.fetch(record, client, phase=phase)
            else:
                fetched.pypi[record.location] = wheels.fetch(record, client, phase=phase)

        futures = [pool.submit(one, record) for record in ordered]
        done, waiting = wait(futures, return_when=FIRST_EXCEPTION)
        for future in waiting:
            future.cancel()
        for future in done:
            future.result()
        phase.finish(f"{len(ordered)} packages")
    return fetched


def _not_cached(
    fetched: Fetched,
    packages: PackageCache,
    wheels: WheelCache,
    conda: Sequence[RepoDataRecord],
    pypi: Sequence[PypiRecord],
) -> list[RepoDataRecord | PypiRecord]:
    """Take what is whole in the caches, and return the rest. One thread: looking at files is so short that several
    would only wait for each other.
    """
    missing: list[RepoDataRecord | PypiRecord] = []
    for record in conda:
        package = packages.find(record, use=True)
        if package is None:
            missing.append(record)
        else:
            fetched.conda[record.url] = package
    for wheel_record in pypi:
        wheel = wheels.find(wheel_record, use=True) if wheel_record.is_wheel else None
        if wheel is None:
            missing.append(wheel_record)
        else:
            fetched.pypi[wheel_record.location] = wheel
    return missing
