"""The wire format between a kernel and the core: one JSON object a line, on the standard output of the core's process.

The same stream feeds `%pixi`, the server's REST and events, and tests. Kinds of events (the key `type`):

- `phase`: work goes on. `{"id": int, "name": str, "state": "start" | "advance" | "finish" | "fail", "done": int,
  "total": int | null, "unit": "bytes" | "items", "detail": str, "summary": str}`. The names are the closed vocabulary
  of `pixi_core.progress`; `id` tells concurrent phases apart.
- `message`, `warning`: `{"text": str}`, a sentence for the user.
- `result`: `{"command": str, "data": object}`, the last event of a run that went well.
- `error`: `{"message": str, "details": [str], "hints": [str], "exit_code": int}`, the last event of one that did not.

Standard library and Python 3.8 only: this module runs in the user's kernel as well as in the core.
"""

import json
from typing import Any, Dict, Mapping, Union

Event = Dict[str, Any]

PROTOCOL = 1
"""Grows when a reader of the old format would misunderstand the new one; both sides come from one installation."""

TYPES = frozenset(["phase", "message", "warning", "result", "error"])

PHASE_WORDS = {
    "repodata": "reading channels",
    "solve": "solving",
    "pypi-metadata": "reading package metadata",
    "pypi-resolve": "resolving PyPI packages",
    "lock": "updating the lock file",
    "download": "downloading",
    "extract": "unpacking",
    "link": "linking",
    "unlink": "unlinking",
    "build": "building",
    "activate": "activating",
    "kernel": "preparing the kernel",
}
"""The phase names of `pixi_core.progress` in words, for whoever shows them."""


class WireError(ValueError):
    """A line which is not an event; `line` is what was read."""

    def __init__(self, line: str, why: str) -> None:
        super().__init__("not an event (%s): %.200r" % (why, line))
        self.line = line


def encode(event: Mapping[str, Any]) -> str:
    """`event` as one line, its line end included; ASCII only, so that no locale of either side can spoil it.

    Raises `WireError` for an event without a known `type`, `TypeError` for values which JSON does not have.
    """
    if event.get("type") not in TYPES:
        raise WireError(repr(dict(event)), "unknown type")
    return json.dumps(event, ensure_ascii=True, separators=(",", ":")) + "\n"


def decode(line: Union[str, bytes]) -> Event:
    """The event of one line. Raises `WireError` where there is none (a program's own output among the events)."""
    text = line.decode("utf-8", "replace") if isinstance(line, bytes) else line
    if not text.startswith('{"'):
        raise WireError(text, "no JSON object")
    try:
        event = json.loads(text)
    except ValueError as error:
        raise WireError(text, str(error)) from error
    if not isinstance(event, dict) or event.get("type") not in TYPES:
        raise WireError(text, "unknown type")
    return event
