"""Executing a plan: lock, finish what was interrupted, plan anew, journal, change, tell.

Between planning and holding the lock another process may have changed the prefix. The plan is therefore made again
from what is there, for the same wanted packages; where both agree nothing is lost but a few milliseconds.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from ..errors import Cancelled
from ..fs import translated
from ..model.platform import Platform
from ..progress import SILENT, Reporter
from ..value import Value
from .apply import apply, recover
from .build import Built, build_transaction, draft_transaction, renewed
from .conda_meta import specs_text, write_record
from .crew import crew
from .fingerprint import META_FOLDER
from .items import Packages
from .journal import syncing, write_journal
from .link import LinkOptions, LinkReport
from .lock import prefix_lock
from .markers import EnvironmentMarker, marker_is_current, read_fingerprint, write_fingerprint, write_markers
from .plan import CondaOperation, Plan, PypiOperation, make_plan
from .prefix import InstalledDistribution, InstalledPackage, PrefixState, fingerprint_of, has_journal, read_prefix


class PackageChange(Value, kw_only=True):
    """One package that came, went or changed; file paths are relative to the prefix. `same_files` are those of a
    changed package whose content stays what it was: who has loaded them has nothing old.
    """

    name: str
    kind: Literal["conda", "pypi"]
    old_version: str | None = None
    new_version: str | None = None
    old_files: tuple[str, ...] = ()
    new_files: tuple[str, ...] = ()
    same_files: tuple[str, ...] = ()


class Outcome(Value, kw_only=True):
    """What a transaction did. `recovered` says that an interrupted one was finished first."""

    added: tuple[PackageChange, ...] = ()
    removed: tuple[PackageChange, ...] = ()
    changed: tuple[PackageChange, ...] = ()
    report: LinkReport = LinkReport()
    warnings: tuple[str, ...] = ()
    recovered: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether no package changed."""
        return not (self.added or self.removed or self.changed)

    def to_json(self) -> dict[str, Any]:
        """The `transaction` of the wire format."""
        return {
            "added": [_single(change, change.new_version, change.new_files) for change in self.added],
            "removed": [_single(change, change.old_version, change.old_files) for change in self.removed],
            "changed": [
                {
                    "name": change.name,
                    "kind": change.kind,
                    "old_version": change.old_version,
                    "new_version": change.new_version,
                    "old_files": list(change.old_files),
                    "new_files": list(change.new_files),
                    "same_files": list(change.same_files),
                }
                for change in self.changed
            ],
            "links": self.report.to_json(),
            "recovered": self.recovered,
        }


def _single(change: PackageChange, version: str | None, files: Sequence[str]) -> dict[str, Any]:
    return {"name": change.name, "kind": change.kind, "version": version, "files": list(files)}


def execute(
    plan: Plan,
    prefix_path: Path,
    *,
    packages: Packages,
    requested: Mapping[str, str | Sequence[str]],
    platform: Platform,
    reporter: Reporter = SILENT,
    options: LinkOptions | None = None,
    should_stop: Callable[[], bool] | None = None,
    marker: EnvironmentMarker | None = None,
    editable: Collection[str] = (),
) -> Outcome:
    """Make the prefix hold exactly what the plan wants.

    `packages` may be asked for records that the plan did not link, when another process changed the prefix meanwhile,
    and again for those that are not whole. `requested` are the specs of the manifest by package
    name, `editable` the names of distributions that are installed editable.

    Raises `InstallError`, `DiskFull`, `ArchiveError`, `UnsafePath`, `Cancelled`. Before the journal is written nothing
    has changed; after that, the next command finishes the work.
    """
    options = options or LinkOptions()
    if plan.state is not None and _nothing_to_do(plan, plan.state, requested, marker):
        return Outcome()
    with prefix_lock(prefix_path, reporter=reporter, should_stop=should_stop) as lock:
        recovered = recover(prefix_path, options=options, reporter=reporter)
        state = read_prefix(prefix_path)
        plan = make_plan(plan.wanted_conda, plan.wanted_pypi, state, reinstall=plan.reinstall, untouched=plan.untouched)
        if plan.is_empty:
            _update_records(prefix_path, state, requested, marker)
            return Outcome(recovered=recovered)
        draft = draft_transaction(
            plan, packages=packages, requested=requested, platform=platform, marker=marker, editable=editable
        )
        with (
            crew(draft, prefix_path, options, lock=lock) as workers,
            # what was unpacked a moment ago goes to the disk while it is linked; a small change has nothing to go
            syncing(prefix_path, durable=options.durable and workers.has_helper),
        ):
            outlines = workers.lay_out(lambda old, damaged: renewed(old, damaged, packages))
            built = build_transaction(plan, state, workers.draft, outlines)
            outcome = _outcome(plan, built, state)
            if should_stop is not None and should_stop():
                raise Cancelled
            try:
                write_journal(prefix_path, built.transaction, durable=options.durable)
            except OSError as error:
                raise translated(error, prefix_path) from error
            applied = apply(
                prefix_path, built.transaction, workers, options=options, reporter=reporter, should_stop=should_stop
            )
        touched = set(built.transaction.names)
        staying = {name: package for name, package in state.conda.items() if name not in touched}
        _note_requests(prefix_path, staying, requested)
    return outcome.replace(report=applied.report, warnings=(*built.warnings, *applied.warnings), recovered=recovered)


