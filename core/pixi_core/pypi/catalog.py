"""Everything a resolution asks the indexes, answered lazily and fetched ahead.

The resolver asks one question at a time, but most of its questions can be foreseen: the newest usable release of a
project will most likely be chosen, so its metadata is fetched as soon as its page is there, and the pages of its
dependencies as soon as its metadata is. Speculation only fills memory; it decides nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

from ..errors import PixiError
from ..model.pep508 import Requirement
from ..model.pypi_options import PypiOptions
from ..model.pypi_target import PypiTarget
from ..names import PypiName
from ..progress import Phase
from .evaluate import Refusal, Usable, choose
from .index import IndexClient, Offer, Project
from .metadata import CoreMetadata
from .requires import active
from .simple import IndexFile
from .versions import Version, contains

WORKERS = 32
"""Questions in flight; the client bounds what goes to one host."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A release with a usable file: what a candidate is made of."""

    version: Version
    prerelease: bool
    index: str | None
    file: IndexFile


@dataclass(slots=True, eq=False)
class _Shelf:
    """One project with what is known about its releases so far: `usable[i]` and `found[i]` belong to `offers[i]`."""

    project: Project
    usable: dict[int, Usable] = field(default_factory=dict)
    found: dict[int, Found] = field(default_factory=dict)


class Catalog:
    """Use as a context manager: leaving it drops speculation that has not begun.

    `yanked` are the versions that may be used although yanked; `pins` the one index of a project;
    `skip` the projects that must not be asked for (provided by conda, direct references).
    """

    def __init__(
        self,
        index: IndexClient,
        target: PypiTarget,
        options: PypiOptions,
        *,
        pins: Mapping[PypiName, str],
        yanked: Mapping[PypiName, frozenset[Version]],
        skip: frozenset[PypiName],
        lowest: frozenset[PypiName] | bool = False,
        phase: Phase | None = None,
        workers: int = WORKERS,
    ) -> None:
        self.index = index
        self.target = target
        self.options = options
        self._pins = pins
        self._yanked = yanked
        self._skip = skip
        self._lowest = lowest
        self._phase = phase or Phase()
        self._lock = threading.Lock()
        self._shelves: dict[PypiName, Future[_Shelf]] = {}
        self._metadata: dict[str, Future[CoreMetadata]] = {}
        self._foreseen: set[tuple[PypiName, str, tuple[str, ...]]] = set()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="pypi")
        self._closed = False

    def __enter__(self) -> Catalog:
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        self._pool.shutdown(wait=True, cancel_futures=True)

    # ---------------------------------------------------------------- questions

    def project(self, name: PypiName) -> Project:
        """The project's page(s). Raises `NetworkError`."""
        return self._shelf(name).project

    def releases(
        self,
        name: PypiName,
        admits: Callable[[Offer], bool],
        *,
        lowest: bool = False,
        among: Iterable[int] | None = None,
    ) -> Iterator[Found]:
        """Releases that `admits` lets pass and that have a usable file, newest (or `lowest`) first within their turn;
        only those at the positions `among` are asked for where these are given.

        Files are looked at only as far as the result is consumed.
        """
        shelf = self._shelf(name)
        offers = shelf.project.offers
        positions: Iterable[int] = range(len(offers)) if among is None else sorted(among)
        if lowest:
            positions = sorted(positions, key=lambda position: (offers[position].turn, -position))
        for position in positions:
            if admits(offers[position]):
                found = self._found(shelf, position)
                if found is not None:
                    yield found

    def refusals(self, name: PypiName) -> list[tuple[Offer, tuple[Refusal, ...]]]:
        """For the story of a failure: what was refused of every release that has no usable file."""
        shelf = self._shelf(name)
        found: list[tuple[Offer, tuple[Refusal, ...]]] = []
        for position, offer in enumerate(shelf.project.offers):
            usable = self._usable(shelf, position)
            if usable.best is None:
                found.append((offer, usable.refused))
        return found

    def metadata(self, file: IndexFile) -> CoreMetadata:
        """The file's metadata. Raises `ArchiveError`, `NetworkError`."""
        with self._lock:
            future = self._metadata.get(file.url)
            mine = future is None
            if future is None:
                future = self._metadata[file.url] = Future()
        if mine:
            self._fill_metadata(future, file)
        return future.result()

    # ---------------------------------------------------------------- looking ahead

    def expect(self, requirements: Iterable[Requirement]) -> None:
        """These will be asked for soon."""
        for requirement in requirements:
            key = (requirement.name, requirement.specifier, requirement.extras)
            if requirement.name in self._skip or requirement.url is not None or key in self._foreseen:
                continue
            self._foreseen.add(key)
            if not self._closed:
                try:
                    self._pool.submit(self._look_ahead, requirement)
                except RuntimeError:  # closed between the two
                    return

    def expect_metadata(self, releases: Iterable[Found]) -> None:
        """The metadata of these will be asked for soon."""
        for found in releases:
            if found.file.is_wheel and not self._closed:
                self._pool.submit(self._fetch_quietly, found.file)

    def _fetch_quietly(self, file: IndexFile) -> None:
        if not self._closed:
            with suppress(PixiError):
                self.metadata(file)

    def _look_ahead(self, requirement: Requirement) -> None:
        if self._closed:
            return
        try:
            found = self._likely(requirement)
            if found is None or not found.file.is_wheel or self._closed:
                return
            metadata = self.metadata(found.file)
        except PixiError:
            return  # whoever really needs it will meet the same error
        self.expect(active(metadata.requires_dist, self.target))
        if requirement.extras:
            self.expect(active(metadata.requires_dist, self.target, frozenset(requirement.extras)))

    def _likely(self, requirement: Requirement) -> Found | None:
        lowest = self._lowest if isinstance(self._lowest, bool) else requirement.name in self._lowest

        def stable(offer: Offer) -> bool:
            return not offer.prerelease and contains(requirement.specifier, offer.version)

        def unstable(offer: Offer) -> bool:
            return offer.prerelease and contains(requirement.specifier, offer.version)

        stable_ones = self.releases(requirement.name, stable, lowest=lowest)
        return next(stable_ones, None) or next(self.releases(requirement.name, unstable, lowest=lowest), None)

    # ---------------------------------------------------------------- shelves

    def _shelf(self, name: PypiName) -> _Shelf:
        with self._lock:
            future = self._shelves.get(name)
            mine = future is None
            if future is None:
                future = self._shelves[name] = Future()
        if mine:
            try:
                project = self.index.project(name, self._pins.get(name))
                self._phase.advance(detail=name)
                future.set_result(_Shelf(project))
            except BaseException as error:
                future.set_exception(error)
                raise
        return future.result()

    def _fill_metadata(self, future: Future[CoreMetadata], file: IndexFile) -> None:
        try:
            future.set_result(self.index.metadata(file))
        except BaseException as error:
            future.set_exception(error)
            raise

    def _usable(self, shelf: _Shelf, position: int) -> Usable:
        usable = shelf.usable.get(position)
        if usable is None:
            offer = shelf.project.offers[position]
            name = shelf.project.name
            usable = choose(
                offer.files(),
                name=name,
                target=self.target,
                options=self.options,
                allow_yanked=offer.version in self._yanked.get(name, ()),
            )
            shelf.usable[position] = usable
        return usable

    def _found(self, shelf: _Shelf, position: int) -> Found | None:
        best = self._usable(shelf, position).best
        if best is None:
            return None
        offer = shelf.project.offers[position]
        # one object per release, whichever thread comes first: the resolver compares by identity
        return shelf.found.setdefault(position, Found(offer.version, offer.prerelease, best[0], best[1]))
