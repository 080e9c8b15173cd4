"""Running steps: folders, variables, order, failure, caching, several at once, signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from pixi_core.errors import TaskError
from pixi_core.progress import Reporter
from pixi_core.tasks.cache import matching
from pixi_core.tasks.graph import Step
from pixi_core.tasks.run import Surroundings, command_not_found, run_task_graph

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the programs of these cases are those of Unix")


class Heard(Reporter):
    def __init__(self) -> None:
        self.texts: list[str] = []

    def message(self, text: str) -> None:
        self.texts.append(text)

    warning = message


@pytest.fixture
def around(tmp_path: Path) -> Surroundings:
    (tmp_path / "sub").mkdir()

    def activated(environment: str, clean: bool) -> Mapping[str, str]:
        return {"PATH": os.environ["PATH"], "WHERE": environment, "CLEAN": str(clean)}

    return Surroundings(
        root=tmp_path,
        folder=tmp_path / "sub",
        activated=activated,
        digest=lambda environment: f"digest of {environment}",
        cache=tmp_path / ".pixi/task-cache-v0",
        reporter=Heard(),
    )


def heard(around: Surroundings) -> list[str]:
    assert isinstance(around.reporter, Heard)
    return around.reporter.texts


def test_tasks_run_in_the_root_and_programs_where_the_caller_is(around: Surroundings) -> None:
    steps = [
        Step(
            "a",
            "test",
            "pwd > a; echo $WHERE $INIT_CWD $CLEAN $K $L > b",
            env={"K": "k$WHERE", "L": "$(echo l)"},
            description="why",
        ),
        Step("c", "default", "pwd > c", cwd="sub", clean_env=True),
        Step(None, "default", "'pwd' > d"),
        Step("alias", "default", ""),
    ]
    assert run_task_graph(steps, around) == 0
    root = around.root
    assert (root / "a").read_text() == f"{root}\n"
    assert (root / "b").read_text() == f"test {root}/sub False ktest l\n"
    assert (root / "sub/c").read_text() == f"{root}/sub\n"
    assert (root / "sub/d").read_text() == f"{root}/sub\n"
    assert heard(around)[0].startswith("✨ Pixi task (a in test): pwd > a; ")
    assert heard(around)[0].endswith(": (why)")
    assert len(heard(around)) == 2


@pytest.mark.parametrize(
    ("value", "expected"),
    [("a b", "a b"), ('say "x"', 'say "x"'), ("end\\", "end\\"), ("$WHERE/x", "default/x"), ("it's *", "it's *")],
)
def test_variables_of_tasks(around: Surroundings, value: str, expected: str) -> None:
    step = Step("a", "default", 'echo "$VALUE" > out', env={"VALUE": value})
    assert run_task_graph([step], around) == 0
    assert (around.root / "out").read_text() == expected + "\n"


@pytest.mark.parametrize("jobs", [1, 3])
def test_the_first_failure_ends_the_run(around: Surroundings, jobs: int) -> None:
    steps = [Step("a", "default", "exit 7"), Step("b", "default", "echo > b", needs=(0,))]
    assert run_task_graph(steps, around, jobs=jobs) == 7
    assert not (around.root / "b").exists()


def test_independent_steps_run_side_by_side(around: Surroundings) -> None:
    # each waits for what the other writes: in a row, this would never end
    os.mkfifo(around.root / "one")
    os.mkfifo(around.root / "two")
    steps = [
        Step("a", "default", "echo x > one; cat two"),
        Step("b", "default", "cat one; echo y > two"),
        Step("c", "default", "echo done > three", needs=(0, 1)),
    ]
    assert run_task_graph(steps, around, jobs=2) == 0
    assert (around.root / "three").read_text() == "done\n"


def test_nothing_runs_where_one_command_cannot_be_read(around: Surroundings) -> None:
    with pytest.raises(TaskError, match="not closed"):
        run_task_graph([Step("a", "default", "echo > a"), Step("b", "default", "echo 'x")], around)
    assert not (around.root / "a").exists()


def test_dry_run_only_tells(around: Surroundings) -> None:
    assert run_task_graph([Step("a", "default", "echo > a")], around, dry_run=True) == 0
    assert heard(around) == ["✨ Pixi task (a): echo > a"]
    assert not (around.root / "a").exists()


def test_a_folder_that_is_missing(around: Surroundings) -> None:
    with pytest.raises(TaskError, match="does not exist"):
        run_task_graph([Step("a", "default", "true", cwd="none")], around)


def test_tasks_are_skipped_until_something_changes(around: Surroundings) -> None:
    root = around.root
    (root / "in.txt").write_text("1")
    step = Step("a", "default", "echo x >> log; cp in.txt out.txt", inputs=("*.txt", "!out.txt"), outputs=("out.txt",))

    def runs(step: Step, surroundings: Surroundings = around) -> int:
        assert run_task_graph([step], surroundings) == 0
        return len((root / "log").read_text().splitlines())

    assert [runs(step), runs(step)] == [1, 1]
    assert heard(around)[-1] == "Task 'a' can be skipped (cache hit) 🚀"
    (root / "in.txt").write_text("2")
    assert [runs(step), runs(step)] == [2, 2]
    (root / "out.txt").unlink()
    assert [runs(step), runs(step)] == [3, 3]
    assert runs(step, replace(around, digest=lambda environment: "other packages")) == 4
    assert runs(replace(step, command=step.command + " ")) == 5
    for path in around.cache.iterdir():
        path.write_text("{")
    assert [runs(step), runs(step)] == [6, 6]
    nothing = replace(step, inputs=("*.none",))
    assert [runs(nothing), runs(nothing)] == [7, 8]
    assert "match no file" in heard(around)[-1]


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["*.py"], ["a.py"]),
        (["**/*.py"], ["a.py", "src/b.py", "src/deep/c.py"]),
        (["src"], ["src/b.py", "src/deep/c.py"]),
        (["./src/**", "!src/deep"], ["src/b.py"]),
        (["**"], ["a.py", "src/b.py", "src/deep/c.py"]),
        ([".pixi/x"], [".pixi/x"]),
        (["none"], []),
    ],
)
def test_patterns(patterns: list[str], expected: list[str], tmp_path: Path) -> None:
    for name in ("a.py", "src/b.py", "src/deep/c.py", ".pixi/x", ".git/y"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert matching(patterns, tmp_path) == expected


def test_what_a_wrong_word_is_answered_with() -> None:
    error = command_not_found("biuld", ["build", "test"])
    assert error.exit_code == 127
    assert error.details == ("Available tasks:", "  build", "  test")
    assert error.hints == ("did you mean `build`?",)


RUNNER = """
import os, sys
from pathlib import Path
from pixi_core.tasks.graph import Step
from pixi_core.tasks.run import Surroundings, run_task_graph
here = Path.cwd()
around = Surroundings(root=here, folder=here, activated=lambda e, c: dict(os.environ), digest=lambda e: "", cache=here)
step = Step("a", "default", "sh -c 'echo $$; exec sleep 100'; echo after")
sys.exit(run_task_graph([step, step], around))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_reach_the_programs(number: signal.Signals, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", RUNNER], cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        process.send_signal(number)
        rest = process.stdout.read()
        assert process.wait(20) == 128 + number or process.returncode == 130
    assert rest == ""
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
