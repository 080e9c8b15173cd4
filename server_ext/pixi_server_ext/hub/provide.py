"""An offer's environment for a user's server: in the store, attached to its workspace, told by variables."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from weakref import WeakValueDictionary

from pixi_core.names import DEFAULT_ENVIRONMENT, DEFAULT_ENVIRONMENT_VARIABLE, DEFAULT_MANIFEST_VARIABLE
from pixi_core.ops.attach import attach
from pixi_core.ops.materialize import Materialized
from pixi_core.progress import SILENT, Reporter
from pixi_core.store.entry import Store
from pixi_core.trust.gate import TRUSTED_VARIABLE
from pixi_server_ext.stopping import stoppable

from .offers import Choice

_under_way: WeakValueDictionary[tuple[Path, str], asyncio.Lock] = WeakValueDictionary()
"""One thread at a time for one environment: a class that comes all at once would fill the Hub's pool of threads."""


async def provide(choice: Choice, store: Path, reporter: Reporter = SILENT) -> Materialized:
    """Make the environment of a choice where the store lacks it; found in milliseconds where it does not.

    A start that is given up stops the work. Raises `PixiError`.
    """
    key = (choice.offer.manifest, choice.environment)
    lock = _under_way.setdefault(key, asyncio.Lock())
    if lock.locked():
        reporter.message("waiting for another start, which makes this environment")
    async with lock:
        return await stoppable(lambda should_stop: _provide(choice, store, reporter, should_stop))


def _provide(choice: Choice, store: Path, reporter: Reporter, should_stop: Callable[[], bool]) -> Materialized:
    workspace = choice.open()
    workspace.configure(reporter=reporter)
    try:
        return attach(workspace, choice.environment, store=Store(store), reporter=reporter, should_stop=should_stop)
    finally:
        workspace.close()


def variables(choice: Choice, workspaces: Path) -> dict[str, str]:
    """What the user's server must know: which workspace, and that the administrator answers for it."""
    found = {
        DEFAULT_MANIFEST_VARIABLE: str(choice.offer.manifest),
        TRUSTED_VARIABLE: os.path.abspath(workspaces),
    }
    if choice.environment != DEFAULT_ENVIRONMENT:
        found[DEFAULT_ENVIRONMENT_VARIABLE] = choice.environment
    return found
