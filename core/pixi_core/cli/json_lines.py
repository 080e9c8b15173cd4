"""The wire stream on standard output: what `%pixi` in a kernel reads (see `pixi_magics.wire`)."""

from __future__ import annotations

import itertools
import threading
import time
from typing import TYPE_CHECKING, Any, TextIO

from pixi_magics import wire

from ..progress import Phase, Reporter, Unit

if TYPE_CHECKING:
    from ..errors import PixiError

_INTERVAL = 0.1  # seconds between two `advance` events of one phase; a display shows five a second


class JsonLinesReporter(Reporter):
    """Writes one event a line and flushes it at once; safe from any thread."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._ids = itertools.count(1)

    def emit(self, event: dict[str, Any]) -> None:
        """Write one event."""
        with self._lock:
            self._stream.write(wire.encode(event))
            self._stream.flush()

    def phase(self, name: str, *, total: int | None = None, unit: Unit = "items", detail: str = "") -> Phase:
        """Announce a phase; its handle reports the rest."""
        return WirePhase(self, next(self._ids), name, total, unit, detail)

    def message(self, text: str) -> None:
        """A sentence for the user."""
        self.emit({"type": "message", "text": text})

    def warning(self, text: str) -> None:
        """A warning."""
        self.emit({"type": "warning", "text": text})

    def result(self, command: str, data: dict[str, Any]) -> None:
        """The outcome of the command; the last event of a run that went well."""
        self.emit({"type": "result", "command": command, "data": data})

    def error(self, error: PixiError) -> None:
        """The failure; the last event of a run that did not."""
        self.emit(
            {
                "type": "error",
                "message": error.message,
                "details": [*error.details, *error.circumstances],
                "hints": list(error.hints),
                "exit_code": error.exit_code,
            }
        )


class WirePhase(Phase):
    """A phase on the wire."""

    def __init__(
        self, reporter: JsonLinesReporter, number: int, name: str, total: int | None, unit: Unit, detail: str
    ) -> None:
        self._reporter = reporter
        self._lock = threading.Lock()
        self._last = 0.0
        self._event: dict[str, Any] = {
            "type": "phase",
            "id": number,
            "name": name,
            "state": "start",
            "done": 0,
            "total": total,
            "unit": unit,
            "detail": detail,
            "summary": "",
        }
        reporter.emit(self._event)

    def advance(self, amount: int = 1, *, detail: str = "") -> None:
        """Count; sent at most ten times a second."""
        with self._lock:
            self._event["done"] += amount
            if detail:
                self._event["detail"] = detail
            now = time.monotonic()
            if now - self._last < _INTERVAL:
                return
            self._last = now
            self._send("advance")

    def set_total(self, total: int) -> None:
        """The amount became known."""
        with self._lock:
            self._event["total"] = total

    def finish(self, summary: str = "") -> None:
        """Over, and well."""
        with self._lock:
            self._event["summary"] = summary
            self._send("finish")

    def fail(self) -> None:
        """Over, and not well."""
        with self._lock:
            self._send("fail")

    def _send(self, state: str) -> None:
        if self._event["state"] not in ("finish", "fail"):
            self._event["state"] = state
            self._reporter.emit(self._event)
