"""From a plan to a transaction: which files go, which come, who owns what several packages bring.

Reads the prefix and the packages in the caches; changes nothing. Whatever can be refused is refused here, before the
journal is written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from ..fs import folds_case
from ..model.platform import Platform, operating_system
from ..names import pypi_name
from ..value import Value
from .clobber import aside, conda_priority, losers, warnings
from .conda_meta import record_file_name, specs_text
from .items import CachedPackage, Packages, checked_path
from .journal import LinkConda, LinkWheel, Transaction
from .markers import EnvironmentMarker
from .plan import Plan
from .prefix import InstalledDistribution, InstalledPackage, PrefixState
from .share import Draft, Outline, claimant_of

Link = TypeVar("Link", LinkConda, LinkWheel)


class Built(Value, kw_only=True):
    """A transaction, the outlines of what it links (by claimant) as it will be, and what users should know."""

    transaction: Transaction
    outlines: Mapping[str, Outline]
    warnings: tuple[str, ...]


def draft_transaction(
    plan: Plan,
    *,
    packages: Packages,
    requested: Mapping[str, str | Sequence[str]],
    platform: Platform,
    marker: EnvironmentMarker | None = None,
    editable: Collection[str] = (),
) -> Draft:
    """What is going to be linked. Raises `InstallError`, `ArchiveError`, `UnsafePath`, and what `packages` raises."""
    cached: dict[str, CachedPackage] = {}
    conda = []
    for record in plan.conda_to_link:
        record_file_name(record)  # refuses what could not be written as a record
        package = packages.package(record)
        link = LinkConda(record=record, source=_folder(package), requested=specs_text(requested.get(record.name)))
        cached[claimant_of(link)] = package
        conda.append(link)
    wheels = []
    for wheel_record in plan.pypi_to_link:
        package = packages.wheel(wheel_record)
        name = pypi_name(wheel_record.name)
        wheel = LinkWheel(
            record=wheel_record,
            source=_folder(package),
            files=tuple(package.files),
            requested=name in requested or wheel_record.name in requested,
            editable=name in editable or wheel_record.name in editable,
        )
        cached[claimant_of(wheel)] = package
        wheels.append(wheel)
    transaction = Transaction(
        platform=platform,
        names=tuple(sorted({op.name for op in plan.conda} | {op.name for op in plan.pypi})),
        python=plan.python,
        conda=tuple(conda),
        wheels=tuple(wheels),
        marker=marker,
    )
    replaced: dict[str, InstalledPackage | InstalledDistribution] = {
        f"conda:{op.name}": op.old for op in plan.conda if op.old and op.new
    }
    replaced.update((f"pypi:{op.name}", op.old) for op in plan.pypi if op.old and op.new)
    return Draft(transaction=transaction, cached=cached, replaced=replaced)


def renewed(draft: Draft, claimants: Collection[str], packages: Packages) -> Draft:
    """The draft with packages that were brought into the cache again. Raises what `packages` raises."""
    found = dict(draft.cached)

    def again(link: Link) -> Link:
        claimant = claimant_of(link)
        if claimant not in claimants:
            return link
        package = found[claimant] = packages.again(link.record)
        if isinstance(link, LinkWheel):
            return link.replace(source=_folder(package), files=tuple(package.files))
        return link.replace(source=_folder(package))

    transaction = draft.transaction
    conda, wheels = tuple(map(again, transaction.conda)), tuple(map(again, transaction.wheels))
    return draft.replace(transaction=transaction.replace(conda=conda, wheels=wheels), cached=found)


def _folder(package: CachedPackage) -> str:
    return str(Path(str(package.path)).absolute())


def build_transaction(plan: Plan, state: PrefixState, draft: Draft, outlines: Iterable[Outline]) -> Built:
    """Everything that is going to happen. Raises `InstallError`, `UnsafePath`."""
    laid = {outline.claimant: outline for outline in outlines}
    kept_conda, kept_pypi = _kept(plan, state)
    kept_files = {name: found.files(state.path) for name, found in kept_pypi.items()}
    system = operating_system(draft.transaction.platform.subdir)
    one_name = system in ("osx", "win") or folds_case(state.path)
    lost = losers(_claims(plan, laid.values(), kept_conda, kept_files), folds_case=one_name)
    make_way, move_back = _moves(kept_conda, lost)
    laid = {claimant: outline.settled(lost.get(claimant, ())) for claimant, outline in laid.items()}
    transaction = draft.transaction.replace(
        conda=tuple(link.replace(targets=laid[claimant_of(link)].targets) for link in draft.transaction.conda),
        wheels=tuple(link.replace(targets=laid[claimant_of(link)].targets) for link in draft.transaction.wheels),
        remove=_removed(plan, state, kept_conda, kept_files),
        old_meta=_old_meta(plan),
        make_way=make_way,
        move_back=move_back,
        lost={claimant: tuple(paths) for claimant, paths in lost.items()},
    )
    return Built(transaction=transaction, outlines=laid, warnings=tuple(_told(lost, laid)))


def _kept(plan: Plan, state: PrefixState) -> tuple[dict[str, InstalledPackage], dict[str, InstalledDistribution]]:
    """The packages which no operation takes out or replaces."""
    old_files = {op.old.meta_file for op in plan.conda if op.old is not None}
    old_info = {op.old.dist_info for op in plan.pypi if op.old is not None}
    conda = {
        name: package
        for name, package in state.conda.items()
        if package.meta_file not in old_files and not package.broken
    }
    pypi = {str(name): found for name, found in state.pypi.items() if found.dist_info not in old_info}
    return conda, pypi


def _claims(
    plan: Plan,
    outlines: Iterable[Outline],
    kept_conda: Mapping[str, InstalledPackage],
    kept_pypi: Mapping[str, Sequence[str]],
) -> list[tuple[str, Sequence[str]]]:
    """Who wants which paths, in order of priority."""
    pypi: dict[str, Sequence[str]] = dict(kept_pypi)
    conda: dict[str, Sequence[str]] = {
        name: [entry.original_path or entry.path for entry in package.paths if entry.path_type != "directory"]
        for name, package in kept_conda.items()
    }
    for outline in outlines:
        (pypi if outline.kind == "pypi" else conda)[outline.name] = outline.targets
    records = {name: package.record for name, package in kept_conda.items()}
    records.update((record.name, record) for record in plan.wanted_conda if record.name in conda)
    claims = [(f"pypi:{name}", pypi[name]) for name in sorted(pypi)]
    return claims + [(f"conda:{name}", conda[name]) for name in conda_priority(records.values())]


def _moves(
    kept: Mapping[str, InstalledPackage], lost: Mapping[str, Mapping[str, str]]
) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    """Files of packages that stay: those which lose their place, and those which get it back."""
    make_way: list[tuple[str, str]] = []
    move_back: list[tuple[str, str]] = []
    for name, package in kept.items():
        losing = lost.get(f"conda:{name}", {})
        for entry in package.paths:
            if entry.original_path is None:
                if entry.path in losing:
                    make_way.append((_checked(entry.path), aside(name, entry.path)))
            elif entry.original_path not in losing:
                move_back.append((_checked(entry.path), _checked(entry.original_path)))
    return tuple(make_way), tuple(move_back)


def _checked(path: str) -> str:
    return checked_path(path, what="a path in a package record:")


def _removed(
    plan: Plan,
    state: PrefixState,
    kept_conda: Mapping[str, InstalledPackage],
    kept_pypi: Mapping[str, Sequence[str]],
) -> tuple[str, ...]:
    """The files of packages that go, without those which a package that stays owns too. Raises `UnsafePath`."""
    files: dict[str, None] = {}
    for conda in plan.conda:
        if conda.old is not None and not conda.old.broken:
            files.update((_checked(path), None) for path in conda.old.files)
    for pypi in plan.pypi:
        if pypi.old is not None:
            files.update((_checked(path), None) for path in pypi.old.files(state.path))
    if not files:
        return ()
    for package in kept_conda.values():
        for path in package.files:
            files.pop(path, None)
    for paths in kept_pypi.values():
        for path in paths:
            files.pop(path, None)
    return tuple(files)


def _old_meta(plan: Plan) -> tuple[str, ...]:
    """The records to take out; those which are going to be written anew stay until they are."""
    coming = {record_file_name(record) for record in plan.conda_to_link}
    found = {op.old.meta_file.name for op in plan.conda if op.old is not None}
    return tuple(sorted(found - coming))


def _told(lost: Mapping[str, Mapping[str, str]], fresh: Collection[str]) -> list[str]:
    """Warnings about paths that several packages bring, where at least one of them is new."""
    told = {
        loser: {path: winner for path, winner in paths.items() if loser in fresh or winner in fresh}
        for loser, paths in lost.items()
    }
    labels = {claimant: _label(claimant) for loser, paths in lost.items() for claimant in (loser, *paths.values())}
    return warnings({loser: paths for loser, paths in told.items() if paths}, labels)


def _label(claimant: str) -> str:
    kind, _, name = claimant.partition(":")
    return f"{name} (pypi)" if kind == "pypi" else name
