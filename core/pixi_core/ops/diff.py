"""`pixi diff`: between two lock files, or between what is installed and what is locked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import LockFileError
from ..lock.diff import difference
from ..lock.model import LockedEnvironment, LockedRecord, LockFile
from ..lock.read import read_lock
from ..model.record import PypiRecord, RepoDataRecord
from ..names import pypi_name
from ..progress import SILENT, Reporter
from .installing import choose_platform
from .lock import ensure_lock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..install.prefix import PrefixState
    from ..workspace import Workspace


def diff_files(before: Path, after: Path) -> dict[str, Any]:
    """What changed from one lock file to another. Raises `LockFileError`."""
    return difference(_read(before), _read(after))


def diff_sides(path: Path) -> dict[str, Any] | None:
    """From our side of a merge to theirs, in a lock file in which git left both; None where there is no conflict.
    Raises `LockFileError`.
    """
    from ..lock.conflict import has_conflict, sides

    text = _text(path)
    if not has_conflict(text):
        return None
    ours, theirs = sides(text)
    return difference(read_lock(ours, path=f"{path} (ours)"), read_lock(theirs, path=f"{path} (theirs)"))


def diff_with_workspace(workspace: Workspace, before: Path) -> dict[str, Any]:
    """What changed from a lock file to the workspace's. Raises `LockFileError`."""
    return difference(_read(before).named_after(workspace.manifest.all_platforms), _locked(workspace))


def diff_of_installing(
    workspace: Workspace, environments: Sequence[str], *, mode: str = "auto", reporter: Reporter = SILENT
) -> dict[str, Any]:
    """What `pixi install` would change in some environments (none named: in the default one), after the lock file that
    it would write. Nothing is written. Raises what bringing a lock file up to date raises.
    """
    lock = ensure_lock(workspace, mode=mode, write=False, reporter=reporter).lock
    found: dict[str, Any] = {}
    for name in environments or (None,):
        found |= diff_with_prefix(workspace, name, lock)["environment"]
    return {"version": 1, "environment": found}


def diff_with_prefix(workspace: Workspace, environment: str | None, lock: LockFile | None = None) -> dict[str, Any]:
    """What `pixi install --frozen` would change: from what is installed in an environment to what is locked for it, in
    the workspace's lock file or in another one.
    """
    from ..install.prefix import read_prefix

    lock = lock or _locked(workspace)
    chosen = workspace.manifest.environment(workspace.environment_name(environment))
    platform = choose_platform(workspace, chosen).name
    conda, pypi = lock.for_platform(chosen.name, platform)
    before = _as_locked(read_prefix(workspace.prefix(chosen.name)), (*conda, *pypi))
    return difference(_alone(chosen.name, platform, before), _alone(chosen.name, platform, (*conda, *pypi)))


def _locked(workspace: Workspace) -> LockFile:
    lock = workspace.lock()
    if lock is None:
        raise LockFileError(f"{workspace.lock_path} does not exist", hints=["run `pixi lock`"])
    return lock


def _read(path: Path) -> LockFile:
    return read_lock(_text(path), path=path)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LockFileError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error


def _alone(environment: str, platform: str, records: tuple[LockedRecord, ...]) -> LockFile:
    return LockFile(environments={environment: LockedEnvironment(packages={platform: records})})


def _as_locked(prefix: PrefixState, locked: tuple[LockedRecord, ...]) -> tuple[LockedRecord, ...]:
    """What is installed, as records. A package that is installed as it is locked is its locked record: installed
    metadata has fields of its own (an index may have been repaired since), which are no difference.
    """
    digests = {record.sha256: record for record in locked if isinstance(record, RepoDataRecord) and record.sha256}
    versions = {(pypi_name(r.name), r.version): r for r in locked if isinstance(r, PypiRecord)}
    installed = [package.record for package in prefix.conda.values()]
    found: list[LockedRecord] = [digests.get(r.sha256, r) if r.sha256 else r for r in installed]
    for name, distribution in prefix.pypi.items():
        same = versions.get((name, distribution.version))
        found.append(same or PypiRecord(name=name, version=distribution.version, location=distribution.dist_info))
    return tuple(found)
