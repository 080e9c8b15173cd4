"""What `.gitignore` leaves out is what git says it leaves out."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pixi_core.tasks.cache import matching
from pixi_core.tasks.gitignore import Ignored

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
PATHS = (
    "a",
    "b.o",
    "sub/a",
    "sub/b.o",
    "sub/deep/a",
    "sub/deep/b.log",
    "deep/a",
    "x y",
    "[a]",
    "a-b",
    "#a",
    "!a",
    "B.O",
)
PIECES = (
    "a",
    "b",
    "sub",
    "deep",
    "*",
    "**",
    "?",
    "/",
    "/",
    "!",
    ".o",
    ".log",
    "[ab]",
    "[!a]",
    "[a-c]",
    "\\",
    "#",
    " ",
    "-",
    "[[:alpha:]]",
    "[",
    "]",
    "x y",
)
ODD_STARS = r"[^/!]\*\*|\*\*[^/]"
# git itself disagrees with its manual where `**` is not a whole part: `a**/*` matches the file `a`
LINES = st.lists(st.sampled_from(PIECES), max_size=5).map("".join).filter(lambda line: not re.search(ODD_STARS, line))


def git_says(root: Path) -> set[str]:
    """Those of `PATHS` that git leaves out."""
    environ = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}
    ran = subprocess.run(
        ["git", "check-ignore", "--no-index", "--stdin", "-z"],
        input="\0".join(PATHS),
        cwd=root,
        env=environ,
        capture_output=True,
        text=True,
    )
    assert ran.returncode in (0, 1), ran.stderr
    return set(filter(None, ran.stdout.split("\0")))


@needs_git
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(top=st.lists(LINES, max_size=4), below=st.lists(LINES, max_size=2))
def test_as_git_has_it(top: list[str], below: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / ".git" / "objects").mkdir(parents=True)
        (root / ".git" / "refs").mkdir()
        (root / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
        (root / "sub" / "deep").mkdir(parents=True)
        (root / ".gitignore").write_text("\n".join(top) + "\n")
        (root / "sub" / ".gitignore").write_text("\n".join(below) + "\n")
        ignored = Ignored(root)
        assert {path for path in PATHS if ignored(path)} == git_says(root)


@pytest.mark.parametrize(
    ("patterns", "made", "expected"),
    [
        (["**"], False, [".gitignore", "kept.log", "src/a.py"]),
        (["src"], False, ["src/a.py"]),
        (["**/*.log"], False, ["kept.log"]),
        (["**/*.log"], True, ["kept.log", "src/a.log"]),
        (["src/a.log"], False, ["src/a.log"]),
        (["build/*"], False, ["build/out"]),
        (["build"], False, ["build/out"]),
        (["build/**", "!build/out"], False, []),
    ],
    ids=str,
)
def test_in_globs_of_tasks(tmp_path: Path, patterns: list[str], made: bool, expected: list[str]) -> None:
    """Left out unless a pattern names it without wildcards; what a task makes is what such files are for."""
    for name in ("src/a.py", "src/a.log", "kept.log", "build/out"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / ".gitignore").write_text("*.log\n!/kept.log\nbuild/\n")
    assert matching(patterns, tmp_path, made=made) == expected
