"""Packages by a part of their name: what the channels and the index of an environment offer, for a search box."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..errors import NetworkError, SpecError
from ..model.match_spec import MatchSpec
from ..model.platform import NOARCH
from ..names import pypi_name
from ..suggest import near
from ..virtual import host_subdir
from .search import newest_first
from .summaries import in_time, of_conda, of_wheel

if TYPE_CHECKING:
    from ..model.channel import Channel
    from ..pypi.index import IndexClient
    from ..workspace import Workspace

_PART = re.compile(r"[A-Za-z0-9._-]{1,100}\Z")
_WORKERS = 8
_NEAR = 5


@dataclass(frozen=True, slots=True)
class Match:
    """A package that matches. `version` is the newest (no pre-release where there is another), `kind` is `conda` or
    `pypi`, `summary` what it is; None where that is not known without asking for much.
    """

    name: str
    version: str
    kind: str
    summary: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The same, by its names."""
        return {"name": self.name, "version": self.version, "kind": self.kind, "summary": self.summary}


@dataclass(frozen=True, slots=True)
class Matches:
    """The best matches first; `suggestions` are names that were probably meant where nothing matches."""

    query: str
    matches: tuple[Match, ...] = ()
    suggestions: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """For the search endpoint."""
        return {
            "query": self.query,
            "matches": [match.to_json() for match in self.matches],
            "suggestions": list(self.suggestions),
        }


def find_packages(workspace: Workspace, query: str, *, environment: str | None = None, limit: int = 20) -> Matches:
    """The packages whose names contain `query`: exactly that one first, then those that begin so, short before long.

    Asks the channels of the environment (for this machine's platform) and its index; an index that lists no names is
    asked for the exact one. Raises `SpecError` for what cannot be a part of a name, `NetworkError`.
    """
    wanted = query.strip().strip("*")
    if not _PART.match(wanted):
        raise SpecError(f"'{query}' is no part of a package's name", source=query)
    chosen = workspace.manifest.environment(workspace.environment_name(environment))
    channels = tuple(entry.channel for entry in chosen.channels)
    index = workspace.services.index(chosen.pypi_options)
    index.anchor(workspace.root)
    conda = _channel_names(workspace, channels)
    pypi = _index_names(index, wanted)
    found = _ranked(wanted, conda, pypi)

    def looked_up(row: tuple[str, str]) -> _Looked | None:
        kind, name = row
        return _in_channels(workspace, channels, name) if kind == "conda" else _in_index(index, name)

    with ThreadPoolExecutor(_WORKERS, thread_name_prefix="search") as pool:
        looked = [one for one in pool.map(looked_up, found[:limit]) if one is not None]
    told = in_time((one.match, one.summary) for one in looked)
    matches = tuple(replace(one.match, summary=told.get(one.match)) for one in looked)
    return Matches(query, matches, () if matches else _near(wanted, conda, pypi))


def _channel_names(workspace: Workspace, channels: tuple[Channel, ...]) -> set[str]:
    if not channels:
        return set()
    return set(workspace.services.gateway.names(channels, [host_subdir(workspace.environ), NOARCH]))


def _index_names(index: IndexClient, wanted: str) -> set[str]:
    """Every name of the index; of one that does not list them, the one that is asked for."""
    try:
        return set(index.names())
    except NetworkError:
        return {wanted}


def _ranked(wanted: str, conda: Iterable[str], pypi: Iterable[str]) -> list[tuple[str, str]]:
    """(kind, name) of all that match, best first; a package that both have is conda's first."""
    part = _plain(wanted)
    rows = [(_plain(name), kind, name) for kind, names in (("conda", conda), ("pypi", pypi)) for name in names]
    rows = [row for row in rows if part in row[0]]
    rows.sort(key=lambda row: (row[0] != part, not row[0].startswith(part), len(row[0]), row))
    return [(kind, name) for _, kind, name in rows]


def _plain(name: str) -> str:
    """Without the differences that PyPI makes nothing of; conda's names are searched in the same way."""
    return name.lower().replace("_", "-").replace(".", "-")


@dataclass(frozen=True, slots=True)
class _Looked:
    """A match, and what finds its summary."""

    match: Match
    summary: Callable[[], str | None]


def _in_channels(workspace: Workspace, channels: tuple[Channel, ...], name: str) -> _Looked | None:
    subdirs = [host_subdir(workspace.environ), NOARCH]
    records = newest_first(workspace.services.gateway.search(MatchSpec(name=name), channels, subdirs))
    if not records:
        return None
    return _Looked(
        Match(name, str(records[0].version), "conda"), lambda: of_conda(workspace.services.packages, records)
    )


def _in_index(index: IndexClient, name: str) -> _Looked | None:
    """The newest version; None for a project without files, whose page cannot be read, or whose name is none."""
    with suppress(NetworkError, SpecError):
        offers = index.project(pypi_name(name)).offers
        newest = next((offer for offer in offers if not offer.prerelease), offers[0] if offers else None)
        if newest is not None:
            return _Looked(Match(name, str(newest.version), "pypi"), lambda: of_wheel(index, newest))
    return None


def _near(wanted: str, conda: Iterable[str], pypi: Iterable[str]) -> tuple[str, ...]:
    """Names that are easily confused; of an index's many names only the likely slips are looked for."""
    from ..pypi.index import spellings

    known = set(pypi)
    alike = near(wanted.lower(), conda, most=_NEAR, nearness=0.7)
    slips = [guess for guess in spellings(_plain(wanted)) if guess in known]
    return tuple(dict.fromkeys([*alike, *slips]))[:_NEAR]
