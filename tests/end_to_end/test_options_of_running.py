"""Every option of `run`, `task`, `exec`, `shell`, `shell-hook` and `global`: which test shows what it does.

The options that several commands share are shown here; the table names the test of each other one.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from pixi_core.cli.parser import Parser
from pixi_core.virtual import host_subdir
from tests.support.command import pixi
from tests.support.run_workspace import workspace

from .test_config_options import CONFIG_OPTIONS

HERE = Path(__file__).parent
SHARED = {"--frozen", "--locked", "--no-install", "--as-is", "--manifest-path", "--workspace", *CONFIG_OPTIONS}
"""Shown in this module, with the registry of workspaces (`--workspace`), or with those of the configuration."""

TABLE: dict[str, dict[str, str]] = {
    "run": {
        "--environment": "run_tasks::what_is_printed",
        "--executable": "run_tasks::what_is_printed",
        "--templated": "run_tasks::what_is_printed",
        "--text": "options_of_running::text_of_the_task_shell",
        "--clean-env": "run_tasks::a_clean_environment",
        "--force-activate": "options_of_running::activation_can_be_forced",
        "--skip-deps": "run_tasks::what_is_printed",
        "--dry-run": "run_tasks::a_dry_run_says_what_it_would_do",
        "--jobs": "run_processes::independent_tasks_run_side_by_side",
        "--watch": "run_processes::a_watched_task_runs_again_when_its_input_changes",
        "--script": "run_script::a_script_from_a_file",
        "--platform": "options_of_running::run_for_a_platform",
        "--no-completions": "options_of_running::options_that_are_taken_for_the_others_sake",
    },
    "task add": {
        **dict.fromkeys(
            ("--depends-on", "--arg", "--env", "--cwd", "--description", "--default-environment", "--clean-env"),
            "run_task_command::a_task_is_written",
        ),
        "--feature": "run_task_command::a_place_for_it",
        "--platform": "run_task_command::a_place_for_it",
        "--environment": "run_task_command::a_task_of_one_environment",
    },
    "task alias": dict.fromkeys(
        ("--description", "--feature", "--environment", "--platform"),
        "options_of_running::an_alias_with_all_its_options",
    ),
    "task remove": {
        "--feature": "run_task_command::a_place_for_it",
        "--platform": "run_task_command::a_place_for_it",
        "--environment": "run_task_command::a_task_of_one_environment",
    },
    "task list": {
        **dict.fromkeys(("--environment", "--summary"), "run_task_command::lists"),
        "--json": "run_task_command::a_task_of_one_environment",
    },
    "exec": {
        "--spec": "run_shell::exec",
        "--with": "run_shell::exec",
        "--channel": "run_shell::exec",
        "--platform": "options_of_running::exec_for_another_platform",
        "--force-reinstall": "run_shell::exec_keeps_its_environments",
        "--list": "run_shell::exec_lists_what_matches",
        "--no-modify-ps1": "options_of_running::options_that_are_taken_for_the_others_sake",
    },
    "shell": {
        "--environment": "options_of_running::stale",
        "--change-ps1": "run_shell::the_prompt_can_stay_as_it_is",
        "--no-completions": "run_shell::what_the_packages_complete",
        "--force-activate": "options_of_running::activation_can_be_forced",
    },
    "shell-hook": {
        "--shell": "run_shell::a_hook_and_its_way_back",
        "--change-ps1": "run_shell::a_hook_for_somebody_who_works_in_the_shell",
        "--json": "run_shell::the_hook_as_json",
        "--environment": "options_of_running::stale",
        "--no-completions": "options_of_running::options_that_are_taken_for_the_others_sake",
        "--force-activate": "options_of_running::activation_of_a_hook_can_be_forced",
    },
    "global install": {
        "--environment": "global::one_environment_for_several",
        "--channel": "global::a_collision_is_refused_with_the_owner",
        "--platform": "global::another_platform",
        "--expose": "global::expose_and_hide",
        "--with": "global::one_environment_for_several",
        "--force-reinstall": "global::force_reinstall_puts_files_back",
        "--no-shortcuts": "global::shortcuts",
    },
    "global add": dict.fromkeys(("--environment", "--expose"), "global::add_remove_uninstall"),
    "global remove": {"--environment": "global::add_remove_uninstall"},
    "global update": dict.fromkeys(("--dry-run", "--json"), "global::update_brings_new_programs_and_fresh_activation"),
    "global list": dict.fromkeys(("--environment", "--json", "--sort-by"), "global::list_and_tree"),
    "global tree": dict.fromkeys(("--environment", "--invert"), "global::list_and_tree"),
    "global expose add": {"--environment": "global::expose_and_hide"},
    "global shortcut add": {"--environment": "global::shortcuts"},
}
MODULES = {
    "run": "run", "task": "task", "exec": "exec", "shell": "shell", "shell-hook": "shell_hook",
    "global": "global_tools",
}  # fmt: skip


def options(parser: argparse.ArgumentParser, name: str) -> Iterator[tuple[str, argparse.Action]]:
    """Every option of a command and of its parts, with the command's name; hidden ones are not meant to be used."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for part in dict.fromkeys(action.choices.values()):
                yield from options(part, str(part.prog))
        elif action.option_strings and action.dest != "help" and action.help != argparse.SUPPRESS:
            yield name, action


