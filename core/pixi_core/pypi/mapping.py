"""Which PyPI projects a conda solution brings, by the records' purls and by what the workspace says of its channels.

The tables that `conda-pypi-map` points at are read from disk, or fetched and kept for a lifetime of our own; a copy
that is too old serves where the place cannot be reached.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import NetworkError, PixiError, SpecError
from ..fs import atomic_write
from ..model.channel import path_of_file_url, without_credentials
from ..model.conda_pypi_map import CondaPypiMap, Names, read_names
from ..model.purl import pypi_names
from ..model.record import RepoDataRecord
from ..names import PackageName, PypiName
from ..progress import SILENT, Reporter
from .fetcher import Fetcher

TABLE_LIFETIME = 24 * 3600.0
"""Seconds for which a fetched table counts as fresh: names change rarely."""


@dataclass(frozen=True, slots=True)
class Provided:
    """A project that a conda package brings. `version` is the one PyPI users know it by."""

    version: str
    record: RepoDataRecord | None = None

    def __str__(self) -> str:
        return str(self.record) if self.record is not None else self.version


def provided_by(records: Iterable[RepoDataRecord]) -> dict[PypiName, Provided]:
    """The PyPI projects in a conda solution."""
    return {
        name: Provided(version or record.version, record)
        for record in records
        for name, version in pypi_names(record).items()
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class NameTables:
    """Reads the tables of a `conda-pypi-map`. `root` is the folder that relative paths start from; `cache` the folder
    of fetched tables; `clock` gives Unix seconds; `fetcher` is asked for only where something must be fetched.
    """

    root: Path
    cache: Path
    fetcher: Callable[[], Fetcher]
    reporter: Reporter = SILENT
    clock: Callable[[], float] = time.time

    def with_purls(self, records: Iterable[RepoDataRecord], names: CondaPypiMap) -> tuple[RepoDataRecord, ...]:
        """The records, each with its purls stated. Raises `SpecError` for a table that cannot be read,
        `NetworkError` for one that cannot be had.
        """
        return names.with_purls(records, {location: self.table(location) for location in names.locations})

    def table(self, location: str) -> Mapping[PackageName, Names]:
        """The table at a path or URL. Raises as above."""
        shown = without_credentials(location)
        content = self._fetched(location) if location.startswith(("http://", "https://")) else self._local(location)
        try:
            return read_names(json.loads(content), what=f"the name table {shown}")
        except ValueError as error:
            raise SpecError(f"the name table {shown} is not JSON: {error}", source=location) from None

    def _local(self, location: str) -> bytes:
        path = self.root / (path_of_file_url(location) if location.startswith("file:") else location)
        try:
            return path.read_bytes()
        except OSError as error:
            raise SpecError(
                f"the name table {path} cannot be read: {error.strerror}",
                source=location,
                hints=["correct `conda-pypi-map` in the manifest; paths start at the workspace's folder"],
            ) from None

    def _fetched(self, url: str) -> bytes:
        path = self.cache / f"{hashlib.sha256(url.encode()).hexdigest()}.json"
        try:
            kept, age = path.read_bytes(), self.clock() - path.stat().st_mtime
        except OSError:
            kept, age = None, 0.0
        if kept is not None and 0 <= age < TABLE_LIFETIME:
            return kept
        try:
            content = self.fetcher().get_bytes(url).content
        except NetworkError as error:
            if kept is None:
                raise
            self.reporter.warning(f"{error.message}: names are taken from a copy that is {age / 3600:.0f} hours old")
            return kept
        with suppress(PixiError, OSError):
            atomic_write(path, content, fsync=False)
        return content