def _nothing_to_do(
    plan: Plan,
    state: PrefixState,
    requested: Mapping[str, str | Sequence[str]],
    marker: EnvironmentMarker | None,
) -> bool:
    """Whether even the markers are as they would be left; needs no lock, since nothing is written then."""
    if not plan.is_empty or has_journal(state.path):
        return False
    if os.path.isdir(state.path) and not os.access(state.path / META_FOLDER, os.W_OK):
        return True  # somebody else's, and right as it is: the notes about it cannot be renewed
    if read_fingerprint(state.path) != fingerprint_of(state.conda, state.pypi):
        return False
    if not marker_is_current(state.path, marker):
        return False
    return not _other_requests(state.conda, requested)


def _other_requests(
    packages: Mapping[str, InstalledPackage], requested: Mapping[str, str | Sequence[str]]
) -> list[str]:
    return [
        name
        for name, package in packages.items()
        if not package.broken and package.requested_specs != specs_text(requested.get(name))
    ]


def _update_records(
    prefix: Path,
    state: PrefixState,
    requested: Mapping[str, str | Sequence[str]],
    marker: EnvironmentMarker | None,
) -> None:
    """Note changed requests, and renew markers which another tool wrote or nobody did. A prefix that cannot be written
    is right all the same.
    """
    try:
        _note_requests(prefix, state.conda, requested)
        write_markers(prefix, marker)
        content = fingerprint_of(state.conda, state.pypi)
        if read_fingerprint(prefix) != content:
            write_fingerprint(prefix, content)
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise translated(error, prefix) from error


def _note_requests(
    prefix: Path, packages: Mapping[str, InstalledPackage], requested: Mapping[str, str | Sequence[str]]
) -> None:
    """Packages that are there already remember who asks for them now."""
    for name in _other_requests(packages, requested):
        full = packages[name].load()
        write_record(prefix, full.replace(requested_specs=specs_text(requested.get(name))))


def _outcome(plan: Plan, built: Built, state: PrefixState) -> Outcome:
    """The change of each package, with the files it had and will have."""
    changes: dict[tuple[str, str], PackageChange] = {}
    operations: tuple[CondaOperation | PypiOperation, ...] = (*plan.conda, *plan.pypi)
    for operation in operations:
        kind: Literal["conda", "pypi"] = "conda" if isinstance(operation, CondaOperation) else "pypi"
        coming = built.outlines[f"{kind}:{operation.name}"] if operation.new else None
        changes[kind, operation.name] = _merged(
            changes.get((kind, operation.name)),
            PackageChange(
                name=operation.name,
                kind=kind,
                old_version=operation.old.version if operation.old else None,
                new_version=coming.version if coming else None,
                old_files=_files_of(operation.old, state.path) if operation.old else (),
                new_files=coming.targets if coming else (),
                same_files=coming.same_files if coming else (),
            ),
        )
    every = [changes[key] for key in sorted(changes, key=lambda key: (key[1], key[0]))]
    return Outcome(
        added=tuple(change for change in every if change.old_version is None),
        removed=tuple(change for change in every if change.new_version is None),
        changed=tuple(change for change in every if change.old_version is not None and change.new_version is not None),
    )


def _files_of(old: InstalledPackage | InstalledDistribution, prefix: Path) -> tuple[str, ...]:
    return old.files if isinstance(old, InstalledPackage) else old.files(prefix)


def _merged(first: PackageChange | None, second: PackageChange) -> PackageChange:
    """A package with two operations (a stale copy goes, a new one comes) changed once."""
    if first is None:
        return second
    return first.replace(
        old_version=first.old_version or second.old_version,
        new_version=first.new_version or second.new_version,
        old_files=(*first.old_files, *second.old_files),
        new_files=(*first.new_files, *second.new_files),
        same_files=(*first.same_files, *second.same_files),
    )
