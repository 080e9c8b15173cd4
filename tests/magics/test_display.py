"""The one output: throttled while it moves, one line in the end, text never becomes markup."""

from __future__ import annotations

from typing import Any

import pytest

from pixi_magics.display import Bundle, LiveDisplay, Progress, size_text, table_bundle, transaction_text


class Screen:
    """Remembers what was shown."""

    def __init__(self) -> None:
        self.shown: list[tuple[Bundle, bool]] = []
        self.now = 0.0

    def publish(self, bundle: Bundle, update: bool) -> None:
        self.shown.append((bundle, update))

    def clock(self) -> float:
        return self.now


def phase(state: str = "start", **values: Any) -> dict[str, Any]:
    empty = {"id": 1, "name": "download", "done": 0, "total": None, "unit": "items", "detail": "", "summary": ""}
    return {"type": "phase", "state": state, **empty, **values}


def test_updates_come_five_times_a_second_and_replace_one_output() -> None:
    screen = Screen()
    display = LiveDisplay(Progress("pixi add numpy"), screen.publish, screen.clock)
    for step in range(100):
        screen.now = step * 0.01
        display.event(phase("advance", done=step, total=100))
    display.finish("✔ done")
    assert len(screen.shown) == 6
    assert [update for _, update in screen.shown] == [False] + [True] * 5
    assert screen.shown[-1][0]["text/plain"] == "✔ done"


def test_what_runs_is_named_in_both_forms() -> None:
    progress = Progress("pixi add numpy")
    progress.feed(phase(total=4_000_000, done=1_000_000, unit="bytes", detail="numpy"))
    progress.feed(phase(id=2, name="solve", detail="default/linux-64"))
    assert progress.line() == "… pixi add numpy: downloading 1.0 MB of 4.0 MB (numpy), solving (default/linux-64)"
    assert progress.fraction() == 0.25
    progress.feed(phase("finish"))
    progress.feed(phase("fail", id=2))
    assert progress.line() == "… pixi add numpy"
    assert progress.fraction() is None


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "a & b"])
def test_names_from_outside_are_text(text: str) -> None:
    screen = Screen()
    progress = Progress("pixi add " + text)
    LiveDisplay(progress, screen.publish, screen.clock).event(phase(detail=text))
    LiveDisplay(progress, screen.publish, screen.clock).finish(text, "ready", [text])
    screen.publish(table_bundle(["name"], [[text]], text), False)
    for bundle, _ in screen.shown:
        assert text not in bundle["text/html"]
        assert text in bundle["text/plain"]


@pytest.mark.parametrize(
    ("transaction", "text"),
    [
        ({}, "nothing to install"),
        ({"added": [{"name": "numpy", "version": "2.3"}], "removed": [{"name": "scipy"}]}, "+ numpy 2.3, - scipy"),
        ({"changed": [{"name": "a", "old_version": "1", "new_version": "2"}]}, "a 1 → 2"),
        ({"added": [{"name": str(n), "version": "1"} for n in range(9)]}, "packages: 9 added"),
    ],
)
def test_a_transaction_in_words(transaction: dict[str, Any], text: str) -> None:
    assert transaction_text(transaction) == text


@pytest.mark.parametrize(("count", "text"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2_500_000_000, "2.5 GB")])
def test_sizes(count: int, text: str) -> None:
    assert size_text(count) == text
