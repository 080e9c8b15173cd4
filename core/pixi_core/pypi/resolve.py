"""Resolve PyPI requirements for one target: the door of this room.

The search is resolvelib's; this module states the problem (what is fixed, preferred, forbidden), runs it while pages
and metadata are fetched ahead, and turns the answer into lock records, or the failure into a story.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from resolvelib import BaseReporter, ResolutionImpossible, ResolutionTooDeep
from resolvelib.resolvers import Resolution

from ..errors import SolveTimeout
from ..model.channel import without_credentials
from ..model.digest import sha256
from ..model.package_index import default_index
from ..model.pep508 import evaluate
from ..model.pep508 import parse as parse_pep508
from ..model.pypi_options import PypiOptions
from ..model.pypi_requirement import PypiRequirement, source_location
from ..model.pypi_target import PypiTarget
from ..model.record import PypiRecord
from ..names import PypiName, pypi_name
from ..progress import SILENT, Reporter
from .build import Builder, SourceTree
from .candidate import Candidate, Direct, Wanted
from .catalog import Catalog, Found
from .direct import DirectReader, GitCheckout
from .index import IndexClient
from .mapping import Provided
from .metadata import CoreMetadata
from .provider import Policy, Provider, explicit_prereleases
from .requires import canonical
from .smallest import ROUNDS
from .story import explain, provided_conflict
from .versions import Version, pinned_version, try_version

if TYPE_CHECKING:
    from resolvelib.structs import State

ResolutionStrategy = Literal["highest", "lowest", "lowest-direct"]
MAX_ROUNDS = 20_000
SECOND_LOOKS = 3
"""How often a search that has learned is made again: it went back on choices which it now knows to be good."""


def resolve(
    requirements: Sequence[PypiRequirement],
    *,
    target: PypiTarget,
    index: IndexClient,
    options: PypiOptions,
    conda_provided: Mapping[PypiName, Provided] | None = None,
    locked: Sequence[PypiRecord] = (),
    constraints: Sequence[PypiRequirement] = (),
    strategy: ResolutionStrategy = "highest",
    root: Path | None = None,
    builder: Builder | None = None,
    checkout: GitCheckout | None = None,
    texts: Mapping[Path, str] | None = None,
    reporter: Reporter = SILENT,
    should_stop: Callable[[], bool] | None = None,
) -> tuple[PypiRecord, ...]:
    """The distributions that meet the requirements on the target, sorted by name; without what conda provides.

    Raises `Unsatisfiable` with the story, `SolveTimeout`, `Cancelled`, `NetworkError`, `BuildError`.
    """
    provided = dict(conda_provided or {})
    here = [r for r in requirements if r.marker is None or evaluate(r.marker, target.environment)]
    for requirement in here:
        if not requirement.is_registry and requirement.name in provided:
            raise provided_conflict(requirement.name, provided, source_location(requirement.source) or "elsewhere")
    if not here:
        return ()
    if root is not None:
        index.anchor(root)
    old = frozenset(record.location for record in locked)
    reader = DirectReader(
        index.fetcher, root or Path.cwd(), builder, checkout, index.archives, old, texts or {}, index.check
    )
    build = None if builder is None else partial(_build_metadata, index, builder)
    policy = _policy(here, constraints, options, provided, locked, strategy, target, reader, build, should_stop)
    with reporter.phase("pypi-metadata", detail=target.platform.name) as phase:
        catalog = Catalog(
            index,
            target,
            options,
            pins={r.name: r.index for r in here if r.index is not None},
            yanked=_allowed_yanked(here, locked),
            skip=frozenset(provided) | {r.name for r in here if not r.is_registry},
            lowest=True if strategy == "lowest" else frozenset(r.name for r in here if strategy == "lowest-direct"),
            phase=phase,
        )
        with catalog:
            return tuple(_search(catalog, policy, here))


def _search(catalog: Catalog, policy: Policy, requirements: Sequence[PypiRequirement]) -> list[PypiRecord]:
    """The answer. Where there is none, the search is made again by an engine that learns nothing, and says more."""
    provider = Provider(catalog, policy)
    stated = _stated(provider, requirements)
    try:
        found = _answer(provider, stated, rounds=MAX_ROUNDS)
        with suppress(SolveTimeout):
            for _ in range(SECOND_LOOKS):
                if not provider.forget_the_way():
                    break
                found = _answer(provider, stated, rounds=MAX_ROUNDS)
    except ResolutionImpossible as impossible:
        again = Provider(catalog, policy, learns=False)
        stated, causes = _stated(again, requirements), impossible.causes
        try:
            _answer(again, stated, rounds=ROUNDS)
        except ResolutionImpossible as told:
            causes = told.causes
        except SolveTimeout:
            pass  # the first has told less, but it is true
        raise explain(again, stated, list(causes)) from None
    return sorted(_records(found, provider), key=lambda record: record.name)


def _stated(provider: Provider, requirements: Sequence[PypiRequirement]) -> list[list[Wanted]]:
    """What the manifest asks for, as the engine's requirements; the provider knows it from then on."""
    groups = [_root_wanted(provider, requirement) for requirement in requirements]
    by_key: dict[str, list[Wanted]] = {}
    for wanted in (one for group in groups for one in group):
        by_key.setdefault(wanted.identifier, []).append(wanted)
    provider.stated = by_key
    provider.catalog.expect(
        [parse_pep508(str(r)) for r in requirements if r.is_registry and r.name not in provider.policy.overrides]
    )
    return groups


