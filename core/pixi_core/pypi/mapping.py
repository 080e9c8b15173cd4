"""Which PyPI projects the conda packages of a solution already are.

A record says so by its purls (`pkg:pypi/<name>`); an empty list means "known not to be on PyPI", None means that
nobody knows, and then packages of conda-forge which depend on Python count as the project of the same name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from ..errors import SpecError
from ..model.record import RepoDataRecord
from ..names import PypiName, pypi_name

_PREFIX = "pkg:pypi/"


@dataclass(frozen=True, slots=True)
class Provided:
    """A project that a conda package brings. `version` is the one PyPI users know it by."""

    version: str
    record: RepoDataRecord | None = None

    def __str__(self) -> str:
        return str(self.record) if self.record is not None else self.version


def provided_by(
    records: Iterable[RepoDataRecord], *, same_name_channels: Iterable[str] = ("conda-forge",)
) -> dict[PypiName, Provided]:
    """The PyPI projects in a conda solution. `same_name_channels` are the last parts of the URLs of channels whose
    Python packages bear the name that they have on PyPI.
    """
    channels = frozenset(same_name_channels)
    found: dict[PypiName, Provided] = {}
    for record in records:
        for name, version in pypi_names(record, channels).items():
            found[name] = Provided(version or record.version, record)
    return found


def pypi_names(record: RepoDataRecord, same_name_channels: frozenset[str]) -> Mapping[PypiName, str | None]:
    """The projects that one record is, each with the version its purl states."""
    if record.purls is not None:
        parsed = (parse_purl(purl) for purl in record.purls)
        return dict(entry for entry in parsed if entry is not None)
    channel = (record.channel or "").rstrip("/").rpartition("/")[2]
    if channel not in same_name_channels or not is_python_package(record):
        return {}
    try:
        return {pypi_name(record.name): None}
    except SpecError:
        return {}


def is_python_package(record: RepoDataRecord) -> bool:
    """Whether a conda package needs Python (libraries often share a name with their bindings on PyPI)."""
    return record.noarch == "python" or any(
        dependency.split(None, 1)[:1] == ["python"] for dependency in record.depends
    )


def parse_purl(purl: str) -> tuple[PypiName, str | None] | None:
    """Name and version of a `pkg:pypi/…` purl, None for other kinds."""
    if not purl.startswith(_PREFIX):
        return None
    body = purl[len(_PREFIX) :].partition("#")[0].partition("?")[0]
    name, _, version = body.partition("@")
    try:
        return pypi_name(unquote(name)), unquote(version) or None
    except SpecError:
        return None


def purl_for(name: PypiName) -> str:
    """The purl to store for a same-name match."""
    return _PREFIX + name