def declared() -> list[tuple[str, argparse.Action]]:
    """Those of all commands here."""
    found: list[tuple[str, argparse.Action]] = []
    for command, module in MODULES.items():
        parser = Parser(prog=command)
        import_module(f"pixi_core.cli.{module}").add_arguments(parser)
        found += options(parser, command)
    return found


def test_every_option_has_its_test() -> None:
    """No option is missing in the table, none in it is gone, and every test named there speaks of its option."""
    missing = []
    seen = set()
    for command, action in declared():
        names = set(action.option_strings)
        if names & SHARED:
            continue
        option = next((name for name in TABLE.get(command, {}) if name in names), None)
        if option is None or not speaks_of(TABLE[command][option], names):
            missing.append(f"{command} {action.option_strings[-1]}")
        else:
            seen.add((command, option))
    assert not missing
    assert {(command, option) for command, rows in TABLE.items() for option in rows} == seen


def speaks_of(test: str, names: set[str]) -> bool:
    """Whether a test, its parameters or the tables of its module hold one of the words."""
    module, _, function = test.partition("::")
    tree = ast.parse((HERE / f"test_{module}.py").read_text(encoding="utf-8"))
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == f"test_{function}"]
    tables = [node for node in tree.body if isinstance(node, ast.Assign)]
    if len(found) != 1:
        return False
    used = {node.id for node in ast.walk(found[0]) if isinstance(node, ast.Name)}
    meant = [found[0], *(node for node in tables if {t.id for t in node.targets if isinstance(t, ast.Name)} & used)]
    words = {
        word.partition("=")[0]
        for root in meant
        for node in ast.walk(root)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for word in node.value.split() or [""]
    }
    return bool(words & names)


# ---------------------------------------------------------------- what several commands share


@pytest.fixture(scope="module")
def stale_workspace(tmp_path_factory: pytest.TempPathFactory, small_channel: Path) -> Path:
    """Installed; the manifest has asked for more since."""
    folder = workspace(
        tmp_path_factory.mktemp("options") / "demo",
        small_channel,
        '[tasks]\nhello = "echo hello"\n',
        packages='shared = "1.*"',
        environments="[environments]\nextra = []\n",
    )
    manifest = folder / "pixi.toml"
    manifest.write_text(manifest.read_text().replace("[environments]", 'links = "*"\n[environments]'))
    return folder


COMMANDS = [["run"], *(pytest.param([name], marks=pytest.mark.slow) for name in ("shell-hook", "shell"))]
STALE = [(["--locked"], 1), (["--frozen"], 0), (["--as-is"], 0), (["--frozen", "--no-install", "--offline"], 0)]


