"""`pixi run`: a task of the manifest with everything it depends on, or any program, in activated environments."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .. import __version__
from ..errors import TaskError
from ..progress import SILENT, Reporter
from ..suggest import did_you_mean
from .prepare import prepare
from .ready import Ready
from .task_notes import Runnable, runnable

if TYPE_CHECKING:
    from ..manifest.task import Task
    from ..workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How to run: see the options of `pixi run`."""

    environment: str | None = None
    executable: bool = False
    templated: bool = False
    text: bool = False
    clean_env: bool = False
    force_activate: bool = False
    skip_dependencies: bool = False
    dry_run: bool = False
    jobs: int = 1
    watch: bool = False
    mode: str = "auto"
    install: bool = True
    platform: str | None = None


def run(
    workspace: Workspace, words: Sequence[str], options: RunOptions, *, folder: Path, reporter: Reporter = SILENT
) -> int:
    """Run `words` and return the exit code of the first command that fails, else 0. `folder` is where the caller
    stands. Raises `TaskError`, and whatever preparing the environments raises.
    """
    from ..tasks.graph import resolve
    from ..tasks.run import Surroundings, run_task_graph
    from ..tasks.shell_state import Children
    from ..tasks.template import pixi_context

    workspace.platform_name = options.platform
    found = runnable(workspace)
    environments = found.tasks
    chosen = options.environment
    if chosen is not None and chosen not in environments:
        chosen = workspace.environment_name(chosen)
    if options.platform is not None:
        _check_platform(workspace, chosen)

    def context(environment: str) -> Mapping[str, object]:
        return pixi_context(
            platform=found.subdirs[environment],
            environment=environment,
            manifest_path=str(workspace.manifest_path),
            version=__version__,
            init_cwd=str(folder),
        )

    if not (options.executable or options.text):
        _refuse_elsewhere(words[0], found)
    steps = resolve(
        words,
        environments,
        context=context,
        environment=chosen or workspace.environ_environment(),
        executable=options.executable,
        templated=options.templated,
        text=options.text,
    )
    if options.skip_dependencies:
        steps = steps[-1:]
    ready: dict[str, Ready] = {}

    def prepared(environment: str) -> Ready:
        if environment not in ready:
            ready[environment] = prepare(
                workspace, environment, mode=options.mode, install=options.install, reporter=reporter
            )
        return ready[environment]

    def activated(environment: str, clean: bool) -> Mapping[str, str]:
        clean = clean or options.clean_env
        return prepared(environment).activated(workspace.environ, clean=clean, fresh=options.force_activate)

    around = Surroundings(
        root=workspace.root,
        folder=folder,
        activated=activated,
        digest=lambda environment: _digest(prepared(environment)),
        cache=workspace.pixi_dir / "task-cache-v0",
        reporter=reporter,
    )

    def once() -> int:
        children = Children()
        code = run_task_graph(steps, around, jobs=options.jobs, dry_run=options.dry_run, children=children)
        # a task that ends well although it was interrupted ends the watching all the same
        return 130 if options.watch and children.stopped.is_set() else code

    if options.watch and not options.dry_run:
        from ..tasks.watch import watch

        return watch(steps, workspace.root, once, changed=lambda: reporter.message("Files have changed"))
    code = once()
    if code == 127 and steps[-1].task is None:
        _tell_tasks(words[0], environments, reporter)
    return code


def _check_platform(workspace: Workspace, environment: str | None) -> None:
    """The platform that was asked for is one of the environment, and runs here. Raises `EnvironmentUnavailable`,
    `SpecError`.
    """
    from ..names import DEFAULT_ENVIRONMENT
    from .installing import choose_platform

    name = environment or workspace.environ_environment() or DEFAULT_ENVIRONMENT
    choose_platform(workspace, workspace.manifest.environment(workspace.environment_name(name)))


def _refuse_elsewhere(name: str, found: Runnable) -> None:
    """A task that this machine cannot run is not taken for a program of that name. Raises `TaskError`."""
    if name in found.elsewhere:
        raise TaskError(
            f"the task '{name}' cannot run on this machine",
            details=["it is defined in:", *(f"  - {place}" for place in found.elsewhere[name])],
            hints=["define it for this platform too, or run a program of that name with --executable"],
        )


def _digest(ready: Ready) -> str:
    """What a cached task result depends on besides its files: the platform, the activation and the locked packages."""
    described = json.dumps([ready.platform, ready.activation, ready.lock_digest], sort_keys=True)
    return hashlib.sha256(described.encode()).hexdigest()


def _tell_tasks(word: str, environments: Mapping[str, Mapping[str, Task]], reporter: Reporter) -> None:
    """The tasks there are instead of what was asked for, the nearest first."""
    from ..tasks.graph import visible_tasks

    names = visible_tasks(environments)
    hint = did_you_mean(word, names)
    if hint:
        reporter.message(hint[0].upper() + hint[1:])
    if names:
        reporter.message("\n".join(["Available tasks:", *(f"\t{name}" for name in names)]))
