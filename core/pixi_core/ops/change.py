"""`add` and `remove`: edit the manifest, solve, lock, fetch, write, install.

The order is what keeps everything whole: nothing is written before the new lock is solved and every package that it
needs has been fetched and verified. If installing then fails, manifest and lock go back to what they were; the
environment heals by its journal.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..errors import ManifestError, Unsatisfiable
from ..names import DEFAULT_ENVIRONMENT, DEFAULT_FEATURE, FeatureName, pypi_name
from ..progress import SILENT, Reporter
from .installing import Installation, Prepared, install_prepared, prepare_installation
from .locking import compared_names, update_lock
from .ready import describe
from .unfinished import forget_removal, note_removal, unfinished_removal

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from ..lock.model import LockFile
    from ..manifest.edit import ManifestEditor
    from ..model.match_spec import MatchSpec
    from ..model.pypi_requirement import PypiRequirement, Source
    from ..workspace import Workspace

    Requirement = MatchSpec | PypiRequirement


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where in the manifest a change goes, and what is made of it afterwards: with `dry_run` nothing at all."""

    feature: FeatureName = DEFAULT_FEATURE
    platforms: tuple[str, ...] = ()
    environment: str = DEFAULT_ENVIRONMENT
    install: bool = True
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a change did. `specs` maps each name that was added to the requirement now in the manifest, `already` those
    that were there before and were left alone; `difference` is told of a rehearsal, as `pixi diff` tells it.
    """

    specs: dict[str, Requirement] = field(default_factory=dict)
    already: dict[str, Requirement] = field(default_factory=dict)
    kind: str = "conda"
    removed: tuple[str, ...] = ()
    lock_changed: bool = False
    difference: dict[str, Any] | None = None
    installation: Installation | None = None

    def to_json(self) -> dict[str, Any]:
        """The data of a result event."""
        data: dict[str, Any] = {
            "specs": {name: requirement_text(spec) for name, spec in self.specs.items()},
            "already": {name: requirement_text(spec) for name, spec in self.already.items()},
            "kind": self.kind,
            "removed": list(self.removed),
            "lock_changed": self.lock_changed,
        }
        if self.difference is not None:
            data["difference"] = self.difference
        if self.installation is not None:
            data.update(self.installation.to_json())
        return data


def add(
    workspace: Workspace,
    specs: Sequence[str],
    *,
    pypi: bool = False,
    editable: bool = False,
    index: str | None = None,
    source: Source | None = None,
    target: Target | None = None,
    reporter: Reporter = SILENT,
    should_stop: Callable[[], bool] | None = None,
) -> Change:
    """Add conda packages (match specs) or PyPI packages (PEP 508 requirements) to the manifest.

    Without a version, the one that was solved decides the range that is written (`pinning-strategy`). In a host
    workspace everything is PyPI's. `source` says where a single PyPI package comes from. Raises `SpecError`,
    `ManifestError`, `Unsatisfiable`, `NetworkError`, `BuildError`, …; the manifest, the lock file and the environment
    are then as they were.
    """
    target = target or Target()
    pypi = pypi or workspace.manifest.is_host_kind
    wanted = _parse_pypi(specs, editable, index, source) if pypi else _parse_conda(specs)
    there = _already_there(workspace, wanted, target)
    fresh = {name: spec for name, spec in wanted.items() if name not in there}
    manifest = workspace.parse(_edited(workspace, fresh, target)) if fresh else workspace.manifest
    users = [spec for spec in manifest.environments.values() if target.feature in (*spec.features, DEFAULT_FEATURE)]
    if not users:
        reporter.warning(f"no environment uses the feature '{target.feature}': nothing is locked or installed for it")
    previous = workspace.lock()
    try:
        lock = update_lock(
            workspace,
            manifest=manifest,
            previous=previous,
            unlock=compared_names(fresh),
            reporter=reporter,
            should_stop=should_stop,
        )
    except Unsatisfiable as error:
        from .known_names import hints_of_the_other_kind

        for spec in users[:1]:
            where = manifest.environment(spec.name)
            error.hints = (*error.hints, *hints_of_the_other_kind(workspace, fresh, where, pypi=pypi))
        raise
    ranged = {name: pinned(workspace, spec, lock) for name, spec in fresh.items()}
    text = _edited(workspace, ranged, target) if fresh else workspace.manifest_text
    change = Change(
        specs=ranged,
        already=there,
        kind="pypi" if pypi else "conda",
    )
    return _commit(workspace, text, lock, change, target, reporter, should_stop)


def remove(
    workspace: Workspace,
    names: Sequence[str],
    *,
    pypi: bool = False,
    target: Target | None = None,
    reporter: Reporter = SILENT,
    should_stop: Callable[[], bool] | None = None,
) -> Change:
    """Take packages out of the manifest, and out of the lock file and the environment where nothing else needs them.

    Raises `ManifestError` (with near names) where one is not there.
    """
    target = target or Target()
    pypi = pypi or workspace.manifest.is_host_kind
    editor = _editor(workspace)
    unfinished = unfinished_removal(workspace)
    for name in names:
        if name.lower() in unfinished:
            continue  # a call that was killed has taken it out of the manifest
        for platform in target.platforms or (None,):
            if pypi:
                editor.remove_pypi(name, feature=target.feature, platform=platform)
            else:
                editor.remove_conda(name, feature=target.feature, platform=platform)
    manifest = workspace.parse(editor.text)
    lock = update_lock(
        workspace, manifest=manifest, previous=workspace.lock(), reporter=reporter, should_stop=should_stop
    )
    change = Change(kind="pypi" if pypi else "conda", removed=tuple(names))
    return _commit(workspace, editor.text, lock, change, target, reporter, should_stop)


# ---------------------------------------------------------------- what was asked for


def _parse_conda(specs: Sequence[str]) -> dict[str, Requirement]:
    from ..model.match_spec import parse_match_spec

    found: dict[str, Requirement] = {}
    for text in specs:
        spec = parse_match_spec(text)
        if spec.name is None:
            raise ManifestError(f"'{text}' names no package")
        found[spec.name] = spec
    return found


def _parse_pypi(
    specs: Sequence[str], editable: bool, index: str | None, source: Source | None
) -> dict[str, Requirement]:
    from ..errors import UsageError
    from ..model.pypi_requirement import IndexSource, PathSource, parse_requirement

    if source is not None and len(specs) != 1:
        raise UsageError("a repository or a folder holds one package", hints=["add the packages one by one"])
    found: dict[str, Requirement] = {}
    for text in specs:
        requirement = parse_requirement(text)
        if source is not None:
            requirement = requirement.replace(source=source)
        if editable and not isinstance(requirement.source, PathSource):
            raise UsageError(f"'{text}' is no folder", hints=["say which one it is: `--path FOLDER --editable`"])
        if isinstance(requirement.source, PathSource) and editable:
            requirement = requirement.replace(source=requirement.source.replace(editable=True))
        if isinstance(requirement.source, IndexSource) and index:
            requirement = requirement.replace(source=IndexSource(index.rstrip("/")))
        found[requirement.name] = requirement
    return found


def _already_there(workspace: Workspace, wanted: Mapping[str, Requirement], target: Target) -> dict[str, Requirement]:
    """The packages that the manifest has already, where the call says nothing new about them, as they stand there."""
    feature = workspace.manifest.features.get(target.feature)
    if feature is None or target.platforms:
        return {}
    from ..model.match_spec import MatchSpec

    conda: dict[str, Requirement] = {str(name): spec for name, spec in feature.content.dependencies.items()}
    pypi: dict[str, Requirement] = {str(name): spec for name, spec in feature.content.pypi_dependencies.items()}
    found: dict[str, Requirement] = {}
    for name, spec in wanted.items():
        table = conda if isinstance(spec, MatchSpec) else pypi
        if name in table and says_nothing(spec) and not _says_more(spec):
            found[name] = table[name]
    return found


def _says_more(spec: Requirement) -> bool:
    """Whether there is something to write down besides a version: extras, a condition, an index."""
    from ..model.match_spec import MatchSpec

    return not isinstance(spec, MatchSpec) and bool(spec.extras or spec.marker or spec.index)


def says_nothing(spec: Requirement) -> bool:
    """Whether a requirement leaves the version to us."""
    from ..model.match_spec import MatchSpec

    if isinstance(spec, MatchSpec):
        return spec == MatchSpec(name=spec.name)
    return not spec.specifier and spec.is_registry


def requirement_text(spec: Requirement) -> str:
    """What people are told: the version range, or the whole requirement where there is more to it."""
    value = spec.to_manifest()
    return value if isinstance(value, str) else str(spec)


def requirement_line(spec: Requirement) -> str:
    """The same with the name, which the whole requirement has in it."""
    value = spec.to_manifest()
    return f"{spec.name} {value}" if isinstance(value, str) else str(spec)


# ---------------------------------------------------------------- the manifest


def _editor(workspace: Workspace) -> ManifestEditor:
    from ..manifest.edit import ManifestEditor

    return ManifestEditor(workspace.manifest_text, workspace.kind)


def _edited(workspace: Workspace, specs: Mapping[str, Requirement], target: Target) -> str:
    """The manifest's text with the requirements in it."""
    from ..model.match_spec import MatchSpec

    editor = _editor(workspace)
    for name, spec in specs.items():
        for platform in target.platforms or (None,):
            if isinstance(spec, MatchSpec):
                editor.add_conda(name, spec, feature=target.feature, platform=platform)
            else:
                editor.add_pypi(spec, feature=target.feature, platform=platform)
    return editor.text