@pytest.mark.parametrize("words", COMMANDS, ids=["run", "shell-hook", "shell"])
@pytest.mark.parametrize(("flags", "code"), STALE, ids=lambda value: " ".join(value) if isinstance(value, list) else "")
@pytest.mark.skipif(os.name == "nt", reason="shells of POSIX")
def test_stale(stale_workspace: Path, words: list[str], flags: list[str], code: int) -> None:
    """A lock file that is behind its manifest is refused, or taken as it is; nothing is changed in either case."""
    lock = (stale_workspace / "pixi.lock").read_bytes()
    rest = ["true"] if words == ["run"] else []
    environ = {"SHELL": "/bin/sh"}
    command = [*words, *flags, "--environment", "extra", "--manifest-path", str(stale_workspace), *rest]
    ran = pixi(*command, cwd=stale_workspace.parent, environ=environ)
    assert ran.code == code, ran.err
    assert ("not up-to-date" in ran.err) == (code == 1)
    assert (stale_workspace / "pixi.lock").read_bytes() == lock
    assert not (stale_workspace / ".pixi" / "envs" / "extra" / "share" / "links").exists()


def test_text_of_the_task_shell(stale_workspace: Path) -> None:
    said = pixi("run", "--frozen", "--text", "export A='b c'; echo $A | tr a-z A-Z && echo hello", cwd=stale_workspace)
    assert said.succeeded().out == "B C\nhello\n"
    assert pixi("run", "--frozen", "--text", "hello", cwd=stale_workspace).code == 127  # a program, not the task
    assert "^" in pixi("run", "--frozen", "--text", "a >", cwd=stale_workspace).failed().err


