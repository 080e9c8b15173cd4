"""`pixi rollback`: manifest, lock file and environment as a generation of the history had them.

What was there is not lost: a manifest or lock file that no generation holds becomes one, before it is replaced. Going
back is itself a new generation, so that it can be undone. Everything needed lies in the caches before either file
changes; when installing fails, both are put back.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..errors import InstallError, PixiError, UsageError
from ..install.history import Generation, History, changes
from ..names import EnvironmentName
from ..progress import SILENT, Reporter
from .history import chosen_environment, current, locked_packages
from .installing import Installation, Prepared, install_prepared, prepare_installation

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..lock.model import LockFile
    from ..workspace import Workspace

SET_ASIDE = "(set aside by pixi rollback)"


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledBack:
    """Which generation is there now, what that changed (`difference`: in the lock file, as `pixi diff` tells it), and
    the number under which hand-made changes were kept.
    """

    environment: str
    generation: int
    changes: dict[str, Any]
    difference: dict[str, Any]
    kept: int | None = None
    installation: Installation | None = None

    def to_json(self) -> dict[str, Any]:
        """The data of a result event."""
        data: dict[str, Any] = {
            "environment": self.environment,
            "generation": self.generation,
            "kept": self.kept,
            "changes": self.changes,
            "difference": self.difference,
        }
        return data if self.installation is None else {**data, **self.installation.to_json()}


def rollback(
    workspace: Workspace,
    number: int | None = None,
    environment: str | None = None,
    *,
    dry_run: bool = False,
    reporter: Reporter = SILENT,
    should_stop: Callable[[], bool] | None = None,
) -> RolledBack:
    """Return to a generation; without a number to the newest that differs from what is there.

    A rollback that was killed is what the same command, with or without the number, finishes. Raises `UsageError` where
    there is none, and whatever fetching and installing raise; all is then as it was.
    """
    from ..lock.diff import difference

    name = chosen_environment(workspace, environment)
    store = History(workspace.pixi_dir)
    generations = store.generations(name)
    unfinished = store.intended(name)
    wished = unfinished if number is None else number
    target = _target(generations, current(generations, workspace), name, wished)
    manifest, lock = store.text(target.manifest), store.text(target.lock) if target.lock else None
    if lock is None:
        raise InstallError(f"generation {target.number} of '{name}' has no lock file", hints=["see `pixi history`"])

    wanted = workspace.with_text(_text(manifest))  # today's manifest may be broken

    def prepare() -> Prepared:
        return _prepare(wanted, name, _text(lock), reporter, should_stop)

    prepared = prepare()
    installed = [each for each in generations if each.installed]
    before = store.packages(installed[-1]) if installed else {}
    after = locked_packages(prepared.lock, name, prepared.platform.name)
    done = RolledBack(
        environment=name,
        generation=target.number,
        changes=changes(before, after),
        difference=difference(_readable_lock(workspace), prepared.lock),
    )
    if dry_run:
        return done
    halfway = unfinished == target.number and _is_between(workspace, generations[-1], target)
    kept = None if halfway else _set_aside(workspace, store, name, generations)
    store.intend(name, target.number)
    try:
        installation = _replace(wanted, manifest, lock, prepared, prepare, reporter, should_stop)
    finally:
        store.intend(name, None)
    _describe(wanted, name, installation)
    wanted.close()
    return replace(done, kept=kept, installation=installation)


def _readable_lock(workspace: Workspace) -> LockFile | None:
    """The lock file that is there now; None where it or the manifest cannot be read, which may be why somebody goes
    back.
    """
    try:
        return workspace.lock()
    except PixiError:
        return None


def _target(generations: list[Generation], present: Generation | None, name: str, number: int | None) -> Generation:
    """The generation that is meant. Raises `UsageError`."""
    if number is None:
        here = (present.manifest, present.lock) if present else None
        others = [g for g in generations if (g.manifest, g.lock) != here and g.installed]
        if others:
            return others[-1]
        raise UsageError(f"the environment '{name}' has no other generation", hints=["see `pixi history`"])
    for generation in generations:
        if generation.number == number:
            return generation
    known = f"{generations[0].number} to {generations[-1].number}" if generations else "none"
    raise UsageError(f"the environment '{name}' has no generation {number}", hints=[f"there are: {known}"])


def _prepare(
    workspace: Workspace,
    name: str,
    lock: str,
    reporter: Reporter,
    should_stop: Callable[[], bool] | None,
) -> Prepared:
    """Plan and fetch what the old files ask for."""
    from ..lock.read import read_lock

    parsed = workspace.manifest
    if name not in parsed.environments:
        raise UsageError(f"the manifest of that generation has no environment '{name}'")
    locked = read_lock(lock, path=workspace.lock_path).named_after(parsed.all_platforms)
    return prepare_installation(
        workspace, parsed.environment(EnvironmentName(name)), locked, reporter=reporter, should_stop=should_stop
    )


def _text(content: bytes) -> str:
    """As reading the file would give it."""
    return content.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")


def _is_between(workspace: Workspace, start: Generation, target: Generation) -> bool:
    """Whether the files are those of two generations: a killed rollback has written one of them, or both."""
    manifest, lock = workspace.pair.digests()
    return manifest in (start.manifest, target.manifest) and lock in (start.lock, target.lock)


def _set_aside(workspace: Workspace, store: History, name: str, generations: list[Generation]) -> int | None:
    """Keep manifest and lock file where no generation holds them; the number that this got."""
    if current(generations, workspace) is not None:
        return None
    manifest, lock = workspace.pair.read()
    return store.add(
        name,
        at=int(time.time()),
        command=SET_ASIDE,
        manifest=manifest,
        lock=lock,
        packages={},
        installed=False,
    ).number


def _replace(
    workspace: Workspace,
    manifest: bytes,
    lock: bytes,
    prepared: Prepared,
    prepare: Callable[[], Prepared],
    reporter: Reporter,
    should_stop: Callable[[], bool] | None,
) -> Installation:
    """Write both files and change the prefix; put the files back when that fails."""
    from .sources import installs_itself

    old = workspace.pair.read()
    try:
        workspace.pair.write(manifest, lock)
        if manifest != old[0] and installs_itself(workspace, prepared.lock):
            prepared = prepare()  # its own project is built from the manifest that stands there now
        return install_prepared(prepared, reporter=reporter, should_stop=should_stop)
    except BaseException:
        workspace.pair.write(*old)
        raise


def _describe(workspace: Workspace, name: str, installation: Installation) -> None:
    """Leave the note by which the next command and the next kernel know that all is well."""
    from .lock import outdated_reasons
    from .ready import describe

    fresh = workspace.reload()
    lock = fresh.lock()
    describe(fresh, name, installation, agrees=lock is not None and not outdated_reasons(fresh, lock))
