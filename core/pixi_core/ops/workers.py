"""`pixi workers`: a Dask cluster compared with the notebook's environment, or restarted into it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import EnvironmentUnavailable, LockFileError, NetworkError, UsageError
from ..progress import SILENT, Reporter

if TYPE_CHECKING:
    from ..distributed.dask import Comparison
    from ..workspace import Workspace


def workers(
    workspace: Workspace,
    scheduler: str,
    environment: str | None = None,
    *,
    switch: str = "",
    store: str | None = None,
    reporter: Reporter = SILENT,
) -> Comparison:
    """Everybody of the cluster at `scheduler`, compared with the workspace's environment and its lock file.

    With `switch` "there" the workers run in the locked environment first, with "back" in those of their nannies.
    Raises `UsageError` without an address, `NetworkError`, `LockFileError`, `EnvironmentUnavailable`.
    """
    if not scheduler:
        raise UsageError("no scheduler is named", hints=["give --scheduler, as in `--scheduler tcp://127.0.0.1:8786`"])
    try:
        from distributed import Client

        from ..distributed import dask
    except ImportError as error:
        raise EnvironmentUnavailable(
            f"Dask cannot be imported here: {error}", hints=['install it: `pip install "pixi-jupyter[dask]"`']
        ) from error
    from ..distributed.describe import ask_python
    from .lock import ensure_lock
    from .prepare import prepare

    name = workspace.environment_name(environment)
    ready = prepare(workspace, name, reporter=reporter)
    if ready.python is None:
        raise EnvironmentUnavailable(f"the environment '{name}' has no Python")
    lock = ensure_lock(workspace, mode="locked", reporter=reporter).lock
    try:
        client = Client(scheduler, timeout=10, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise NetworkError(f"no scheduler answers at {scheduler}: {error}", url=scheduler) from error
    with client:
        if switch == "there":
            with reporter.phase("workers", detail=scheduler):
                dask.switch(client, lock, name, store=Path(store) if store else None)
        elif switch == "back":
            dask.switch_back(client)
        digest = "" if switch == "back" else _digest(workspace, name)
        return dask.compare(client, ask_python(str(ready.python)), digest)


def _digest(workspace: Workspace, name: str) -> str:
    """The key of the store's entry that the environment would be; empty where it can be none."""
    from .materialize import locked_key

    lock = workspace.lock()
    try:
        return "" if lock is None else locked_key(lock, name, workspace.environ)
    except LockFileError:
        return ""