def pinned(workspace: Workspace, spec: Requirement, lock: LockFile) -> Requirement:
    """The requirement with the range that the solved versions suggest; unchanged where it says something itself."""
    return with_range(spec, solved_range(workspace, spec, lock)) if says_nothing(spec) else spec


def solved_range(
    workspace: Workspace,
    spec: Requirement,
    lock: LockFile,
    environments: Collection[str] | None = None,
    platforms: Collection[str] | None = None,
) -> str | None:
    """The range that `pinning-strategy` makes of what is locked in `environments` on `platforms` (None: everywhere);
    None where the package is not locked there.
    """
    from ..manifest.pinning import pin
    from ..model.match_spec import MatchSpec

    name = str(spec.name)
    versions = {
        record.version
        for environment, locked in lock.environments.items()
        if environments is None or environment in environments
        for platform in locked.packages
        if platforms is None or platform in platforms
        for record in lock.for_platform(environment, platform)[0 if isinstance(spec, MatchSpec) else 1]
        if record.version and (record.name == name or pypi_name(record.name) == name)
    }
    return pin(name, sorted(versions), strategy=workspace.config.pinning_strategy) if versions else None


def with_range(spec: Requirement, text: str | None) -> Requirement:
    """The requirement with another version range, all else as it was; None changes nothing."""
    from ..model.match_spec import MatchSpec
    from ..model.version_spec import parse_version_spec

    if text is None:
        return spec
    if isinstance(spec, MatchSpec):
        return spec.replace(version=None if text == "*" else parse_version_spec(text))
    return spec.replace(specifier="" if text == "*" else text)


