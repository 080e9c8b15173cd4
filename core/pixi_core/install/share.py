"""A share of an installation: packages that one process looks at in the cache, lays out, links and records.

What the others have to know of a share while the transaction is put together are the outlines of its packages.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

from ..cache.entry import is_whole, read_marker
from ..errors import InstallError
from ..model.platform import Platform, operating_system
from ..names import pypi_name
from ..progress import Phase
from ..value import EMPTY, Value
from .clobber import aside
from .conda_meta import LINK_COPY, LINK_HARD, write_record
from .items import CachedPackage, Layout
from .journal import LinkConda, LinkWheel, Transaction
from .link import Linker
from .path_entry import PathEntry, PrefixRecord
from .prefix import InstalledDistribution, InstalledPackage

Lost = Mapping[str, Collection[str]]
"""For each package (`conda:numpy`) the paths that another one keeps."""


class Draft(Value, kw_only=True):
    """A transaction before it is known which paths its packages own. `cached` is where each of them lies, `replaced`
    what it takes the place of, both by claimant (`conda:numpy`, `pypi:requests`).
    """

    transaction: Transaction
    cached: Mapping[str, CachedPackage] = EMPTY
    replaced: Mapping[str, InstalledPackage | InstalledDistribution] = EMPTY

    def part(self, claimants: Collection[str]) -> Draft:
        """The same with some of the packages alone."""
        transaction = self.transaction
        return Draft(
            transaction=transaction.replace(
                conda=tuple(link for link in transaction.conda if claimant_of(link) in claimants),
                wheels=tuple(link for link in transaction.wheels if claimant_of(link) in claimants),
            ),
            cached={claimant: package for claimant, package in self.cached.items() if claimant in claimants},
            replaced=self.replaced,
        )

    def without(self, claimants: Collection[str]) -> Draft:
        """The same without some of the packages."""
        return self.part([claimant for claimant in self.cached if claimant not in claimants])


class Outline(Value):
    """A package as far as others have to know of it: the paths it brings, folders left out, and which of their files
    the package that it takes the place of has with the same content.
    """

    kind: str
    name: str
    version: str
    targets: tuple[str, ...]
    same_files: tuple[str, ...]

    @property
    def claimant(self) -> str:
        """Its name among those who want paths."""
        return f"{self.kind}:{self.name}"

    def settled(self, losing: Collection[str]) -> Outline:
        """As it will be when another package keeps the paths in `losing`: its own are put aside (conda) or left out."""
        if not losing:
            return self
        if self.kind == "pypi":
            targets = [path for path in self.targets if path not in losing]
        else:
            targets = [aside(self.name, path) if path in losing else path for path in self.targets]
        same = tuple(path for path in self.same_files if path not in losing)
        return self.replace(targets=tuple(targets), same_files=same)


class Laid(Value):
    """What laying out has found: the packages that are whole, and the claimants whose files in the cache are not all
    there with their sizes.
    """

    outlines: tuple[Outline, ...] = ()
    damaged: tuple[str, ...] = ()


def claimant_of(link: LinkConda | LinkWheel) -> str:
    """The name of a package among those who want paths."""
    if isinstance(link, LinkConda):
        return f"conda:{link.record.name}"
    return f"pypi:{pypi_name(link.record.name)}"


class Share:
    """The packages of a draft, and one process's work on them."""

    def __init__(self, draft: Draft, prefix: Path) -> None:
        self.draft = draft
        self.prefix = prefix
        self.layouts: list[Layout] = []

    def lay_out(self) -> Laid:
        """Find out what goes where. Raises `ArchiveError`, `InstallError`, `UnsafePath`, `OSError`."""
        damaged = tuple(claimant for claimant, package in self.draft.cached.items() if not package.is_whole())
        if damaged:
            self.draft = self.draft.without(damaged)
        transaction = self.draft.transaction
        self.layouts = transaction.layouts(str(self.prefix.absolute()))
        _check_prefix_length(self.layouts, self.prefix, transaction.platform)
        return Laid(tuple(self._outline(layout) for layout in self.layouts), damaged)

    def _outline(self, layout: Layout) -> Outline:
        replaced = self.draft.replaced.get(f"{layout.kind}:{layout.name}")
        old = replaced.contents(self.prefix) if replaced else {}
        same = [item.target for item in layout.items if item.target in old and item.entry.content == old[item.target]]
        return Outline(layout.kind, layout.name, layout.version, layout.targets, tuple(same))

    def check_sources(self) -> None:
        """Raises `FileNotFoundError` where a cache entry that must be linked is gone, or not whole any more."""
        for layout in self.layouts:
            source = Path(layout.source)
            marker = read_marker(source)
            if marker is None or not is_whole(source, marker.files, marker.links):
                raise FileNotFoundError(f"{source} is not whole")

    def settle(self, lost: Lost) -> None:
        """Leave out, or put aside, what other packages own."""
        self.layouts = [_settled(layout, lost.get(f"{layout.kind}:{layout.name}", ())) for layout in self.layouts]

    def link(self, linker: Linker, phase: Phase, pause: Callable[[], None]) -> None:
        """Put every file in place, with a `pause` before each package. Raises `OSError`, `InstallError`, `UnsafePath`,
        and what `pause` raises.
        """
        # the biggest first: what may fail for want of space fails early
        for layout in sorted(self.layouts, key=lambda one: -len(one.items)):
            pause()
            linker.link(layout)
            phase.advance(1, detail=f"{layout.name} {layout.version}")

    def write_records(self, linker: Linker) -> None:
        """The `conda-meta` records of what `linker` has linked. Raises `OSError`."""
        by_name = {layout.name: layout for layout in self.layouts if layout.kind == "conda"}
        for link in self.draft.transaction.conda:
            write_record(self.prefix, installed_record(link, by_name[link.record.name], linker))


