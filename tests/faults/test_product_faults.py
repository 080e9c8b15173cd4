"""Whole commands, killed at every change they make to the file system: the same command again must leave manifest, lock
file and environment as an undisturbed one does, and nothing else in the workspace or the caches.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from .engine import in_child
from .products import SCENARIOS, Desk, Scenario

pytestmark = [pytest.mark.faults, pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")]

ALWAYS = {"conda-first": 17, "conda-add": 13, "conda-remove": 7, "pypi-add": 9, "pypi-remove": 7}
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
