"""What the tests of whole commands share."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.pypi_index import FakeIndex, serving

from .products import Desk, Scenario


@pytest.fixture(scope="module")
def index() -> Iterator[str]:
    """Two packages, one of which needs the other from its second version on."""
    index = FakeIndex()
    index.wheel("greeting", "1.0", "words")
    index.wheel("greeting", "1.1", "words>=2")
    index.wheel("words", "1.0")
    index.wheel("words", "2.0")
    with serving(index) as running:
        yield running.url


DeskAt = Callable[[Scenario, Path], Desk]


@pytest.fixture
def desk_at(tmp_path: Path, small_channel: Path, index: str, monkeypatch: pytest.MonkeyPatch) -> DeskAt:
    """Makes the desk of a scenario in a folder; its caches and temporary files are its own."""

    def make(scenario: Scenario, place: Path) -> Desk:
        monkeypatch.setenv("PIXI_CACHE_DIR", str(place / "cache"))
        monkeypatch.setenv("TMPDIR", str(place / "temporary"))
        monkeypatch.setattr(tempfile, "tempdir", None)
        made = Desk(tmp_path, scenario, small_channel.as_uri(), index, place)
        made.set_up()
        return made

    return make


@pytest.fixture
def desk(tmp_path: Path, desk_at: DeskAt) -> Callable[[Scenario], Desk]:
    """The same, in the folder of the test."""
    return lambda scenario: desk_at(scenario, tmp_path / "place")
