"""Ctrl-C ends a command within two seconds, also where threads wait for servers that say nothing.

Python raises `KeyboardInterrupt` in the main thread only, and then waits for all others: a download that stalls would
hold the process until its time is out. So the process is ended from outside after a moment. That is safe because
whatever a command writes survives its being killed at any moment; the next command finishes or undoes it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

GRACE = 1.0
"""Seconds in which the main thread may put things back, close files and say goodbye."""
INTERRUPTED = 130
"""The exit code."""


@contextmanager
def prompt_interrupts(say: Callable[[], object]) -> Iterator[None]:
    """Inside, Ctrl-C raises `KeyboardInterrupt` as ever. A process that has not ended after `GRACE` seconds, or by
    another Ctrl-C, says so with `say` and ends. Programs that handle the signal themselves are left alone.
    """
    alone = threading.current_thread() is threading.main_thread()
    if not alone or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    waiting: list[threading.Timer] = []

    def end() -> NoReturn:
        try:
            say()
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(INTERRUPTED)

    def handle(_number: int, _frame: FrameType | None) -> None:
        if waiting:
            end()
        timer = threading.Timer(GRACE, end)
        timer.daemon = True
        waiting.append(timer)
        timer.start()
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        # a timer that runs goes on: at its exit the interpreter waits for threads once more
        signal.signal(signal.SIGINT, signal.default_int_handler)
