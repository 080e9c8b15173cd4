"""From the words of `pixi run` to the commands to run, in order. Pure: tasks come in as values, text comes out.

Rules are pixi's: the first word is a task if any environment has it (the environment is then the only one that has it,
the default one, or the one the task prefers), else a program in the default environment. Dependencies run first, each
combination of task, arguments and environment once.
"""

from __future__ import annotations

import shlex
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..errors import TaskError
from ..names import DEFAULT_ENVIRONMENT
from ..suggest import hints
from .shell import quote
from .template import render

if TYPE_CHECKING:
    from ..manifest.task import Task, TaskArgument, TaskDependency

Context = Callable[[str], Mapping[str, object]]
"""What templates see in an environment (`template.pixi_context`)."""

Environments = Mapping[str, Mapping[str, "Task"]]
"""Environment → name → task, for the environments that this machine can run."""


@dataclass(frozen=True, slots=True)
class Step:
    """One command to run. `task` is None for a program that is no task; such a step runs in the caller's folder.

    `command` is a script of the task shell with everything rendered and all arguments appended (empty for an alias),
    `env` the task's own variables in order, `inputs` and `outputs` None where the task has none.
    """

    task: str | None
    environment: str
    command: str
    description: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str | None = None
    inputs: tuple[str, ...] | None = None
    outputs: tuple[str, ...] | None = None
    clean_env: bool = False
    arguments: tuple[tuple[str, str], ...] = ()
    extra: tuple[str, ...] = ()
    needs: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Call:
    """A task with its arguments in an environment: what makes a node unique."""

    task: str
    environment: str
    arguments: tuple[tuple[str, str], ...]
    extra: tuple[str, ...]


def resolve(
    words: Sequence[str],
    environments: Environments,
    *,
    context: Context,
    environment: str | None = None,
    executable: bool = False,
    templated: bool = False,
    text: bool = False,
) -> tuple[Step, ...]:
    """The steps of `pixi run WORDS`, dependencies first; `Step.needs` are positions in the result. With `text` the
    words are no task or program, but text of the task shell as it stands.

    Raises `TaskError`: an ambiguous or unknown task, wrong arguments, a cycle, a template that cannot be rendered.
    """
    parts = (
        shlex.split(words[0])
        if len(words) == 1 and not (executable or text) and any(c.isspace() for c in words[0])
        else [*words]
    )
    if not parts:
        raise TaskError("there is nothing to run", hints=[f"tasks: {', '.join(visible_tasks(environments)) or 'none'}"])
    if environment is not None and environment not in environments:
        raise TaskError(
            f"there is no environment '{environment}' here", hints=[f"environments: {', '.join(environments)}"]
        )
    name, rest = parts[0], parts[1:]
    if executable or text or not any(name in tasks for tasks in environments.values()):
        chosen = environment or DEFAULT_ENVIRONMENT
        command = " ".join(parts if text else map(quote, parts))
        if templated:
            command = render(command, context(chosen), what="the command")
        return (Step(None, chosen, command),)
    chosen = _environment_of(name, environments, environment)
    task = environments[chosen][name]
    arguments, extra = _from_command_line(name, task, rest)
    return _ordered(_Call(name, chosen, arguments, extra), environments, context, environment)


def visible_tasks(environments: Environments) -> list[str]:
    """All task names but the hidden ones (`_name`), sorted."""
    return sorted({name for tasks in environments.values() for name in tasks if not name.startswith("_")})


def _environment_of(name: str, environments: Environments, wanted: str | None) -> str:
    having = [environment for environment, tasks in environments.items() if name in tasks]
    if wanted is not None:
        if wanted in having:
            return wanted
        if DEFAULT_ENVIRONMENT in having:
            return DEFAULT_ENVIRONMENT
        raise TaskError(
            f"the task '{name}' is not in the environment '{wanted}'", hints=[f"it is in: {', '.join(having)}"]
        )
    if len(having) == 1:
        return having[0]
    definitions = [environments[environment][name] for environment in having]
    for definition in definitions:
        if definition.default_environment in having:
            return str(definition.default_environment)
    if DEFAULT_ENVIRONMENT in having and all(definition == definitions[0] for definition in definitions):
        return DEFAULT_ENVIRONMENT
    raise TaskError(
        f"the task '{name}' is ambiguous: several environments have it",
        details=[f"  - {environment}" for environment in having],
        hints=[f"choose one: `pixi run --environment {having[0]} {name}`"],
    )


# ---------------------------------------------------------------- arguments