@pytest.mark.parametrize(
    ("place", "table"),
    [
        (["--feature", "more"], "[feature.more.tasks]"),
        (["--environment", "more"], "environments"),
        (["--platform", "win-64"], "[target.win-64.tasks]"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_an_alias_with_all_its_options(tmp_path: Path, place: list[str], table: str) -> None:
    text = '[workspace]\nchannels = []\nplatforms = ["linux-64", "win-64"]\n[tasks]\na = "true"\n'
    (tmp_path / "pixi.toml").write_text(text + '[feature.more.tasks]\nb = "true"\n[environments]\nmore = ["more"]\n')
    pixi("task", "alias", "both", "a", "--description", "says", *place, cwd=tmp_path).succeeded()
    found = (tmp_path / "pixi.toml").read_text()
    assert 'both = {depends-on = ["a"], description = "says"}' in found
    assert table in found


def test_exec_for_another_platform(tmp_path: Path, small_channel: Path) -> None:
    """This machine's own may be named; of another one it is said that its programs do not run here."""
    words = ("exec", "--channel", small_channel.as_uri(), "--offline", "-s", "shared", "--platform")
    rest = ("sh", "-c", "cat $CONDA_PREFIX/share/shared")
    assert pixi(*words, str(host_subdir()), *rest, cwd=tmp_path).succeeded().out == "2.0\n"
    other = "linux-64" if sys.platform == "darwin" else "osx-arm64"
    assert f"supports {other}, but this machine is" in pixi(*words, other, *rest, cwd=tmp_path).failed().err


PLATFORMS = f"""platforms = [
  {{ platform = "{host_subdir()}" }},
  {{ name = "gpu", platform = "{host_subdir()}", cuda = "12" }},
  {{ platform = "win-arm64" }},
]"""


def test_run_for_a_platform(tmp_path: Path, small_channel: Path) -> None:
    """Of several that this machine runs one may be chosen; its packages, tasks and activation are used, and it stays
    until another is asked for. One that does not run here is refused, and so is one that the environment has not.
    """
    (tmp_path / "pixi.toml").write_text(
        f"""[workspace]
channels = ["{small_channel.as_uri()}"]
{PLATFORMS}
[dependencies]
shared = "1.*"
[target.gpu.dependencies]
shared = "2.*"
[target.gpu.tasks]
only = "echo on the card"
[target.gpu.activation.env]
CARD = "yes"
"""
    )
    look = ("sh", "-c", "cat $CONDA_PREFIX/share/shared; echo $CARD")
    card = {"CONDA_OVERRIDE_CUDA": "12.4"}
    plain = pixi("run", "--", *look, cwd=tmp_path, environ=card).succeeded().out
    chosen = pixi("run", "--platform", "gpu", *look, cwd=tmp_path, environ=card).succeeded().out
    again = pixi("run", *look, cwd=tmp_path, environ=card).succeeded().out
    back = pixi("run", "-p", str(host_subdir()), *look, cwd=tmp_path, environ=card).succeeded().out
    assert [plain, chosen, again, back] == ["1.0\n\n", "2.0\nyes\n", "2.0\nyes\n", "1.0\n\n"]
    assert pixi("run", "-p", "gpu", "only", cwd=tmp_path, environ=card).succeeded().out == "on the card\n"
    refused = pixi("run", "-p", "gpu", "only", cwd=tmp_path, environ={"CONDA_OVERRIDE_CUDA": ""}).failed(1).err
    assert "'gpu' of the environment 'default' does not run on this machine" in refused
    assert "does not run" in pixi("run", "-p", "win-arm64", "true", cwd=tmp_path).failed(1).err
    assert "it has linux-64, gpu" in pixi("run", "-p", "osx-64", "true", cwd=tmp_path).failed(1).err


def test_options_that_are_taken_for_the_others_sake(tmp_path: Path, small_channel: Path) -> None:
    folder = workspace(tmp_path / "work", small_channel, "")
    assert pixi("run", "--no-completions", "echo", "a", cwd=folder).succeeded().out == "a\n"
    hook = pixi("shell-hook", "-s", "bash", cwd=folder).succeeded().out
    assert pixi("shell-hook", "-s", "bash", "--no-completions", cwd=folder).succeeded().out == hook
    words = ("exec", "--no-modify-ps1", "-c", small_channel.as_uri(), "-s", "shared", "sh", "-c", "echo $PS1")
    assert pixi(*words, cwd=folder, environ={"PS1": "mine "}).succeeded().out == "mine\n"


@pytest.mark.parametrize("place", ["option", "configuration"])
@pytest.mark.parametrize("command", [["run"], ["shell"]], ids=["run", "shell"])
def test_activation_can_be_forced(tmp_path: Path, small_channel: Path, command: list[str], place: str) -> None:
    """A script whose outcome depends on the day is otherwise run once."""
    folder = workspace(tmp_path / "work", small_channel, '[activation]\nscripts = ["count.sh"]')
    (folder / "count.sh").write_text("echo once >> count\nexport COUNT=$(wc -l < count)\n")
    words = [*command, *(["sh", "-c", "echo $COUNT"] if command == ["run"] else [])]
    environ = {"SHELL": "/bin/sh"}
    option = ["--force-activate"] if place == "option" else []
    counts = [pixi(*words, cwd=folder, environ=environ, typed="echo $COUNT\n").succeeded().out for _ in range(2)]
    if place == "configuration":
        (folder / ".pixi" / "config.toml").write_text("[shell]\nforce-activate = true\n")
        # what was prepared before is not looked at again, but for a change of what it was prepared from
        (folder / "pixi.toml").write_text((folder / "pixi.toml").read_text() + "# changed\n")
    forced = [*command, *option, *words[len(command) :]]
    counts += [pixi(*forced, cwd=folder, environ=environ, typed="echo $COUNT\n").succeeded().out for _ in range(2)]
    assert [count.strip() for count in counts] == ["1", "1", "2", "3"]


def test_activation_of_a_hook_can_be_forced(tmp_path: Path, small_channel: Path) -> None:
    """Its script is run by the shell in any case; what `--json` says comes from an earlier run, unless it is forced."""
    folder = workspace(tmp_path / "work", small_channel, '[activation]\nscripts = ["count.sh"]')
    (folder / "count.sh").write_text("echo once >> count\nexport COUNT=$(wc -l < count)\n")
    hooks = [
        json.loads(pixi("shell-hook", "--json", *option, cwd=folder).succeeded().out)["environment_variables"]["COUNT"]
        for option in ([], [], ["--force-activate"])
    ]
    assert [count.strip() for count in hooks] == ["1", "1", "2"]
