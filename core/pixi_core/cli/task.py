"""`pixi task`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .arguments import workspace_arguments

if TYPE_CHECKING:
    import argparse

    from ..workspace import Workspace
    from .context import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Four commands of their own."""
    commands = parser.add_subparsers(dest="action", required=True, metavar="add | alias | remove | list")
    add = commands.add_parser("add", aliases=["a"], help="write a task into the manifest")
    add.add_argument("name", metavar="NAME")
    add.add_argument("words", nargs="*", metavar="COMMAND", help="one word is shell text; several are quoted")
    add.add_argument("--depends-on", action="append", default=[], metavar="TASK", help="runs first; may be repeated")
    add.add_argument("--arg", action="append", default=[], metavar="NAME[=DEFAULT]", help="an argument; repeat")
    add.add_argument("--env", action="append", default=[], metavar="KEY=VALUE", help="a variable; may be repeated")
    add.add_argument("--cwd", metavar="FOLDER", help="where it runs, from the workspace")
    add.add_argument("--description", metavar="TEXT")
    add.add_argument("--default-environment", metavar="NAME", help="where it runs unless `run -e` says otherwise")
    add.add_argument("--clean-env", action="store_true", help="without the variables of the calling shell")
    alias = commands.add_parser("alias", help="a name for one or several tasks")
    alias.add_argument("name", metavar="NAME")
    alias.add_argument("depends_on", nargs="+", metavar="TASK")
    alias.add_argument("--description", metavar="TEXT")
    remove = commands.add_parser("remove", aliases=["rm"], help="take tasks out of the manifest")
    remove.add_argument("names", nargs="+", metavar="NAME")
    for changing in (add, alias, remove):
        workspace_arguments(changing)
        place = changing.add_mutually_exclusive_group()
        place.add_argument("-f", "--feature", default="default", metavar="NAME")
        place.add_argument("-e", "--environment", metavar="NAME", help="in the tables of this environment alone")
        changing.add_argument("-p", "--platform", metavar="PLATFORM", help="only there")
    listing = commands.add_parser("list", aliases=["ls"], help="the tasks that run on this machine")
    workspace_arguments(listing)
    listing.add_argument("-e", "--environment", metavar="NAME", help="only of this environment")
    listing.add_argument("-s", "--summary", action="store_true", help="only the names, on one line")
    listing.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Change the manifest, or print the list."""
    workspace = context.workspace(arguments.manifest_path)
    match arguments.action:
        case "add" | "a" | "alias":
            return _add(arguments, workspace, context)
        case "remove" | "rm":
            from ..ops.tasks import remove_tasks

            users = remove_tasks(
                workspace,
                arguments.names,
                feature=arguments.feature,
                platform=arguments.platform,
                environment=arguments.environment,
            )
            for name in arguments.names:
                context.reporter.message(f"✔ Removed task `{name}`")
                if users.get(name):
                    context.reporter.warning(f"these tasks still depend on `{name}`: {', '.join(users[name])}")
            return 0
    return _list(arguments, workspace, context)


def _add(arguments: argparse.Namespace, workspace: Workspace, context: Context) -> int:
    from ..errors import UsageError
    from ..ops.tasks import NewTask, add_task

    if arguments.action == "alias":
        task = NewTask(name=arguments.name, depends_on=arguments.depends_on, description=arguments.description)
    else:
        wrong = [text for text in arguments.env if "=" not in text]
        if wrong:
            raise UsageError(f"--env takes KEY=VALUE, not '{wrong[0]}'")
        task = NewTask(
            name=arguments.name,
            command=arguments.words,
            depends_on=arguments.depends_on,
            args=arguments.arg,
            env=dict(text.split("=", 1) for text in arguments.env),
            cwd=arguments.cwd,
            description=arguments.description,
            default_environment=arguments.default_environment,
            clean_env=arguments.clean_env,
        )
        if not task.command and not task.depends_on:
            raise UsageError("a task needs a command", hints=["or --depends-on, for a mere name of other tasks"])
    add_task(
        workspace,
        task,
        feature=arguments.feature,
        platform=arguments.platform,
        environment=arguments.environment,
    )
    kind = "task" if task.command else "alias"
    context.reporter.message(
        f"✔ Added {kind} `{task.name}`: {task.text if task.command else ', '.join(task.depends_on)}"
    )
    return 0


def _list(arguments: argparse.Namespace, workspace: Workspace, context: Context) -> int:
    from ..ops.tasks import list_tasks

    found = list_tasks(workspace, arguments.environment)
    if context.json_lines:
        context.result("task list", {"environments": found})
        return 0
    if arguments.json:
        print(json.dumps(found, indent=2))
        return 0
    tasks: dict[str, dict[str, Any]] = {}
    for environment in found:
        for row in [*environment["tasks"], *(row for feature in environment["features"] for row in feature["tasks"])]:
            if not row["name"].startswith("_"):
                tasks.setdefault(row["name"], row)
    if arguments.summary:
        print(" ".join(sorted(tasks)))
        return 0
    if not tasks:
        context.reporter.message("No tasks found")
        return 0
    width = max(map(len, [*tasks, "Task"]))
    print(f"{'Task':<{width}}  Description")
    for name in sorted(tasks):
        print(f"{name:<{width}}  {tasks[name]['description'] or ''}".rstrip())
    return 0
