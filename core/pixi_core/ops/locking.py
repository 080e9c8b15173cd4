"""From a manifest to a lock file: every (solve group, platform), conda first, PyPI after.

What was locked before is preferred, so that an edit moves only what it must; `unlock` names the packages whose old
versions must not hold them back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ManifestError, PixiError, Unsatisfiable
from ..model.match_spec import MatchSpec, parse_match_spec
from ..model.purl import pypi_names
from ..names import PackageName, PypiName, package_name, pypi_name
from ..progress import SILENT, Reporter
from ..value import EMPTY, Value
from .admission import admit_lock
from .closure import reachable_conda, reachable_pypi
from .solving import Job, solve_all

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from ..lock.model import LockFile
    from ..manifest.merge import Environment
    from ..manifest.model import WorkspaceManifest
    from ..model.platform import Platform
    from ..model.pypi_requirement import PypiRequirement
    from ..model.pypi_target import PypiTarget
    from ..model.record import PypiRecord, RepoDataRecord
    from ..pypi.build import Builder
    from ..solve import Solution
    from ..workspace import Services, Workspace


MOST_BOUNDS = 20
"""How many bounds of PyPI requirements are tried on the conda solve before the conflict is told."""


class Locker(Value, kw_only=True):
    """One run of locking; `should_stop` is asked between and inside the solves. `solved` holds the conda answers that
    were found ahead, by title.
    """

    workspace: Workspace
    manifest: WorkspaceManifest
    previous: LockFile | None
    unlock: frozenset[str]
    reporter: Reporter
    should_stop: Callable[[], bool] | None
    solved: Mapping[str, Solution | PixiError] = EMPTY

    @property
    def services(self) -> Services:
        """The machinery of the workspace."""
        return self.workspace.services


def update_lock(
    workspace: Workspace,
    *,
    manifest: WorkspaceManifest | None = None,
    previous: LockFile | None = None,
    unlock: Collection[str] = (),
    reporter: Reporter = SILENT,
    should_stop: Callable[[], bool] | None = None,
) -> LockFile:
    """Solve everything the manifest asks for.

    `unlock` holds compared names (conda or PyPI form). Raises `Unsatisfiable`, `NetworkError`, `ManifestError`,
    `EnvironmentUnavailable` (host kind without a fitting interpreter), `PolicyRefused`.
    """
    from ..lock.model import LockFile
    from ..manifest.merge import solve_groups

    locker = Locker(
        workspace=workspace,
        manifest=manifest or workspace.manifest,
        previous=previous,
        unlock=frozenset(unlock),
        reporter=reporter,
        should_stop=should_stop,
    )
    locker.services.policy.require_lock(f"the workspace {locker.manifest.path}")
    groups = solve_groups(locker.manifest)
    targets = [
        ([environment for environment in group if platform in environment.platforms], platform)
        for group in groups
        for platform in _platforms(group)
    ]
    locker = locker.replace(solved=_solve_ahead(locker, targets))
    found: dict[str, dict[str, tuple[RepoDataRecord | PypiRecord, ...]]] = {}
    for group, platform in targets:
        for name, records in _solve_group(locker, group, platform).items():
            found.setdefault(name, {})[platform.name] = records
    lock = LockFile.build([environment for group in groups for environment in group], found)
    admit_lock(locker.services, lock)
    return lock


def _solve_ahead(
    locker: Locker, targets: Sequence[tuple[Sequence[Environment], Platform]]
) -> dict[str, Solution | PixiError]:
    """The conda solves of all targets, which take the machine's cores together; PyPI comes later, one by one."""
    jobs = [job for group, platform in targets if (job := _conda_job(locker, group, platform)) is not None]
    answers = solve_all(locker.services, jobs, reporter=locker.reporter, should_stop=locker.should_stop)
    return {job.title: answer for job, answer in zip(jobs, answers, strict=True)}


def _title(group: Sequence[Environment], platform: Platform) -> str:
    return f"{'+'.join(environment.name for environment in group)}/{platform.name}"


def _platforms(group: Sequence[Environment]) -> list[Platform]:
    """Every platform of the group's members, each once, in the order met."""
    return list(dict.fromkeys(platform for environment in group for platform in environment.platforms))


def _solve_group(
    locker: Locker, group: Sequence[Environment], platform: Platform
) -> dict[str, tuple[RepoDataRecord | PypiRecord, ...]]:
    title = _title(group, platform)
    try:
        conda, target, pypi = _solve_both(locker, group, platform, title)
    except PixiError as error:
        error.add_note(f"while solving {title}")
        if isinstance(error, Unsatisfiable):
            locker.services.policy.explain(error)
        raise
    if len(group) == 1:
        return {group[0].name: (*conda, *pypi)}
    return {
        member.name: _member(member.conda_specs(platform), _applying(member, platform, target), conda, pypi, target)
        for member in group
    }


