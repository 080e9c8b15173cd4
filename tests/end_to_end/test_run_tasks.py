"""`pixi run`, as people call it: tasks with everything they may have, programs, exit codes, what is said."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.support.command import Ran, pixi
from tests.support.run_workspace import workspace

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-in packages are made for POSIX")

TASKS = r'''
[tasks]
hello = "echo hello"
listed = { cmd = ["echo", "two words", "$HOME"] }
greet = { cmd = "echo {{ greeting }}, {{ name }}!", args = ["name", { arg = "greeting", default = "Hello" }] }
pick = { cmd = "echo {{ mode }}", args = [{ arg = "mode", default = "fast", choices = ["fast", "slow"] }] }
first = { cmd = "echo first", description = "the first" }
second = { cmd = "echo second", depends-on = ["first"] }
third = { depends-on = ["second", { task = "greet", args = ["you"] }, { task = "greet", args = [{ name = "me" }] }] }
alias = ["hello"]
named = { cmd = "echo {{ pixi.environment.name }} {{ pixi.is_unix }} {{ pixi.init_cwd }}" }
undefined = "echo {{ nothing }}"
where = { cmd = "pwd && echo $INIT_CWD", cwd = "sub" }
here = "pwd"
secret = "echo $SECRET $FROM_ACTIVATION"
lost = { cmd = "pwd", cwd = "absent" }
variables = { cmd = "echo $GREETING $FROM_ACTIVATION", env = { GREETING = "hi $FROM_ACTIVATION" } }
code = "exit 7"
killed = "sh -c 'kill -TERM $$'"
broken = "echo 'open"
needs-missing = { cmd = "true", depends-on = ["absent-task"] }
circle = { cmd = "true", depends-on = ["round"] }
round = { cmd = "true", depends-on = ["circle"] }
fails-early = { cmd = "echo never", depends-on = ["code"] }
_hidden = "echo hidden"
clean = { cmd = "env", clean-env = true }
many = """
echo one
echo two
"""

[target.win-64.tasks]
windows-only = "echo windows"

[feature.extra.tasks]
only-extra = "echo $PIXI_ENVIRONMENT_NAME"
both = "echo $PIXI_ENVIRONMENT_NAME"
[feature.other.tasks]
both = "echo other $PIXI_ENVIRONMENT_NAME"
across = { cmd = "echo here", depends-on = [{ task = "only-extra", environment = "extra" }] }

[activation]
dotenv = [".env"]
[activation.env]
FROM_ACTIVATION = "activated"
'''
ENVIRONMENTS = '[environments]\nextra = ["extra"]\nother = ["other"]\n'


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, small_channel: Path) -> Path:
    """A workspace with all of `TASKS` in three environments."""

    folder = workspace(tmp_path_factory.mktemp("run") / "de mo", small_channel, TASKS, environments=ENVIRONMENTS)
    (folder / "sub" / "deep").mkdir(parents=True)
    return folder


@pytest.mark.parametrize(
    ("words", "out"),
    [
        (["hello"], "hello\n"),
        (["hello", "there", "it's $HOME"], "hello there it's $HOME\n"),
        (["hello", "--", "-x"], "hello -x\n"),
        (["--", "hello"], "hello\n"),
        (["hello there"], "hello there\n"),
        (["greet", "you"], "Hello, you!\n"),
        (["greet", "you", "Bye"], "Bye, you!\n"),
        (["greet", "you", "Bye", "--", "more", "words"], "Bye, you! more words\n"),
        (["pick"], "fast\n"),
        (["pick", "slow"], "slow\n"),
        (["second"], "first\nsecond\n"),
        (["--skip-deps", "second"], "second\n"),
        (["third"], "first\nsecond\nHello, you!\nHello, me!\n"),
        (["alias"], "hello\n"),
        (["variables"], "hi activated activated\n"),
        (["many"], "one\ntwo\n"),
        (["_hidden"], "hidden\n"),
        (["only-extra"], "extra\n"),
        (["-e", "extra", "both"], "extra\n"),
        (["-e", "other", "both"], "other other\n"),
        (["across"], "extra\nhere\n"),
        (["-e", "extra", "hello"], "hello\n"),
        (["-e", "extra", "sh", "-c", "echo $PIXI_ENVIRONMENT_NAME"], "extra\n"),
        (["echo", "a  b", "$HOME", "*"], "a  b $HOME *\n"),
        (["sh", "-c", "echo $0 $1", "zero", "o n e"], "zero o n e\n"),
        (["-x", "echo", "hello"], "hello\n"),
        (["--templated", "echo", "{{ pixi.environment.name }}"], "default\n"),
        (["echo", "{{ pixi.environment.name }}"], "{{ pixi.environment.name }}\n"),
        (["--dry-run", "third"], ""),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_printed(demo: Path, words: list[str], out: str) -> None:
    assert pixi("run", *words, cwd=demo).succeeded().out == out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["code"], 7, ["✨ Pixi task (code): exit 7"]),
        (["killed"], 128 + 15, []),
        (["fails-early"], 7, []),
        (["sh", "-c", "exit 5"], 5, []),
        (["false"], 1, []),
        (["no-such-program"], 127, ["no-such-program: command not found", "Available tasks:", "\thello"]),
        (["-e", "extra", "no-such-program"], 127, ["command not found"]),
        (["greet"], 1, ["needs a value for its argument 'name'"]),
        (["greet", "a", "b", "c"], 1, ["takes 2 argument(s), not 3", "--"]),
        (["pick", "middling"], 1, ["'middling'", "fast, slow"]),
        (["undefined"], 1, ["undefined", "known names: pixi"]),
        (["lost"], 1, ["absent", "does not exist"]),
        (["broken"], 1, ["the quote is not closed", "  echo 'open", "       ^"]),
        (["needs-missing"], 1, ["could not find the task 'absent-task'"]),
        (["circle"], 1, ["circle → round → circle"]),
        (["both"], 1, ["ambiguous", "  - extra", "  - other", "--environment extra"]),
        (["-e", "other", "only-extra"], 1, ["'only-extra'", "extra"]),
        (["-e", "nowhere", "hello"], 1, ["nowhere"]),
        (["windows-only"], 1, ["cannot run on this machine", "win-64"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_goes_wrong(demo: Path, words: list[str], code: int, said: list[str]) -> None:
    ran = pixi("run", *words, cwd=demo).failed(code)
    for words_said in said:
        assert words_said in ran.err, ran.err
    assert "never" not in ran.out


def test_without_a_task_the_visible_ones_are_listed(demo: Path) -> None:
    said = pixi("run", cwd=demo).succeeded().err
    assert "\tfirst  the first" in said
    assert "_hidden" not in said


def test_a_dry_run_says_what_it_would_do(demo: Path) -> None:
    said = pixi("run", "-n", "second", cwd=demo).succeeded().err
    assert said.splitlines() == ["✨ Pixi task (first): echo first: (the first)", "✨ Pixi task (second): echo second"]


def test_folders(demo: Path) -> None:
    """Tasks run in the workspace or their own folder, programs where the caller stands; both know the latter."""
    deep = demo / "sub" / "deep"
    assert pixi("run", "where", cwd=deep).succeeded().out.splitlines() == [str(demo / "sub"), str(deep)]
    assert pixi("run", "here", cwd=deep).succeeded().out.splitlines() == [str(demo)]
    assert pixi("run", "sh", "-c", "pwd; echo $INIT_CWD", cwd=deep).succeeded().out.split("\n")[:2] == [str(deep)] * 2
    ran = pixi("run", "-m", str(demo), "here", cwd=demo.parent).succeeded()
    assert ran.out.splitlines() == [str(demo)]


def test_templates_know_the_caller(demo: Path) -> None:
    ran = pixi("run", "named", cwd=demo / "sub").succeeded()
    assert ran.out == f"default True {demo / 'sub'}\n"


def variables_of(ran: Ran) -> dict[str, str]:
    """What `env` printed."""
    return dict(line.split("=", 1) for line in ran.succeeded().out.splitlines() if "=" in line)


def test_the_environment_of_a_program(demo: Path) -> None:
    found = variables_of(pixi("run", "env", cwd=demo, environ={"MINE": "kept"}))
    assert found["MINE"] == "kept"
    assert found["CONDA_PREFIX"] == str(demo / ".pixi" / "envs" / "default")
    assert found["PATH"].startswith(str(demo / ".pixi" / "envs" / "default" / "bin") + ":")
    assert found["PIXI_PROJECT_ROOT"] == str(demo)
    assert found["PIXI_PROMPT"] == "(demo) "
    assert os.access(found["PIXI_EXE"], os.X_OK)
    assert found["FROM_ACTIVATION"] == "activated"
    assert found["PIXI_IN_SHELL"] == "1"


def test_both_ways_of_starting_give_the_same_environment(demo: Path) -> None:
    """Without options a program is started by a short cut, with them by the whole command."""
    quick = variables_of(pixi("run", "env", cwd=demo))
    whole = variables_of(pixi("run", "-e", "default", "env", cwd=demo))
    assert quick == whole


@pytest.mark.parametrize("words", [["clean"], ["--clean-env", "env"]])
def test_a_clean_environment(demo: Path, words: list[str]) -> None:
    found = variables_of(pixi("run", *words, cwd=demo, environ={"MINE": "gone"}))
    assert "MINE" not in found
    assert found["FROM_ACTIVATION"] == "activated"


def test_a_task_that_was_just_written_is_found(demo: Path) -> None:
    """The note of the tasks holds for one manifest only."""
    manifest = demo / "pixi.toml"
    before = manifest.read_text()
    try:
        assert pixi("run", "hello", cwd=demo).succeeded().out == "hello\n"
        manifest.write_text(before.replace('hello = "echo hello"', 'hello = "echo changed"\ntrue = "echo a task"'))
        assert pixi("run", "hello", cwd=demo).succeeded().out == "changed\n"
        assert pixi("run", "true", cwd=demo).succeeded().out == "a task\n"
    finally:
        manifest.write_text(before)
    assert pixi("run", "true", cwd=demo).succeeded().out == ""


def test_inside_a_run_the_same_environment_goes_on(demo: Path) -> None:
    inner = 'python3 -m pixi_core.cli.main run sh -c "echo \\$PIXI_ENVIRONMENT_NAME"'
    path = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    assert pixi("run", "-e", "extra", "sh", "-c", inner, cwd=demo, environ=path).succeeded().out == "extra\n"


@pytest.mark.parametrize("words", [["sh", "-c", "echo $SECRET $FROM_ACTIVATION"], ["-e", "default", "secret"]])
def test_variables_of_a_dotenv_file(demo: Path, words: list[str]) -> None:
    """The file is read at every run; `activation.env` wins over it."""
    file = demo / ".env"
    for value in ("one", "two"):
        file.write_text(f"SECRET='$a {value}'\nFROM_ACTIVATION=never\n")
        assert pixi("run", *words, cwd=demo).succeeded().out == f"$a {value} activated\n"
    file.write_text("SECRET\n")
    assert f"{file}:1: not NAME=VALUE" in pixi("run", *words, cwd=demo).failed().err
    file.unlink()


def test_activation_scripts_run_once_while_nothing_changes(tmp_path: Path, small_channel: Path) -> None:
    """Both ways of starting remember what a script did; a change of the script, or of what it looks at, counts."""
    (tmp_path / "slow.sh").write_text('echo run >> "$PIXI_PROJECT_ROOT/log"\nexport SLOW="$LOOKED_AT"\n')
    workspace(tmp_path, small_channel, '[activation]\nscripts = ["slow.sh"]\n[tasks]\nsay = "echo $SLOW"\n')
    said = [
        pixi("run", *words, cwd=tmp_path, environ={"LOOKED_AT": looked_at}).succeeded().out.strip()
        for words, looked_at in [(["say"], "a"), (["sh", "-c", "echo $SLOW"], "a"), (["say"], "a"), (["say"], "b")]
    ]
    assert said == ["a", "a", "a", "b"]
    assert (tmp_path / "log").read_text().split() == ["run", "run"]
    (tmp_path / "slow.sh").write_text('echo again >> "$PIXI_PROJECT_ROOT/log"\n')
    pixi("run", "say", cwd=tmp_path, environ={"LOOKED_AT": "b"}).succeeded()
    assert (tmp_path / "log").read_text().split() == ["run", "run", "again"]
