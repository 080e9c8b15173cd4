"""An environment that is ready to run things in: recognised in milliseconds, or locked and installed first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import EnvironmentUnavailable
from ..names import DEFAULT_ENVIRONMENT
from ..progress import SILENT, Reporter
from .ready import Ready, describe, read_ready

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..workspace import Workspace


def prepare(
    workspace: Workspace,
    environment: str | None = None,
    *,
    mode: str = "auto",
    install: bool = True,
    reporter: Reporter = SILENT,
    should_stop: Callable[[], bool] | None = None,
) -> Ready:
    """Make an environment ready: quickly where nothing changed, else by locking (`mode`) and installing.

    Raises whatever locking and installing raise, and `EnvironmentUnavailable` when `install` is false and the prefix
    does not exist.
    """
    name = environment or workspace.environ_environment() or DEFAULT_ENVIRONMENT
    ready = read_ready(workspace, name)
    if ready is not None:
        return ready
    # lazy: what is ready already needs none of the machinery
    from .admission import admit
    from .install import install_environment
    from .installing import choose_platform
    from .lock import ensure_lock, outdated_reasons

    locked = ensure_lock(workspace, mode=mode, reporter=reporter, should_stop=should_stop)
    name = workspace.environment_name(name)
    if not install:
        if not (workspace.prefix(name) / "conda-meta").is_dir():
            raise EnvironmentUnavailable(
                f"the environment '{name}' is not installed", hints=["run `pixi install`, or leave out --no-install"]
            )
        platform = choose_platform(workspace, workspace.manifest.environment(name))
        admit(workspace.services, *locked.lock.for_platform(name, platform.name))
        return describe(workspace, name)
    from ..install.markers import is_partial

    if is_partial(workspace.prefix(name)):
        reporter.message(
            f"The {name} environment holds a part of its packages; the rest is installed (not with --as-is)."
        )
    installation = install_environment(workspace, name, locked.lock, reporter=reporter, should_stop=should_stop)
    agrees = mode != "frozen" or not outdated_reasons(workspace, locked.lock)
    return describe(workspace, name, installation, agrees=agrees)
