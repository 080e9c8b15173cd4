"""Every environment's tasks on this machine: from the manifest, or from a note that holds for this manifest.

The note is JSON: `{"for": [version, manifest digest, machine], "environments": {name: {"subdir": …, "tasks": {…}}},
"elsewhere": {task: [where]}}`; see `notes`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import EnvironmentUnavailable, PixiError, SpecError
from ..manifest.task import Task, TaskArgument, TaskDependency
from ..names import DEFAULT_ENVIRONMENT, EnvironmentName, TaskName
from ..value import Value
from . import notes

if TYPE_CHECKING:
    from ..workspace import Workspace


class Runnable(Value, kw_only=True):
    """What can be run here. `tasks`: environment → name → task, the default environment first; `subdirs`: the platform
    each environment runs as; `elsewhere`: tasks that only other platforms have, with where they are.
    """

    tasks: Mapping[str, Mapping[str, Task]]
    subdirs: Mapping[str, str]
    elsewhere: Mapping[str, tuple[str, ...]]


def runnable(workspace: Workspace) -> Runnable:
    """The tasks of a workspace. Raises `ManifestError`."""
    if workspace.platform_name is not None:
        return _from_manifest(workspace)  # the note is of the platforms that are chosen by themselves
    digest = notes.file_digest(workspace.manifest_path)
    noted = notes.read(workspace.pixi_dir, notes.TASKS_FILE)
    if noted is not None and noted.get("for") == notes.tasks_key(digest, workspace.environ):
        try:
            return _from_note(noted)
        except (KeyError, TypeError, ValueError):
            pass  # as if there were none
    found = _from_manifest(workspace)
    if (workspace.pixi_dir / notes.FOLDER).is_dir() and digest == _digest(workspace):
        _write(workspace, digest, found)
    return found


def _digest(workspace: Workspace) -> str:
    """Of the text that was parsed; a manifest that changes right now, or whose line ends are not ours, gets no note."""
    return hashlib.sha256(workspace.manifest_text.encode()).hexdigest()


def _from_manifest(workspace: Workspace) -> Runnable:
    from .installing import choose_platform

    manifest = workspace.manifest
    tasks: dict[str, dict[str, Task]] = {}
    subdirs: dict[str, str] = {}
    places: dict[str, list[str]] = {}
    for name in sorted(manifest.environments, key=lambda name: name != DEFAULT_ENVIRONMENT):
        environment = manifest.environment(name)
        for platform in environment.platforms:
            for task in environment.tasks(platform):
                places.setdefault(str(task), []).append(f"{name} on {platform.name}")
        try:
            platform = choose_platform(workspace, environment)
        except (EnvironmentUnavailable, SpecError):
            continue
        subdirs[str(name)] = platform.subdir
        tasks[str(name)] = {str(task): value for task, value in environment.tasks(platform).items()}
    here = {task for named in tasks.values() for task in named}
    elsewhere = {task: tuple(where) for task, where in places.items() if task not in here}
    return Runnable(tasks=tasks, subdirs=subdirs, elsewhere=elsewhere)


def _write(workspace: Workspace, digest: str, found: Runnable) -> None:
    from ..fs import atomic_write

    note = {
        "for": notes.tasks_key(digest, workspace.environ),
        "environments": {name: {"subdir": found.subdirs[name], "tasks": tasks} for name, tasks in found.tasks.items()},
        "elsewhere": {task: list(where) for task, where in found.elsewhere.items()},
    }
    try:
        atomic_write(
            workspace.pixi_dir / notes.FOLDER / notes.TASKS_FILE,
            json.dumps(note, default=Value.as_dict) + "\n",
            fsync=False,
        )
    except PixiError:
        return  # a workspace that cannot be written to parses its manifest every time


def _from_note(note: Mapping[str, Any]) -> Runnable:
    environments: Mapping[str, Any] = note["environments"]
    return Runnable(
        tasks={
            name: {task: _task(value) for task, value in entry["tasks"].items()} for name, entry in environments.items()
        },
        subdirs={name: str(entry["subdir"]) for name, entry in environments.items()},
        elsewhere={task: tuple(where) for task, where in note["elsewhere"].items()},
    )


def _task(value: Mapping[str, Any]) -> Task:
    command, arguments, preferred = value["command"], value["args"], value["default_environment"]
    return Task(
        name=TaskName(value["name"]),
        command=tuple(command) if isinstance(command, list) else command,
        depends_on=tuple(_dependency(entry) for entry in value["depends_on"]),
        args=None if arguments is None else tuple(_argument(entry) for entry in arguments),
        inputs=tuple(value["inputs"]),
        outputs=tuple(value["outputs"]),
        env=value["env"],
        cwd=value["cwd"],
        description=value["description"],
        clean_env=value["clean_env"],
        default_environment=None if preferred is None else EnvironmentName(preferred),
    )


def _dependency(value: Mapping[str, Any]) -> TaskDependency:
    args = tuple(entry if isinstance(entry, str) else (entry[0], entry[1]) for entry in value["args"])
    where = value["environment"]
    return TaskDependency(value["task"], args, None if where is None else EnvironmentName(where))


def _argument(value: Mapping[str, Any]) -> TaskArgument:
    return TaskArgument(value["name"], value["default"], tuple(value["choices"]))
