"""Bring every package that a plan needs into the caches, several at a time, before anything is changed."""

from __future__ import annotations

from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..errors import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..cache.store import CachedPackage
    from ..cache.wheels import CachedWheel
    from ..model.record import PypiRecord, RepoDataRecord
    from ..progress import Reporter
    from ..workspace import Services

WORKERS = 8  # downloads are bounded again, by host, inside the client


@dataclass(frozen=True, slots=True)
class Fetched:
    """Packages that are whole in the caches, by where they came from.

    A record that was not fetched ahead is fetched when it is asked for: another process may have changed the prefix
    after the plan was made.
    """

    services: Services
    conda: dict[str, CachedPackage] = field(default_factory=dict)
    pypi: dict[str, CachedWheel] = field(default_factory=dict)

    def package(self, record: RepoDataRecord) -> CachedPackage:
        """The extracted conda package of a record."""
        if record.url not in self.conda:
            self.conda[record.url] = self.services.packages.fetch(record, self.services.client)
        return self.conda[record.url]

    def wheel(self, record: PypiRecord) -> CachedWheel:
        """The unpacked wheel of a record."""
        if record.location not in self.pypi:
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
    if not conda and not pypi:
        return fetched
    total = sum(record.size or 0 for record in conda) + sum(record.size or 0 for record in pypi)
    # biggest first: the longest download should not be the last to start
    records: list[RepoDataRecord | PypiRecord] = [*conda, *pypi]
    ordered = sorted(records, key=lambda record: -(record.size or 0))
    packages, wheels, client = services.packages, services.wheels, services.client
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
