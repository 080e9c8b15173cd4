"""Readers while a writer works. The writer is stopped at a change it makes, and then `pixi run` starts a task: the task
sees the environment as it was before, or waits and sees it as it is after, never a mixture.

(A change that begins when a task runs already cannot wait for the task's end: it may be a server.)
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable

import pytest

from .engine import beginning
from .products import Desk, Scenario

pytestmark = [pytest.mark.faults, pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")]

TWO = Scenario("two versions", "conda", 'native-library = "1.*"\n', (("install",),), ("add", "native-library=2.0"))
LOOK = """cd $CONDA_PREFIX && { test ! -e conda-meta/.pixi-transaction || echo unfinished; }
cat share/native-library lib/native-library-*.data; ls conda-meta | grep native"""


def look(desk: Desk) -> subprocess.Popen[str]:
    """A task that says what it sees."""
    command = [
        sys.executable,
        "-m",
        "pixi_core.cli.main",
        "-m",
        str(desk.workspace),
        "run",
        "--frozen",
        "sh",
        "-c",
        LOOK,
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def stop() -> None:
    """The process stays where it is until it is told to go on."""
    os.kill(os.getpid(), signal.SIGSTOP)


def seen_at(desk: Desk, at: int) -> tuple[str, bool]:
    """What a task sees that starts while the command stands at its change `at`, and whether it waited and said so; ""
    where the command ended before.
    """
    desk.back()
    desk.pixi("run", "true")
    writer = beginning(lambda: desk.pixi(*desk.scenario.command), at=at, fault=stop)
    _, status = os.waitpid(writer, os.WUNTRACED)
    if not os.WIFSTOPPED(status):
        return "", False
    reader = look(desk)
    assert reader.stderr is not None
    try:
        ready, _, _ = select.select([reader.stderr], [], [], 30)
        assert ready, f"a task waits in silence while a command stands at its change {at}"
        waits = bool(reader.stderr.readline())
    finally:
        os.kill(writer, signal.SIGCONT)
        out, err = reader.communicate(timeout=60)
        os.waitpid(writer, 0)
    return (out if reader.returncode == 0 else f"exit {reader.returncode}: {err}"), waits


@pytest.mark.parametrize("every", [23, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_a_task_sees_no_half_made_environment(desk: Callable[[Scenario], Desk], every: int) -> None:
    made = desk(TWO)
    made.back()
    states = [look(made).communicate()[0]]
    made.pixi(*TWO.command)
    states.append(look(made).communicate()[0])
    assert len(set(states)) == 2
    found: Counter[tuple[str, bool]] = Counter()
    wrong = []
    for at in range(1, made.changes + 1, every):
        text, waited = seen_at(made, at)
        if text and text not in states:
            wrong.append((at, text))
        elif text:
            found["after" if text == states[1] else "before", waited] += 1
    print(f"{sum(found.values())} looks: {dict(found)}, {len(wrong)} mixed")
    assert found
    assert not wrong, wrong[:5]