def _check_prefix_length(layouts: Iterable[Layout], prefix: Path, platform: Platform) -> None:
    """A binary cannot hold a longer prefix than it was built with. Raises `InstallError`."""
    if operating_system(platform.subdir) == "win":
        return
    length = len(str(prefix.absolute()).encode())
    for layout in layouts:
        for item in layout.items:
            placeholder = item.entry.prefix_placeholder
            if placeholder and item.entry.file_mode == "binary" and length > len(placeholder.encode()):
                raise InstallError(
                    f"the path of the environment is too long for {layout.name}: {length} bytes, "
                    f"{item.target} allows {len(placeholder.encode())}",
                    hints=["move the workspace to a shorter path, or set `detached-environments` to a short folder"],
                )


def _settled(layout: Layout, losing: Collection[str]) -> Layout:
    """The layout with the files that another package's win over put aside (conda) or left out (PyPI)."""
    if not losing:
        return layout
    if layout.kind == "pypi":
        return layout.replace(items=tuple(item for item in layout.items if item.target not in losing))
    items = []
    for item in layout.items:
        if item.target in losing and item.action != "directory":
            place = aside(layout.name, item.target)
            item = item._replace(  # noqa: PLW2901 - the same item, elsewhere
                target=place, entry=item.entry.replace(path=place, original_path=item.target)
            )
        items.append(item)
    return layout.replace(items=tuple(items))


def installed_record(link: LinkConda, layout: Layout, linker: Linker) -> PrefixRecord:
    """The record of a package that was just linked."""
    # what had nothing to link says what one says that could be linked, whatever came with it
    linked = linker.report.hard_linked or linker.report.reflinked or all(i.action != "link" for i in layout.items)
    return PrefixRecord(
        record=link.record,
        paths=tuple(_as_written(item.entry, linker) for item in layout.items),
        requested_specs=link.requested,
        extracted_package_dir=link.source,
        link_type=LINK_HARD if linked else LINK_COPY,
    )


def _as_written(entry: PathEntry, linker: Linker) -> PathEntry:
    written = linker.rewritten.get(entry.path)
    if written is None or written.sha256 == entry.sha256:
        return entry
    return entry.replace(sha256_in_prefix=written.sha256)
