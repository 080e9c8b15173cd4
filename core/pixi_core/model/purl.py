"""Which PyPI projects a conda package is, as far as its record tells.

A record says so by its purls (`pkg:pypi/<name>`); an empty list means "known not to be on PyPI", None means that
nobody knows, and then packages of conda-forge which depend on Python count as the project of the same name.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, unquote

from ..errors import SpecError
from ..names import PypiName, pypi_name
from .record import RepoDataRecord

_PREFIX = "pkg:pypi/"
SAME_NAME_CHANNEL = "conda-forge"
"""The last part of the URL of channels whose Python packages bear the name that they have on PyPI."""


def pypi_names(record: RepoDataRecord) -> Mapping[PypiName, str | None]:
    """The projects that one record is, each with the version its purl states."""
    if record.purls is not None:
        parsed = (parse_purl(purl) for purl in record.purls)
        return dict(entry for entry in parsed if entry is not None)
    channel = (record.channel or "").rstrip("/").rpartition("/")[2]
    name = same_name(record) if channel == SAME_NAME_CHANNEL else None
    return {} if name is None else {name: None}


def same_name(record: RepoDataRecord) -> PypiName | None:
    """The project that bears the package's name, where the package is one of Python."""
    if not is_python_package(record):
        return None
    try:
        return pypi_name(record.name)
    except SpecError:
        return None


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


def purl_for(name: PypiName, *, source: str | None = None) -> str:
    """The purl of a project; `source` tells where the match comes from, as pixi writes it."""
    return f"{_PREFIX}{quote(name)}{f'?source={source}' if source else ''}"