def _applying(environment: Environment, platform: Platform, target: PypiTarget | None) -> list[PypiRequirement]:
    """The PyPI requirements of a member whose markers hold on the platform."""
    from ..model.pep508 import evaluate

    requirements = environment.pypi_requirements(platform)
    return [r for r in requirements if target is None or r.marker is None or evaluate(r.marker, target.environment)]


def _member(
    specs: Iterable[MatchSpec],
    requirements: Iterable[PypiRequirement],
    conda: Sequence[RepoDataRecord],
    pypi: Sequence[PypiRecord],
    target: PypiTarget | None,
) -> tuple[RepoDataRecord | PypiRecord, ...]:
    """One member's part of a group's solution: conda packages on which its PyPI packages rest belong to it, too."""
    mine, elsewhere = reachable_pypi(requirements, pypi, _edges(target))
    carriers = [record.name for record in conda if not elsewhere.isdisjoint(map(str, pypi_names(record)))]
    return (*reachable_conda([*(spec.name or "" for spec in specs), *carriers], conda), *mine)


def _solve_both(
    locker: Locker, group: Sequence[Environment], platform: Platform, title: str
) -> tuple[tuple[RepoDataRecord, ...], PypiTarget | None, tuple[PypiRecord, ...]]:
    """Conda first, PyPI over it. Where conda's choice is what PyPI requirements cannot live with, the bounds they put
    on it are handed to the conda solve as constraints, and both are tried again; what cannot be had even so is told as
    the first conflict was.
    """
    if not any(environment.pypi_requirements(platform) for environment in group):
        return _solve_conda(locker, group, platform), None, ()  # the PyPI side is not even imported
    from ..pypi.story import CondaConflict

    bounds: list[MatchSpec] = []
    first: CondaConflict | None = None
    while True:
        try:
            conda = _solve_conda(locker, group, platform, bounds)
            if any(environment.pypi_requirements(platform) for environment in group):
                conda = _with_purls(locker, conda)
            target, pypi = _resolve_pypi(locker, group, platform, title, conda)
        except CondaConflict as conflict:
            first = first or conflict
            fresh = [spec for spec in map(parse_match_spec, conflict.bounds) if spec not in bounds]
            if not fresh or len(bounds) >= MOST_BOUNDS:
                raise first from None
            bounds += fresh
        except Unsatisfiable:
            if first is not None:
                raise first from None
            raise
        else:
            if bounds:
                shown = ", ".join(map(str, bounds))
                locker.reporter.message(f"{title}: conda packages were chosen to suit PyPI requirements ({shown})")
            return conda, target, pypi


# ---------------------------------------------------------------- conda


def _solve_conda(
    locker: Locker, group: Sequence[Environment], platform: Platform, bounds: Sequence[MatchSpec] = ()
) -> tuple[RepoDataRecord, ...]:
    """What was solved ahead, or, where PyPI put bounds on it, another solve."""
    job = _conda_job(locker, group, platform, bounds)
    if job is None:
        return ()
    answer = locker.solved.get(job.title)
    if bounds or answer is None:
        [answer] = solve_all(locker.services, [job], reporter=locker.reporter, should_stop=locker.should_stop)
    if isinstance(answer, PixiError):
        raise answer
    return answer.records


def _conda_job(
    locker: Locker, group: Sequence[Environment], platform: Platform, bounds: Sequence[MatchSpec] = ()
) -> Job | None:
    """What a group asks of conda on a platform, None when that is nothing."""
    specs = list(dict.fromkeys(spec for environment in group for spec in environment.conda_specs(platform)))
    if not group[0].channels or not specs:
        return None
    from ..model.platform import NOARCH
    from ..solve import SolveRequest

    request = SolveRequest(
        specs=tuple(specs),
        constraints=tuple(
            dict.fromkeys([*(spec for member in group for spec in member.constraints(platform)), *bounds])
        ),
        virtual_packages=platform.virtual_packages,
        locked=tuple(record for record in _previous(locker, group, platform)[0] if record.name not in locker.unlock),
        strategy=group[0].solve_strategy,
        channel_priority=group[0].channel_priority,
        exclude_newer=locker.services.policy.exclude_newer(group[0].exclude_newer),
    )
    return Job(
        title=_title(group, platform),
        channels=tuple(entry.channel for entry in group[0].channels),
        subdirs=(platform.subdir, NOARCH),
        request=request,
    )


