"""The resolver's view of the indexes: which candidates there are for a project, and what each of them needs.

The engine is resolvelib; this is its provider. It is lazy (a release is looked at when the engine gets to it), fixed
where the conda solution or a direct reference leaves no choice, and deterministic: nothing depends on which answer
came from the network first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import dropwhile, islice
from typing import TYPE_CHECKING, Any

from resolvelib import AbstractProvider

from ..errors import ArchiveError, Cancelled, HttpStatusError
from ..model.pep508 import Requirement, evaluate
from ..model.pypi_options import PrereleaseMode
from ..model.pypi_requirement import PypiRequirement
from ..names import PypiName
from .candidate import Candidate, Direct, Wanted, identifier
from .catalog import Catalog, Found
from .index import Offer
from .mapping import Provided
from .metadata import CoreMetadata
from .requires import active
from .versions import Version, contains, mentions_prerelease, pinned_version, try_version

if TYPE_CHECKING:
    from resolvelib.structs import RequirementInformation

    Information = RequirementInformation[Wanted, Candidate]

READ_AHEAD_AT = frozenset([3, 6, 12, 24, 48, 96, 192, 384])
"""Tries of a project at which its next releases, twice as many, are asked for ahead."""
FORESEEN_TO = 6
"""Tries of a project from which on nobody foresees what its releases need: most of them are given up at once."""
SEARCHED_FROM = 16
"""Sets of bounds on one project from which on it counts as searched through: then each bound is held against all of its
releases once. Before, it costs less to look at releases one by one until one will do."""
DirectFor = Callable[[PypiRequirement], Direct]


class LazyList:
    """What an iterator gives, remembered, so that it can be gone through many times and no further than needed."""

    def __init__(self, source: Iterator[Found]) -> None:
        self._source = source
        self._items: list[Found] = []

    def __iter__(self) -> Iterator[Found]:
        position = 0
        while True:
            if position == len(self._items):
                following = next(self._source, None)
                if following is None:
                    return
                self._items.append(following)
            yield self._items[position]
            position += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What decides between candidates, besides the requirements.

    `constraints` are specifiers per project that hold wherever the project is used; `overrides` replace every
    requirement on a project; `locked` are versions to keep where possible; `explicit` are the projects whose direct
    requirement names a pre-release; `lowest` says for a project whether old versions are tried first.
    """

    provided: Mapping[PypiName, Provided]
    constraints: Mapping[PypiName, str]
    overrides: Mapping[PypiName, tuple[PypiRequirement, ...]]
    locked: Mapping[PypiName, Version]
    prereleases: PrereleaseMode
    explicit: frozenset[PypiName]
    lowest: Callable[[PypiName], bool]
    direct: DirectFor
    build_metadata: Callable[[Found, PypiName], CoreMetadata] | None = None
    should_stop: Callable[[], bool] | None = None


