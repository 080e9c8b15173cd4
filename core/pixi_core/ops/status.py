"""Do manifest, lock file and environment agree? Answered without solving, without network, without changes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..names import DEFAULT_ENVIRONMENT
from .lock import outdated_reasons
from .ready import read_ready

if TYPE_CHECKING:
    from ..lock.model import LockFile
    from ..workspace import Workspace

State = Literal["in-sync", "no-lock", "stale", "not-installed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """`in-sync`: what is installed is what is locked is what the manifest asks for. `no-lock`: nothing is locked yet.
    `stale`: the lock file does not satisfy the manifest, and `reasons` says why. `not-installed`: locked, but the
    prefix is missing or differs, and `reasons` says how. `policy` is what the machine's policy says, None where there
    is none.
    """

    state: State
    reasons: tuple[str, ...]
    workspace: str
    manifest_path: Path
    environment: str
    prefix: Path
    lock_digest: str
    packages: int
    policy: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """For the status endpoint, `pixi status --json` and the kernel."""
        return {
            "state": self.state,
            "reasons": list(self.reasons),
            "workspace": self.workspace,
            "manifest_path": str(self.manifest_path),
            "environment": self.environment,
            "prefix": str(self.prefix),
            "lock_digest": self.lock_digest,
            "packages": self.packages,
            "policy": self.policy,
        }


def status(workspace: Workspace, environment: str | None = None) -> Status:
    """The state of one environment. Raises `ManifestError` and `LockFileError` for files that cannot be read."""
    name = workspace.environment_name(environment or workspace.environ_environment() or DEFAULT_ENVIRONMENT)
    lock = workspace.lock()
    reasons = outdated_reasons(workspace, lock)
    state: State = "no-lock" if lock is None else "stale" if reasons else "in-sync"
    packages = 0
    if lock is not None and state == "in-sync":
        packages, reasons = _compare(workspace, name, lock)
        if reasons:
            state = "not-installed"
    return Status(
        state=state,
        reasons=tuple(reasons),
        workspace=workspace.name,
        manifest_path=workspace.manifest_path,
        environment=name,
        prefix=workspace.prefix(name),
        lock_digest=workspace.pair.digests()[1],
        packages=packages,
        policy=workspace.services.policy.to_json(),
    )


def _compare(workspace: Workspace, name: str, lock: LockFile) -> tuple[int, list[str]]:
    """How many packages are locked for this machine, and what the prefix lacks or has beyond that."""
    from ..install.plan import make_plan
    from ..install.prefix import read_prefix
    from .installing import choose_platform

    environment = workspace.manifest.environment(workspace.environment_name(name))
    conda, pypi = lock.for_platform(name, choose_platform(workspace, environment).name)
    count = len(conda) + len(pypi)
    if read_ready(workspace, name) is not None:
        return count, []
    prefix = workspace.prefix(name)
    if not prefix.is_dir():
        return count, [f"{prefix} does not exist"]
    return count, list(make_plan(conda, pypi, read_prefix(prefix)).summary())