def _previous(
    locker: Locker, group: Sequence[Environment], platform: Platform
) -> tuple[list[RepoDataRecord], list[PypiRecord]]:
    """What the old lock file holds for the group, each package once."""
    conda: dict[str, RepoDataRecord] = {}
    pypi: dict[str, PypiRecord] = {}
    if locker.previous is not None:
        for environment in group:
            old_conda, old_pypi = locker.previous.for_platform(environment.name, platform.name)
            for record in old_conda:
                conda.setdefault(record.name, record)
            for distribution in old_pypi:
                pypi.setdefault(distribution.name, distribution)
    return list(conda.values()), list(pypi.values())


# ---------------------------------------------------------------- PyPI


def _with_purls(locker: Locker, conda: Sequence[RepoDataRecord]) -> tuple[RepoDataRecord, ...]:
    """The records with what they are on PyPI, which the lock file then says, too."""
    from ..model.conda_pypi_map import CondaPypiMap
    from ..pypi.mapping import NameTables

    tables = NameTables(
        root=locker.workspace.root,
        cache=locker.services.dirs.mapping,
        fetcher=lambda: locker.services.client,
        reporter=locker.reporter,
    )
    return tables.with_purls(conda, locker.manifest.conda_pypi_map or CondaPypiMap())


def _resolve_pypi(
    locker: Locker,
    group: Sequence[Environment],
    platform: Platform,
    title: str,
    conda: Sequence[RepoDataRecord],
) -> tuple[PypiTarget | None, tuple[PypiRecord, ...]]:
    requirements = list(dict.fromkeys(r for environment in group for r in environment.pypi_requirements(platform)))
    if not requirements:
        return None, ()
    from ..pypi.git import GitRepositories
    from ..pypi.mapping import provided_by
    from ..pypi.resolve import resolve

    target = python_target(locker.workspace, group[0], platform, conda)
    options = locker.services.policy.pypi_options(group[0].pypi_options)
    with locker.reporter.phase("pypi-resolve", detail=title) as phase:
        records = resolve(
            requirements,
            target=target,
            index=locker.services.index(options),
            options=options,
            conda_provided=provided_by(conda),
            locked=[r for r in _previous(locker, group, platform)[1] if pypi_name(r.name) not in locker.unlock],
            strategy=group[0].solve_strategy,
            root=locker.workspace.root,
            builder=_builder(locker, group, platform, conda),
            texts={locker.manifest.path: locker.manifest.text} if locker.manifest.kind == "pyproject" else {},
            checkout=GitRepositories(locker.services.dirs.pypi_index),
            reporter=locker.reporter,
            should_stop=locker.should_stop,
        )
        phase.finish(f"{title}: {len(records)} PyPI packages")
    return target, tuple(records)


def _builder(
    locker: Locker, group: Sequence[Environment], platform: Platform, conda: Sequence[RepoDataRecord]
) -> Builder:
    """Whoever can build sources for the group: with the Python of this machine, whatever `platform` is locked."""
    from .building import Base, builder_for
    from .installing import choose_platform

    def packages() -> Sequence[RepoDataRecord]:
        here = choose_platform(locker.workspace, group[0])
        return conda if here == platform else _solve_conda(locker, group, here)

    return builder_for(
        Base(
            workspace=locker.workspace,
            environment=group[0],
            conda=packages,
            reporter=locker.reporter,
            should_stop=locker.should_stop,
        )
    )


def python_target(
    workspace: Workspace, environment: Environment, platform: Platform, conda: Sequence[RepoDataRecord]
) -> PypiTarget:
    """The Python that PyPI packages are resolved for: the solved conda one, or the machine's in the host kind.

    Raises `ManifestError` where a conda environment has PyPI dependencies and no Python.
    """
    from ..model.pypi_target import PypiTarget

    if not environment.channels:
        from ..install.host import choose_interpreter

        interpreter = choose_interpreter(environment.python_requirement(platform), environ=workspace.environ)
        return PypiTarget.for_platform(platform, interpreter.version)
    target = PypiTarget.for_conda(platform, conda)
    if target is None:
        raise ManifestError(
            f"environment '{environment.name}' has PyPI dependencies but no `python`",
            hints=["add one: `pixi add python`"],
        )
    return target


def _edges(
    target: PypiTarget | None,
) -> Callable[[PypiRecord, frozenset[str]], list[tuple[str, frozenset[str]]]]:
    """What a locked PyPI record asks for on the target platform."""

    def edges(record: PypiRecord, extras: frozenset[str]) -> list[tuple[str, frozenset[str]]]:
        from ..pypi.requires import requirements_of

        assert target is not None, "there are PyPI records only where a target was computed"
        return [(str(r.name), frozenset(r.extras)) for r in requirements_of(record, extras, target)]

    return edges


def compared_names(names: Mapping[str, object] | Collection[str]) -> frozenset[str]:
    """Names in the forms in which records carry them, conda's and PyPI's."""
    found: set[PackageName | PypiName] = set()
    for name in names:
        found.add(package_name(name))
        found.add(pypi_name(name))
    return frozenset(found)