def _from_command_line(
    name: str, task: Task, words: Sequence[str]
) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Typed arguments take their words in order; what is behind `--` (without typed ones: everything) is appended."""
    if task.args is None or not task.args:
        return (), tuple(words[1:] if words[:1] == ["--"] else words)
    at = list(words).index("--") if "--" in words else len(words)
    given, extra = list(words[:at]), tuple(words[at + 1 :])
    if len(given) > len(task.args):
        raise TaskError(
            f"the task '{name}' takes {len(task.args)} argument(s), not {len(given)}",
            hints=[f"to append more to the command: `pixi run {name} {' '.join(given[: len(task.args)])} -- …`"],
        )
    return _bound(name, task.args, given, {}), extra


def _bound(
    name: str, declared: Sequence[TaskArgument], positional: Sequence[str], named: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    """A value for every declared argument. Raises `TaskError`."""
    unknown = set(named) - {argument.name for argument in declared}
    if unknown or len(positional) > len(declared):
        shown = f"no argument '{min(unknown)}'" if unknown else f"only {len(declared)} argument(s)"
        raise TaskError(f"the task '{name}' has {shown}", hints=[f"arguments: {', '.join(a.name for a in declared)}"])
    bound: list[tuple[str, str]] = []
    for index, argument in enumerate(declared):
        value = positional[index] if index < len(positional) else named.get(argument.name, argument.default)
        if value is None:
            raise TaskError(f"the task '{name}' needs a value for its argument '{argument.name}'")
        if argument.choices and value not in argument.choices:
            raise TaskError(
                f"'{value}' is not possible for the argument '{argument.name}' of the task '{name}'",
                hints=[f"choose one of: {', '.join(argument.choices)}"],
            )
        bound.append((argument.name, value))
    return tuple(bound)


def _of_dependency(
    dependency: TaskDependency, target: Task, context: Mapping[str, object], *, what: str
) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    positional: list[str] = []
    named: dict[str, str] = {}
    for item in dependency.args:
        if isinstance(item, str):
            positional.append(render(item, context, what=what))
        else:
            key, value = item
            named[key] = render(value, context, what=what)
    if target.args is None or not target.args:
        return (), (*positional, *(f"{key}={value}" for key, value in named.items()))
    return _bound(dependency.task, target.args, positional, named), ()


# ---------------------------------------------------------------- order


def _ordered(first: _Call, environments: Environments, context: Context, wanted: str | None) -> tuple[Step, ...]:
    """Breadth first from the first call, then dependencies before what needs them. Raises `TaskError` for a cycle."""
    needs: dict[_Call, list[_Call]] = {}
    waiting = deque([first])
    while waiting:
        call = waiting.popleft()
        if call in needs:
            continue
        task = environments[call.environment][call.task]
        values = {**context(call.environment), **dict(call.arguments)}
        needs[call] = []
        for dependency in task.depends_on:
            target = _target(dependency, call, environments, wanted)
            definition = environments[target][dependency.task]
            what = f"an argument of '{dependency.task}' in the task '{call.task}'"
            arguments, extra = _of_dependency(dependency, definition, values, what=what)
            needed = _Call(dependency.task, target, arguments, extra)
            needs[call].append(needed)
            waiting.append(needed)
    order = _topological(first, needs)
    position = {call: index for index, call in enumerate(order)}
    return tuple(
        _step(call, environments, context, tuple(sorted({position[needed] for needed in needs[call]})))
        for call in order
    )


def _target(dependency: TaskDependency, call: _Call, environments: Environments, wanted: str | None) -> str:
    """The environment of a dependency: its own, else that of the task that needs it, else wherever it is."""
    name = dependency.task
    if dependency.environment is not None:
        if name in environments.get(dependency.environment, {}):
            return dependency.environment
    elif name in environments[call.environment]:
        return call.environment
    elif any(name in tasks for tasks in environments.values()):
        return _environment_of(name, environments, None if wanted is None else DEFAULT_ENVIRONMENT)
    where = f" in the environment '{dependency.environment}'" if dependency.environment else ""
    raise TaskError(
        f"could not find the task '{name}'{where}, which the task '{call.task}' depends on",
        hints=hints(name, visible_tasks(environments)),
    )


def _topological(first: _Call, needs: Mapping[_Call, Sequence[_Call]]) -> list[_Call]:
    """Depth first without recursion, for graphs of any depth."""
    order: list[_Call] = []
    done: set[_Call] = set()
    on_path: dict[_Call, None] = {}
    stack: list[tuple[_Call, int]] = [(first, 0)]
    while stack:
        call, index = stack.pop()
        if index == 0:
            if call in done:
                continue
            on_path[call] = None
        if index < len(needs[call]):
            stack.append((call, index + 1))
            following = needs[call][index]
            if following in on_path:
                names = [one.task for one in on_path]
                cycle = [*names[names.index(following.task) :], following.task]
                raise TaskError(f"the tasks depend on each other in a circle: {' → '.join(cycle)}")
            if following not in done:
                stack.append((following, 0))
        else:
            del on_path[call]
            done.add(call)
            order.append(call)
    return order


def _step(call: _Call, environments: Environments, context: Context, needs: tuple[int, ...]) -> Step:
    task = environments[call.environment][call.task]
    values = {**context(call.environment), **dict(call.arguments)}
    what = f"the task '{call.task}'"
    command = ""
    if isinstance(task.command, str):
        command = render(task.command, values, what=f"the command of {what}")
    elif task.command is not None:
        command = " ".join(argument(render(word, values, what=f"the command of {what}")) for word in task.command)
    if command and call.extra:
        command = f"{command.rstrip()} {' '.join(quote(word) for word in call.extra)}"
    return Step(
        call.task,
        call.environment,
        command,
        description=task.description,
        env={key: render(value, values, what=f"the variable {key} of {what}") for key, value in task.env.items()},
        cwd=task.cwd,
        inputs=_globs(task.inputs, values, what=f"the inputs of {what}"),
        outputs=_globs(task.outputs, values, what=f"the outputs of {what}"),
        clean_env=task.clean_env,
        arguments=call.arguments,
        extra=call.extra,
        needs=needs,
    )


def argument(word: str) -> str:
    """An element of a `cmd` list: quoted where the shell would see more than one plain word in it."""
    plain = word and all(c.isalnum() or c in "-_./:=@%+,$" for c in word)
    return word if plain else quote(word)


def _globs(patterns: Sequence[str], values: Mapping[str, object], *, what: str) -> tuple[str, ...] | None:
    return None if not patterns else tuple(render(pattern, values, what=what) for pattern in patterns)
