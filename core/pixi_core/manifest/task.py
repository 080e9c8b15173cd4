"""What a manifest says about one task, as values. Apart from the rest of the manifest's model, because running a task
that is noted already needs nothing else of it.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..names import EnvironmentName, TaskName
from ..value import EMPTY, Value


class TaskDependency(Value):
    """A task that must run first. `args` are texts, or (name, text) for named ones; all may hold templates."""

    task: str
    args: tuple[str | tuple[str, str], ...] = ()
    environment: EnvironmentName | None = None


class TaskArgument(Value):
    """A typed argument of a task; required where `default` is None."""

    name: str
    default: str | None = None
    choices: tuple[str, ...] = ()


class Task(Value, kw_only=True):
    """A task. `command` is shell text, or a list of words that are joined as arguments; None for a mere alias.

    `args` is None where the task declares none (everything after the name is then appended).
    """

    name: TaskName
    command: str | tuple[str, ...] | None = None
    depends_on: tuple[TaskDependency, ...] = ()
    args: tuple[TaskArgument, ...] | None = None
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    env: Mapping[str, str] = EMPTY
    cwd: str | None = None
    description: str | None = None
    clean_env: bool = False
    default_environment: EnvironmentName | None = None

    @property
    def is_hidden(self) -> bool:
        """Whether listings leave it out."""
        return self.name.startswith("_")
