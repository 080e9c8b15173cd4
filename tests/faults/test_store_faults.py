"""The builder of a store's environment, killed at changes of the file system: the next caller has a whole one."""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path

import pytest

from pixi_core.cli.main import main
from tests.support.command import pixi

from .engine import in_child, kill, reset

pytestmark = [pytest.mark.faults, pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")]

MOMENTS = 20
"""So many of the changes are tried, spread over the whole build."""


def run(*words: str) -> str:
    """What `pixi` prints, in this process; any exit code but 0 is an error."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(list(words))
    if code:
        raise AssertionError(f"pixi {' '.join(words)} ended with {code}: {err.getvalue()}")
    return out.getvalue().strip()


def lock_file(folder: Path, channel: Path, packages: str) -> str:
    """The path of a lock file for a manifest that asks for so much."""
    (folder / "pixi.toml").write_text(
        f'[workspace]\nchannels = ["{channel.as_uri()}"]\nplatforms = ["linux-64"]\n\n[dependencies]\n{packages}'
    )
    pixi("lock", cwd=folder).succeeded()
    return str(folder / "pixi.lock")


def test_a_killed_builder(tmp_path: Path, small_channel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = lock_file(tmp_path, small_channel, 'shared = "*"\nprefix-text = "*"\nneeds-glibc = "*"\n')
    store = tmp_path / "store"
    monkeypatch.setenv("PIXI_STORE", str(store))
    words = ("materialize", "--no-compile", "--lock", lock)
    prefix = Path(run(*words))  # in this process first: what it imports and fetches, its children need not
    reset(store, None)
    status, changes = in_child(lambda: run(*words))
    assert (status, prefix.is_dir()) == (0, True)
    killed = 0
    for at in range(1, changes + 1, max(1, changes // MOMENTS)):
        reset(store, None)
        killed += in_child(lambda: run(*words), at=at, fault=kill)[0] == -9
        assert Path(run(*words)) == prefix, at
        assert run("store", "verify") == "", at
        assert [path.name for path in (store / "v1").iterdir()] == [prefix.parent.name], at
    assert killed >= MOMENTS


def test_a_killed_collection(tmp_path: Path, small_channel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it left is never taken for an environment, and the next collection removes it."""
    lock = lock_file(tmp_path, small_channel, 'shared = "*"\n')
    store = tmp_path / "store"
    monkeypatch.setenv("PIXI_STORE", str(store))
    words = ("materialize", "--no-compile", "--lock", lock)
    run(*words)
    collect = ("store", "gc", "--older-than", "0")
    _, changes = in_child(lambda: run(*collect))
    for at in range(1, changes + 1):
        run(*words)
        in_child(lambda: run(*collect), at=at, fault=kill)
        assert run("store", "verify") == "", at
        run(*collect)
        assert list((store / "v1").iterdir()) == [], at
