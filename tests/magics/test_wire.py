"""The wire format: every event survives the trip, everything else is refused."""

from __future__ import annotations

import json

import pytest

from pixi_magics import wire

EVENTS: list[wire.Event] = [
    {
        "type": "phase", "id": 1, "name": "download", "state": "advance", "done": 3, "total": None, "unit": "bytes",
        "detail": "numpy", "summary": "",
    },
    {"type": "message", "text": "✔ Added numpy\nin two lines"},
    {"type": "warning", "text": '"quoted" \u2028 and \ud83d\ude00'},
    {"type": "result", "command": "add", "data": {"transaction": {"added": [], "removed": [], "changed": []}}},
    {"type": "error", "message": "no such package", "details": [], "hints": ["did you mean numpy?"], "exit_code": 1},
]  # fmt: skip


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: str(event["type"]))
def test_round_trip_is_one_ascii_line(event: wire.Event) -> None:
    line = wire.encode(event)
    assert line.endswith("\n")
    assert line.count("\n") == 1
    assert line.isascii()
    assert wire.decode(line) == json.loads(json.dumps(event))
    assert wire.decode(line.encode()) == wire.decode(line)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "\n",
        "Collecting numpy",
        "[1]",
        '{"type":"other"}',
        '{"type":',
        "{}",
        '{"text":"no type"}',
        b"\xff\xfe",
        "null",
    ],
)
def test_other_output_is_not_an_event(line: str | bytes) -> None:
    with pytest.raises(wire.WireError, match="not an event"):
        wire.decode(line)


def test_an_unknown_type_is_not_sent() -> None:
    with pytest.raises(wire.WireError):
        wire.encode({"type": "progress"})
