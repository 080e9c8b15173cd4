"""`pixi history` and `pixi rollback`: every change is a state to return to, byte for byte."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import pixi
from tests.support.pypi_index import FakeIndex, serving


@pytest.fixture
def hosted(tmp_path: Path) -> Iterator[Path]:
    """A host workspace over an index with a package in two versions; caches of its own."""
    index = FakeIndex()
    for version in ("1.0", "1.1"):
        index.wheel("greeting", version, "words")
    index.wheel("words", "2.0")
    with serving(index) as running:
        pixi("init", "hosted", "--host", cwd=tmp_path).succeeded()
        manifest = tmp_path / "hosted" / "pixi.toml"
        manifest.write_text(manifest.read_text() + f'\n[pypi-options]\nindex-url = "{running.url}"\n')
        yield tmp_path / "hosted"


def generations(folder: Path) -> list[dict[str, Any]]:
    """What `pixi history --json` says."""
    found: list[dict[str, Any]] = json.loads(pixi("history", "--json", cwd=folder).succeeded().out)["generations"]
    return found


def files(folder: Path) -> tuple[bytes, bytes]:
    """Manifest and lock file."""
    return (folder / "pixi.toml").read_bytes(), (folder / "pixi.lock").read_bytes()


def test_every_change_is_recorded_with_what_it_did(hosted: Path) -> None:
    assert "nothing is recorded" in pixi("history", cwd=hosted).succeeded().err
    pixi("add", "greeting==1.0", cwd=hosted).succeeded()
    pixi("add", "greeting==1.1", cwd=hosted).succeeded()
    pixi("install", cwd=hosted).succeeded()
    pixi("remove", "greeting", cwd=hosted).succeeded()
    rows = generations(hosted)
    assert [row["command"] for row in rows] == [
        "pixi add greeting==1.0",
        "pixi add greeting==1.1",
        "pixi remove greeting",
    ]
    assert [row["name"] for row in rows[0]["added"]] == ["pypi:greeting", "pypi:words"]
    assert rows[1]["changed"] == [{"name": "pypi:greeting", "old_version": "1.0", "new_version": "1.1"}]
    assert [row["name"] for row in rows[2]["removed"]] == ["pypi:greeting", "pypi:words"]
    told = pixi("history", cwd=hosted).succeeded().out
    assert "~ pypi:greeting 1.0 -> 1.1" in told
    assert "*   3  " in told


def test_rollback_gives_the_same_bytes_and_a_clean_environment(hosted: Path) -> None:
    states = {}
    for number, words in enumerate((("add", "greeting==1.0"), ("add", "greeting==1.1"), ("remove", "greeting")), 1):
        pixi(*words, cwd=hosted).succeeded()
        states[number] = files(hosted)
    for number in (1, 3, 2, 1):
        done = pixi("rollback", str(number), "--offline", cwd=hosted).succeeded()
        assert f"Returned to generation {number}" in done.err
        assert files(hosted) == states[number]
        assert json.loads(pixi("status", "--json", cwd=hosted).succeeded().out)["state"] == "in-sync"
        report = json.loads(pixi("doctor", "--json", cwd=hosted).out)
        assert [each for each in report["findings"] if each["area"] == "environment"] == []
    assert pixi("run", "python", "-c", "import greeting; print(greeting.version)", cwd=hosted).out == "1.0\n"


def test_without_a_number_it_is_undone_and_done_again(hosted: Path) -> None:
    pixi("add", "words", cwd=hosted).succeeded()
    old = files(hosted)
    pixi("add", "greeting==1.0", cwd=hosted).succeeded()
    new = files(hosted)
    rehearsal = pixi("rollback", "--dry-run", cwd=hosted).succeeded()
    assert "- pypi:greeting 1.0" in rehearsal.err
    assert (files(hosted), len(generations(hosted))) == (new, 2)
    done = json.loads(pixi("rollback", "--json", cwd=hosted).succeeded().out)
    assert (done["generation"], done["kept"]) == (1, None)
    assert done["changes"]["removed"] == [{"name": "pypi:greeting", "version": "1.0"}]
    assert files(hosted) == old
    pixi("rollback", cwd=hosted).succeeded()
    assert files(hosted) == new
    assert [row["command"] for row in generations(hosted)][2:] == ["pixi rollback --json", "pixi rollback"]


def test_what_was_edited_by_hand_is_kept(hosted: Path) -> None:
    pixi("add", "words", cwd=hosted).succeeded()
    manifest = hosted / "pixi.toml"
    edited = manifest.read_bytes() + b"\r\n# a thought of mine\r\n"
    manifest.write_bytes(edited)
    done = pixi("rollback", cwd=hosted).succeeded()
    assert "kept as generation 2" in done.err
    assert b"a thought" not in manifest.read_bytes()
    pixi("rollback", "2", cwd=hosted).succeeded()
    assert manifest.read_bytes() == edited


def test_a_manifest_that_is_broken_by_hand_is_mended_and_kept(hosted: Path) -> None:
    pixi("add", "words", cwd=hosted).succeeded()
    good = files(hosted)
    (hosted / "pixi.toml").write_text("[workspace\n")
    pixi("install", cwd=hosted).failed()
    pixi("rollback", cwd=hosted).succeeded()
    assert files(hosted) == good


@pytest.mark.parametrize("words", [("7",), ("-e", "other"), ("seven",)])
def test_what_is_not_there_changes_nothing(hosted: Path, words: tuple[str, ...]) -> None:
    pixi("add", "words", cwd=hosted).succeeded()
    before = files(hosted)
    pixi("rollback", *words, cwd=hosted).failed(2)
    assert files(hosted) == before


def test_an_install_that_fails_puts_both_files_back(hosted: Path) -> None:
    pixi("add", "greeting==1.0", cwd=hosted).succeeded()
    pixi("add", "greeting==1.1", cwd=hosted).succeeded()
    before = files(hosted)
    prefix = hosted / ".pixi" / "envs" / "default"
    prefix.rename(prefix.with_name("elsewhere"))
    prefix.write_text("no folder")
    pixi("rollback", cwd=hosted).failed()
    assert files(hosted) == before


def test_the_cache_keeps_what_a_generation_needs_until_it_is_forgotten(hosted: Path) -> None:
    environ = {"PIXI_CACHE_DIR": str(hosted.parent / "cache")}
    pixi("add", "greeting==1.0", cwd=hosted, environ=environ).succeeded()
    pixi("remove", "greeting", cwd=hosted, environ=environ).succeeded()
    for marker in (hosted.parent / "cache").rglob("*"):
        os.utime(marker, (0, 0), follow_symlinks=False)
    assert unused(hosted, environ) == []
    assert "Forgot 1 generation" in pixi("clean", "history", cwd=hosted, environ=environ).succeeded().err
    assert len(unused(hosted, environ)) == 2


def unused(folder: Path, environ: dict[str, str]) -> list[object]:
    """What the collector would take."""
    ran = pixi("clean", "cache", "--unused", "--dry-run", "--json", cwd=folder, environ=environ).succeeded()
    removed: list[object] = json.loads(ran.out)["removed"]
    return removed
