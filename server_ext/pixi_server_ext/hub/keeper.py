"""Keeps a store ahead of its users: builds what is offered, and says what is built, used and stale."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pixi_core.errors import Cancelled, LockFileError, PixiError, error_text
from pixi_core.lock.read import read_lock
from pixi_core.names import DEFAULT_ENVIRONMENT
from pixi_core.ops.attach import attach
from pixi_core.ops.init import open_services
from pixi_core.ops.materialize import Materialized, materialize
from pixi_core.ops.store import StoredEnvironment, survey
from pixi_core.store.entry import Store

from .offers import Choice, find_offers

WAITING, BUILDING, BUILT, FAILED = "waiting", "building", "built", "failed"


@dataclass(frozen=True, slots=True)
class Wanted:
    """An environment that shall be in the store: one of a workspace that is offered, or one of a bare lock file."""

    source: str
    environment: str
    choice: Choice | None = None
    lock: Path | None = None


@dataclass(slots=True)
class State:
    """How it stands with a wanted environment; `key` names its entry once that is known, `reason` why there is none."""

    state: str = WAITING
    key: str = ""
    reason: list[str] = field(default_factory=list)
    checked: str = ""


class Keeper:
    """`workspaces` is a folder of workspaces, `locks` are further lock files with the names of their environments.

    `build` runs in a thread of its own, one at a time; `report` may be called from any thread meanwhile.
    """

    def __init__(self, store: Store, workspaces: Path | None = None, locks: Sequence[tuple[Path, str]] = ()) -> None:
        self.store = store
        self._workspaces = workspaces
        self._locks = tuple(locks)
        self._lock = threading.Lock()
        self._states: dict[tuple[str, str], State] = {}
        self._problem = ""

    # ---------------------------------------------------------------- building

    def build(self, should_stop: Callable[[], bool] = lambda: False) -> None:
        """Look at everything that is wanted now, one after another, and make what is missing. What fails is remembered
        with its reason and holds up nothing else.
        """
        for one in self._all_wanted():
            if should_stop():
                return
            self._note(one, State(BUILDING))
            try:
                made = self._make(one, should_stop)
            except Cancelled:
                self._note(one, State(WAITING))
                return
            except (PixiError, OSError) as error:
                self._note(one, State(FAILED, reason=error_text(error).splitlines(), checked=_now()))
            else:
                self._note(one, State(BUILT, key=made.entry.key, checked=_now()))

    def _make(self, one: Wanted, should_stop: Callable[[], bool]) -> Materialized:
        if one.choice is not None:
            workspace = one.choice.open()
            try:
                return attach(workspace, one.environment, store=self.store, should_stop=should_stop)
            finally:
                workspace.close()
        assert one.lock is not None
        try:
            lock = read_lock(one.lock.read_text(encoding="utf-8"), path=one.lock)
        except (OSError, UnicodeDecodeError) as error:
            raise LockFileError(f"{one.lock} cannot be read: {error}") from error
        services = open_services(os.environ)
        try:
            return materialize(
                lock, environment=one.environment, services=services, store=self.store, should_stop=should_stop
            )
        finally:
            services.close()

    def _note(self, one: Wanted, state: State) -> None:
        with self._lock:
            self._states[one.source, one.environment] = state

    def _all_wanted(self) -> list[Wanted]:
        """What is wanted now; what is not wanted any more is forgotten."""
        found = [Wanted(str(path), environment, lock=path) for path, environment in self._locks]
        problem = ""
        try:
            found += self._offered()
        except PixiError as error:
            problem = error_text(error)
        names = {(one.source, one.environment) for one in found}
        with self._lock:
            self._problem = problem
            self._states = {name: state for name, state in self._states.items() if name in names}
            for name in names:
                self._states.setdefault(name, State())
        return found

    def _offered(self) -> Iterator[Wanted]:
        for offer in find_offers(self._workspaces) if self._workspaces is not None else ():
            for environment in offer.environments:
                yield Wanted(offer.name, environment, choice=Choice(offer, environment))

    # ---------------------------------------------------------------- telling

    def report(self) -> dict[str, Any]:
        """What is wanted and how it stands; and the entries that are not wanted, with who still uses them.

        {"store", "problem", "environments": [{"workspace", "environment", "state", "reason", "checked", "key",
         "packages", "bytes", "used_by"}], "stale": [{"key", "environment", "packages", "bytes", "used_by"}]}
        """
        entries = {row.entry.key: row for row in survey(self.store)}
        with self._lock:
            states, problem = sorted(self._states.items()), self._problem
        rows = [
            {
                "workspace": source,
                "environment": environment,
                "state": state.state,
                "reason": list(state.reason),
                "checked": state.checked,
                "key": state.key,
                **_numbers(entries.get(state.key)),
            }
            for (source, environment), state in states
        ]
        wanted = {state.key for _, state in states}
        stale = [
            {"key": key, "environment": row.environment, **_numbers(row)}
            for key, row in entries.items()
            if key not in wanted
        ]
        return {"store": str(self.store.root), "problem": problem, "environments": rows, "stale": stale}


def _numbers(row: StoredEnvironment | None) -> dict[str, Any]:
    """Of an entry: how large it is, and the users of the processes that lease it."""
    if row is None:
        return {"packages": 0, "bytes": 0, "used_by": []}
    users = [str(lease.get("user", "")) for lease in row.leases if "link" not in lease]
    return {"packages": row.packages, "bytes": row.size, "used_by": sorted(users)}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def parse_lock(word: str) -> tuple[Path, str]:
    """`FILE` or `FILE#ENVIRONMENT`, as the service's `--lock` takes them."""
    path, mark, environment = word.rpartition("#")
    return (Path(path), environment) if mark else (Path(word), DEFAULT_ENVIRONMENT)