@dataclass(slots=True, eq=False)
class Provider(AbstractProvider[Wanted, Candidate, str]):
    """resolvelib's provider over a catalog. `stated` is what the manifest asks for, by key. `unusable` collects
    (candidate, reason) of releases that were tried and could not be used, for the story.

    Where it `learns`, a release that cannot be had together with what is stated is left out from then on, and so is one
    that needs a project of which only such releases would do. The engine alone finds that out again below every other
    choice, which takes forever where there are many; but it then tells the causes one by one, which a story needs.
    """

    catalog: Catalog
    policy: Policy
    stated: Mapping[str, Sequence[Wanted]] = field(default_factory=dict)
    learns: bool = True
    unusable: list[tuple[Candidate, str]] = field(default_factory=list)
    _tries: dict[PypiName, int] = field(default_factory=dict)
    _built: dict[str, CoreMetadata] = field(default_factory=dict)
    _lists: dict[tuple[PypiName, tuple[str, ...], Version | None], LazyList] = field(default_factory=dict)
    _asked: Counter[PypiName] = field(default_factory=Counter)
    # what the engine asked last, by project
    _latest: dict[PypiName, Sequence[Wanted]] = field(default_factory=dict)
    _positions: dict[tuple[PypiName, str], frozenset[int]] = field(default_factory=dict)
    _order: dict[str, int] = field(default_factory=dict)
    _pinned: set[str] = field(default_factory=set)
    _candidates: dict[tuple[str, int], Candidate] = field(default_factory=dict)
    _dependencies: dict[Candidate, list[Wanted]] = field(default_factory=dict)
    _trouble: dict[str, int] = field(default_factory=dict)
    _hopeless: dict[Candidate, Wanted] = field(default_factory=dict)
    _looked_at: dict[Candidate, int] = field(default_factory=dict)
    _learned: int = 0

    def forget_the_way(self) -> bool:
        """Be as before the search but for what was learned; returns whether anything was, since the last time."""
        news = len(self._hopeless) - self._learned
        self._learned = len(self._hopeless)
        self._trouble.clear()
        return news > 0

    def learned_about(self, names: Iterable[PypiName]) -> list[tuple[Candidate, Wanted]]:
        """The releases that were found to be in no answer, each with what it needs and cannot have: those of some
        projects, and of the projects that these need.
        """
        before = -1
        while before < len(self._hopeless):
            before = len(self._hopeless)
            for candidate in self._dependencies:
                self._is_hopeless(candidate)
        found: dict[Candidate, Wanted] = {}
        waiting = set(names)
        while waiting:
            news = {c: w for c, w in self._hopeless.items() if c.name in waiting and c not in found}
            found.update(news)
            waiting = {wanted.name for wanted in news.values()}
        return list(found.items())

    # ---------------------------------------------------------------- resolvelib's questions

    def identify(self, requirement_or_candidate: Wanted | Candidate) -> str:
        """The key under which requirements and candidates meet."""
        return requirement_or_candidate.identifier

    def get_preference(self, identifier: str, *_: Any, **__: Any) -> tuple[bool, int, int]:
        """What has no choice comes first, then what caused conflicts, then in the order of discovery."""
        return (identifier not in self._pinned, -self._trouble.get(identifier, 0), self._order[identifier])

    def narrow_requirement_selection(
        self,
        identifiers: Iterable[str],
        resolutions: Mapping[str, Candidate],  # noqa: ARG002 - resolvelib passes it by this name
        candidates: Mapping[str, Iterator[Candidate]],  # noqa: ARG002 - resolvelib passes it by this name
        information: Mapping[str, Iterator[Information]],
        backtrack_causes: Sequence[Information],
    ) -> Iterable[str]:
        """After a conflict, settle those whose needs met before anything else (what they met on has no version that
        suits both, so to choose one early only multiplies the search); and last what nobody needs any more.
        """
        if not backtrack_causes:
            return identifiers
        causes = {cause.parent.identifier for cause in backtrack_causes if cause.parent is not None}
        for name in causes:
            self._trouble[name] = self._trouble.get(name, 0) + 1
        everything = list(identifiers)
        needed = [name for name in everything if next(information[name], None) is not None] or everything
        return [name for name in needed if name in causes] or needed

    def find_matches(
        self,
        identifier: str,
        requirements: Mapping[str, Iterator[Wanted]],
        incompatibilities: Mapping[str, Iterator[Candidate]],
    ) -> Callable[[], Iterator[Candidate]]:
        """Candidates for a key, best first."""
        if self.policy.should_stop is not None and self.policy.should_stop():
            raise Cancelled
        # asked of what nobody needs any more, too: the search has taken back whoever did
        wanted = list(requirements[identifier]) or [_anything(identifier)]
        excluded = {candidate.version for candidate in incompatibilities[identifier]}
        first = wanted[0]
        if first.extra is not None:
            # an extra is a version of its project, so what holds for the project holds here
            wanted += list(requirements.get(first.name, ()))
            excluded |= {candidate.version for candidate in incompatibilities.get(first.name, ())}
        self._latest[first.name] = wanted
        return partial(self._matches, identifier, tuple(wanted), frozenset(excluded))

    def is_satisfied_by(self, requirement: Wanted, candidate: Candidate) -> bool:
        """Whether a candidate meets one requirement."""
        if requirement.impossible is not None:
            return False
        if requirement.direct is not None and candidate.origin is not requirement.direct:
            return False
        if requirement.exactly is not None:
            return requirement.exactly == candidate.version
        return contains(requirement.specifier, candidate.version)

    def needed_by(self, identifier: str) -> set[str]:
        """What the versions of a project that were looked at need, all together."""
        tried = (needs for candidate, needs in self._dependencies.items() if candidate.identifier == identifier)
        return {wanted.identifier for needs in tried for wanted in needs}

    def who_needs(self, identifier: str, needed: str) -> list[tuple[Candidate, Wanted]]:
        """The versions of a project that were looked at and need another, each with what it needs."""
        known = self._dependencies.items()
        return [
            (candidate, wanted)
            for candidate, needs in known
            if candidate.identifier == identifier
            for wanted in needs
            if wanted.identifier == needed
        ]

    def get_dependencies(self, candidate: Candidate) -> list[Wanted]:
        """What a candidate needs on the target."""
        known = self._dependencies.get(candidate)
        if known is None:
            known = self._dependencies[candidate] = self._find_dependencies(candidate)
        return known

    # ---------------------------------------------------------------- candidates

    def _matches(self, key: str, wanted: tuple[Wanted, ...], excluded: frozenset[Version]) -> Iterator[Candidate]:
        if any(w.impossible is not None for w in wanted):
            return
        for candidate in self._possible(key, wanted):
            if candidate.version in excluded or not all(self.is_satisfied_by(w, candidate) for w in wanted):
                continue
            if not (self.learns and self._is_hopeless(candidate)):
                yield candidate

    def _is_hopeless(self, candidate: Candidate) -> bool:
        """Whether it is known that a release is in no answer. Nothing is fetched to find out."""
        if candidate in self._hopeless:
            return True
        needs = self._dependencies.get(candidate)
        known = len(self._hopeless)
        if needs is None or self._looked_at.get(candidate) == known:
            return False
        self._looked_at[candidate] = known
        unmet = next((wanted for wanted in needs if self._is_unmet(wanted)), None)
        if unmet is not None:
            self._hopeless[candidate] = unmet
        return unmet is not None

    def _is_unmet(self, wanted: Wanted) -> bool:
        """Whether no release that may be in an answer meets this and what is stated of the same project."""
        every = (wanted, *self.stated.get(wanted.identifier, ()))
        if wanted.extra is not None:
            every += tuple(self.stated.get(wanted.name, ()))
        if any(w.impossible is not None for w in every):
            return True
        if wanted.name not in self._latest:
            return False  # the engine has not asked for it: whether its page is there already is chance
        return not any(
            candidate not in self._hopeless and all(self.is_satisfied_by(w, candidate) for w in every)
            for candidate in self._possible(wanted.identifier, every)
        )

    def _possible(self, key: str, wanted: tuple[Wanted, ...]) -> Iterator[Candidate]:
        name, extra = wanted[0].name, wanted[0].extra
        fixed = self.policy.provided.get(name) or next((w.direct for w in wanted if w.direct is not None), None)
        if isinstance(fixed, Provided):
            yield self._candidate(key, name, extra, fixed, conda_version(fixed.version))
        elif fixed is not None:
            yield self._candidate(key, name, extra, fixed, Version(fixed.metadata.version))
        else:
            for found in self._admitted(name, wanted):
                yield self._candidate(key, name, extra, found, found.version)

    def _candidate(
        self, key: str, name: PypiName, extra: str | None, origin: Found | Direct | Provided, version: Version
    ) -> Candidate:
        """One object per key and origin, so that identity is equality."""
        found = self._candidates.get((key, id(origin)))
        if found is None:
            found = self._candidates[key, id(origin)] = Candidate(name, extra, key, version, origin)
        return found

    def _admitted(self, name: PypiName, wanted: Sequence[Wanted]) -> Iterable[Found]:
        """Releases within the bounds, found once per set of bounds: a search asks the same thing thousands of times."""
        specifiers = tuple(sorted({w.specifier for w in wanted if w.specifier}))
        exactly = next((w.exactly for w in wanted if w.exactly is not None), None)
        known = self._lists.get((name, specifiers, exactly))
        if known is None:
            known = self._lists[name, specifiers, exactly] = LazyList(self._found(name, specifiers, exactly))
        return known

    def _found(self, name: PypiName, specifiers: tuple[str, ...], exactly: Version | None) -> Iterator[Found]:
        """Releases of a project: the locked one, then by the strategy; pre-releases as the mode says of each turn."""
        constraint = self.policy.constraints.get(name, "")
        equal, fallback = self._prereleases(name)
        locked = self.policy.locked.get(name)
        among = self._within(name, specifiers)

        def admits(offer: Offer) -> bool:
            version = offer.version
            if exactly is not None and version != exactly:
                return False
            return contains(constraint, version) and all(contains(s, version) for s in specifiers)

        def releases(turn: int, *, prereleases: bool) -> Iterator[Found]:
            def fits(offer: Offer) -> bool:
                if offer.turn != turn or offer.version == locked:
                    return False
                return (offer.prerelease if prereleases else equal or not offer.prerelease) and admits(offer)

            return self.catalog.releases(name, fits, lowest=self.policy.lowest(name), among=among)

        if locked is not None:
            yield from self.catalog.releases(name, lambda offer: offer.version == locked and admits(offer))
        for turn in range(self.catalog.project(name).turns):
            yield from releases(turn, prereleases=False)
            if fallback:
                # no stable release is left within the bounds
                yield from releases(turn, prereleases=True)

    def _within(self, name: PypiName, specifiers: tuple[str, ...]) -> frozenset[int] | None:
        """The positions of the releases within all bounds, None where it is not worth knowing (see `SEARCHED_FROM`)."""
        self._asked[name] += 1
        if self._asked[name] <= SEARCHED_FROM or not specifiers:
            return None
        return frozenset.intersection(*(self._within_one(name, specifier) for specifier in specifiers))

    def _within_one(self, name: PypiName, specifier: str) -> frozenset[int]:
        known = self._positions.get((name, specifier))
        if known is None:
            offers = self.catalog.project(name).offers
            known = frozenset(i for i, offer in enumerate(offers) if contains(specifier, offer.version))
            self._positions[name, specifier] = known
        return known

    def _prereleases(self, name: PypiName) -> tuple[bool, bool]:
        """Whether pre-releases of a project stand beside its stable releases, and whether they come after those: a
        requirement that names one admits them, but does not ask for one where a stable release will do.
        """
        mode = self.policy.prereleases
        fallback = "if-necessary" in mode or ("explicit" in mode and name in self.policy.explicit)
        return mode == "allow", mode != "allow" and fallback

    # ---------------------------------------------------------------- dependencies

    def _find_dependencies(self, candidate: Candidate) -> list[Wanted]:
        if isinstance(candidate.origin, Provided):
            return []  # its needs were met by the conda solve
        self._read_ahead(candidate)
        try:
            metadata = self.metadata_of(candidate)
        except (ArchiveError, HttpStatusError) as error:
            return [self._refuse(candidate, error.message)]
        problem = self._mismatch(candidate, metadata)
        if problem is not None:
            return [self._refuse(candidate, problem)]
        extras = frozenset() if candidate.extra is None else frozenset([candidate.extra])
        requirements = active(metadata.requires_dist, self.catalog.target, extras)
        found: list[Wanted] = []
        if candidate.extra is not None:
            base = identifier(candidate.name, None)
            found.append(self._note(Wanted(candidate.name, None, "", base, exactly=candidate.version)))
            plain = set(map(str, active(metadata.requires_dist, self.catalog.target)))
            requirements = [r for r in requirements if str(r) not in plain]
        if self._tries[candidate.name] <= FORESEEN_TO:
            self.catalog.expect(requirements)
        for requirement in requirements:
            found.extend(self.wanted(requirement))
        # an extra that a release wants of its own project is that of the same release
        return [replace(w, exactly=candidate.version) if w.name == candidate.name and w.extra else w for w in found]

    def _read_ahead(self, candidate: Candidate) -> None:
        """Where one project is tried again and again, the next releases of it will be asked for as well."""
        tries = self._tries[candidate.name] = self._tries.get(candidate.name, 0) + 1
        if tries in READ_AHEAD_AT and isinstance(candidate.origin, Found):
            self.catalog.expect_metadata(self._following(candidate.name, candidate.origin, 2 * tries))

    def _following(self, name: PypiName, found: Found, count: int) -> list[Found]:
        """The releases that are tried after one: the next of those that were asked for. Where that is a pin, whatever
        states it is tried release by release itself, each of which pins another: the next of all.
        """
        asked = dropwhile(lambda other: other is not found, self._admitted(name, self._latest[name]))
        following = list(islice(asked, 1, 1 + count))
        if following:
            return following
        lowest = self.policy.lowest(name)

        def is_next(offer: Offer) -> bool:
            later = offer.version > found.version if lowest else offer.version < found.version
            return later and offer.prerelease <= found.prerelease

        return list(islice(self.catalog.releases(name, is_next, lowest=lowest), count))

    def metadata_of(self, candidate: Candidate) -> CoreMetadata:
        """The metadata of a candidate, from a build where nothing less tells.

        Raises `ArchiveError`, `NetworkError`, `BuildError`.
        """
        origin = candidate.origin
        if isinstance(origin, Direct):
            return origin.metadata
        assert isinstance(origin, Found)
        metadata = self.catalog.metadata(origin.file)
        if origin.file.is_wheel or metadata.is_static:
            return metadata
        if self.policy.build_metadata is None:
            raise ArchiveError(
                f"{origin.file.filename} must be built to know what it needs, and there is no Python to build it with"
            )
        if origin.file.url not in self._built:
            self._built[origin.file.url] = self.policy.build_metadata(origin, candidate.name)
        return self._built[origin.file.url]

    def _mismatch(self, candidate: Candidate, metadata: CoreMetadata) -> str | None:
        """Metadata that speaks of something else, or of another Python."""
        if metadata.name != candidate.name:
            return f"its metadata says that it is {metadata.name}"
        if isinstance(candidate.origin, Found) and try_version(metadata.version) != candidate.version:
            return f"its metadata says that it is version {metadata.version}"
        if not self.catalog.target.allows_python(metadata.requires_python):
            return f"needs Python {metadata.requires_python}"
        return None

    def _refuse(self, candidate: Candidate, reason: str) -> Wanted:
        self.unusable.append((candidate, reason))
        impossible = Wanted(candidate.name, candidate.extra, "", f"{candidate.identifier}!", impossible=reason)
        return self._note(impossible)

    def wanted(self, requirement: Requirement) -> list[Wanted]:
        """A dependency as the resolver's requirements: the project, and each extra. Overrides replace it."""
        overrides = self.policy.overrides.get(requirement.name)
        if overrides is None:
            from ..model.pypi_requirement import from_pep508

            return self.wanted_of(from_pep508(requirement))
        found: list[Wanted] = []
        for override in overrides:
            if override.marker is None or evaluate(override.marker, self.catalog.target.environment):
                found.extend(self.wanted_of(override))
        return found

    def wanted_of(self, requirement: PypiRequirement) -> list[Wanted]:
        """A manifest's requirement as the resolver's requirements. Raises where a direct reference cannot be read."""
        direct = None if requirement.is_registry else self.policy.direct(requirement)
        if pinned_version(requirement.specifier) is not None or direct is not None:
            self._pinned.add(requirement.name)
        keys: list[str | None] = [None, *requirement.extras]
        return [
            self._note(
                Wanted(
                    requirement.name,
                    extra,
                    requirement.specifier,
                    identifier(requirement.name, extra),
                    direct,
                )
            )
            for extra in keys
        ]

    def _note(self, wanted: Wanted) -> Wanted:
        """Remember the order in which keys were first seen."""
        self._order.setdefault(wanted.identifier, len(self._order))
        return wanted


def _anything(identifier: str) -> Wanted:
    """Any version of a project, or of an extra of it."""
    name, _, extra = identifier.partition("[")
    return Wanted(PypiName(name), extra.rstrip("]") or None, "", identifier)


def conda_version(text: str) -> Version:
    """A conda version as PEP 440 sees it; what it cannot see is read as far as it goes (`9e` is 9)."""
    found = try_version(text)
    if found is not None:
        return found
    from re import match

    digits = match(r"\d+(?:\.\d+)*", text)
    return Version(digits[0] if digits else "0")


def explicit_prereleases(requirements: Iterable[PypiRequirement]) -> frozenset[PypiName]:
    """The projects for which a requirement names a pre-release."""
    return frozenset(r.name for r in requirements if mentions_prerelease(r.specifier))