# ---------------------------------------------------------------- making it so


def _commit(
    workspace: Workspace,
    text: str,
    lock: LockFile,
    change: Change,
    target: Target,
    reporter: Reporter,
    should_stop: Callable[[], bool] | None,
) -> Change:
    """`commit`, told as a change; of a rehearsal only what it would be."""
    if target.dry_run:
        from ..lock.diff import difference

        workspace.environment_name(target.environment)  # a wrong name is as wrong in a rehearsal
        found = difference(workspace.lock(), lock)
        return replace(change, lock_changed=bool(found["environment"]), difference=found)
    lock_changed, installations = commit(
        workspace,
        text,
        lock,
        environments=[target.environment] if target.install else [],
        removed=change.removed,
        reporter=reporter,
        should_stop=should_stop,
    )
    return replace(change, lock_changed=lock_changed, installation=installations[0] if installations else None)


def commit(
    workspace: Workspace,
    text: str,
    lock: LockFile,
    *,
    environments: Sequence[str],
    removed: tuple[str, ...] = (),
    reporter: Reporter = SILENT,
    should_stop: Callable[[], bool] | None = None,
) -> tuple[bool, list[Installation]]:
    """Fetch everything, write the manifest's `text` and the lock file, install `environments`; put both files back when
    installing fails. Returns whether the lock file's text changed, and what was installed.
    """
    from .. import trust  # lazy: what only looks changes nothing that was approved
    from ..lock.write import write_lock
    from .sources import installs_itself, with_own_metadata

    manifest = workspace.parse(text)
    lock = with_own_metadata(workspace, lock, text)

    def prepare() -> list[Prepared]:
        return [
            prepare_installation(
                workspace,
                manifest.environment(workspace.environment_name(name)),
                lock,
                reporter=reporter,
                should_stop=should_stop,
            )
            for name in environments
        ]

    prepared = prepare()
    old_lock = workspace.lock_text()
    new_lock = write_lock(lock)
    old = workspace.pair.read()
    try:
        if removed:
            note_removal(workspace, removed, text)
        trust.cover(workspace, lock, text)
        # what stays the same keeps its line ends, too
        same_text, same_lock = text == workspace.manifest_text, old[1] is not None and new_lock == old_lock
        workspace.pair.write(old[0] if same_text else text.encode(), old[1] if same_lock else new_lock.encode())
        if text != workspace.manifest_text and installs_itself(workspace, lock):
            prepared = prepare()  # its own project is built from the manifest that stands there now
        installed = [install_prepared(each, reporter=reporter, should_stop=should_stop) for each in prepared]
    except BaseException:
        workspace.pair.write(*old)
        trust.settle(workspace)
        forget_removal(workspace)
        raise
    if installed:
        # the note that lets the next command and the next kernel start without looking at every package
        fresh = workspace.reload()
        for installation in installed:
            describe(fresh, installation.environment, installation)
    forget_removal(workspace)
    return new_lock != old_lock, installed
