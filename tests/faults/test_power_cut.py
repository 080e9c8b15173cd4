"""Whole commands and a power cut at every change they make: what was not synced is gone, in several ways. The same
command again must leave what an undisturbed one does.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from .engine import in_child, kill
from .power_cut import LOSSES, Lasting, Loss, heard, lose, recording
from .products import BY_NAME, Desk, Scenario

pytestmark = [pytest.mark.faults, pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs Linux")]

ALL = ("conda-first", "conda-add", "conda-remove", "conda-lock", "pypi-first", "pypi-add", "pypi-remove", "mixed-add")
SAMPLED_OR_ALL = [pytest.param(BY_NAME["conda-add"], 17, id="conda-add-sampled")] + [
    pytest.param(BY_NAME[name], 1, id=f"{name}-all", marks=pytest.mark.exhaustive)
    for name in (
        "conda-first",
        "conda-add",
        "conda-remove",
        "conda-lock",
        "pypi-first",
        "pypi-add",
        "pypi-remove",
        "mixed-add",
    )
]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("scenario", "every"), SAMPLED_OR_ALL)
def test_the_same_command_heals(
    desk: Callable[[Scenario], Desk], scenario: Scenario, every: int, loss: Loss, tmp_path: Path
) -> None:
    made = desk(scenario)
    place = made.place
    wrong, lost, syncs = [], 0, 0
    for at in range(1, made.changes + 2, every):
        made.back()
        before = Lasting()
        before.note_all(place)
        before.hold(place)
        work, record = (lambda: made.pixi(*scenario.command)), recording(place, tmp_path / "told")
        ended, _ = in_child(work, at=at, fault=kill, before=record)
        lasting = heard(tmp_path / "told", before)
        syncs = max(syncs, lasting.syncs)
        lost += lose(place, lasting, loss, f"{scenario.name} {at}")
        before.release()
        # what was removed cannot be removed again
        again = ("install",) if ended == 0 and "remove" in scenario.command else scenario.command
        status, _ = in_child(lambda again=again: made.pixi(*again))  # type: ignore[misc]  # the default binds it now
        now = made.state()
        if ended == 0:
            now.pop(".pixi/unfinished-removal.json", None)  # the disk still has the note: it allows what is done
        if status or now != made.golden:
            wrong.append((at, status, sorted(now.items() ^ made.golden.items())[:6]))
    print(f"{scenario.name}: {made.changes} power cuts, {lost} losses, {syncs} syncs, {len(wrong)} wrong")
    assert lost
    assert not wrong, f"{len(wrong)} of {made.changes}: {wrong[:6]}"
