"""`pixi global list` and `tree`: what is declared, what is installed of it, and what is on `PATH`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import EnvironmentUnavailable
from ..global_tools.home import GlobalHome
from ..install.prefix import read_prefix
from ..model.regex import asked_for
from .global_session import read_manifest

if TYPE_CHECKING:
    from ..model.record import RepoDataRecord
    from .graph import Graph


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedEnvironment:
    """One environment. `versions` holds the declared packages with the versions that are installed, None for one that
    is not; `size` is in bytes.
    """

    name: str
    versions: Mapping[str, str | None]
    exposed: Mapping[str, str]
    platform: str | None
    size: int = 0

    def to_json(self) -> dict[str, Any]:
        """The keys of pixi's `global list --json`."""
        data: dict[str, Any] = {
            "name": self.name,
            "dependencies": [{"name": name, "version": version} for name, version in self.versions.items()],
            "exposed": [{"exposed_name": name, "executable": program} for name, program in self.exposed.items()],
        }
        return data | ({"platform": self.platform} if self.platform else {})


def list_environments(
    home: GlobalHome, pattern: str | None = None, *, by_size: bool = False
) -> list[ListedEnvironment]:
    """Every environment (of those whose name, packages or exposed names match `pattern`), by name or by size.

    Raises `ManifestError`, `SpecError` for a bad expression.
    """
    from .info import size_of

    matcher = asked_for(pattern or "")
    found = []
    for environment in read_manifest(home)[1].environments.values():
        if not any(map(matcher.found_in, (environment.name, *environment.dependencies, *environment.exposed))):
            continue
        prefix = home.prefix(environment.name)
        installed = read_prefix(prefix).conda
        found.append(
            ListedEnvironment(
                name=environment.name,
                versions={
                    name: installed[name].record.version if name in installed else None
                    for name in (*environment.dependencies, *environment.sources)
                },
                exposed=environment.exposed,
                platform=environment.platform,
                size=size_of(prefix) if by_size else 0,
            )
        )
    return sorted(found, key=lambda one: (one.size, one.name))


def list_packages(home: GlobalHome, environment: str, pattern: str | None = None) -> list[RepoDataRecord]:
    """The installed packages of one environment whose names match, sorted. Raises `ManifestError`."""
    matcher = asked_for(pattern or "")
    records = _records(home, environment)
    return sorted((one for one in records if matcher.found_in(one.name)), key=lambda one: one.name)


def installed_graph(home: GlobalHome, environment: str) -> Graph:
    """Which installed package of an environment needs which. Raises `ManifestError`, `EnvironmentUnavailable`."""
    from .graph import Graph, conda_packages

    declared = read_manifest(home)[1].find(environment)
    records = _records(home, environment)
    if not records:
        raise EnvironmentUnavailable(
            f"the global environment '{environment}' is not installed", hints=["run `pixi global sync`"]
        )
    return Graph(conda_packages(records, list(declared.dependencies.values())))


def _records(home: GlobalHome, environment: str) -> list[RepoDataRecord]:
    read_manifest(home)[1].find(environment)
    return [package.record for package in read_prefix(home.prefix(environment)).conda.values() if not package.broken]
