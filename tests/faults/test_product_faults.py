"""Whole commands, killed at every change they make to the file system: the same command again must leave manifest, lock
file and environment as an undisturbed one does, and nothing else in the workspace or the caches.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable

import pytest

from pixi_core.install.history import FOLDER as HISTORY

from .engine import in_child
from .products import BY_NAME, SCENARIOS, Desk, Scenario, before_and_after, pair

pytestmark = [pytest.mark.faults, pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")]

ALWAYS = {
    "conda-first": 17,
    "conda-add": 13,
    "conda-remove": 7,
    "conda-rollback": 11,
    "pypi-add": 9,
    "pypi-remove": 7,
    "pypi-rollback": 9,
    "built-path": 97,
    "built-editable": 101,
    "built-sdist": 89,
    "built-git": 103,
}
"""Which scenarios strike always, and at every how-many-th change."""
SAMPLED_OR_ALL = [
    pytest.param(one, ALWAYS[one.name], id=f"{one.name}-sampled") for one in SCENARIOS if one.name in ALWAYS
] + [pytest.param(one, 1, id=f"{one.name}-all", marks=pytest.mark.exhaustive) for one in SCENARIOS]


@pytest.mark.parametrize(("scenario", "every"), SAMPLED_OR_ALL)
def test_the_same_command_heals(desk: Callable[[Scenario], Desk], scenario: Scenario, every: int) -> None:
    made = desk(scenario)
    assert made.changes > 2
    wrong, struck = [], 0
    for at in range(1, made.changes + 1, every):
        if made.strike(at) != -9:
            continue  # threads: the count of a run may differ by what two of them did at once
        struck += 1
        status, _ = in_child(lambda: made.pixi(*scenario.command))
        now = made.state()
        if status or now != made.golden:
            wrong.append((at, status, sorted(now.items() ^ made.golden.items())[:6]))
    print(f"{scenario.name}: {struck} kills in {made.changes} changes, {len(wrong)} wrong")
    assert not wrong, f"{len(wrong)} of {made.changes}: {wrong[:12]}"


UPGRADED = (("install",), ("add", "greeting==1.1"))
BACK = Scenario("rollback to the last one", "pypi", 'greeting = "==1.0"\n', UPGRADED, ("rollback",))


@pytest.mark.parametrize("every", [5, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_a_rollback_without_a_number_is_finished_and_not_turned_round(
    desk: Callable[[Scenario], Desk], every: int
) -> None:
    """Where the killed call had recorded its generation, it was at its end, and the next one is another rollback."""
    made = desk(BACK)
    wrong, ended = [], 0
    for at in range(1, made.changes + 1, every):
        made.strike(at)
        recorded = json.loads((made.workspace / ".pixi" / HISTORY / "default.json").read_bytes())["generations"]
        if len(recorded) > len(UPGRADED):
            ended += 1
            continue
        status, _ = in_child(lambda: made.pixi(*BACK.command))
        now = made.state()
        if status or now != made.golden:
            wrong.append((at, status, sorted(now.items() ^ made.golden.items())[:6]))
    assert not wrong, f"{len(wrong)} of {made.changes}: {wrong[:12]}"
    assert ended * every < made.changes / 4


PAIRS = ("conda-add", "conda-remove", "conda-rollback", "pypi-add", "pypi-remove")
"""Commands that change manifest and lock file."""


@pytest.mark.parametrize(
    ("name", "every"),
    [(name, 4) for name in PAIRS] + [pytest.param(name, 1, marks=pytest.mark.exhaustive) for name in PAIRS],
)
def test_any_next_command_finds_both_files_old_or_both_new(
    desk: Callable[[Scenario], Desk], name: str, every: int
) -> None:
    """Not only the same command: whatever opens the workspace after a kill."""
    made = desk(BY_NAME[name])
    old, new = before_and_after(made)
    assert old[1] != new[1]
    wrong, mixed = [], 0
    for at in range(1, made.changes + 1, every):
        if made.strike(at) != -9:
            continue
        mixed += pair(made.workspace) not in (old, new)
        made.outcome("task", "list")
        left = (made.workspace / ".pixi" / "unfinished-pair.json").exists()
        if pair(made.workspace) not in (old, new) or left:
            wrong.append(at)
    assert not wrong, f"{len(wrong)} of {made.changes}: {wrong[:12]}"
    print(f"{name}: {mixed} kills between the two files")
