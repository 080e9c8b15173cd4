"""`pixi task`: tasks written into the manifest, taken out of it, and listed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import TaskError
from ..fs import atomic_write
from ..names import DEFAULT_ENVIRONMENT, DEFAULT_FEATURE, task_name

if TYPE_CHECKING:
    from ..manifest.model import Content
    from ..manifest.task import Task
    from ..workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTask:
    """A task to write. `command` are its words: one is shell text as it stands, several are quoted and joined."""

    name: str
    command: Sequence[str] = ()
    depends_on: Sequence[str] = ()
    args: Sequence[str] = ()
    env: dict[str, str] = field(default_factory=dict)
    cwd: str | None = None
    description: str | None = None
    default_environment: str | None = None
    clean_env: bool = False

    @property
    def text(self) -> str:
        """The shell text."""
        from ..tasks.graph import argument

        return self.command[0] if len(self.command) == 1 else " ".join(map(argument, self.command))


def add_task(
    workspace: Workspace,
    task: NewTask,
    *,
    feature: str = DEFAULT_FEATURE,
    platform: str | None = None,
    environment: str | None = None,
) -> None:
    """Write a task, in place of one of that name. Raises `TaskError` for a command that the task shell cannot read,
    `ManifestError` for what cannot stand in a manifest.
    """
    from ..tasks.shell import parse
    from ..tasks.template import is_template

    if task.command and not is_template(task.text):
        parse(task.text)
    _edit(workspace, str(task_name(task.name)), manifest_value(task), feature, platform, environment)


def manifest_value(task: NewTask) -> str | list[Any] | dict[str, Any]:
    """The shortest form in which the manifest can say it."""
    table: dict[str, Any] = {}
    if task.command:
        table["cmd"] = task.text
    if task.depends_on:
        table["depends-on"] = list(task.depends_on)
    if task.args:
        table["args"] = [_argument(text) for text in task.args]
    plain = {"env": task.env, "cwd": task.cwd, "description": task.description}
    table |= {key: value for key, value in plain.items() if value}
    if task.default_environment:
        table["default-environment"] = task.default_environment
    if task.clean_env:
        table["clean-env"] = True
    if list(table) == ["cmd"]:
        return str(table["cmd"])
    return table["depends-on"] if list(table) == ["depends-on"] else table


def _argument(text: str) -> str | dict[str, str]:
    name, given, default = text.partition("=")
    return {"arg": name, "default": default} if given else name


def remove_tasks(
    workspace: Workspace,
    names: Sequence[str],
    *,
    feature: str = DEFAULT_FEATURE,
    platform: str | None = None,
    environment: str | None = None,
) -> dict[str, list[str]]:
    """Take tasks out; the result says for each which others still depend on it. Raises `ManifestError`."""
    from ..manifest.edit import ManifestEditor

    editor = ManifestEditor(workspace.manifest_text, workspace.manifest.kind)
    for name in names:
        editor.remove_task(name, feature=feature, platform=platform, environment=_own(workspace, environment))
    users: dict[str, list[str]] = {}
    for declared in workspace.manifest.features.values():
        for content in declared.contents:
            for task in content.tasks.values():
                for dependency in task.depends_on:
                    if dependency.task in names and task.name not in names:
                        users.setdefault(dependency.task, []).append(str(task.name))
    _write(workspace, editor.text)
    return users


def _own(workspace: Workspace, environment: str | None) -> str | None:
    """The environment whose own tables are meant. What is in the tables of the default one is the default feature's.
    Raises `ManifestError`.
    """
    if environment is None or environment == DEFAULT_ENVIRONMENT:
        return None
    return workspace.environment_name(environment)


def _edit(
    workspace: Workspace, name: str, value: Any, feature: str, platform: str | None, environment: str | None
) -> None:
    from ..manifest.edit import ManifestEditor

    if feature != DEFAULT_FEATURE and feature not in workspace.manifest.features:
        known = ", ".join(workspace.manifest.features)
        raise TaskError(
            f"{workspace.manifest_path} has no feature '{feature}'",
            hints=[f"features: {known}", f"or declare [feature.{feature}] and an environment that uses it"],
        )
    editor = ManifestEditor(workspace.manifest_text, workspace.manifest.kind)
    editor.add_task(name, value, feature=feature, platform=platform, environment=_own(workspace, environment))
    _write(workspace, editor.text)


def _write(workspace: Workspace, text: str) -> None:
    workspace.parse(text)  # nothing is written that could not be read back
    atomic_write(workspace.manifest_path, text)


# ---------------------------------------------------------------- listing


def list_tasks(workspace: Workspace, environment: str | None = None) -> list[dict[str, Any]]:
    """The JSON of pixi: for each environment its features with their tasks. Raises `ManifestError`."""
    manifest = workspace.manifest
    names = [workspace.environment_name(environment)] if environment is not None else list(manifest.environments)
    return [_environment(workspace, name) for name in names]


def _environment(workspace: Workspace, name: str) -> dict[str, Any]:
    from .task_notes import runnable

    environment = workspace.manifest.environment(name)
    subdir = runnable(workspace).subdirs.get(name, "")
    platform = next((found for found in environment.platforms if found.subdir == subdir), None)
    here = {} if platform is None else environment.tasks(platform)
    features = []
    inline: list[dict[str, Any]] = []
    for feature in environment.features:
        wanted = [here[task] for task in _declared(feature.contents) if task in here]
        rows = [task_json(task) for task in wanted]
        if feature is workspace.manifest.environments[environment.name].inline:
            inline = rows
        else:
            features.append({"name": str(feature.name), "tasks": rows})
    return {"environment": str(environment.name), "tasks": inline, "features": features}


def _declared(contents: Sequence[Content]) -> list[Any]:
    return list(dict.fromkeys(name for content in contents for name in content.tasks))


def task_json(task: Task) -> dict[str, Any]:
    """A task with the keys of pixi's `task list --json`."""
    return {
        "name": str(task.name),
        "cmd": list(task.command) if isinstance(task.command, tuple) else task.command,
        "description": task.description,
        "depends_on": [
            {
                "task_name": dependency.task,
                "args": [arg if isinstance(arg, str) else {arg[0]: arg[1]} for arg in dependency.args] or None,
                "environment": dependency.environment,
            }
            for dependency in task.depends_on
        ],
        "args": [
            {"name": argument.name, "default": argument.default, "choices": list(argument.choices) or None}
            for argument in task.args
        ]
        if task.args is not None
        else None,
        "cwd": task.cwd,
        "env": dict(task.env) or None,
        "default_environment": task.default_environment,
        "clean_env": task.clean_env,
        "inputs": list(task.inputs) or None,
        "outputs": list(task.outputs) or None,
    }
