"""Recording what an environment became, and `pixi history`, which tells it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InstallError
from ..install.history import Generation, History, changes
from ..names import DEFAULT_ENVIRONMENT
from ..progress import Reporter

if TYPE_CHECKING:
    from ..cache.store import CachedPackage
    from ..cache.wheels import CachedWheel
    from ..install.history import Packages
    from ..lock.model import LockFile
    from ..workspace import Workspace
    from .installing import Prepared


def record(prepared: Prepared, reporter: Reporter) -> None:
    """Remember the environment that was just installed as a generation. An installation does not fail for want of a
    history: what goes wrong is a warning.
    """
    workspace, name = prepared.workspace, prepared.environment.name
    try:
        manifest, lock = workspace.pair.read()
        _opened(prepared, reporter).add(
            name,
            at=int(time.time()),
            command=workspace.command,
            manifest=manifest,
            lock=lock,
            packages=locked_packages(prepared.lock, name, prepared.platform.name),
        )
    except (InstallError, OSError) as error:
        reporter.warning(f"this state of the environment '{name}' is not in its history: {error}")


def pin(prepared: Prepared, reporter: Reporter) -> None:
    """Keep in the caches what is going to be linked, for as long as a generation may name it."""
    try:
        _opened(prepared, reporter).pin(_pins(prepared))
    except (InstallError, OSError) as error:
        reporter.warning(f"the caches may drop what the history of this workspace needs: {error}")


def _opened(prepared: Prepared, reporter: Reporter) -> History:
    def tell(holder: str) -> None:
        reporter.message(f"waiting for {holder}, which changes the history of this workspace")

    return History(prepared.workspace.pixi_dir, on_wait=tell)


def locked_packages(lock: LockFile, environment: str, platform: str) -> Packages:
    """What a lock file says an environment holds."""
    conda, pypi = lock.for_platform(environment, platform)
    found: dict[str, tuple[str, ...]] = {
        record.name: (record.version, record.build, record.sha256 or "") for record in conda
    }
    found |= {f"pypi:{record.name}": (record.version or "", "", record.sha256 or "") for record in pypi}
    return found


def _pins(prepared: Prepared) -> dict[str, Path]:
    """One file of each package that is linked now, by the digest of its archive."""
    found: dict[str, Path] = {}
    entries: list[CachedPackage | CachedWheel] = [*prepared.fetched.conda.values(), *prepared.fetched.pypi.values()]
    for entry in entries:
        file = next((path for path, _, size, _ in entry.files if size), None)
        if entry.sha256 and file is not None:
            found[entry.sha256] = entry.path / file
    return found


def chosen_environment(workspace: Workspace, environment: str | None) -> str:
    """The environment that is meant; it need not be in today's manifest."""
    return environment or workspace.environ_environment() or DEFAULT_ENVIRONMENT


def history(workspace: Workspace, environment: str | None = None) -> dict[str, Any]:
    """The generations of an environment with what changed in each, oldest first. `current` is the number of the one
    whose manifest and lock file are on disk now (None: neither is recorded). Raises `InstallError`.
    """
    name = chosen_environment(workspace, environment)
    store = History(workspace.pixi_dir)
    generations = store.generations(name)
    present = current(generations, workspace)
    rows = []
    before: Packages = {}
    for generation in generations:
        after = store.packages(generation) if generation.installed else before
        row = {
            "number": generation.number,
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(generation.at)),
            "command": generation.command,
            "installed": generation.installed,
            "packages": len(after),
            "lock_digest": generation.lock,
            "manifest_digest": generation.manifest,
        }
        rows.append({**row, **changes(before, after)})
        before = after
    return {"environment": name, "current": present.number if present else None, "generations": rows}


def current(generations: list[Generation], workspace: Workspace) -> Generation | None:
    """The newest generation whose manifest and lock file are those on disk."""
    manifest, lock = workspace.pair.digests()
    found = [each for each in generations if (each.manifest, each.lock) == (manifest, lock)]
    return found[-1] if found else None


def forget(workspace: Workspace, environment: str | None, keep: int = 1) -> int:
    """Forget all but the newest `keep` generations of one environment, or of all; how many that were."""
    store = History(workspace.pixi_dir)
    return store.forget([environment] if environment else store.environments(), keep)
