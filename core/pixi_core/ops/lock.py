"""`pixi lock`, and the question every other command asks first: is the lock file good for this manifest?"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..errors import InputError, LockOutdated
from ..fs import atomic_write
from ..lock.model import LockFile
from ..names import DEFAULT_ENVIRONMENT
from ..progress import SILENT, Reporter
from ..value import Value
from .locking import update_lock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ..workspace import Workspace


class Locked(Value, kw_only=True):
    """A lock file that satisfies the manifest, whether its text changed, and why it had to be made anew."""

    lock: LockFile
    changed: bool
    reasons: tuple[str, ...] = ()
    difference: dict[str, Any] | None = None


def outdated_reasons(workspace: Workspace, lock: LockFile | None) -> list[str]:
    """Why the lock file does not satisfy the manifest; empty when it does."""
    if lock is None:
        return ["there is no lock file"]
    from ..lock.satisfy import check

    reasons = [str(reason) for reason in check(workspace.manifest, lock)]
    from .sources import changed_sources

    return reasons or _host_reasons(workspace, lock) or changed_sources(workspace, lock)


def _host_reasons(workspace: Workspace, lock: LockFile) -> list[str]:
    """In the host kind the lock was made for one Python version: do its wheels fit the machine's interpreter?"""
    if not workspace.manifest.is_host_kind:
        return []
    from .installing import choose_platform
    from .locking import python_target

    found: list[str] = []
    for name in workspace.manifest.environments:
        environment = workspace.manifest.environment(name)
        platform = choose_platform(workspace, environment)
        target = python_target(workspace, environment, platform, ())
        found += [
            f"{name}/{platform.name}: {record.file_name} does not fit Python {target.python_version}"
            for record in lock.for_platform(name, platform.name)[1]
            if (record.is_wheel and not target.fits(record.file_name))
            or not target.allows_python(record.requires_python)
        ]
    return found


def ensure_lock(
    workspace: Workspace,
    *,
    mode: str = "auto",
    write: bool = True,
    reporter: Reporter = SILENT,
    should_stop: Callable[[], bool] | None = None,
) -> Locked:
    """A lock file that satisfies the manifest.

    `mode` is `auto` (update and write it where it does not), `locked` (raise `LockOutdated`) or `frozen` (take it as it
    is). Raises also whatever solving raises; the file on disk is then as it was, and so it is without `write`.
    """
    lock = workspace.lock()
    if mode == "frozen":
        if lock is None:
            raise LockOutdated([f"{workspace.lock_path} does not exist"])
        return Locked(lock=lock, changed=False)
    reasons = outdated_reasons(workspace, lock)
    if lock is not None and not reasons:
        return Locked(lock=lock, changed=False)
    if mode == "locked":
        raise LockOutdated(reasons)
    return relock(workspace, lock, reasons=reasons, write=write, reporter=reporter, should_stop=should_stop)


def resolve_conflict(workspace: Workspace, *, reporter: Reporter = SILENT) -> Locked | None:
    """Solve a lock file in which git left both sides of a merge, and write it; None where there is no conflict.

    What was locked on either side is kept where the (merged) manifest allows it, our side before theirs; the rest is
    solved. Raises what solving raises; the file is then as it was.
    """
    from ..errors import LockFileError
    from ..lock.conflict import has_conflict, preferring, sides
    from ..lock.read import read_lock

    text = workspace.lock_text()
    if text is None or not has_conflict(text):
        return None
    found = []
    for side in sides(text):
        with suppress(LockFileError):  # a side that cannot be read has nothing to keep
            found.append(read_lock(side, path=workspace.lock_path).named_after(workspace.manifest.all_platforms))
    previous = preferring(*found) if len(found) > 1 else found[0] if found else None
    reasons = ["git left both sides of a merge in it"]
    return relock(workspace, previous, reasons=reasons, reporter=reporter)


def lock_like(workspace: Workspace, path: Path, *, write: bool = True, reporter: Reporter = SILENT) -> Locked:
    """Solve every environment anew, with the versions of a `conda-lock.yml` where the manifest allows them.

    Raises `InputError` where there is no such file, `LockFileError` where it is another, and what solving raises.
    """
    from ..lock.conda_lock import read_conda_lock

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    found = read_conda_lock(text, path=path).environments[DEFAULT_ENVIRONMENT]
    like = {}
    for name in workspace.manifest.environments:
        platforms = workspace.manifest.environment(name).platforms
        like[str(name)] = found.replace(packages={p.name: found.packages.get(p.subdir, ()) for p in platforms})
    previous = LockFile(platforms=tuple(workspace.manifest.all_platforms), environments=like)
    return relock(workspace, previous, reasons=[f"made like {path.name}"], write=write, reporter=reporter)


def relock(
    workspace: Workspace,
    previous: LockFile | None,
    *,
    reasons: list[str],
    write: bool = True,
    reporter: Reporter = SILENT,
    should_stop: Callable[[], bool] | None = None,
) -> Locked:
    """Solve the workspace and write the lock file where its text changed."""
    from ..lock.diff import difference
    from ..lock.write import write_lock

    lock = update_lock(workspace, previous=previous, reporter=reporter, should_stop=should_stop)
    text = write_lock(lock)
    changed = text != workspace.lock_text()
    if changed and write:
        from .. import trust  # lazy: a lock file that holds needs no approval

        trust.cover(workspace, lock)
        atomic_write(workspace.lock_path, text)
    return Locked(lock=lock, changed=changed, reasons=tuple(reasons), difference=difference(previous, lock))
