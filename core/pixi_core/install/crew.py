"""Who does the work of an installation: this process, and where it is worth it a copy of it that takes a share."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import Cancelled, InstallError
from ..process_copy import can_fork, usable_cores
from ..progress import Phase, Reporter
from .link import Linker, LinkOptions, LinkReport
from .share import Draft, Laid, Lost, Outline, Share

if TYPE_CHECKING:
    from .link_helper import Helper

WORTH_A_PROCESS = 1500
"""Files; fewer are linked before a copy has begun."""


class Crew:
    """Works on the packages of a draft: on some here, on others where a helper is. `draft` is what is worked on."""

    def __init__(self, draft: Draft, prefix: Path, helper: Helper | None = None) -> None:
        self.draft = draft
        self._prefix = prefix
        self._helper = helper
        self._shares = deque([Share(draft.without(helper.share.draft.cached) if helper else draft, prefix)])

    @property
    def has_helper(self) -> bool:
        """Whether there is enough to do for another process."""
        return self._helper is not None

    def lay_out(self, renew: Callable[[Draft, Collection[str]], Draft]) -> list[Outline]:
        """Find out what goes where. For packages that are not whole in the cache `renew` gives a draft with whole ones.

        Raises `ArchiveError`, `InstallError`, `UnsafePath`, `OSError`, and what `renew` raises.
        """
        own = self._shares[0].lay_out()
        theirs = self._laid_by_helper()
        damaged = (*own.damaged, *theirs.damaged)
        renewed = Laid()
        if damaged:
            self.draft = renew(self.draft, damaged)
            self._shares.append(Share(self.draft.part(damaged), self._prefix))
            renewed = self._shares[-1].lay_out()
            if renewed.damaged:
                raise InstallError(f"files of {', '.join(renewed.damaged)} vanish from the package cache")
        return [*own.outlines, *theirs.outlines, *renewed.outlines]

    def check_sources(self) -> None:
        """Raises `FileNotFoundError` where the cache has lost a file that must be linked."""
        for share in self._shares:
            share.check_sources()

    def _laid_by_helper(self) -> Laid:
        if self._helper is None:
            return Laid()
        try:
            laid: Laid = self._helper.hear()
        except EOFError:
            return self._take_over()
        return laid

    def link(self, linker: Linker, lost: Lost, reporter: Reporter, should_stop: Callable[[], bool] | None) -> None:
        """Put every file in place and write the records of packages; `lost` says what each leaves to another.

        Raises `OSError`, `InstallError`, `UnsafePath`, `Cancelled`.
        """
        transaction = self.draft.transaction
        count = len(transaction.conda) + len(transaction.wheels)
        if not count:
            return
        with reporter.phase("link", total=count, unit="items") as phase:

            def pause() -> None:
                """Between two packages."""
                if should_stop is not None and should_stop():
                    raise Cancelled
                while self._helper is not None and self._helper.has_said():
                    self._hear(linker, phase)

            self._begin(lost)
            while self._shares or self._helper is not None:
                if self._shares:
                    share = self._shares.popleft()
                    share.settle(lost)
                    share.link(linker, phase, pause)
                    share.write_records(linker)
                else:
                    self._hear(linker, phase)
                    pause()

    def _begin(self, lost: Lost) -> None:
        """Tell the helper to change the prefix now."""
        if self._helper is not None:
            try:
                self._helper.tell(lost)
            except OSError:
                self._take_over()

    def _hear(self, linker: Linker, phase: Phase) -> None:
        """What the helper says next: a package is in place, or all are. Raises what the helper could not do."""
        assert self._helper is not None
        try:
            said: str | LinkReport = self._helper.hear()
        except EOFError:
            self._take_over()
            return
        if isinstance(said, LinkReport):
            linker.report.add(said)
            self._helper = None
        else:
            phase.advance(1, detail=said)

    def _take_over(self) -> Laid:
        """Do the share of a helper that died."""
        assert self._helper is not None
        share = self._helper.share
        self._helper = None
        self._shares.append(share)
        return share.lay_out()


@contextmanager
def crew(draft: Draft, prefix: Path, options: LinkOptions, *, lock: int) -> Iterator[Crew]:
    """Whoever is of use and can be had; `lock` is the descriptor that holds the lock of the prefix. When this context
    ends, in whatever way, nobody works on.
    """
    files = {claimant: len(package.files) for claimant, package in draft.cached.items()}
    if sum(files.values()) < WORTH_A_PROCESS or min(options.processes, usable_cores()) < 2 or not can_fork():
        yield Crew(draft, prefix)
        return
    from .link_helper import helping  # lazy: most changes are small

    with helping(Share(draft.part(_half(files)), prefix), options, lock) as helper:
        yield Crew(draft, prefix, helper)


def _half(files: dict[str, int]) -> set[str]:
    """Packages with half of all files."""
    here = there = 0
    chosen = set()
    for claimant in sorted(files, key=lambda one: -files[one]):
        if there < here:
            chosen.add(claimant)
            there += files[claimant]
        else:
            here += files[claimant]
    return chosen
