"""`pixi install`: lock where needed, then bring environments to their locked state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import EnvironmentUnavailable, LockFileError
from ..model.record import PypiRecord
from ..names import DEFAULT_ENVIRONMENT
from ..progress import SILENT, Reporter
from ..suggest import did_you_mean
from .ready import Ready, describe, read_ready

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from ..lock.model import LockFile
    from ..manifest.merge import Environment
    from ..model.platform import Platform
    from ..names import EnvironmentName
    from ..workspace import Workspace
    from .graph import Graph
    from .installing import Installation
    from .subset import Subset

# lazy imports below: where nothing changed, none of the machinery is needed


def install_environment(
    workspace: Workspace,
    name: str,
    lock: LockFile,
    *,
    reinstall: Collection[str] = (),
    subset: Subset | None = None,
    platform: str | None = None,
    reporter: Reporter = SILENT,
    should_stop: Callable[[], bool] | None = None,
) -> Installation:
    """Bring one environment, or a `subset` of its packages, to its locked state, doing only what differs."""
    from .installing import install_prepared, prepare_installation

    environment = workspace.manifest.environment(workspace.environment_name(name))
    prepared = prepare_installation(
        workspace,
        environment,
        lock,
        reinstall=reinstall,
        subset=subset,
        platform=_platform(workspace, environment, platform, reporter),
        reporter=reporter,
        should_stop=should_stop,
    )
    return install_prepared(prepared, reporter=reporter, should_stop=should_stop)


def install(
    workspace: Workspace,
    environments: Sequence[str] = (),
    *,
    everything: bool = False,
    subset: Subset | None = None,
    platform: str | None = None,
    mode: str = "auto",
    reporter: Reporter = SILENT,
    should_stop: Callable[[], bool] | None = None,
) -> list[Ready]:
    """Install the named environments, or all that this machine can run, or the default one. Always compares the prefix
    with the lock file, unless nothing of all that is compared was touched since this was done last.

    With a `subset`, packages that do not belong to it stay as they are; `platform` may be one that does not run here.
    """
    special = bool(subset) or platform is not None
    untouched = [] if everything or special else _untouched(workspace, environments)
    if untouched:
        return untouched
    from .lock import ensure_lock, outdated_reasons

    names = _chosen(workspace, environments, everything=everything)
    locked = ensure_lock(workspace, mode=mode, reporter=reporter, should_stop=should_stop)
    agrees = not special and (mode != "frozen" or not outdated_reasons(workspace, locked.lock))
    if subset:
        for warning in subset.warnings([_graph(workspace, name, locked.lock, platform) for name in names]):
            reporter.warning(warning)
    found = []
    for name in names:
        done = install_environment(
            workspace,
            name,
            locked.lock,
            subset=subset,
            platform=platform,
            reporter=reporter,
            should_stop=should_stop,
        )
        found.append(describe(workspace, name, done, agrees=agrees, settled=_says_all(locked.lock)))
    return found


def _graph(workspace: Workspace, name: EnvironmentName, lock: LockFile, platform: str | None) -> Graph:
    from .graph import build_graph
    from .list_packages import target_platform

    environment = workspace.manifest.environment(name)
    target = target_platform(workspace, environment, platform)
    return build_graph(workspace, environment, target, *lock.for_platform(name, target.name))


def _platform(workspace: Workspace, environment: Environment, name: str | None, reporter: Reporter) -> Platform | None:
    """The environment's platform of that name; says so where this machine does not run it."""
    if name is None:
        return None
    from ..virtual import detect, host_subdir, select_platform
    from .list_packages import target_platform

    found = target_platform(workspace, environment, name)
    subdir = host_subdir(workspace.environ)
    if select_platform([found], detect(subdir, workspace.environ), subdir) is None:
        reporter.warning(f"the platform '{found.name}' does not run on this machine, which is {subdir}")
    return found


def _untouched(workspace: Workspace, environments: Sequence[str]) -> list[Ready]:
    """The environments where all of them are as the last look left them; else nothing."""
    names = environments or (workspace.environ_environment() or DEFAULT_ENVIRONMENT,)
    found = [read_ready(workspace, name, settled=True) for name in names]
    return [ready for ready in found if ready is not None] if None not in found else []


def _says_all(lock: LockFile) -> bool:
    """Whether the lock file pins everything by itself: no source folder that changes without it."""
    return all(
        "://" in record.location
        for environment in lock.environments.values()
        for records in environment.packages.values()
        for record in records
        if isinstance(record, PypiRecord)
    )


def reinstall(
    workspace: Workspace,
    packages: Sequence[str] = (),
    environments: Sequence[str] = (),
    *,
    everything: bool = False,
    platform: str | None = None,
    mode: str = "auto",
    reporter: Reporter = SILENT,
    should_stop: Callable[[], bool] | None = None,
) -> list[Ready]:
    """Put the files of packages (none named: all of them) in place again, whatever the prefix looks like.

    Raises `LockFileError` for a package that none of the environments has; nothing is changed then.
    """
    from .lock import ensure_lock, outdated_reasons
    from .locking import compared_names

    names = _chosen(workspace, environments, everything=everything)
    locked = ensure_lock(workspace, mode=mode, reporter=reporter, should_stop=should_stop)
    agrees = platform is None and (mode != "frozen" or not outdated_reasons(workspace, locked.lock))
    known = {name: _locked_names(workspace, name, locked.lock, platform) for name in names}
    wanted = compared_names(packages)
    everywhere = frozenset().union(*known.values())
    for package in packages:
        if not compared_names([package]) & compared_names(everywhere):
            hint = did_you_mean(package, everywhere, "see `pixi list` for what is locked")
            raise LockFileError(f"could not find a package named '{package}' in the lock file", hints=[hint])
    found = []
    for name in names:
        again = [each for each in known[name] if not packages or compared_names([each]) & wanted]
        done = install_environment(
            workspace,
            name,
            locked.lock,
            reinstall=again,
            platform=platform,
            reporter=reporter,
            should_stop=should_stop,
        )
        found.append(describe(workspace, name, done, agrees=agrees))
    return found


def _locked_names(workspace: Workspace, name: str, lock: LockFile, platform: str | None) -> frozenset[str]:
    from .list_packages import target_platform

    environment = workspace.manifest.environment(workspace.environment_name(name))
    conda, pypi = lock.for_platform(name, target_platform(workspace, environment, platform).name)
    return frozenset([*(record.name for record in conda), *(record.name for record in pypi)])


def _chosen(workspace: Workspace, environments: Sequence[str], *, everything: bool) -> list[EnvironmentName]:
    """The named environments, or all that this machine can run, or the default one."""
    if everything:
        return [name for name in workspace.manifest.environments if _runs_here(workspace, name)]
    return [workspace.environment_name(name) for name in environments or ("",)]


def _runs_here(workspace: Workspace, name: str) -> bool:
    from .installing import choose_platform

    try:
        choose_platform(workspace, workspace.manifest.environment(workspace.environment_name(name)))
    except EnvironmentUnavailable:
        return False
    return True
