"""Long sequences of everything that is done to an environment: see `sequences`."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.pypi_index import FakeIndex, serving

from .sequences import Workspace

pytestmark = [pytest.mark.faults, pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")]
STEPS = 40
"""Of one sequence."""


@pytest.fixture(scope="module")
def packages() -> Iterator[str]:
    """Wheels, one of which a conda package brings, too."""
    index = FakeIndex()
    index.wheel("greeting", "1.0", "words")
    index.wheel("greeting", "1.1", "words>=2")
    index.wheel("words", "1.0")
    index.wheel("words", "2.0")
    index.wheel("pure-library", "1.1")
    index.wheel("extra", "1.0")
    with serving(index) as running:
        yield running.url


def walk(place: Path, channel: str, index: str, seed: int, steps: int, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """One sequence, compared after each step."""
    monkeypatch.setenv("PIXI_CACHE_DIR", str(place / "place" / "cache"))
    workspace = Workspace(place / "place", channel, index, seed)
    workspace.begin()
    for _ in range(steps):
        workspace.step()
    workspace.settle()
    return workspace.count


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_any_order(
    tmp_path: Path, small_channel: Path, packages: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = walk(tmp_path, small_channel.as_uri(), packages, seed, STEPS, monkeypatch)
    assert found["comparisons"] > STEPS // 3


@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
def test_any_order_for_long(
    tmp_path: Path, small_channel: Path, packages: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty minutes, or as many seconds as `PIXI_TEST_SECONDS` says, from the seed `PIXI_TEST_SEED` on."""
    until = time.monotonic() + float(os.environ.get("PIXI_TEST_SECONDS", "1200"))
    seed, found = int(os.environ.get("PIXI_TEST_SEED", "1000")), Counter[str]()
    while time.monotonic() < until:
        place = tmp_path / str(seed)
        place.mkdir()
        found += walk(place, small_channel.as_uri(), packages, seed, STEPS, monkeypatch)
        seed += 1
    print(dict(found))
    assert found["comparisons"]
