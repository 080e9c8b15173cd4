"""Whole commands and a power cut at every change they make: what was not synced is gone, in several ways. The same
command again must leave what an undisturbed one does.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from .engine import in_child, kill
from .power_cut import LOSSES, Lasting, Loss, heard, lose, recording
from .products import BY_NAME, SCENARIOS, Desk, Scenario, before_and_after, pair

pytestmark = [pytest.mark.faults, pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs Linux")]

SAMPLED_OR_ALL = [
    pytest.param(BY_NAME["conda-add"], 17, id="conda-add-sampled"),
    pytest.param(BY_NAME["mixed-remove"], 17, id="mixed-remove-sampled"),
    *[pytest.param(one, 1, id=f"{one.name}-all", marks=pytest.mark.exhaustive) for one in SCENARIOS],
]
"""Every scenario at every change, and two at some changes always."""


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


PAIRS = ("conda-add", "conda-remove", "mixed-add", "mixed-remove", "mixed-rollback")
"""Commands that change manifest and lock file."""


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(
    ("name", "every"),
    [("mixed-add", 11)] + [pytest.param(name, 1, marks=pytest.mark.exhaustive) for name in PAIRS],
)
def test_any_next_command_finds_both_files_old_or_both_new(
    desk: Callable[[Scenario], Desk], name: str, every: int, loss: Loss, tmp_path: Path
) -> None:
    made = desk(BY_NAME[name])
    old, new = before_and_after(made)
    wrong, mixed = [], 0
    for at in range(1, made.changes + 2, every):
        made.back()
        before = Lasting()
        before.note_all(made.place)
        before.hold(made.place)
        work, record = (lambda: made.pixi(*made.scenario.command)), recording(made.place, tmp_path / "told")
        in_child(work, at=at, fault=kill, before=record)
        lose(made.place, heard(tmp_path / "told", before), loss, f"{name} {at}")
        before.release()
        mixed += pair(made.workspace) not in (old, new)
        made.outcome("task", "list")
        if pair(made.workspace) not in (old, new):
            wrong.append(at)
    print(f"{name}: {made.changes} power cuts, {mixed} between the two files, {len(wrong)} wrong")
    assert not wrong, f"{len(wrong)} of {made.changes}: {wrong[:12]}"
