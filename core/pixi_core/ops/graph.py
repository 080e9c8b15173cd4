"""Which locked package needs which: what `pixi tree` draws and `pixi why` answers from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..errors import LockFileError, SpecError
from ..model.match_spec import MatchSpec
from ..model.regex import asked_for
from ..names import pypi_name
from ..progress import SILENT, Reporter
from ..suggest import did_you_mean
from .closure import dependency_name
from .list_packages import target_platform
from .lock import ensure_lock

if TYPE_CHECKING:
    from ..manifest.merge import Environment
    from ..model.platform import Platform
    from ..model.pypi_target import PypiTarget
    from ..model.record import PypiRecord, RepoDataRecord
    from ..workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A locked package. `needs` maps the names of packages it needs to the requirement; `requested` is what the
    manifest says of it, None where it does not name it. `kind` is `conda` or `pypi`.
    """

    name: str
    version: str
    kind: str
    requested: str | None = None
    needs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Graph:
    """The packages of one environment on one platform, by name."""

    packages: Mapping[str, Package]

    @property
    def explicit(self) -> list[str]:
        """The names that the manifest asks for, sorted."""
        return sorted(name for name, package in self.packages.items() if package.requested is not None)

    def needed_by(self) -> dict[str, dict[str, str]]:
        """The edges turned around: name -> {name of a package that needs it: its requirement}."""
        found: dict[str, dict[str, str]] = {name: {} for name in self.packages}
        for name, package in sorted(self.packages.items()):
            for other, requirement in package.needs.items():
                found[other][name] = requirement
        return found

    def matching(self, pattern: str) -> list[str]:
        """Names in which a regular expression is found, sorted. Raises `SpecError`."""
        matcher = asked_for(pattern)
        return sorted(name for name in self.packages if matcher.found_in(name))

    def find(self, name: str) -> Package:
        """A package by its name in conda's or PyPI's form. Raises `LockFileError` with near names."""
        for known in (name, name.lower(), _compared(name)):
            if known in self.packages:
                return self.packages[known]
        hint = did_you_mean(name, self.packages, "see `pixi list` for what is locked")
        raise LockFileError(f"there is no package '{name}' in this environment", hints=[hint])

    def paths_to(self, name: str) -> list[list[str]]:
        """For each package of the manifest that needs `name`, a shortest chain of names from it to `name`; sorted.

        A package that the manifest names itself has the chain of itself alone first.
        """
        users = self.needed_by()
        next_step: dict[str, str] = {}
        reached, waiting = {name}, [name]
        for current in waiting:  # breadth first: the list grows while it is walked
            for user in sorted(users[current]):
                if user not in reached:
                    reached.add(user)
                    next_step[user] = current
                    waiting.append(user)
        found = []
        for root in self.explicit:
            if root in reached:
                chain = [root]
                while chain[-1] != name:
                    chain.append(next_step[chain[-1]])
                found.append(chain)
        return sorted(found, key=lambda chain: (len(chain), chain))


def locked_graph(
    workspace: Workspace,
    environment: str | None = None,
    *,
    platform: str | None = None,
    mode: str = "auto",
    reporter: Reporter = SILENT,
) -> Graph:
    """The locked packages of an environment on one platform (default: this machine's), with what they need.

    Raises `SpecError` for a platform that the environment does not have, and whatever locking raises.
    """
    chosen = workspace.manifest.environment(workspace.environment_name(environment))
    target = target_platform(workspace, chosen, platform)
    lock = ensure_lock(workspace, mode=mode, reporter=reporter).lock
    conda, pypi = lock.for_platform(chosen.name, target.name)
    return build_graph(workspace, chosen, target, conda, pypi)


def build_graph(
    workspace: Workspace,
    environment: Environment,
    platform: Platform,
    conda: Sequence[RepoDataRecord],
    pypi: Sequence[PypiRecord],
) -> Graph:
    """Names are conda's for conda packages and PyPI's compared form for the others."""
    packages = conda_packages(conda, environment.conda_specs(platform))
    if pypi:
        packages.update(_pypi_packages(workspace, environment, platform, conda, pypi))
    return Graph(packages)


def conda_packages(records: Sequence[RepoDataRecord], specs: Iterable[MatchSpec]) -> dict[str, Package]:
    """Conda packages by name; `specs` are what is asked for by name."""
    requested = {spec.name or "": _text(spec) for spec in specs}
    known = {record.name for record in records}
    return {
        record.name: Package(
            name=record.name,
            version=record.version,
            kind="conda",
            requested=requested.get(record.name),
            needs=_conda_needs(record, known),
        )
        for record in records
    }


def _conda_needs(record: RepoDataRecord, known: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for spec in record.depends:
        name = dependency_name(spec)
        if name in known and name != record.name:
            found[name] = spec
    return dict(sorted(found.items()))


def _pypi_packages(
    workspace: Workspace,
    environment: Environment,
    platform: Platform,
    conda: Sequence[RepoDataRecord],
    pypi: Sequence[PypiRecord],
) -> dict[str, Package]:
    from ..pypi.mapping import provided_by
    from .locking import python_target

    target = python_target(workspace, environment, platform, conda)
    roots = environment.pypi_requirements(platform)
    records = {str(pypi_name(record.name)): record for record in pypi}
    carriers = {str(name): provided.record.name for name, provided in provided_by(conda).items() if provided.record}
    asked = _extras({str(root.name): frozenset(root.extras) for root in roots}, records, target)
    requested = {str(root.name): root.specifier or "*" for root in roots}
    found = {}
    for name, record in records.items():
        needs: dict[str, str] = {}
        for requirement in _requirements(record, asked.get(name, frozenset()), target):
            other = requirement[0] if requirement[0] in records else carriers.get(requirement[0], "")
            if other and other != name:
                needs[other] = requirement[1]
        found[name] = Package(
            name=name,
            version=record.version or "",
            kind="pypi",
            requested=requested.get(name),
            needs=dict(sorted(needs.items())),
        )
    return found


def _extras(
    roots: Mapping[str, frozenset[str]], records: Mapping[str, PypiRecord], target: PypiTarget
) -> dict[str, frozenset[str]]:
    """The extras that anything asks of each package."""
    from ..pypi.requires import requirements_of

    found: dict[str, frozenset[str]] = {}
    waiting = list(roots.items())
    while waiting:
        name, extras = waiting.pop()
        known = found.get(name)
        if name not in records or (known is not None and extras <= known):
            continue
        found[name] = (known or frozenset()) | extras
        waiting += [(str(r.name), frozenset(r.extras)) for r in requirements_of(records[name], found[name], target)]
    return found


def _requirements(record: PypiRecord, extras: frozenset[str], target: PypiTarget) -> list[tuple[str, str]]:
    from ..pypi.requires import requirements_of

    return [(str(r.name), str(r).partition(";")[0].strip()) for r in requirements_of(record, extras, target)]


def _text(spec: MatchSpec) -> str:
    return "*" if spec.version is None else str(spec.version)


def _compared(name: str) -> str:
    try:
        return str(pypi_name(name))
    except SpecError:
        return name
