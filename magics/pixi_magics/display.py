"""One output that updates while the core works and ends as one line: plain text for terminals and files, HTML for
notebooks. Whatever came from package metadata is shown as text only, never as markup.
"""

import html
import time
from typing import Any, Callable, Dict, List, Mapping, Optional

from .wire import PHASE_WORDS, Event

INTERVAL = 0.2
"""Seconds between two updates: five a second animate well and do not fill a saved notebook's message log."""

Bundle = Dict[str, str]
Publish = Callable[[Bundle, bool], None]
"""Shows a MIME bundle; the second argument says whether it replaces the one before."""


class Progress:
    """What is going on, fed with the events of one command."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.messages: List[str] = []
        self.warnings: List[str] = []
        self._running: Dict[int, Event] = {}

    def feed(self, event: Event) -> None:
        """Take one event into account."""
        kind = event.get("type")
        if kind == "phase":
            if event.get("state") in ("finish", "fail"):
                self._running.pop(event.get("id", 0), None)
            else:
                self._running[event.get("id", 0)] = event
        elif kind == "message":
            self.messages.append(str(event.get("text", "")))
        elif kind == "warning":
            self.warnings.append(str(event.get("text", "")))

    def line(self) -> str:
        """The present state in one line."""
        if not self._running:
            return "… %s" % self.title
        return "… %s: %s" % (self.title, ", ".join(_phase_text(phase) for phase in self._running.values()))

    def fraction(self) -> Optional[float]:
        """How far the newest measurable phase is, from 0 to 1; None where no running phase has a total."""
        for phase in reversed(list(self._running.values())):
            total = phase.get("total")
            if total:
                return min(1.0, float(phase.get("done", 0)) / float(total))
        return None


class LiveDisplay:
    """Shows a `Progress`, at most five times a second, and in the end its last line.

    `publish` puts bundles in front of the user, `clock` returns seconds.
    """

    def __init__(self, progress: Progress, publish: Publish, clock: Callable[[], float] = time.monotonic) -> None:
        self._progress = progress
        self._publish = publish
        self._clock = clock
        self._shown_at: Optional[float] = None

    @property
    def is_shown(self) -> bool:
        """Whether something was shown already, which the next bundle replaces."""
        return self._shown_at is not None

    def event(self, event: Event) -> None:
        """Take an event, and show the new state unless the last one was shown just now."""
        self._progress.feed(event)
        now = self._clock()
        if self._shown_at is None or now - self._shown_at >= INTERVAL:
            self._show(running_bundle(self._progress))
            self._shown_at = now

    def finish(self, line: str, level: str = "ready", more: Optional[List[str]] = None) -> None:
        """Show the last state: one line, and below it what the user must not miss."""
        self._show(final_bundle(line, level, more or []))

    def _show(self, bundle: Bundle) -> None:
        self._publish(bundle, self._shown_at is not None)
        if self._shown_at is None:
            self._shown_at = self._clock()


def running_bundle(progress: Progress) -> Bundle:
    """Text and HTML of work under way."""
    line = progress.line()
    fraction = progress.fraction()
    bar = "<progress></progress>" if fraction is None else '<progress max="1" value="%.3f"></progress>' % fraction
    return {"text/plain": line, "text/html": '<div role="status">%s %s</div>' % (bar, html.escape(line))}


_COLORS = {"recommended": "--jp-warn-color1, #b36200", "required": "--jp-error-color1, #b00020"}
_COLORS["failed"] = _COLORS["required"]


def final_bundle(line: str, level: str, more: List[str]) -> Bundle:
    """Text and HTML of the end; `level` is a restart verdict or `failed`."""
    style = ' style="color: var(%s)"' % _COLORS[level] if level in _COLORS else ""
    rows = "".join("<div>%s</div>" % html.escape(row) for row in more)
    shown = '<div role="status"><span%s>%s</span>%s</div>' % (style, html.escape(line), rows)
    return {"text/plain": "\n".join([line, *more]), "text/html": shown}


def table_bundle(headers: List[str], rows: List[List[str]], caption: str) -> Bundle:
    """A table as aligned text and as HTML."""
    shown = [headers, *rows]
    widths = [max(len(row[column]) for row in shown) for column in range(len(headers))]
    lines = ["  ".join(cell.ljust(widths[column]) for column, cell in enumerate(row)).rstrip() for row in shown]
    head = "".join('<th scope="col">%s</th>' % html.escape(cell) for cell in headers)
    body = "".join("<tr>%s</tr>" % "".join("<td>%s</td>" % html.escape(cell) for cell in row) for row in rows)
    table = "<table><caption>%s</caption><thead><tr>%s</tr></thead><tbody>%s</tbody></table>"
    return {
        "text/plain": "\n".join([*lines, caption]),
        "text/html": table % (html.escape(caption), head, body),
    }


def transaction_text(transaction: Mapping[str, Any]) -> str:
    """`+ numpy 2.3.1`, `numpy 2.2 → 2.3`, `- scipy`: a few by name, many by count."""
    parts = ["+ %s %s" % (p.get("name"), p.get("version")) for p in transaction.get("added", ())]
    parts += ["- %s" % p.get("name") for p in transaction.get("removed", ())]
    for package in transaction.get("changed", ()):
        parts.append("%s %s → %s" % (package.get("name"), package.get("old_version"), package.get("new_version")))
    if not parts:
        return "nothing to install"
    if len(parts) <= 4:
        return ", ".join(parts)
    counts = [(len(transaction.get(key, ())), key) for key in ("added", "changed", "removed")]
    return "packages: " + ", ".join("%d %s" % pair for pair in counts if pair[0])


def _phase_text(phase: Event) -> str:
    name = str(phase.get("name", ""))
    text = PHASE_WORDS.get(name, name)
    detail = str(phase.get("detail") or "")
    done, total = phase.get("done", 0), phase.get("total")
    if total and phase.get("unit") == "bytes":
        text += " %s of %s" % (size_text(done), size_text(total))
    elif total:
        text += " %d of %d" % (done, total)
    return "%s (%s)" % (text, detail) if detail else text


def count_text(number: int) -> str:
    """`1 package`, `2 packages`."""
    return "%d package%s" % (number, "" if number == 1 else "s")


def size_text(count: float) -> str:
    """`1.2 MB` (powers of 1000)."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return "%d B" % count if unit == "B" else "%.1f %s" % (count, unit)
        count /= 1000
    return "%.1f GB" % count
