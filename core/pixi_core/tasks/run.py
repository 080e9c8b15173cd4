"""Runs resolved tasks: in order (or side by side, with `jobs`), in their environments, until one fails."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from ..errors import CommandNotFound, TaskError
from ..progress import SILENT, Reporter
from ..suggest import hints
from .cache import contents, is_cached, remember
from .graph import Step
from .shell import parse
from .shell_run import run_script
from .shell_state import Children, Files

if TYPE_CHECKING:
    from concurrent.futures import Future


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What running needs of a workspace.

    `activated(environment, clean)` is the full environment of a process in it, `digest(environment)` what task caching
    compares (platform, activation, locked packages); `folder` is where the caller stands.
    """

    root: Path
    folder: Path
    activated: Callable[[str, bool], Mapping[str, str]]
    digest: Callable[[str], str]
    cache: Path
    reporter: Reporter = SILENT


def run_task_graph(
    steps: Sequence[Step],
    around: Surroundings,
    *,
    jobs: int = 1,
    dry_run: bool = False,
    files: Files | None = None,
    children: Children | None = None,
) -> int:
    """The exit code of the first step that fails, else 0. Steps start as soon as what they need is done; with one job,
    in the given order. Raises `TaskError` for commands that cannot be parsed: before anything runs.
    """
    for step in steps:
        parse(script_of(step))
    own = children or Children()
    if dry_run:
        for step in steps:
            _banner(step, around.reporter)
        return 0
    with forwarded_signals(own):
        if jobs <= 1:
            for step in steps:
                code = run_step(step, around, files=files, children=own)
                if code:
                    return code
            return 0
        return _side_by_side(steps, around, jobs, files, own)


def _side_by_side(
    steps: Sequence[Step], around: Surroundings, jobs: int, files: Files | None, children: Children
) -> int:
    # lazy: hardly any run needs a pool
    from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

    from .prefixed import Interleaved

    shared = Interleaved(files or Files())

    def run_one(step: Step) -> int:
        if not step.command:
            return 0
        with shared.of(step.task or "") as own:
            return run_step(step, around, files=own, children=children)

    done: set[int] = set()
    running: dict[Future[int], int] = {}
    started: set[int] = set()
    code = 0
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        while True:
            if not code:
                for index, step in enumerate(steps):
                    if index not in started and done.issuperset(step.needs) and len(running) < jobs:
                        started.add(index)
                        running[pool.submit(run_one, step)] = index
            if not running:
                return code
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                done.add(running.pop(future))
                code = code or future.result()


def run_step(step: Step, around: Surroundings, *, files: Files | None = None, children: Children | None = None) -> int:
    """One step: skipped where it is cached, else run by the task shell. Raises `TaskError` for a missing `cwd`."""
    if not step.command:
        return 0
    if step.task is not None:
        if is_cached(step, around.root, around.cache, environment=around.digest(step.environment)):
            around.reporter.message(f"Task '{step.task}' can be skipped (cache hit) 🚀")
            return 0
        _banner(step, around.reporter)
    inputs = contents(step.inputs, around.root)
    base = around.activated(step.environment, step.clean_env)
    env = {**base, "INIT_CWD": str(around.folder)}
    code = run_script(script_of(step), env=env, cwd=_folder(step, around), files=files, children=children)
    if code == 0 and step.task is not None:
        kept = remember(step, around.root, around.cache, environment=around.digest(step.environment), inputs=inputs)
        if not kept:
            around.reporter.warning(f"the inputs or outputs of the task '{step.task}' match no file: it is not cached")
    return code


def script_of(step: Step) -> str:
    """The step's command behind one `export` line for each of its variables, whose `$NAME` the shell expands."""
    lines = []
    for key, value in step.env.items():
        inside = value.replace('"', '\\"')
        if (len(inside) - len(inside.rstrip("\\"))) % 2:
            inside += "\\"  # a single backslash at the end would escape the closing quote
        lines.append(f'export {key}="{inside}"')
    return "\n".join([*lines, step.command])


def _folder(step: Step, around: Surroundings) -> Path:
    if step.task is None:
        return around.folder
    folder = around.root / step.cwd if step.cwd else around.root
    if not folder.is_dir():
        raise TaskError(
            f"the task '{step.task}' runs in {folder}, which does not exist",
            hints=["create the folder, or change `cwd`"],
        )
    return folder


def _banner(step: Step, reporter: Reporter) -> None:
    if step.task is None or not step.command:
        return
    where = "" if step.environment == "default" else f" in {step.environment}"
    said = f": ({step.description})" if step.description else ""
    reporter.message(f"✨ Pixi task ({step.task}{where}): {step.command}{said}")


def command_not_found(name: str, tasks: Sequence[str]) -> CommandNotFound:
    """The error for a word that is neither a task nor a program."""
    return CommandNotFound(
        f"{name}: command not found",
        details=["Available tasks:", *(f"  {task}" for task in tasks)] if tasks else (),
        hints=hints(name, tasks),
    )


@contextmanager
def forwarded_signals(children: Children) -> Iterator[None]:
    """While inside, TERM, HUP and the user's interrupt go to the running programs, and nothing new is started.

    At a terminal the programs hear the interrupt themselves, so it is not sent twice. Only the main thread may do
    this; elsewhere nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, frame: FrameType | None) -> None:
        del frame
        children.stopped.set()
        if number != signal.SIGINT or not os.isatty(0):
            # not in the handler itself: it may have interrupted a thread that holds the lock
            threading.Thread(target=children.send, args=(number,), daemon=True).start()

    numbers = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    previous = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