def _answer(provider: Provider, stated: Sequence[Sequence[Wanted]], *, rounds: int) -> list[Candidate]:
    """What one search finds. Raises `ResolutionImpossible`, `SolveTimeout`."""
    resolution: Resolution[Wanted, Candidate, str] = Resolution(provider, BaseReporter())
    try:
        return _needed(resolution.resolve([wanted for group in stated for wanted in group], max_rounds=rounds))
    except ResolutionTooDeep:
        raise SolveTimeout(
            f"gave up resolving PyPI packages for {provider.catalog.target.description} after {rounds:,} steps",
            hints=["state narrower versions for the packages that have many"],
        ) from None


def _needed(state: State[Wanted, Candidate, str]) -> list[Candidate]:
    """The candidates that the requirements lead to. The search may leave others behind, which only need each other, and
    on those the library's own way back to the requirements never ends.
    """
    children: dict[Candidate | None, list[str]] = {}
    for key, criterion in state.criteria.items():
        for parent in criterion.iter_parent():
            children.setdefault(parent, []).append(key)
    found: dict[str, Candidate] = {}
    waiting: list[Candidate | None] = [None]
    while waiting:
        for key in children.get(waiting.pop(), ()):
            if key not in found and key in state.mapping:
                found[key] = state.mapping[key]
                waiting.append(found[key])
    return list(found.values())


def _root_wanted(provider: Provider, requirement: PypiRequirement) -> list[Wanted]:
    """A manifest requirement, replaced where an override speaks of its project."""
    overrides = provider.policy.overrides.get(requirement.name)
    if overrides is None:
        return provider.wanted_of(requirement)
    environment = provider.catalog.target.environment
    active = [o for o in overrides if o.marker is None or evaluate(o.marker, environment)]
    return [w for override in active for w in provider.wanted_of(override)]


