"""From the words of `pixi run` to ordered steps: environments, arguments, templates, dependencies, cycles."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pytest

from pixi_core.errors import TaskError
from pixi_core.manifest.task import Task as ManifestTask
from pixi_core.manifest.task import TaskArgument, TaskDependency
from pixi_core.names import EnvironmentName, TaskName
from pixi_core.tasks.graph import Step, resolve, visible_tasks
from pixi_core.tasks.template import pixi_context


def Argument(name: str, default: str | None = None, choices: tuple[str, ...] = ()) -> TaskArgument:  # noqa: N802 - as a type
    return TaskArgument(name, default, choices)


def Dependency(  # noqa: N802 - as a type
    task: str, args: tuple[str | tuple[str, str], ...] = (), environment: str | None = None
) -> TaskDependency:
    return TaskDependency(task, args, None if environment is None else EnvironmentName(environment))


def Task(command: str | tuple[str, ...] | None = None, **fields: Any) -> ManifestTask:  # noqa: N802 - as a type
    return ManifestTask(name=TaskName("task"), command=command, **fields)


GREET = Task("echo {{ who }}-{{ how }}", args=(Argument("who"), Argument("how", "hi", ("hi", "bye"))))
TASKS: dict[str, ManifestTask] = {
    "build": Task("make"),
    "test": Task("pytest", depends_on=(Dependency("build"), Dependency("lint"))),
    "lint": Task("ruff", depends_on=(Dependency("build"),)),
    "all": Task(None, depends_on=(Dependency("test"), Dependency("lint"))),
    "list": Task(("echo", "a b", "$HOME", "x")),
    "greet": GREET,
    "greet-all": Task(
        "echo {{ n }}",
        args=(Argument("n", "1"),),
        depends_on=(Dependency("greet", ("a{{ n }}",)), Dependency("greet", (("who", "b"), ("how", "bye")))),
    ),
    "plain": Task("echo plain"),
    "to-plain": Task(None, depends_on=(Dependency("plain", ("x", ("k", "v"))),)),
    "where": Task(
        "echo {{ pixi.platform }} {{ pixi.environment.name }} {{ 'w' if pixi.is_win else 'u' }}",
        env={"E": "{{ pixi.version }}"},
    ),
    "bad": Task("echo {{ nothing }}"),
    "worse": Task("echo {{ nothing"),
    "files": Task("x", inputs=("{{ pixi.environment.name }}/*.c",), outputs=()),
    "a": Task("a", depends_on=(Dependency("b"),)),
    "b": Task("b", depends_on=(Dependency("c"),)),
    "c": Task("c", depends_on=(Dependency("b"),)),
    "lost": Task("x", depends_on=(Dependency("buidl"),)),
    "far": Task("x", depends_on=(Dependency("only-cuda"), Dependency("build", environment="cuda"))),
    "_hidden": Task("x"),
}
ENVIRONMENTS = {
    "default": TASKS,
    "cuda": {**TASKS, "only-cuda": Task("nvcc"), "differs": Task("c"), "prefers": Task("p", default_environment="cpu")},
    "cpu": {"differs": Task("d"), "prefers": Task("p", default_environment="cpu"), "build": Task("make")},
}


def context(environment: str) -> Mapping[str, object]:
    return pixi_context(
        platform="linux-64", environment=environment, manifest_path="/w/pixi.toml", version="0.1", init_cwd="/w/sub"
    )


def steps(
    *words: str, environment: str | None = None, executable: bool = False, templated: bool = False
) -> tuple[Step, ...]:
    return resolve(
        words, ENVIRONMENTS, context=context, environment=environment, executable=executable, templated=templated
    )


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("build",), [("build", "default", "make")]),
        (("test",), [("build", "default", "make"), ("lint", "default", "ruff"), ("test", "default", "pytest")]),
        (
            ("all",),
            [
                ("build", "default", "make"),
                ("lint", "default", "ruff"),
                ("test", "default", "pytest"),
                ("all", "default", ""),
            ],
        ),
        (("list",), [("list", "default", "echo 'a b' $HOME x")]),
        (("build", "-j", "it's"), [("build", "default", "make '-j' 'it'\"'\"'s'")]),
        (("build", "--", "--x"), [("build", "default", "make '--x'")]),
        (("build -j 2",), [("build", "default", "make '-j' '2'")]),
        (("greet", "you"), [("greet", "default", "echo you-hi")]),
        (("greet", "you", "bye", "--", "more"), [("greet", "default", "echo you-bye 'more'")]),
        (
            ("greet-all",),
            [
                ("greet", "default", "echo a1-hi"),
                ("greet", "default", "echo b-bye"),
                ("greet-all", "default", "echo 1"),
            ],
        ),
        (("to-plain",), [("plain", "default", "echo plain 'x' 'k=v'"), ("to-plain", "default", "")]),
        (("where",), [("where", "default", "echo linux-64 default u")]),
        (("only-cuda",), [("only-cuda", "cuda", "nvcc")]),
        (("prefers",), [("prefers", "cpu", "p")]),
        (("far",), [("only-cuda", "cuda", "nvcc"), ("build", "cuda", "make"), ("far", "default", "x")]),
        (("ls", "-l", "a b"), [(None, "default", "'ls' '-l' 'a b'")]),
        (("echo 'a b' c",), [(None, "default", "'echo' 'a b' 'c'")]),
        (("echo", "{{ x }}"), [(None, "default", "'echo' '{{ x }}'")]),
    ],
)
def test_steps(words: tuple[str, ...], expected: list[tuple[str | None, str, str]]) -> None:
    assert [(step.task, step.environment, step.command) for step in steps(*words)] == expected


def test_a_chosen_environment() -> None:
    assert [step.environment for step in steps("test", environment="cuda")] == ["cuda"] * 3
    assert steps("plain", environment="cpu")[0].environment == "default"
    assert steps("ls", environment="cuda")[0].environment == "cuda"
    assert steps("build", environment="cpu")[0].environment == "cpu"


def test_executables_and_templated_commands() -> None:
    assert steps("build", executable=True)[0] == Step(None, "default", "'build'")
    assert steps("echo", "{{ pixi.platform }}", templated=True)[0].command == "'echo' 'linux-64'"


def test_everything_of_a_task_is_rendered() -> None:
    (step,) = steps("where", environment="cuda")
    assert step.env == {"E": "0.1"}
    (step,) = steps("files", environment="cuda")
    assert step.inputs == ("cuda/*.c",)
    assert step.outputs is None


def test_needs_are_positions() -> None:
    assert [step.needs for step in steps("all")] == [(), (0,), (0, 1), (1, 2)]


@pytest.mark.parametrize(
    ("words", "environment", "message", "hint"),
    [
        (("differs",), None, "ambiguous", "--environment cuda"),
        (("only-cuda",), "cpu", "not in the environment 'cpu'", "it is in: cuda"),
        (("build",), "none", "no environment 'none'", "environments: default, cuda, cpu"),
        ((), None, "nothing to run", "build"),
        (("greet",), None, "needs a value for its argument 'who'", ""),
        (("greet", "a", "ciao"), None, "'ciao' is not possible", "choose one of: hi, bye"),
        (("greet", "a", "hi", "b"), None, "takes 2 argument(s), not 3", "pixi run greet a hi -- "),
        (("a",), None, "in a circle: b → c → b", ""),
        (("lost",), None, "could not find the task 'buidl'", "did you mean `build`?"),
        (("bad",), None, "the command of the task 'bad' cannot be rendered", "known names: pixi"),
        (("worse",), None, "the command of the task 'worse' cannot be rendered", ""),
    ],
)
def test_mistakes(words: tuple[str, ...], environment: str | None, message: str, hint: str) -> None:
    with pytest.raises(TaskError) as caught:
        steps(*words, environment=environment)
    assert message in caught.value.message
    assert hint in " ".join(caught.value.hints)


def test_hidden_tasks_are_not_listed() -> None:
    assert "_hidden" not in visible_tasks(ENVIRONMENTS)
    assert steps("_hidden")[0].command == "x"


def test_a_thousand_tasks_in_a_row() -> None:
    row = {f"t{n}": Task(f"echo {n}", depends_on=(Dependency(f"t{n + 1}"),) if n < 999 else ()) for n in range(1000)}
    started = time.perf_counter()
    found = resolve(["t0"], {"default": row}, context=context)
    assert time.perf_counter() - started < 2
    assert [step.task for step in found[:2]] == ["t999", "t998"]
    assert len(found) == 1000
