"""Which PyPI projects the conda packages of a solution already are.

A record says so by its purls (`pkg:pypi/<name>`); an empty list means "known not to be on PyPI", None means that
nobody knows, and then packages of conda-forge which depend on Python count as the project of the same name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..model.purl import pypi_names
from ..model.record import RepoDataRecord
from ..names import PypiName


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
