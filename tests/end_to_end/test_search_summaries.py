"""What packages are, in a line: of conda packages from the cache, of wheels from their metadata, and never for long."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from pixi_core.ops.summaries import in_time
from tests.support.command import Ran, pixi
from tests.support.pypi_index import FakeIndex, serving


def search(cwd: Path, *words: str) -> Ran:
    return pixi("search", "--pypi", *words, cwd=cwd, environ={"PIXI_OVERRIDE_PLATFORM": "linux-64"})


def workspace(folder: Path, channels: list[str], index: str) -> Path:
    folder.mkdir()
    (folder / "pixi.toml").write_text(
        f'[workspace]\nchannels = {json.dumps(channels)}\nplatforms = ["linux-64"]\n'
        f'[pypi-options]\nindex-url = "{index}"\n[environments]\nother = []\n'
    )
    return folder


def test_a_line_a_package(tmp_path: Path, small_channel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A conda package has a summary once it was fetched; a wheel from its metadata, of which no archive is fetched."""
    monkeypatch.setenv("PIXI_CACHE_DIR", str(tmp_path / "cache"))
    index = FakeIndex(announces=True)
    index.wheel("shared-words", "1.0", summary="Words \x1b[31mthat  are\n shared", faults=("missing",))
    index.wheel("shared-quiet", "1.0")
    index.sdist("shared-source", "1.0")
    with serving(index):
        demo = workspace(tmp_path / "demo", [small_channel.as_uri()], index.url)
        found = json.loads(search(demo, "shared", "--json").succeeded().out)
        told = {(match["kind"], match["name"]): match["summary"] for match in found["matches"]}
        assert told["conda", "shared"] is None
        assert told["pypi", "shared-quiet"] is None
        assert told["pypi", "shared-source"] is None
        assert "Words" in str(told["pypi", "shared-words"])
        pixi("add", "shared", "--environment", "default", cwd=demo).succeeded()
        out = search(demo, "shared", "-e", "other").succeeded().out
        assert out.splitlines()[0] == "shared         2.0  conda  What two others want"
        assert "\x1b" not in out
        assert "Summary       What two others want" in pixi("search", "shared", cwd=demo).succeeded().out


def test_what_is_not_there(tmp_path: Path) -> None:
    index = FakeIndex()
    index.wheel("words", "1.0", summary="Words")
    with serving(index):
        demo = workspace(tmp_path / "demo", [], index.url)
        assert "did you mean words?" in search(demo, "wrods").failed().err
        assert json.loads(search(demo, "wrods", "--json").failed().out)["suggestions"] == ["words"]
        assert search(demo, "wor", "-n", "1").succeeded().out == "words  1.0  pypi  Words\n"
    search(demo, "words", "-c", "x").failed(2)
    pixi("search", "words", "-e", "other", cwd=demo).failed(2)


def test_nobody_waits_for_what_is_late() -> None:
    """One job never ends; the others are told, and the call comes back."""
    never = threading.Event()
    jobs = [("late", lambda: str(never.wait())), *((str(n), lambda: "told") for n in range(20)), ("none", lambda: None)]
    found = in_time(jobs, 0.5)
    never.set()
    assert found == {str(number): "told" for number in range(20)}
