"""Progress and messages for people: standard error, one line that moves on a terminal, one line a phase elsewhere."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, TextIO

from ..progress import Phase, Reporter, Unit

if TYPE_CHECKING:
    from ..errors import PixiError

TITLES = {
    "repodata": "Fetching repodata",
    "solve": "Solving",
    "pypi-metadata": "Reading PyPI metadata",
    "pypi-resolve": "Resolving PyPI packages",
    "lock": "Locking",
    "download": "Downloading",
    "extract": "Extracting",
    "link": "Linking",
    "unlink": "Removing",
    "build": "Building",
    "activate": "Activating",
    "kernel": "Preparing the kernel",
}
_REFRESH = 0.1  # seconds between two paints: 10 Hz is as fast as an eye follows a number


class TerminalReporter(Reporter):
    """Writes to `stream`. A terminal gets one line that is repainted; a file gets a line per finished phase that took
    at least a second, and none for the quick ones.
    """

    def __init__(self, stream: TextIO, *, progress: bool = True, color: bool = False, verbosity: int = 0) -> None:
        self._stream = stream
        self._live = progress and stream.isatty()
        self._lines = progress and verbosity >= 0
        self._color = color
        self._verbosity = verbosity
        self._lock = threading.RLock()
        self._running: list[TerminalPhase] = []
        self._painted = 0.0
        self._line_shown = False

    def phase(self, name: str, *, total: int | None = None, unit: Unit = "items", detail: str = "") -> Phase:
        """Start showing a phase."""
        phase = TerminalPhase(self, TITLES.get(name, name), total, unit, detail)
        with self._lock:
            self._running.append(phase)
            self.paint(force=True)
        return phase

    def message(self, text: str) -> None:
        """A sentence for the user; `-q` silences it."""
        if self._verbosity >= 0:
            self._write(safe(text))

    def warning(self, text: str) -> None:
        """A warning, marked as one; `-qq` silences it."""
        if self._verbosity >= -1:
            self._write(f"{self._paint('33', ' WARN')} {safe(text)}")

    def error(self, error: PixiError) -> None:
        """An error with its details and hints."""
        lines = [f"{self._paint('31', 'Error:')}   {self._paint('31', '×')} {safe(error.message)}"]
        lines += [f"  {safe(line)}" for line in (*error.details, *error.circumstances)]
        lines += [f"  {self._paint('36', 'hint:')} {safe(hint)}" for hint in error.hints]
        self._write("\n".join(lines))

    def paint(self, *, force: bool = False) -> None:
        """Repaint the moving line, at most ten times a second."""
        with self._lock:
            now = time.monotonic()
            if not self._live or (not force and now - self._painted < _REFRESH):
                return
            self._painted = now
            if self._running:
                text = self._running[-1].line()
                more = f" (+{len(self._running) - 1} more)" if len(self._running) > 1 else ""
                self._stream.write("\r\x1b[2K" + text[:110] + more)
                self._line_shown = True
            elif self._line_shown:
                self._stream.write("\r\x1b[2K")
                self._line_shown = False
            self._stream.flush()

    def ended(self, phase: TerminalPhase, summary: str, *, failed: bool) -> None:
        """A phase is over."""
        with self._lock:
            if phase in self._running:
                self._running.remove(phase)
            seconds = time.monotonic() - phase.started
            if self._lines and not self._live and not failed and seconds >= 1.0:
                self._stream.write(f"{phase.title} {summary or phase.detail}".rstrip() + f" ({seconds:.1f} s)\n")
                self._stream.flush()
            self.paint(force=True)

    def _write(self, text: str) -> None:
        """Whole lines; what comes from elsewhere in them is made `safe` by whoever calls."""
        with self._lock:
            if self._line_shown:
                self._stream.write("\r\x1b[2K")
                self._line_shown = False
            self._stream.write(text + "\n")
            self._stream.flush()
            self.paint(force=True)

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._color else text


class TerminalPhase(Phase):
    """One phase on the terminal."""

    def __init__(self, reporter: TerminalReporter, title: str, total: int | None, unit: Unit, detail: str) -> None:
        self.title = title
        self.detail = detail
        self.started = time.monotonic()
        self._reporter = reporter
        self._total = total
        self._unit = unit
        self._done = 0
        self._over = False
        self._lock = threading.Lock()

    def advance(self, amount: int = 1, *, detail: str = "") -> None:
        """Count."""
        with self._lock:
            self._done += amount
            if detail:
                self.detail = detail
        self._reporter.paint()

    def set_total(self, total: int) -> None:
        """The amount became known."""
        self._total = total

    def finish(self, summary: str = "") -> None:
        """Over, and well."""
        if not self._over:
            self._over = True
            self._reporter.ended(self, summary, failed=False)

    def fail(self) -> None:
        """Over, and not well."""
        if not self._over:
            self._over = True
            self._reporter.ended(self, "", failed=True)

    def line(self) -> str:
        """`Downloading 12.3 MB of 40.0 MB, 8.1 MB/s  numpy`."""
        parts = [self.title]
        if self._unit == "bytes":
            seconds = max(time.monotonic() - self.started, 0.001)
            amount = megabytes(self._done) + (f" of {megabytes(self._total)}" if self._total else "")
            parts.append(f"{amount}, {megabytes(self._done / seconds)}/s")
        elif self._total:
            parts.append(f"{self._done}/{self._total}")
        if self.detail:
            parts.append(safe(self.detail))
        return " ".join(parts)


def megabytes(count: float) -> str:
    """A byte count for people: `512 B`, `3.1 KB`, `40.0 MB`, `1.20 GB` (powers of 1000)."""
    if count < 1000:
        return f"{count:.0f} B"
    for factor, unit, digits in ((1e3, "KB", 1), (1e6, "MB", 1), (1e9, "GB", 2)):
        if count < factor * 1000:
            return f"{count / factor:.{digits}f} {unit}"
    return f"{count / 1e12:.2f} TB"


def safe(text: str) -> str:
    """Text with control characters (escape sequences among them) and bidirectional overrides made visible, so that a
    package name or a URL cannot steer the terminal.
    """
    if text.isprintable():
        return text
    return "".join(c if c in "\n\t" or c.isprintable() else f"\\x{ord(c):02x}" for c in text)
