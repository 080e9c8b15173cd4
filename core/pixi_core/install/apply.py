"""Doing a transaction: unlink, link, records, markers, in this order, each step right also when it is done again."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..errors import ArchiveError, Cancelled, InstallError, PixiError
from ..fs import translated
from ..progress import Reporter
from ..value import Value
from .build import relayout
from .conda_meta import LINK_COPY, LINK_HARD, record_file_name, write_record
from .fingerprint import INSTALLING, META_FOLDER
from .items import Layout
from .journal import LinkConda, Transaction, read_journal, remove_journal, sync_file_system
from .link import Linker, LinkOptions, LinkReport
from .link_scripts import run_post_link, run_pre_unlink, skipped_scripts
from .markers import write_fingerprint, write_markers
from .path_entry import PathEntry, PrefixRecord
from .prefix import has_journal, installed_fingerprint, read_conda

WORTH_A_THREAD = 1000
"""Files; fewer are linked before a second thread has begun."""


class Applied(Value):
    """What really happened: counts, and sentences for the user."""

    report: LinkReport
    warnings: tuple[str, ...]


def apply(
    prefix: Path,
    transaction: Transaction,
    layouts: Sequence[Layout],
    *,
    options: LinkOptions,
    reporter: Reporter,
    should_stop: Callable[[], bool] | None = None,
) -> Applied:
    """Bring the prefix to what the transaction says; its journal must be on the disk.

    Raises `DiskFull`, `InstallError`, `UnsafePath`, `Cancelled`; the journal then stays, for the next command.
    """
    told: list[str] = []
    try:
        write_fingerprint(prefix, INSTALLING)
        with Linker(prefix, transaction.platform.subdir, options) as linker:
            told += run_pre_unlink(prefix, transaction, options)
            _unlink(linker, prefix, transaction, reporter)
            _link(linker, layouts, reporter, should_stop)
            _write_records(linker, prefix, transaction, layouts)
            report = linker.report
        told += run_post_link(prefix, transaction, layouts, options)
        finish(prefix, transaction, options)
    except OSError as error:
        raise translated(error, prefix) from error
    told += skipped_scripts(layouts, options)
    told += [f"{path} belonged to no package and was replaced" for path in report.replaced]
    return Applied(report, tuple(told))


def finish(prefix: Path, transaction: Transaction, options: LinkOptions) -> None:
    """Markers last, and when everything is on the disk the journal goes."""
    write_markers(prefix, transaction.marker)
    if options.durable:
        sync_file_system(prefix)
    write_fingerprint(prefix, installed_fingerprint(prefix))
    remove_journal(prefix)


def _unlink(linker: Linker, prefix: Path, transaction: Transaction, reporter: Reporter) -> None:
    """Files that lose their place go aside, old files go, and files that get their place back come."""
    back = {
        after
        for before, after in transaction.move_back
        if not os.path.lexists(prefix / before) and os.path.lexists(prefix / after)
    }
    for before, after in transaction.make_way:
        # done before the interruption: what stands at the old place now is the other package's
        if not os.path.lexists(prefix / after):
            linker.move(before, after)
    if transaction.remove:
        with reporter.phase("unlink", total=len(transaction.remove), unit="items") as phase:
            linker.remove(path for path in transaction.remove if path not in back)
            phase.advance(len(transaction.remove))
    for before, after in transaction.move_back:
        linker.move(before, after)
        linker.prune([before.rpartition("/")[0]])


def _link(
    linker: Linker, layouts: Sequence[Layout], reporter: Reporter, should_stop: Callable[[], bool] | None
) -> None:
    if not layouts:
        return
    # the biggest first: what may fail for want of space fails early, and threads end together
    waiting = deque(sorted(layouts, key=lambda one: -len(one.items)))
    with reporter.phase("link", total=len(layouts), unit="items") as phase:

        def work(own: Linker) -> None:
            while True:
                try:
                    layout = waiting.popleft()
                except IndexError:
                    return
                if should_stop is not None and should_stop():
                    raise Cancelled
                own.link(layout)
                phase.advance(1, detail=f"{layout.name} {layout.version}")

        helpers = min(linker.options.threads, len(layouts)) - 1
        if sum(len(layout.items) for layout in layouts) < WORTH_A_THREAD:
            helpers = 0
        with _helped(linker, work, helpers, waiting):
            work(linker)


@contextmanager
def _helped(linker: Linker, work: Callable[[Linker], None], helpers: int, waiting: deque[Layout]) -> Iterator[None]:
    """Let threads do the same work with a mate each. They are done when this ends, in whatever way: nobody changes the
    prefix without its lock. The first error of any ends the work of all.
    """
    errors: list[BaseException] = []

    def help_out(mate: Linker) -> None:
        try:
            with mate:
                work(mate)
        except BaseException as error:
            errors.append(error)
            waiting.clear()

    mates = [linker.mate() for _ in range(helpers)]
    threads = [threading.Thread(target=help_out, args=(mate,), name="link") for mate in mates]
    for thread in threads:
        thread.start()
    try:
        yield
    except BaseException:
        waiting.clear()
        raise
    finally:
        for thread in threads:
            thread.join()
    for mate in mates:
        linker.absorb(mate)
    if errors:
        raise errors[0]


# ---------------------------------------------------------------- records


def _write_records(linker: Linker, prefix: Path, transaction: Transaction, layouts: Sequence[Layout]) -> None:
    by_name = {layout.name: layout for layout in layouts if layout.kind == "conda"}
    for link in transaction.conda:
        write_record(prefix, installed_record(link, by_name[link.record.name], linker))
    _rewrite_moved(prefix, transaction)
    for file in transaction.old_meta:
        (prefix / META_FOLDER / file).unlink(missing_ok=True)


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


def _rewrite_moved(prefix: Path, transaction: Transaction) -> None:
    """Packages that stay remember where their files lie now."""
    moves = dict((*transaction.make_way, *transaction.move_back))
    if not moves:
        return
    aside = {before for before, _ in transaction.make_way}
    linked = {link.record.name for link in transaction.conda}
    for name, package in read_conda(prefix).items():
        if name in linked or package.broken or not any(path in moves for path in package.files):
            continue
        full = package.load()
        paths = tuple(
            entry.replace(path=moves[entry.path], original_path=entry.path if entry.path in aside else None)
            if entry.path in moves
            else entry
            for entry in full.paths
        )
        write_record(prefix, full.replace(paths=paths))


# ---------------------------------------------------------------- after an interruption


def recover(prefix: Path, *, options: LinkOptions, reporter: Reporter) -> bool:
    """Finish the work that an interrupted writer left, if there is any. The caller holds the lock of the prefix.

    Where a package is gone from the caches, its half-made files are taken out; the next plan installs it again.
    Raises `InstallError`, `DiskFull`.
    """
    if not has_journal(prefix):
        return False
    try:
        transaction = read_journal(prefix)
    except PixiError as error:
        # nobody but another tool or a broken disk leaves such a journal: install everything again
        reporter.warning(f"{error}; the environment is installed anew")
        write_fingerprint(prefix, INSTALLING)
        remove_journal(prefix)
        return True
    if transaction is None:
        return False
    reporter.message(f"finishing an interrupted change of {prefix}")
    try:
        layouts = relayout(transaction, prefix)
        _check_sources(layouts)
    except (OSError, ArchiveError, InstallError):
        _take_out(prefix, transaction, options, reporter)
        return True
    apply(prefix, transaction, layouts, options=options, reporter=reporter)
    return True


def _check_sources(layouts: Sequence[Layout]) -> None:
    """Raises `FileNotFoundError` where the cache has lost a file that must be linked."""
    for layout in layouts:
        for item in layout.items:
            if item.source and item.action != "directory":
                os.stat(os.path.join(layout.source, item.source), follow_symlinks=False)


def _take_out(prefix: Path, transaction: Transaction, options: LinkOptions, reporter: Reporter) -> None:
    """Remove what an interrupted work has made and was about to remove; its packages are gone then."""
    targets = [target for link in transaction.conda for target in link.targets]
    targets += [target for wheel in transaction.wheels for target in wheel.targets]
    undone = transaction.replace(
        conda=(),
        wheels=(),
        remove=(*transaction.remove, *targets),
        make_way=(),
        # files that made way for packages which do not come now return to their places
        move_back=(*transaction.move_back, *((after, before) for before, after in transaction.make_way)),
    )
    try:
        with Linker(prefix, transaction.platform.subdir, options) as linker:
            _unlink(linker, prefix, undone, reporter)
        for link in transaction.conda:
            (prefix / META_FOLDER / record_file_name(link.record)).unlink(missing_ok=True)
        for file in transaction.old_meta:
            (prefix / META_FOLDER / file).unlink(missing_ok=True)
        _rewrite_moved(prefix, undone)
        finish(prefix, transaction, options)
    except OSError as error:
        raise translated(error, prefix) from error
