"""From a plan to a transaction: which files go, which come, who owns what several packages bring.

Reads the prefix and the packages in the caches; changes nothing. Whatever can be refused is refused here, before the
journal is written.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from ..errors import InstallError
from ..model.platform import Platform, operating_system
from ..model.record import PypiRecord, RepoDataRecord
from ..names import pypi_name
from ..value import Value
from .clobber import aside, conda_priority, losers, warnings
from .conda_meta import record_file_name, specs_text
from .items import ExtractedPackage, Layout, UnpackedWheel, checked_path
from .journal import LinkConda, LinkWheel, Transaction
from .markers import EnvironmentMarker
from .plan import Plan
from .prefix import InstalledDistribution, InstalledPackage, PrefixState

CondaPackages = Callable[[RepoDataRecord], ExtractedPackage]
Wheels = Callable[[PypiRecord], UnpackedWheel]


class Built(Value, kw_only=True):
    """A transaction with the layouts of what it links (computed once, used at once) and what users should know."""

    transaction: Transaction
    layouts: tuple[Layout, ...]
    warnings: tuple[str, ...]


def build_transaction(
    plan: Plan,
    state: PrefixState,
    *,
    conda_packages: CondaPackages,
    wheels: Wheels,
    requested: Mapping[str, str | Sequence[str]],
    platform: Platform,
    marker: EnvironmentMarker | None = None,
    editable: Collection[str] = (),
) -> Built:
    """Everything that is going to happen. Raises `InstallError`, `ArchiveError`, `UnsafePath`."""
    draft = Transaction(
        platform=platform,
        names=tuple(sorted({op.name for op in plan.conda} | {op.name for op in plan.pypi})),
        python=plan.python,
        conda=tuple(_link_conda(record, conda_packages, requested) for record in plan.conda_to_link),
        wheels=tuple(_link_wheel(record, wheels, requested, editable) for record in plan.pypi_to_link),
        marker=marker,
    )
    layouts = draft.layouts(str(state.path.absolute()))
    _check_prefix_length(layouts, state.path, platform)
    kept_conda, kept_pypi = _kept(plan, state)
    kept_files = {name: found.files(state.path) for name, found in kept_pypi.items()}
    folds_case = operating_system(platform.subdir) in ("osx", "win")
    lost = losers(_claims(plan, layouts, kept_conda, kept_files), folds_case=folds_case)
    make_way, move_back = _moves(kept_conda, lost)
    layouts = [_settled(layout, lost.get(f"{layout.kind}:{layout.name}", {})) for layout in layouts]
    targets = {(layout.kind, layout.name): layout.targets for layout in layouts}
    transaction = draft.replace(
        conda=tuple(link.replace(targets=targets["conda", link.record.name]) for link in draft.conda),
        wheels=tuple(link.replace(targets=targets["pypi", pypi_name(link.record.name)]) for link in draft.wheels),
        remove=_removed(plan, state, kept_conda, kept_files),
        old_meta=_old_meta(plan),
        make_way=make_way,
        move_back=move_back,
        lost={claimant: tuple(paths) for claimant, paths in lost.items()},
    )
    fresh = {f"{layout.kind}:{layout.name}" for layout in layouts}
    return Built(transaction=transaction, layouts=tuple(layouts), warnings=tuple(_told(lost, fresh)))


def relayout(transaction: Transaction, prefix: Path) -> tuple[Layout, ...]:
    """The layouts of a transaction that was read from the journal. Raises like `Transaction.layouts`."""
    layouts = transaction.layouts(str(prefix.absolute()))
    lost = {claimant: dict.fromkeys(paths, "") for claimant, paths in transaction.lost.items()}
    return tuple(_settled(layout, lost.get(f"{layout.kind}:{layout.name}", {})) for layout in layouts)


def _link_conda(
    record: RepoDataRecord, conda_packages: CondaPackages, requested: Mapping[str, str | Sequence[str]]
) -> LinkConda:
    source = Path(str(conda_packages(record).path)).absolute()
    record_file_name(record)  # refuses what could not be written as a record
    return LinkConda(record=record, source=str(source), requested=specs_text(requested.get(record.name)))


def _link_wheel(
    record: PypiRecord,
    wheels: Wheels,
    requested: Mapping[str, str | Sequence[str]],
    editable: Collection[str],
) -> LinkWheel:
    wheel = wheels(record)
    name = pypi_name(record.name)
    return LinkWheel(
        record=record,
        source=str(Path(str(wheel.path)).absolute()),
        files=tuple((path, digest, size, executable) for path, digest, size, executable in wheel.files),
        requested=name in requested or record.name in requested,
        editable=name in editable or record.name in editable,
    )


def _check_prefix_length(layouts: Sequence[Layout], prefix: Path, platform: Platform) -> None:
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
    layouts: Sequence[Layout],
    kept_conda: Mapping[str, InstalledPackage],
    kept_pypi: Mapping[str, Sequence[str]],
) -> list[tuple[str, Sequence[str]]]:
    """Who wants which paths, in order of priority."""
    pypi: dict[str, Sequence[str]] = dict(kept_pypi)
    conda: dict[str, Sequence[str]] = {
        name: [entry.original_path or entry.path for entry in package.paths if entry.path_type != "directory"]
        for name, package in kept_conda.items()
    }
    for layout in layouts:
        (pypi if layout.kind == "pypi" else conda)[layout.name] = layout.targets
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


def _settled(layout: Layout, losing: Mapping[str, str]) -> Layout:
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
