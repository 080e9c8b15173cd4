"""What the tests of whole commands share."""

from __future__ import annotations

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


@pytest.fixture
def desk(
    tmp_path: Path, small_channel: Path, index: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Scenario], Desk]:
    """Makes the desk of a scenario; its caches are its own."""
    monkeypatch.setenv("PIXI_CACHE_DIR", str(tmp_path / "place" / "cache"))

    def make(scenario: Scenario) -> Desk:
        made = Desk(tmp_path, scenario, small_channel.as_uri(), index)
        made.set_up()
        return made

    return make
