"""`pixi task add | alias | remove | list`: what is written into the manifest, and what is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command import pixi

HEAD = """\
# a comment that stays
[workspace]
name = "demo"
channels = []
platforms = ["linux-64", "osx-arm64", "win-64"]

[dependencies]
python = "*"

[tasks]
old = "echo old"  # and this one
_hidden = "true"

[feature.extra.tasks]
more = { cmd = "echo more", description = "of it" }

[environments]
extra = ["extra"]
"""


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    """A workspace that is neither locked nor installed: none of this needs it."""
    (tmp_path / "pixi.toml").write_text(HEAD)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["new", "echo hi | cat"], 'new = "echo hi | cat"'),
        (["new", "echo", "two words", "x"], "new = \"echo 'two words' x\""),
        (["old", "echo new"], 'old = "echo new"'),
        (["new", "true", "--depends-on", "old"], 'new = {cmd = "true", depends-on = ["old"]}'),
        (["new", "--depends-on", "old"], 'new = ["old"]'),
        (["new", "pwd", "--cwd", "sub"], 'new = {cmd = "pwd", cwd = "sub"}'),
        (["new", "env", "--env", "A=b=c"], 'new = {cmd = "env", env = {A = "b=c"}}'),
        (["new", "true", "--description", "says"], 'new = {cmd = "true", description = "says"}'),
        (["new", "env", "--clean-env"], 'new = {cmd = "env", clean-env = true}'),
        (["new", "t", "--default-environment", "extra"], 'new = {cmd = "t", default-environment = "extra"}'),
        (
            ["new", "echo {{ a }} {{ b }}", "--arg", "a", "--arg", "b=1"],
            'new = {cmd = "echo {{ a }} {{ b }}", args = ["a", {arg = "b", default = "1"}]}',
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_task_is_written(demo: Path, words: list[str], line: str) -> None:
    said = pixi("task", "add", *words, cwd=demo).succeeded().err
    assert said.startswith("✔ Added "), said
    text = (demo / "pixi.toml").read_text()
    assert line in text, text
    assert "# a comment that stays" in text
    names = [row["name"] for row in tasks_of(demo)["default"]]
    assert words[0] in names


@pytest.mark.parametrize(
    ("words", "table"),
    [(["-f", "extra"], "[feature.extra.tasks]"), (["-p", "win-64"], "[target.win-64.tasks]")],
)
def test_a_place_for_it(demo: Path, words: list[str], table: str) -> None:
    pixi("task", "add", "new", "echo x", *words, cwd=demo).succeeded()
    below = (demo / "pixi.toml").read_text().split(table)[1]
    assert 'new = "echo x"' in below.split("\n[")[0]
    pixi("task", "remove", "new", *words, cwd=demo).succeeded()
    assert "echo x" not in (demo / "pixi.toml").read_text()


def test_a_task_of_one_environment(demo: Path) -> None:
    """It stands in the tables of the environment alone, which becomes a table where it was a list of features."""
    path, name = demo / "pixi.toml", "extra"
    pixi("task", "add", "only-here", "echo x", "-e", name, cwd=demo).succeeded()
    found = {
        row["environment"]: [task["name"] for task in row["tasks"]]
        for row in json.loads(pixi("task", "list", "--json", cwd=demo).out)
    }
    assert found[name] == ["only-here"]
    assert "only-here" not in found["default"]
    pixi("task", "remove", "only-here", "-e", name, cwd=demo).succeeded()
    assert "only-here" not in path.read_text()
    assert "no environment 'none'" in pixi("task", "add", "x", "echo", "-e", "none", cwd=demo).failed().err


def test_an_alias(demo: Path) -> None:
    assert "✔ Added alias `both`: old, _hidden" in pixi("task", "alias", "both", "old", "_hidden", cwd=demo).err
    assert 'both = ["old", "_hidden"]' in (demo / "pixi.toml").read_text()


def test_removal_tells_who_still_needs_it(demo: Path) -> None:
    pixi("task", "alias", "both", "old", cwd=demo).succeeded()
    said = pixi("task", "remove", "old", cwd=demo).succeeded().err
    assert "✔ Removed task `old`" in said
    assert "both" in said
    assert "echo old" not in (demo / "pixi.toml").read_text()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["add", "new", "echo 'open"], 1, "the quote is not closed"),
        (["add", "two words", "true"], 1, "not a valid task name"),
        (["add", "new"], 2, "needs a command"),
        (["add", "new", "env", "--env", "A"], 2, "KEY=VALUE"),
        (["add", "new", "true", "-f", "absent"], 1, "no feature 'absent'"),
        (["add", "new", "echo", "--arg", "a=1", "--arg", "b"], 1, "b"),
        (["remove", "odl"], 1, "old"),
        (["alias", "new"], 2, "TASK"),
        (["list", "-e", "absent"], 1, "no environment 'absent'"),
        ([], 2, "add | alias | remove | list"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_changes_nothing(demo: Path, words: list[str], code: int, said: str) -> None:
    assert said in pixi("task", *words, cwd=demo).failed(code).err
    assert (demo / "pixi.toml").read_text() == HEAD


def test_lists(demo: Path) -> None:
    assert pixi("task", "list", cwd=demo).succeeded().out.splitlines() == ["Task  Description", "more  of it", "old"]
    assert pixi("task", "list", "-s", cwd=demo).succeeded().out == "more old\n"
    assert pixi("task", "list", "-s", "-e", "default", cwd=demo).succeeded().out == "old\n"
    assert tasks_of(demo)["extra"][0] == {
        "name": "more",
        "cmd": "echo more",
        "description": "of it",
        "depends_on": [],
        "args": None,
        "cwd": None,
        "env": None,
        "default_environment": None,
        "clean_env": False,
        "inputs": None,
        "outputs": None,
    }


def tasks_of(demo: Path) -> dict[str, list[dict[str, object]]]:
    """The tasks of `task list --json` by environment, whatever feature they come from."""
    found = json.loads(pixi("task", "list", "--json", cwd=demo).succeeded().out)
    return {
        environment["environment"]: [task for feature in environment["features"] for task in feature["tasks"]]
        for environment in found
    }
