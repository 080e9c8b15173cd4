"""Let an environment of a workspace be one of a store: a link in the workspace, and nothing is installed for it.

    WORKSPACE/.pixi/envs/NAME -> STORE/v1/KEY/env

The store's environment is used in place by everybody who can read the workspace. Whoever changes what is locked there
gets an environment of the workspace's own at that name (`ops.installing`); the store's is never written.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InstallError
from ..fs import os_errors, replace
from ..names import DEFAULT_ENVIRONMENT
from ..progress import SILENT, Reporter
from ..store.leases import lease_link
from .installing import Installation, choose_platform, write_pixi_dir
from .lock import ensure_lock
from .materialize import Materialized, materialize
from .ready import describe, read_ready

if TYPE_CHECKING:
    from ..store.entry import Store
    from ..workspace import Workspace


def attach(
    workspace: Workspace,
    environment: str | None = None,
    *,
    store: Store,
    compiled: bool = True,
    reporter: Reporter = SILENT,
    should_stop: Callable[[], bool] | None = None,
) -> Materialized:
    """Make the locked environment in the store where it is not there yet, and let the workspace's be that one.

    While the link is there the entry is leased. The lock file must be up to date. What users then read (`ops.ready`)
    is written here, so that they need not be able to write anything; where it all holds still, that is found in
    milliseconds. Raises `LockOutdated`, what `materialize` raises, and `InstallError` where the workspace has an
    environment of its own by that name.
    """
    from ..install.execute import Outcome

    name = environment or DEFAULT_ENVIRONMENT
    ready, there = read_ready(workspace, name), workspace.stored(name)
    if ready is not None and there is not None and there.is_whole and there.root == store.root:
        lease_link(there, workspace.own_prefix(name))
        return Materialized(entry=there, platform=ready.platform, built=False)
    name = workspace.environment_name(name)
    locked = ensure_lock(workspace, mode="locked", reporter=reporter, should_stop=should_stop)
    own = workspace.own_prefix(name)
    if own.is_dir() and workspace.stored(name) is None:
        raise InstallError(
            f"{own} is an environment of its own: it would have to go before one of a store can be there",
            hints=[f"remove it with `pixi clean -e {name}`"],
        )
    platform = choose_platform(workspace, workspace.manifest.environment(name))
    made = materialize(
        locked.lock,
        environment=name,
        platform=platform.name,
        services=workspace.services,
        store=store,
        compiled=compiled,
        lease=True,
        reporter=reporter,
        should_stop=should_stop,
    )
    try:
        if workspace.prefix(name) != made.entry.prefix:
            write_pixi_dir(workspace.pixi_dir)
            link_to(own, made.entry.prefix)
        lease_link(made.entry, own)
    finally:
        if made.lease is not None:
            made.lease.release()
    if read_ready(workspace, name) is None:
        done = Installation(environment=name, prefix=made.entry.prefix, platform=platform, outcome=Outcome())
        describe(workspace, name, done, settled=True)
    return made


def link_to(link: Path, target: Path) -> None:
    """Put a symbolic link in the place of another one, or of nothing. Raises `InstallError`."""
    work = link.with_name(f".link-{link.name}-{os.urandom(6).hex()}")
    with os_errors(link):
        link.parent.mkdir(parents=True, exist_ok=True)
        work.symlink_to(target, target_is_directory=True)
        try:
            replace(work, link)
        finally:
            with suppress(FileNotFoundError):
                work.unlink()