def _policy(
    requirements: Sequence[PypiRequirement],
    constraints: Sequence[PypiRequirement],
    options: PypiOptions,
    provided: Mapping[PypiName, Provided],
    locked: Sequence[PypiRecord],
    strategy: ResolutionStrategy,
    target: PypiTarget,
    reader: DirectReader,
    build_metadata: Callable[[Found, PypiName], CoreMetadata] | None,
    should_stop: Callable[[], bool] | None,
) -> Policy:
    limits: dict[PypiName, list[str]] = {}
    for constraint in constraints:
        if constraint.specifier and (constraint.marker is None or evaluate(constraint.marker, target.environment)):
            limits.setdefault(constraint.name, []).append(constraint.specifier)
    overrides: dict[PypiName, list[PypiRequirement]] = {}
    for override in options.dependency_overrides:
        overrides.setdefault(override.name, []).append(override)
    direct_names = frozenset(r.name for r in requirements)
    return Policy(
        provided=provided,
        constraints={name: ",".join(parts) for name, parts in limits.items()},
        overrides={name: tuple(group) for name, group in overrides.items()},
        locked=_locked_versions(locked),
        prereleases=options.effective_prereleases,
        explicit=explicit_prereleases((*requirements, *constraints, *options.dependency_overrides)),
        lowest=lambda name: strategy == "lowest" or (strategy == "lowest-direct" and name in direct_names),
        direct=reader,
        build_metadata=build_metadata,
        should_stop=should_stop,
    )


def _build_metadata(index: IndexClient, builder: Builder, found: Found, name: PypiName) -> CoreMetadata:
    """Ask the builder about an sdist of an index."""
    path = index.archive(found.file)
    digest = found.file.sha256 or hashlib.sha256(path.read_bytes()).hexdigest()
    return builder.metadata(SourceTree(path, f"{name} {found.version}", name, digest=digest))


def _locked_versions(locked: Iterable[PypiRecord]) -> dict[PypiName, Version]:
    """Versions worth keeping: those of the registry."""
    found: dict[PypiName, Version] = {}
    for record in locked:
        version = try_version(record.version) if record.version and record.is_registry else None
        if version is not None:
            found[pypi_name(record.name)] = version
    return found


def _allowed_yanked(
    requirements: Iterable[PypiRequirement], locked: Iterable[PypiRecord]
) -> dict[PypiName, frozenset[Version]]:
    """Yanked versions may be used where the manifest pins them exactly, or where they are already locked (PEP 592)."""
    found: dict[PypiName, set[Version]] = {}
    for requirement in requirements:
        pinned = pinned_version(requirement.specifier)
        version = try_version(pinned) if pinned is not None else None
        if version is not None:
            found.setdefault(requirement.name, set()).add(version)
    for name, version in _locked_versions(locked).items():
        found.setdefault(name, set()).add(version)
    return {name: frozenset(versions) for name, versions in found.items()}


# ---------------------------------------------------------------- the answer as records


def _records(candidates: Iterable[Candidate], provider: Provider) -> list[PypiRecord]:
    found: list[PypiRecord] = []
    for candidate in candidates:
        if candidate.extra is not None or isinstance(candidate.origin, Provided):
            continue
        if isinstance(candidate.origin, Direct):
            found.append(direct_record(candidate.origin))
        else:
            found.append(registry_record(candidate.name, candidate.origin, provider.metadata_of(candidate)))
    return [_without_default_index(record) for record in found]


def _without_default_index(record: PypiRecord) -> PypiRecord:
    """A record names its index only where that is not the default one."""
    return record.replace(index=None) if record.index is not None and record.index == default_index() else record


def registry_record(name: PypiName, found: Found, metadata: CoreMetadata) -> PypiRecord:
    """The lock record of a file of an index."""
    return PypiRecord(
        name=name,
        version=str(found.version),
        location=without_credentials(found.file.url),
        sha256=None if found.file.sha256 is None else sha256(found.file.sha256),
        index=None if found.index is None else without_credentials(found.index),
        requires_dist=canonical(metadata.requires_dist),
        requires_python=metadata.requires_python,
        size=found.file.size,
        upload_time=found.file.upload_time,
    )


def direct_record(direct: Direct) -> PypiRecord:
    """The lock record of a direct reference; source trees have no fixed version."""
    metadata = direct.metadata
    return PypiRecord(
        name=metadata.name,
        version=None if direct.is_tree else metadata.version,
        location=direct.location,
        sha256=None if direct.sha256 is None else sha256(direct.sha256),
        requires_dist=canonical(metadata.requires_dist),
        requires_python=metadata.requires_python,
    )
