"""Manifest and lock file as one: what is finished, what is left alone (kills are in `tests/faults`)."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from pixi_core.fs import hold
from pixi_core.pair import Pair
from pixi_core.workspace import Workspace

OLD, NEW = "old = 1\n", "new = 1\n"


def digest(text: str | None) -> str:
    return "" if text is None else hashlib.sha256(text.encode()).hexdigest()


def intend(folder: Path, *, before: tuple[str, str | None] = (OLD, OLD), file: str = "pixi.toml") -> Path:
    """The intent to make both files new."""
    path = folder / ".pixi" / "unfinished-pair.json"
    path.parent.mkdir(exist_ok=True)
    told = {"file": file, "before": [digest(text) for text in before], "manifest": NEW, "lock": NEW}
    path.write_text(json.dumps(told))
    return path


@pytest.mark.parametrize(
    ("manifest", "lock", "after"),
    [
        (OLD, NEW, (NEW, NEW)),
        (NEW, OLD, (NEW, NEW)),
        (NEW, NEW, (NEW, NEW)),
        (OLD, OLD, (OLD, OLD)),
        ("mine = 1\n", NEW, ("mine = 1\n", NEW)),
        (NEW, "mine", (NEW, "mine")),
    ],
    ids=["lock", "manifest", "both", "neither", "manifest edited", "lock edited"],
)
def test_what_opening_a_workspace_finishes(tmp_path: Path, manifest: str, lock: str, after: tuple[str, str]) -> None:
    (tmp_path / "pixi.toml").write_text(manifest)
    (tmp_path / "pixi.lock").write_text(lock)
    intent = intend(tmp_path)
    assert Workspace.open(tmp_path / "pixi.toml").manifest_text == after[0]
    assert ((tmp_path / "pixi.toml").read_text(), (tmp_path / "pixi.lock").read_text()) == after
    assert not intent.exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such locks")
def test_an_intent_whose_writer_lives_is_left_to_it(tmp_path: Path) -> None:
    for name in ("pixi.toml", "pixi.lock"):
        (tmp_path / name).write_text(OLD)
    intent = intend(tmp_path)
    held = hold(intent)
    assert held >= 0
    Pair(tmp_path / "pixi.toml").finish()
    assert intent.exists()
    os.close(held)
    Pair(tmp_path / "pixi.toml").finish()
    assert not intent.exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such locks")
@pytest.mark.parametrize("name", ["pixi.toml", "pixi.lock", ".pixi/unfinished-pair.json"])
def test_what_a_killed_writer_has_begun_goes(tmp_path: Path, name: str) -> None:
    (tmp_path / "pixi.toml").write_text(OLD)
    target = tmp_path / name
    target.parent.mkdir(exist_ok=True)
    begun = target.with_name(f".{target.name}.tmp")
    begun.write_text("half")
    held = hold(begun)
    Pair(tmp_path / "pixi.toml").finish()
    assert begun.exists()
    os.close(held)
    Pair(tmp_path / "pixi.toml").finish()
    assert not begun.exists()


@pytest.mark.parametrize("where", ["pixi.lock", "pixi.toml", ".pixi"])
def test_nothing_is_written_through_a_link(tmp_path: Path, where: str) -> None:
    """A folder from a stranger, with an intent in it and a link to a file of the user's."""
    folder, outside = tmp_path / "checkout", tmp_path / "outside"
    folder.mkdir()
    (folder / "pixi.toml").write_text(OLD)
    (folder / "pixi.lock").write_text(NEW)
    intend(folder)
    (folder / where).rename(outside)
    (folder / where).symlink_to(outside)
    if where == "pixi.lock":
        outside.unlink()  # it would come into being
        intend(folder, before=(NEW, None))
        (folder / "pixi.toml").write_text(NEW)
    before = (folder / "pixi.toml").read_text()
    Workspace.open(folder / "pixi.toml")
    assert (folder / "pixi.toml").read_text() == before
    assert outside.exists() == (where != "pixi.lock")


def test_an_intent_that_cannot_be_read_goes(tmp_path: Path) -> None:
    (tmp_path / "pixi.toml").write_text(OLD)
    for text in ("", "[]", '{"file": 3}', '{"file": "pixi.toml", "before": [], "manifest": 1, "lock": null}'):
        intent = intend(tmp_path)
        intent.write_text(text)
        Pair(tmp_path / "pixi.toml").finish()
        assert not intent.exists(), text
    assert (tmp_path / "pixi.toml").read_text() == OLD


def test_an_intent_for_another_manifest_is_left_to_it(tmp_path: Path) -> None:
    (tmp_path / "pixi.toml").write_text(OLD)
    (tmp_path / "pixi.lock").write_text(NEW)
    intent = intend(tmp_path, file="pyproject.toml")
    Pair(tmp_path / "pixi.toml").finish()
    assert intent.exists()
    assert (tmp_path / "pixi.toml").read_text() == OLD


def test_bytes_that_are_no_text_come_back(tmp_path: Path) -> None:
    (tmp_path / "pixi.toml").write_bytes(b"a = 1\r\n")
    pair = Pair(tmp_path / "pixi.toml")
    pair.write(b"\xff\r\n", b"lock")
    assert (tmp_path / "pixi.toml").read_bytes() == b"\xff\r\n"
    pair.write(b"b", None)
    assert not (tmp_path / "pixi.lock").exists()
    assert not (tmp_path / ".pixi" / "unfinished-pair.json").exists()
