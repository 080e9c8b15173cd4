"""Global options stand before the command or behind it, and options stand between positional words, as with pixi."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pixi_core.cli.commands import COMMANDS
from tests.support.command import pixi

MANIFEST = """[workspace]
channels = []
name = "demo"
platforms = ["linux-64"]

[tasks]
say = "echo said"
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "pixi.toml").write_text(MANIFEST)
    return tmp_path


@pytest.mark.parametrize("option", ["-q", "--quiet", "-qq"])
def test_quiet_before_and_behind(option: str, workspace: Path) -> None:
    loud = pixi("workspace", "name", "set", "other", cwd=workspace).succeeded()
    assert "other" in loud.err
    words = ["workspace", "name", "set", "demo"]
    for place in range(len(words) + 1):
        ran = pixi(*words[:place], option, *words[place:], cwd=workspace).succeeded()
        assert ran.err == "", ran.words


def test_verbose_and_quiet_count_together(workspace: Path) -> None:
    ran = pixi("-q", "workspace", "name", "set", "demo", "-v", cwd=workspace).succeeded()
    assert "demo" in ran.err


@pytest.mark.parametrize("place", [0, 1])
def test_color_before_and_behind(place: int, workspace: Path) -> None:
    words = ["list", "--environment", "none"]
    free = {"NO_COLOR": "", "FORCE_COLOR": "", "CLICOLOR_FORCE": ""}
    plain = pixi(*words, cwd=workspace, environ=free).failed()
    colored = pixi(*words[:place], "--color", "always", *words[place:], cwd=workspace, environ=free).failed()
    assert "\x1b[31m" not in plain.err
    assert "\x1b[31m" in colored.err
    assert "choose from" in pixi(*words, "--color=sometimes", cwd=workspace).failed(2).err


def test_behind_a_task_they_are_its_arguments(workspace: Path) -> None:
    assert pixi("run", "-q", "say", cwd=workspace).succeeded().err == ""
    assert pixi("run", "say", "-q", "--no-progress", cwd=workspace).succeeded().out == "said -q --no-progress\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_and_shows_them(command: str, workspace: Path) -> None:
    shown = pixi(command, "-v", "--no-progress", "--color", "never", "--help", cwd=workspace).succeeded().out
    assert all(option in shown for option in ("--verbose", "--quiet", "--no-progress", "--color"))


@pytest.mark.parametrize(
    "words",
    [
        "add --pypi aa -f t bb --no-install",
        "add aa --feature=t --pypi bb --no-install",
        "add -ft aa --pypi --no-install -- bb",
    ],
)
def test_options_between_names(words: str, workspace: Path) -> None:
    pixi(*words.split(), cwd=workspace).succeeded()
    text = (workspace / "pixi.toml").read_text()
    assert '[feature.t.pypi-dependencies]\naa = "*"\nbb = "*"\n' in text
    pixi("remove", "--pypi", "aa", "-f", "t", "bb", "--no-install", cwd=workspace).succeeded()
    assert "aa" not in (workspace / "pixi.toml").read_text()


def test_nothing_found_is_an_empty_list_and_exit_code_1(workspace: Path) -> None:
    ran = pixi("list", "nosuch", "--json", cwd=workspace).failed()
    assert (json.loads(ran.out), ran.err) == ([], "")
    assert "no packages found" in pixi("list", "nosuch", cwd=workspace).failed().err
