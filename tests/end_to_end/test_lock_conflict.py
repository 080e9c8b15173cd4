"""A merge that left both sides in the lock file: `pixi lock --resolve-conflict`."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from pixi_core.lock.conflict import sides
from tests.support.command import pixi

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

MANIFEST = """[workspace]
name = "demo"
channels = ["{channel}"]
platforms = ["linux-64"]

[dependencies]
{ours}

[feature.extra.dependencies]
{theirs}

[environments]
extra = ["extra"]
"""


def merged(style: list[str], work: Path, *texts: str) -> str:
    """What git makes of our text, the common ancestor and their text."""
    paths = [work / name for name in ("ours", "base", "theirs")]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    done = subprocess.run(["git", "merge-file", "-p", *style, *map(str, paths)], capture_output=True, text=True)
    assert done.returncode > 0, "there is a conflict"
    return done.stdout


@pytest.mark.parametrize("style", [[], ["--diff3"]], ids=["merge", "diff3"])
def test_both_sides_are_in_the_new_lock_file(tmp_path: Path, small_channel: Path, style: list[str]) -> None:
    manifest, lock = tmp_path / "pixi.toml", tmp_path / "pixi.lock"

    def locked(ours: str, theirs: str) -> str:
        manifest.write_text(MANIFEST.format(channel=small_channel.as_uri(), ours=ours, theirs=theirs))
        pixi("lock", cwd=tmp_path).succeeded()
        return lock.read_text()

    base = locked('shared = "<2"', 'shared = "*"')
    lock.unlink()
    ours = locked('shared = "<2"\nnative-tool = "*"', 'shared = "*"')
    lock.unlink()
    theirs = locked('shared = "<2"', 'shared = "*"\nneeds-glibc = "*"')
    text = merged(style, tmp_path, ours, base, theirs)
    assert sides(text)[0].count("native-tool") == ours.count("native-tool")
    assert sides(text)[1].count("needs-glibc") == theirs.count("needs-glibc")
    lock.write_text(text)
    manifest.write_text(
        MANIFEST.format(
            channel=small_channel.as_uri(),
            ours='shared = "*"\nnative-tool = "*"',  # looser than what either side was solved for
            theirs='shared = "*"\nneeds-glibc = "*"',
        )
    )
    refused = pixi("lock", cwd=tmp_path).failed()
    assert "unresolved merge conflicts" in refused.err
    assert "--resolve-conflict" in refused.err
    assert "pixi diff pixi.lock" in refused.err
    assert lock.read_text() == text
    compared = pixi("diff", "pixi.lock", cwd=tmp_path).succeeded().out
    assert "  - native-tool " in compared
    assert "  + needs-glibc " in compared
    assert " shared " not in compared, "both sides have the same of it"
    assert pixi("diff", "pixi.lock", "--check", cwd=tmp_path).failed(1).out == compared
    pixi("lock", "--resolve-conflict", cwd=tmp_path).succeeded()
    assert {"native-tool", "needs-glibc"} <= {
        line.rsplit("/", 1)[1].rsplit("-", 2)[0] for line in lock.read_text().splitlines() if "/linux-64/" in line
    }
    assert "shared-1.0" in lock.read_text(), "what our side had locked is kept"
    pixi("lock", "--check", cwd=tmp_path).succeeded()
    pixi("lock", "--resolve-conflict", "--check", cwd=tmp_path).succeeded()


def test_what_cannot_be_solved_leaves_the_file(tmp_path: Path, small_channel: Path) -> None:
    manifest, lock = tmp_path / "pixi.toml", tmp_path / "pixi.lock"
    manifest.write_text(MANIFEST.format(channel=small_channel.as_uri(), ours='no-such-name = "*"', theirs=""))
    lock.write_text("<<<<<<< ours\nversion: 7\n=======\nversion: 6\n>>>>>>> theirs\n")
    before = lock.read_bytes()
    assert "no-such-name" in pixi("lock", "--resolve-conflict", cwd=tmp_path).failed().err
    assert lock.read_bytes() == before
