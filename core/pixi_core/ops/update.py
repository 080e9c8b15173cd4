"""`pixi update` and `pixi upgrade`: newer packages within the manifest's ranges, or with ranges that follow them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..errors import LockFileError, ManifestError
from ..names import DEFAULT_ENVIRONMENT, DEFAULT_FEATURE, FeatureName
from ..progress import SILENT, Reporter
from ..suggest import did_you_mean
from .change import commit, requirement_text, solved_range, with_range
from .locking import compared_names, update_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from ..lock.model import LockFile
    from ..manifest.edit import ManifestEditor
    from ..manifest.model import Content
    from ..workspace import Workspace
    from .change import Requirement
    from .installing import Installation


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What may move: `packages` (empty: all) in `environments` on `platforms` (empty: all), never
    `exclude`.
    """

    packages: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Updated:
    """What moved in the lock file (pixi's JSON), which requirements of the manifest did, and what was installed."""

    difference: dict[str, Any]
    specs: dict[str, str] = field(default_factory=dict)
    lock_changed: bool = False
    installations: tuple[Installation, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The data of a result event."""
        data: dict[str, Any] = {
            "specs": dict(self.specs),
            "lock_changed": self.lock_changed,
            "difference": self.difference,
        }
        if self.installations:
            data.update(self.installations[0].to_json())
        return data


def update(
    workspace: Workspace,
    selection: Selection,
    *,
    dry_run: bool = False,
    install: bool = True,
    reporter: Reporter = SILENT,
    should_stop: Callable[[], bool] | None = None,
) -> Updated:
    """Solve again within the manifest, without holding the selected packages back.

    Raises `LockFileError` for a package that is not locked, `ManifestError` for an unknown environment or platform, and
    whatever solving and installing raise; nothing is changed then.
    """
    previous = workspace.lock()
    environments = _environments(workspace, selection.environments)
    platforms = _platforms(workspace, selection.platforms)
    freed = previous
    if previous is not None:
        _check_locked(previous, selection.packages, environments, platforms)
        freed = _without(previous, selection.packages, _group_members(workspace, environments), platforms)
    lock = update_lock(workspace, previous=freed, reporter=reporter, should_stop=should_stop)
    return _settle(workspace, workspace.manifest_text, previous, lock, {}, selection, dry_run, install, reporter)


def upgrade(
    workspace: Workspace,
    selection: Selection,
    *,
    feature: str | None = None,
    dry_run: bool = False,
    install: bool = True,
    reporter: Reporter = SILENT,
    should_stop: Callable[[], bool] | None = None,
) -> Updated:
    """Solve again without the version ranges of a feature, and write the ranges that the new versions suggest.

    Everything else that an entry says (channel, build, extras…) stays; entries that take their version from the
    workspace, or have none, are left alone. Raises as `update` does.
    """
    chosen = _feature(workspace, feature)
    entries = list(_upgradable(workspace, chosen, selection))
    loose = [(place, name, with_range(spec, "*")) for place, name, spec in entries]
    manifest = workspace.parse(_written(workspace, chosen, loose))
    previous = workspace.lock()
    freed = compared_names([name for _, name, _ in entries])
    lock = update_lock(
        workspace, manifest=manifest, previous=previous, unlock=freed, reporter=reporter, should_stop=should_stop
    )
    users = [name for name in manifest.environments if chosen in _features_of(workspace, name)]
    pinned = []
    for (place, name, spec), (_, _, loosened) in zip(entries, loose, strict=True):
        where = None if place is None else _selected(workspace, place)
        newer = with_range(loosened, solved_range(workspace, loosened, lock, users, where))
        pinned.append((place, name, spec if newer == loosened else newer))
    moved = {
        name: requirement_text(new)
        for (_, name, old), (_, _, new) in zip(entries, pinned, strict=True)
        if requirement_text(old) != requirement_text(new)
    }
    text = _written(workspace, chosen, [entry for entry in pinned if entry[1] in moved])
    return _settle(workspace, text, previous, lock, moved, selection, dry_run, install, reporter)


def _settle(
    workspace: Workspace,
    text: str,
    previous: LockFile | None,
    lock: LockFile,
    specs: dict[str, str],
    selection: Selection,
    dry_run: bool,
    install: bool,
    reporter: Reporter,
) -> Updated:
    """Write and install, unless it is a rehearsal."""
    from ..lock.diff import difference

    found = Updated(difference=difference(previous, lock), specs=specs)
    if dry_run:
        return replace(found, lock_changed=bool(found.difference["environment"]))
    names = (selection.environments or (DEFAULT_ENVIRONMENT,)) if install else ()
    changed, installed = commit(workspace, text, lock, environments=names, reporter=reporter)
    return replace(found, lock_changed=changed, installations=tuple(installed))


# ---------------------------------------------------------------- what was selected


def _environments(workspace: Workspace, names: Sequence[str]) -> frozenset[str]:
    if not names:
        return frozenset(workspace.manifest.environments)
    return frozenset(workspace.environment_name(name) for name in names)


def _platforms(workspace: Workspace, names: Sequence[str]) -> frozenset[str]:
    """Names of platforms, by name or subdir; all where none is named."""
    known = workspace.manifest.all_platforms
    if not names:
        return frozenset(platform.name for platform in known)
    found: set[str] = set()
    for name in names:
        here = {platform.name for platform in known if name in (platform.name, platform.subdir)}
        if not here:
            there = [platform.name for platform in known]
            hint = did_you_mean(name, there, f"platforms of this workspace: {', '.join(there)}")
            raise ManifestError(f"the workspace has no platform '{name}'", hints=[hint])
        found |= here
    return frozenset(found)


def _group_members(workspace: Workspace, environments: Collection[str]) -> frozenset[str]:
    """The environments, and those that share versions with them."""
    from ..manifest.merge import solve_groups

    found: set[str] = set()
    for group in solve_groups(workspace.manifest):
        names = {str(environment.name) for environment in group}
        if names & set(environments):
            found |= names
    return frozenset(found)


def _check_locked(
    lock: LockFile, packages: Sequence[str], environments: Collection[str], platforms: Collection[str]
) -> None:
    known = {
        record.name
        for name, environment in lock.environments.items()
        if name in environments
        for platform, records in environment.packages.items()
        if platform in platforms
        for record in records
    }
    compared = compared_names(known)
    for package in packages:
        if not compared_names([package]) & compared:
            hint = did_you_mean(package, known, "see `pixi list` for what is locked")
            raise LockFileError(f"could not find a package named '{package}' in the lock file", hints=[hint])


def _without(
    lock: LockFile, packages: Collection[str], environments: Collection[str], platforms: Collection[str]
) -> LockFile:
    """The lock file without what may move."""
    freed = compared_names(packages)

    def kept(records: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(r for r in records if packages and not compared_names([r.name]) & freed)

    return lock.replace(
        environments={
            name: environment
            if name not in environments
            else environment.replace(
                packages={
                    platform: kept(records) if platform in platforms else records
                    for platform, records in environment.packages.items()
                },
            )
            for name, environment in lock.environments.items()
        },
    )


# ---------------------------------------------------------------- ranges of the manifest


def _feature(workspace: Workspace, name: str | None) -> FeatureName:
    features = workspace.manifest.features
    chosen = FeatureName(name or DEFAULT_FEATURE)
    if chosen in features:
        return chosen
    hint = did_you_mean(chosen, features, f"features of this workspace: {', '.join(features)}")
    raise ManifestError(f"{workspace.manifest_path} has no feature '{chosen}'", hints=[hint])


def _features_of(workspace: Workspace, environment: str) -> frozenset[str]:
    return frozenset(str(feature.name) for feature in workspace.manifest.environment(environment).features)


def _selected(workspace: Workspace, selector: str) -> frozenset[str] | None:
    """The platforms a target speaks of; None (all) for a selector such as `unix`, whose versions are pooled."""
    names = {p.name for p in workspace.manifest.all_platforms if selector in (p.name, p.subdir)}
    return frozenset(names) or None


def _upgradable(
    workspace: Workspace, feature: FeatureName, selection: Selection
) -> Iterator[tuple[str | None, str, Requirement]]:
    """(target or None, name, requirement) of each entry with a range of its own. Raises `ManifestError` for a package
    that the feature does not name.
    """
    wanted, excluded = compared_names(selection.packages), compared_names(selection.exclude)
    editor = _editor(workspace)
    known: set[str] = set()
    for content in workspace.manifest.features[feature].contents:
        for name, spec in _entries(content, conda=not workspace.manifest.is_host_kind).items():
            known.add(name)
            names = compared_names([name])
            if (wanted and not names & wanted) or names & excluded or not _has_range(spec):
                continue
            if not editor.is_inherited(name, feature=feature, platform=content.selector):
                yield content.selector, name, spec
    for package in selection.packages:
        if not compared_names([package]) & compared_names(known):
            hint = did_you_mean(package, known, f"it names {', '.join(sorted(known)) or 'nothing'}")
            raise ManifestError(f"the feature '{feature}' has no dependency '{package}'", hints=[hint])


def _entries(content: Content, *, conda: bool) -> Mapping[str, Requirement]:
    found: dict[str, Requirement] = {str(name): spec for name, spec in content.pypi_dependencies.items()}
    if conda:
        found |= {str(name): spec for name, spec in content.dependencies.items()}
    return found


def _has_range(spec: Requirement) -> bool:
    from ..model.match_spec import MatchSpec

    if isinstance(spec, MatchSpec):
        return spec.version is not None and spec.url is None
    return bool(spec.specifier) and spec.is_registry


def _editor(workspace: Workspace) -> ManifestEditor:
    from ..manifest.edit import ManifestEditor

    return ManifestEditor(workspace.manifest_text, workspace.kind)


def _written(workspace: Workspace, feature: FeatureName, entries: Sequence[tuple[str | None, str, Requirement]]) -> str:
    """The manifest's text with these requirements in it."""
    from ..model.match_spec import MatchSpec

    editor = _editor(workspace)
    for place, name, spec in entries:
        if isinstance(spec, MatchSpec):
            editor.add_conda(name, spec, feature=feature, platform=place)
        else:
            editor.add_pypi(spec, feature=feature, platform=place)
    return editor.text
