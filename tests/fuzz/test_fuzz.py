"""Everything that reads what somebody else wrote, on damaged input: a value or an error of ours, with a place where the
input is a text that a user writes, in bounded time and memory. Each test prints how often it ran its reader.
"""

from __future__ import annotations

import resource
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .mutation import damaged, drawn_out
from .targets import TARGETS, Target, empty

FINDINGS = Path(__file__).parent / "findings"
SECONDS = 3.0
"""Processor time that no input of this size may take; most take less than a millisecond."""
MEMORY = 400 << 10
"""KB that reading may add to the process."""
QUICK, THOROUGH = 40, 500
LANES = [
    pytest.param(name, count, id=f"{name}-{count}", marks=() if count == QUICK else pytest.mark.slow)
    for name in TARGETS
    for count in (QUICK, THOROUGH)
]


def run_bounded(target: Target, content: bytes, folder: Path) -> None:
    """Read once, within the limits."""
    before, memory = time.process_time(), peak()
    target.run(content, empty(folder))
    assert time.process_time() - before < SECONDS, f"{len(content):,} bytes: {content[:100]!r}"
    assert peak() - memory < MEMORY, f"{len(content):,} bytes: {content[:100]!r}"


def peak() -> int:
    """KB that this process had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.parametrize("name", TARGETS)
def test_sound_inputs_are_read(name: str, tmp_path: Path) -> None:
    for seed in TARGETS[name].seeds:
        assert TARGETS[name].run(seed, empty(tmp_path / "x")) is None


@pytest.mark.parametrize(("name", "count"), LANES)
def test_damaged_inputs(name: str, count: int, tmp_path: Path) -> None:
    target = TARGETS[name]
    executions = 0

    @settings(max_examples=count, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(data=st.data(), seed=st.sampled_from(target.seeds))
    def explore(data: st.DataObject, seed: bytes) -> None:
        nonlocal executions
        executions += 1
        run_bounded(target, damaged(seed, lambda n: data.draw(st.integers(0, n - 1))), tmp_path / "x")

    explore()
    print(f"{name}: {executions} damaged inputs")


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_long_inputs_take_bounded_time(name: str, tmp_path: Path) -> None:
    target = TARGETS[name]
    inputs = [long for seed in target.seeds for long in drawn_out(seed)]
    assert inputs
    for content in inputs:
        run_bounded(target, content, tmp_path / "x")
    print(f"{name}: {len(inputs)} long inputs")


FOUND = sorted(path for path in FINDINGS.glob("*/*"))


@pytest.mark.parametrize("path", FOUND, ids=lambda path: f"{path.parent.name}: {path.name}")
def test_what_was_found_stays_right(path: Path, tmp_path: Path) -> None:
    """Inputs that once ended in something else than an error of ours."""
    run_bounded(TARGETS[path.parent.name], path.read_bytes(), tmp_path / "x")
