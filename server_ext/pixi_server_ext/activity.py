"""What this server process is doing to environments now: the provisioner writes it, the status endpoint reads it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Activity:
    """One piece of work on one prefix: `solving` or `installing`, and what exactly."""

    state: str
    text: str


class Activities:
    """Work under way by prefix; any thread may call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[Path, Activity] = {}

    def begin(self, prefix: Path, state: str, text: str) -> None:
        """Work on `prefix` goes on, in this state."""
        with self._lock:
            self._running[prefix] = Activity(state, text)

    def end(self, prefix: Path) -> None:
        """No work is under way any more."""
        with self._lock:
            self._running.pop(prefix, None)

    def at(self, prefix: Path) -> Activity | None:
        """What is being done to `prefix`; None where nothing is."""
        with self._lock:
            return self._running.get(prefix)


ACTIVITIES = Activities()
"""Those of this process: a server has one provisioner and one extension, which cannot hand objects to each other."""
