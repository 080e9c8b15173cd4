"""`pixi install`: lock where needed, then bring environments to their locked state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import EnvironmentUnavailable
from ..progress import SILENT, Reporter
from .installing import Installation, choose_platform, install_prepared, prepare_installation
from .lock import ensure_lock, outdated_reasons
from .prepare import Ready, describe

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from ..lock.model import LockFile
    from ..workspace import Workspace


def install_environment(
    workspace: Workspace,
    name: str,
    lock: LockFile,
    *,
    reinstall: Collection[str] = (),
    reporter: Reporter = SILENT,
    should_stop: Callable[[], bool] | None = None,
) -> Installation:
    """Bring one environment to its locked state, doing only what differs."""
    environment = workspace.manifest.environment(workspace.environment_name(name))
    prepared = prepare_installation(
        workspace, environment, lock, reinstall=reinstall, reporter=reporter, should_stop=should_stop
    )
    return install_prepared(prepared, reporter=reporter, should_stop=should_stop)


def install(
    workspace: Workspace,
    environments: Sequence[str] = (),
    *,
    everything: bool = False,
    mode: str = "auto",
    reporter: Reporter = SILENT,
    should_stop: Callable[[], bool] | None = None,
) -> list[Ready]:
    """Install the named environments, or all that this machine can run, or the default one. Always compares the prefix
    with the lock file, whatever an earlier run noted.
    """
    names = [workspace.environment_name(name) for name in environments or ("",)]
    if everything:
        names = [name for name in workspace.manifest.environments if _runs_here(workspace, name)]
    locked = ensure_lock(workspace, mode=mode, reporter=reporter, should_stop=should_stop)
    agrees = mode != "frozen" or not outdated_reasons(workspace, locked.lock)
    found = []
    for name in names:
        done = install_environment(workspace, name, locked.lock, reporter=reporter, should_stop=should_stop)
        found.append(describe(workspace, name, done, agrees=agrees))
    return found


def _runs_here(workspace: Workspace, name: str) -> bool:
    try:
        choose_platform(workspace, workspace.manifest.environment(workspace.environment_name(name)))
    except EnvironmentUnavailable:
        return False
    return True
