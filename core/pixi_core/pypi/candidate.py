"""What the resolver moves around: wanted things and the candidates that could meet them."""

from __future__ import annotations

from dataclasses import dataclass

from ..model.pypi_requirement import Source
from ..names import PypiName
from .catalog import Found
from .mapping import Provided
from .metadata import CoreMetadata
from .versions import Version


def identifier(name: PypiName, extra: str | None) -> str:
    """The resolver's key: a project, or one extra of it, which is resolved as a thing of its own."""
    return name if extra is None else f"{name}[{extra}]"


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """One requirement on one project, or on one extra of it. `exactly` ties an extra to the candidate it belongs to;
    `impossible` is the reason why nothing can meet it (then the rest only names what was asked for).
    """

    name: PypiName
    extra: str | None
    specifier: str
    identifier: str
    direct: Direct | None = None
    exactly: Version | None = None
    impossible: str | None = None

    def __str__(self) -> str:
        where = f" @ {self.direct.location}" if self.direct is not None else self.specifier
        return f"{self.identifier}{where if self.exactly is None else f'=={self.exactly}'}"


@dataclass(frozen=True, slots=True, eq=False)
class Direct:
    """A distribution that a requirement points at by URL, repository or path, already examined.

    `location` is what the lock file says; `version` is None in the record where the metadata is not fixed.
    """

    source: Source
    location: str
    metadata: CoreMetadata
    sha256: str | None = None
    is_tree: bool = False


Origin = Found | Direct | Provided


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A version of a project (or of one extra of it) from one place."""

    name: PypiName
    extra: str | None
    identifier: str
    version: Version
    origin: Origin

    def __str__(self) -> str:
        return f"{self.identifier} {self.version}"
