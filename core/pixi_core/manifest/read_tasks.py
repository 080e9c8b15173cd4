"""`[tasks]`: commands, their dependencies and arguments."""

from __future__ import annotations

import re
from typing import Any

from ..names import EnvironmentName, TaskName, environment_name, task_name
from .table import Table
from .task import Task, TaskArgument, TaskDependency

_KEYS = (
    "cmd", "depends-on", "depends_on", "args", "inputs", "outputs", "env", "cwd", "description", "clean-env",
    "default-environment",
)  # fmt: skip
_ARGUMENT = re.compile(r"[a-zA-Z_][a-zA-Z\d_]*\Z")


def read_tasks(table: Table) -> dict[TaskName, Task]:
    """Every task of a table."""
    found: dict[TaskName, Task] = {}
    for key, value in table.data.items():
        name = table.convert(key, lambda key=key: task_name(key), at_key=True)  # type: ignore[misc]  # bound now
        if name is None:
            continue
        if isinstance(value, str):
            found[name] = Task(name=name, command=value)
        elif isinstance(value, list):
            found[name] = Task(name=name, depends_on=_dependencies(table, key))
        elif isinstance(value, dict):
            found[name] = _task(name, table.table(key))
        else:
            table.wrong(key, f"the task `{key}` must be a string, a list of tasks or a table")
    return found


def _task(name: TaskName, table: Table) -> Task:
    table.allow(_KEYS, where=f"the task `{name}`")
    depends = "depends-on" if "depends-on" in table else "depends_on"
    env = table.table("env")
    default = table.get("default-environment", str)
    return Task(
        name=name,
        command=_command(table),
        depends_on=_dependencies(table, depends),
        args=_arguments(table) if "args" in table else None,
        inputs=table.texts("inputs") or (),
        outputs=table.texts("outputs") or (),
        env={key: text for key in env.data if (text := env.get(key, str)) is not None},
        cwd=table.get("cwd", str),
        description=table.get("description", str),
        clean_env=table.get("clean-env", bool) or False,
        default_environment=EnvironmentName(default) if default else None,
    )


def _command(table: Table) -> str | tuple[str, ...] | None:
    value = table.data.get("cmd")
    if isinstance(value, list):
        return table.texts("cmd")
    if value is None or isinstance(value, str):
        return value
    table.wrong("cmd", "`cmd` must be a string or a list of strings")
    return None


def _dependencies(table: Table, key: str) -> tuple[TaskDependency, ...]:
    value = table.data.get(key)
    entries = value if isinstance(value, list) else [] if value is None else [value]
    found: list[TaskDependency] = []
    for position, entry in enumerate(entries):
        path = (*table.path, key, position) if isinstance(value, list) else (*table.path, key)
        if isinstance(entry, str):
            found.append(TaskDependency(entry))
        elif isinstance(entry, dict):
            found += _dependency(Table(entry, path, table.problems))
        else:
            table.problems.add(path, f"`{key}` holds names of tasks, and tables with `task`")
    return tuple(found)


def _dependency(table: Table) -> list[TaskDependency]:
    table.allow(("task", "args", "environment"), where="a dependency of a task")
    name = table.get("task", str)
    if name is None:
        if "task" not in table:
            table.problems.add(table.path, "a dependency of a task needs `task`")
        return []
    args: list[str | tuple[str, str]] = []
    for position, item in enumerate(table.get("args", list) or []):
        if isinstance(item, str):
            args.append(item)
        elif isinstance(item, dict) and len(item) == 1 and all(isinstance(text, str) for text in item.values()):
            args += [(str(key), str(text)) for key, text in item.items()]
        else:
            table.problems.add((*table.path, "args", position), 'an argument is a string or `{ name = "value" }`')
    written = table.get("environment", str)
    environment = None if written is None else table.convert("environment", lambda: environment_name(written))
    return [TaskDependency(name, tuple(args), environment)]


def _arguments(table: Table) -> tuple[TaskArgument, ...]:
    found: list[TaskArgument] = []
    for position, item in enumerate(table.get("args", list) or []):
        at = Table(item if isinstance(item, dict) else {}, (*table.path, "args", position), table.problems)
        argument = TaskArgument(item) if isinstance(item, str) else _argument(item, at)
        if argument is None:
            continue
        problem = _argument_problem(argument, found)
        if problem:
            table.problems.add(at.path, problem)
        found.append(argument)
    return tuple(found)


def _argument(item: Any, at: Table) -> TaskArgument | None:
    if not isinstance(item, dict):
        at.problems.add(at.path, "an argument is a name or a table with `arg`")
        return None
    at.allow(("arg", "default", "choices"), where="an argument of a task")
    name = at.get("arg", str)
    if name is None:
        if "arg" not in at:
            at.problems.add(at.path, "an argument needs `arg`, its name")
        return None
    return TaskArgument(name, at.get("default", str), at.texts("choices") or ())


def _argument_problem(argument: TaskArgument, before: list[TaskArgument]) -> str | None:
    if not _ARGUMENT.match(argument.name) or argument.name == "pixi":
        return f"'{argument.name}' cannot be the name of an argument (letters, digits, `_`; not `pixi`)"
    if any(other.name == argument.name for other in before):
        return f"the argument '{argument.name}' is there twice"
    if argument.default is None and before and before[-1].default is not None:
        return f"the argument '{argument.name}' needs a default, because the one before it has one"
    if argument.choices and argument.default is not None and argument.default not in argument.choices:
        return f"the default '{argument.default}' of '{argument.name}' is not one of its choices"
    return None
