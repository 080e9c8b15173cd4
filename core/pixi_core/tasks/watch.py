"""Running tasks again whenever the files they read change."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from ..errors import TaskError
from .cache import matching
from .graph import Step

_PAUSE = 0.25  # seconds between two looks: soon enough for people, nothing to a processor


def watch(steps: Sequence[Step], root: Path, run: Callable[[], int], *, changed: Callable[[], None]) -> int:
    """Call `run` now and after each change of the files that `inputs` of the steps select, until it ends with 130 (it
    was interrupted) or `KeyboardInterrupt` is raised; `changed` is called before each further run.

    What changes while `run` is under way counts, too. Raises `TaskError` where no step has inputs.
    """
    patterns = [pattern for step in steps for pattern in step.inputs or ()]
    if not patterns:
        raise TaskError("there is nothing to watch: no task has `inputs`", hints=["add `inputs` to the task"])
    pause = threading.Event()
    while True:
        before = _state(patterns, root)
        code = run()
        if code == 130:
            return code
        while _state(patterns, root) == before:
            pause.wait(_PAUSE)
        changed()


def _state(patterns: Sequence[str], root: Path) -> list[tuple[str, int, int]]:
    """The files with their times and sizes."""
    found = []
    for name in matching(patterns, root):
        try:
            status = os.stat(root / name)
        except OSError:
            continue  # gone between the two looks
        found.append((name, status.st_mtime_ns, status.st_size))
    return found
