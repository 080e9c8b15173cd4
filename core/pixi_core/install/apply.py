"""Doing a transaction: unlink, link, records, markers, in this order, each step right also when it is done again."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from ..errors import ArchiveError, InstallError, PixiError
from ..fs import translated
from ..progress import Reporter
from ..value import Value
from .conda_meta import record_file_name, write_record
from .crew import Crew
from .fingerprint import INSTALLING, META_FOLDER
from .journal import Transaction, read_journal, remove_journal, syncing
from .link import Linker, LinkOptions, LinkReport
from .link_scripts import run_post_link, run_pre_unlink, skipped_scripts
from .markers import write_fingerprint, write_markers
from .prefix import has_journal, installed_fingerprint, read_conda
from .share import Draft


class Applied(Value):
    """What really happened: counts, and sentences for the user."""

    report: LinkReport
    warnings: tuple[str, ...]


def apply(
    prefix: Path,
    transaction: Transaction,
    crew: Crew,
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
            crew.link(linker, transaction.lost, reporter, should_stop)
            _settle_records(prefix, transaction)
            report = linker.report
        told += run_post_link(prefix, transaction, options)
        finish(prefix, transaction, options)
    except OSError as error:
        raise translated(error, prefix) from error
    told += skipped_scripts(transaction, options)
    told += [f"{path} belonged to no package and was replaced" for path in report.replaced]
    return Applied(report, tuple(told))


def finish(prefix: Path, transaction: Transaction, options: LinkOptions) -> None:
    """Markers last, and when everything is on the disk the journal goes."""
    write_markers(prefix, transaction.marker)
    with syncing(prefix, durable=options.durable):
        fingerprint = installed_fingerprint(prefix)
    write_fingerprint(prefix, fingerprint)
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


# ---------------------------------------------------------------- records


def _settle_records(prefix: Path, transaction: Transaction) -> None:
    """Records of packages that stay and whose files were moved are written anew, those of packages that went go."""
    _rewrite_moved(prefix, transaction)
    for file in transaction.old_meta:
        (prefix / META_FOLDER / file).unlink(missing_ok=True)


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
        crew = Crew(Draft(transaction=transaction), prefix)
        crew.lay_out(lambda draft, _: draft)
        crew.check_sources()
    except (OSError, ArchiveError, InstallError):
        _take_out(prefix, transaction, options, reporter)
        return True
    apply(prefix, transaction, crew, options=options, reporter=reporter)
    return True


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
        _settle_records(prefix, undone)
        finish(prefix, transaction, options)
    except OSError as error:
        raise translated(error, prefix) from error
