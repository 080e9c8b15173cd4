"""`pixi run`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from .arguments import environment_argument, lock_arguments, lock_mode, no_install, workspace_arguments

if TYPE_CHECKING:
    from .context import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to run, and how. Options stand before the task: everything after its name belongs to it."""
    workspace_arguments(parser)
    environment_argument(parser)
    parser.add_argument("-p", "--platform", metavar="PLATFORM", help="the environment's packages for this platform")
    parser.add_argument("-x", "--executable", action="store_true", help="run a program, even if a task has its name")
    parser.add_argument("--templated", action="store_true", help="render the words as a template, as tasks are")
    parser.add_argument("--text", action="store_true", help="the words are text of the task shell: `cd x && y | z`")
    parser.add_argument("--clean-env", action="store_true", help="without the variables of the calling shell")
    parser.add_argument("--force-activate", action="store_true", help="run the activation scripts, known or not")
    parser.add_argument("--no-completions", action="store_true", help="taken for pixi's sake: none are loaded here")
    parser.add_argument("--skip-deps", action="store_true", help="without the tasks it depends on")
    parser.add_argument("-n", "--dry-run", action="store_true", help="say what would run")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="independent dependencies side by side")
    parser.add_argument("--watch", action="store_true", help="run again when a file of its inputs changes")
    parser.add_argument(
        "-s", "--script", metavar="FILE", help="a Python file or URL that says what it needs; `-`: from input"
    )
    lock_arguments(parser, as_is=True)
    parser.add_argument("words", nargs=argparse.REMAINDER, metavar="TASK", help="a task or program, and its arguments")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Run it; without words, list the tasks."""
    from ..ops.run import RunOptions
    from ..ops.run import run as run_words

    if arguments.script is not None:
        return _run_script(arguments, context)
    workspace = context.workspace(arguments.manifest_path)
    workspace.configure(reporter=context.reporter)
    words = arguments.words[1:] if arguments.words[:1] == ["--"] else arguments.words
    if not words:
        from ..ops.task_notes import runnable

        tasks = {name: task for found in runnable(workspace).tasks.values() for name, task in found.items()}
        context.reporter.message("Available tasks:" if tasks else "This workspace has no tasks.")
        for name in sorted(tasks):
            if not name.startswith("_"):
                context.reporter.message(f"\t{name}" + (f"  {tasks[name].description or ''}".rstrip()))
        return 0
    options = RunOptions(
        environment=arguments.environment,
        executable=arguments.executable,
        templated=arguments.templated,
        text=arguments.text,
        clean_env=arguments.clean_env,
        force_activate=arguments.force_activate,
        skip_dependencies=arguments.skip_deps,
        dry_run=arguments.dry_run,
        jobs=arguments.jobs,
        watch=arguments.watch,
        mode=lock_mode(arguments),
        install=not no_install(arguments),
        platform=arguments.platform,
    )
    return run_words(workspace, words, options, folder=context.cwd, reporter=context.reporter)


def _run_script(arguments: argparse.Namespace, context: Context) -> int:
    """Become the Python of the script's own environment. Raises `UsageError`, `CommandNotFound`."""
    import shutil  # lazy: tasks start without it

    from ..errors import CommandNotFound
    from ..ops.init import open_services
    from ..ops.script import read_script, script_environment
    from .replace import become

    services = open_services(context.environ)
    services.reporter = context.reporter
    script = read_script(services, arguments.script, context.cwd)
    mode = lock_mode(arguments)
    found = script_environment(services, script, folder=context.cwd, mode=mode, reporter=context.reporter)
    services.close()
    found.workspace.close()
    path = script.placed(found.workspace.root)
    program = shutil.which("python", path=found.variables.get("PATH"))
    if program is None or not program.startswith(str(found.workspace.environments_dir)):
        raise CommandNotFound(f"the environment of {arguments.script} has no python")
    words = arguments.words[1:] if arguments.words[:1] == ["--"] else arguments.words
    return become(program, [program, str(path), *words], found.variables)
