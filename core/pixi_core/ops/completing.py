"""What a word of a command line may become, for Tab in a shell: names that the workspace, its lock file and the caches
have. Nothing is asked of the network, and nothing changes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from .known_names import MOST, known_names

if TYPE_CHECKING:
    from ..workspace import Workspace

NEW = frozenset(["add", "search"])
"""Commands that take names of packages which are not there yet."""
PRESENT = frozenset(["remove", "list", "update", "upgrade", "tree", "why", "reinstall"])
"""Commands that take names of packages of an environment."""
_EXPLICIT = frozenset(["remove", "upgrade"])
OPTIONS = ("--environment", "--feature", "--platform")
"""Options whose values are names of the workspace."""
_SHORT = {"-e": "--environment", "-f": "--feature", "-p": "--platform"}
_PLAIN = re.compile(r"[\w.+:/-]+\Z")
"""What a shell takes as one word, whatever stands around it: a manifest is somebody's, and its names are typed for
the user.
"""


def completions(workspace: Workspace, command: str, before: Sequence[str], part: str) -> list[str]:
    """What `part` may become behind `pixi COMMAND BEFORE…`, sorted; nothing where only files or options fit. `command`
    is no alias. Raises what reading manifest and lock file raises.
    """
    previous = before[-1] if before else ""
    found = _of_option(workspace, _SHORT.get(previous, previous))
    if found is None:
        found = _of_command(workspace, command, before, part)
    return sorted({name for name in found if name.startswith(part) and _PLAIN.match(name)})[:MOST]


def _of_option(workspace: Workspace, option: str) -> Iterable[str] | None:
    """The values of an option; None where it has none of this kind."""
    manifest = workspace.manifest
    if option == "--environment":
        return [str(name) for name in manifest.environments]
    if option == "--feature":
        return [str(name) for name in manifest.features]
    if option == "--platform":
        return [platform.name for platform in manifest.all_platforms]
    return None


def _of_command(workspace: Workspace, command: str, before: Sequence[str], part: str) -> Iterable[str]:
    environment = _chosen(before)
    if command in NEW:
        return known_names(workspace, part, pypi="--pypi" in before, environment=environment) if part else ()
    if command in PRESENT:
        return _packages(workspace, environment, explicit=command in _EXPLICIT)
    if command == "run" and not any(not word.startswith("-") for word in _without_values(before)):
        return _tasks(workspace, environment)
    return ()


def _packages(workspace: Workspace, environment: str | None, *, explicit: bool) -> list[str]:
    from .list_packages import list_packages

    if workspace.lock() is None:
        return []
    return [row.name for row in list_packages(workspace, environment, explicit=explicit, mode="frozen")]


def _tasks(workspace: Workspace, environment: str | None) -> list[str]:
    """The tasks of one environment, or of all; hidden ones are not offered."""
    manifest = workspace.manifest
    names = [workspace.environment_name(environment)] if environment else list(manifest.environments)
    environments = [manifest.environment(name) for name in names]
    tasks = {str(task) for one in environments for platform in one.platforms for task in one.tasks(platform)}
    return [task for task in tasks if not task.startswith("_")]


def _chosen(before: Sequence[str]) -> str | None:
    """The environment that the line names."""
    for option, value in pairwise(before):
        if option in ("-e", "--environment"):
            return value
    return next((word.partition("=")[2] for word in before if word.startswith("--environment=")), None)


def _without_values(before: Sequence[str]) -> list[str]:
    """The words without the values of the options that take names."""
    values = {index + 1 for index, word in enumerate(before) if _SHORT.get(word, word) in OPTIONS}
    return [word for index, word in enumerate(before) if index not in values]
