"""Run programs to their end: found, started, drained, and stopped together with their children."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from .errors import Cancelled, CommandNotFound, PixiError

GRACE = 2.0
"""Seconds between asking a program to stop and making it."""

_POLL = 0.1


@dataclass(frozen=True, slots=True)
class Completed:
    """How a program ended. `output` is empty where nothing was captured; errors are in it too."""

    argv: tuple[str, ...]
    exit_code: int
    output: str = ""

    def tail(self, lines: int = 20) -> tuple[str, ...]:
        """The last lines of the output."""
        return tuple(self.output.splitlines()[-lines:])


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    capture: bool = True,
    stdin: str | None = None,
    timeout: float | None = None,
    tied: bool = False,
    should_stop: Callable[[], bool] | None = None,
) -> Completed:
    """Run a program and wait. With `capture` both streams are collected as one text; else they are the caller's own.

    `timeout` in seconds. A `tied` program gets a pipe as its standard input that ends when this process does, however
    that happens: so it can end, too. Raises `CommandNotFound` where there is no such program, `Cancelled` when told to
    stop, `PixiError` after the timeout; a failing program is no error.
    """
    with _lifeline(tied) as watched:
        if stdin is not None:
            given: int | None = subprocess.PIPE
        else:
            given = watched if tied else subprocess.DEVNULL if capture else None
        try:
            child = subprocess.Popen(
                list(argv),
                env=None if env is None else dict(env),
                cwd=cwd,
                stdin=given,
                stdout=subprocess.PIPE if capture else None,
                stderr=subprocess.STDOUT if capture else None,
                text=True,
                encoding="utf-8",
                errors="replace",
                start_new_session=capture and sys.platform != "win32",
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0) if sys.platform == "win32" else 0,
            )
        except FileNotFoundError as error:
            raise CommandNotFound(
                f"{argv[0]}: command not found" if cwd is None or cwd.is_dir() else f"no folder {cwd}"
            ) from error
        except OSError as error:
            raise PixiError(f"{argv[0]} cannot be started: {error.strerror}") from error
        try:
            output = _drain(child, stdin, timeout, should_stop)
        except BaseException:
            stop(child, group=capture)
            raise
        return Completed(tuple(argv), child.returncode, output or "")


@contextmanager
def _lifeline(wanted: bool) -> Iterator[int | None]:
    """The end of a pipe for a program to watch; nothing is ever written at the other end, which closes with the block
    or with this process.
    """
    if not wanted:
        yield None
        return
    watched, held = os.pipe()
    try:
        yield watched
    finally:
        os.close(watched)
        os.close(held)


def _drain(
    child: subprocess.Popen[str], stdin: str | None, timeout: float | None, should_stop: Callable[[], bool] | None
) -> str | None:
    waited = 0.0
    while True:
        step = timeout if should_stop is None else _POLL
        try:
            return child.communicate(stdin, timeout=step)[0]
        except subprocess.TimeoutExpired:
            waited += step or 0.0
            if should_stop is not None and should_stop():
                raise Cancelled from None
            if timeout is not None and waited >= timeout:
                raise PixiError(f"{child.args!r} did not end within {timeout:g} s") from None


def stop(child: subprocess.Popen[str], *, group: bool) -> None:
    """End a program that we started (with its process group where it leads one): asked first, then made to."""
    _signal(child, signal.SIGTERM, group=group)
    try:
        child.wait(GRACE)
    except subprocess.TimeoutExpired:
        _signal(child, getattr(signal, "SIGKILL", signal.SIGTERM), group=group)
        child.wait()
    for stream in (child.stdin, child.stdout, child.stderr):
        if stream is not None:
            with suppress(OSError):
                stream.close()


def _signal(child: subprocess.Popen[str], number: int, *, group: bool) -> None:
    with suppress(OSError):
        if group and sys.platform != "win32":
            os.killpg(child.pid, number)
        else:
            child.send_signal(number)
