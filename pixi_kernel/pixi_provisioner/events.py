"""Progress while a kernel does not exist yet: events under Jupyter Server, lines on standard error without one."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from pixi_core.progress import Phase, Reporter, Unit
from pixi_magics.wire import PHASE_WORDS
from pixi_server_ext.activity import ACTIVITIES
from pixi_server_ext.schema import ENVIRONMENT_EVENT, state_of_phase

INTERVAL = 0.2
"""Seconds between two events of running work."""

Send = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose environment the events speak of. `path` is the notebook as the contents API names it."""

    workspace: str
    environment: str
    prefix: Path
    path: str = ""
    kernel_id: str = ""

    def event(self, state: str, **more: Any) -> dict[str, Any]:
        """An event in one state."""
        data = {"state": state, "workspace": self.workspace, "environment": self.environment, **more}
        if self.path:
            data["path"] = self.path
        if self.kernel_id:
            data["kernel_id"] = self.kernel_id
        return data


class EventReporter(Reporter):
    """Turns phases into events for `send`, and keeps the status endpoint informed."""

    def __init__(self, subject: Subject, send: Send, clock: Callable[[], float] = time.monotonic) -> None:
        self._subject = subject
        self._send = send
        self._clock = clock
        self._lock = threading.Lock()
        self._sent_at = float("-inf")
        self._running: list[ReportedPhase] = []

    def phase(self, name: str, *, total: int | None = None, unit: Unit = "items", detail: str = "") -> Phase:
        """Tell that a phase begins."""
        phase = ReportedPhase(self, name, total, unit, detail)
        with self._lock:
            self._running.append(phase)
        self.tell(phase, now=True)
        return phase

    def message(self, text: str) -> None:
        """A sentence, as the text of the present state."""
        self._send(self._subject.event("checking", text=text))

    def warning(self, text: str) -> None:
        """A warning, likewise."""
        self.message(text)

    def tell(self, phase: ReportedPhase, *, now: bool = False) -> None:
        """Send the state of a phase, unless one was sent just before."""
        with self._lock:
            if not now and self._clock() - self._sent_at < INTERVAL:
                return
            self._sent_at = self._clock()
        state, text = state_of_phase(phase.name), PHASE_WORDS.get(phase.name, phase.name)
        if phase.detail:
            text += f" ({phase.detail})"
        ACTIVITIES.begin(self._subject.prefix, state, text)
        more = {"phase": phase.name, "text": text, "done": phase.done, "total": phase.total, "unit": phase.unit}
        self._send(self._subject.event(state, **more))

    def ended(self, phase: ReportedPhase) -> None:
        """A phase is over; the newest of those that go on is what is being done now."""
        with self._lock:
            self._running.remove(phase)
            newest = self._running[-1] if self._running else None
        if newest is not None:
            self.tell(newest)

    def finish(self, error: str | None = None) -> None:
        """All work is over: `ready`, or `failed` with the reason."""
        ACTIVITIES.end(self._subject.prefix)
        text = {"text": error} if error else {}
        self._send(self._subject.event("failed" if error else "ready", **text))


class ReportedPhase(Phase):
    """A phase that is told as it goes."""

    def __init__(self, reporter: EventReporter, name: str, total: int | None, unit: Unit, detail: str) -> None:
        self._reporter = reporter
        self._lock = threading.Lock()
        self._over = False
        self.name = name
        self.total = total
        self.unit = unit
        self.detail = detail
        self.done = 0

    def advance(self, amount: int = 1, *, detail: str = "") -> None:
        """Count."""
        with self._lock:
            self.done += amount
            self.detail = detail or self.detail
        self._reporter.tell(self)

    def set_total(self, total: int) -> None:
        """The amount became known."""
        self.total = total

    def finish(self, summary: str = "") -> None:
        """Over."""
        del summary
        self._end()

    def fail(self) -> None:
        """Over."""
        self._end()

    def _end(self) -> None:
        with self._lock:
            if self._over:
                return
            self._over = True
        self._reporter.ended(self)


def server_sender(manager: Any, loop: asyncio.AbstractEventLoop) -> Send | None:
    """Sends events through the Jupyter Server which `manager` belongs to; None under any other client.

    Events are emitted on the server's loop, whichever thread they come from.
    """
    parent = getattr(manager, "parent", None)
    logger = getattr(manager, "event_logger", None) if parent is not None else None
    if logger is None:
        return None

    def emit(data: dict[str, Any]) -> None:
        # without our server extension nobody registered the schema, and nobody listens
        if ENVIRONMENT_EVENT in logger.schemas:
            logger.emit(schema_id=ENVIRONMENT_EVENT, data=data)

    def send(data: dict[str, Any]) -> None:
        loop.call_soon_threadsafe(emit, data)

    return send


def stream_sender(stream: TextIO | None = None) -> Send:
    """Writes a line when the text of the state changes: people read it in the terminal of papermill or nbclient."""
    last = ""

    def send(data: dict[str, Any]) -> None:
        nonlocal last
        # a failure is raised, and told by whoever catches it
        text = "" if data["state"] == "failed" else str(data.get("text") or "")
        # no counts: a line that cannot be drawn over would be repeated for each
        line = f"pixi: {data['workspace']} ({data['environment']}): {text}" if text else ""
        if line and line != last:
            last = line
            print(line, file=stream or sys.stderr, flush=True)

    return send
