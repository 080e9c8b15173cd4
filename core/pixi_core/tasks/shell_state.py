"""What a running task shell knows and holds: variables, folder, options, open files, children, the wish to stop."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache


class ShellExit(Exception):
    """`exit`: leaves the (sub-)shell with a code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Files:
    """Descriptors of standard input, output and error."""

    stdin: int = 0
    stdout: int = 1
    stderr: int = 2


class Children:
    """The processes started by one run, from any thread; `stop` ends them all and refuses new ones."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self.stopped = threading.Event()

    def run(self, argv: list[str], *, env: Mapping[str, str], folder: str, files: Files) -> int:
        """Start a program and wait: its exit code, 128+n where signal n ended it. Raises `OSError`."""
        if not os.access(argv[0], os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), argv[0])
        with self._lock:
            if self.stopped.is_set():
                return 130
            child = subprocess.Popen(
                [*_ends_with_us(), *argv],
                env=dict(env),
                cwd=folder,
                stdin=files.stdin,
                stdout=files.stdout,
                stderr=files.stderr,
            )
            self._running.add(child)
        try:
            code = child.wait()
        finally:
            with self._lock:
                self._running.discard(child)
        return 128 - code if code < 0 else code

    def send(self, number: int) -> None:
        """A signal to every running child."""
        with self._lock:
            for child in self._running:
                child.send_signal(number)

    def stop(self) -> None:
        """Ask every child to end, and start no more."""
        self.stopped.set()
        self.send(signal.SIGTERM)


@cache
def _ends_with_us() -> tuple[str, ...]:
    """What makes Linux terminate a program whose runner was killed: `setpriv`, which replaces itself by the program."""
    if not sys.platform.startswith("linux"):
        return ()
    program = next((path for path in ("/usr/bin/setpriv", "/bin/setpriv") if os.access(path, os.X_OK)), None)
    if program is None:
        return ()
    try:
        # the option is younger than the program, and BusyBox has a program of that name without it
        works = subprocess.run([program, "--pdeathsig", "TERM", "true"], capture_output=True, check=False)
    except OSError:
        return ()
    return (program, "--pdeathsig", "TERM") if works.returncode == 0 else ()


@dataclass(slots=True)
class State:
    """One shell. Sub-shells and the members of pipelines get copies."""

    env: dict[str, str]
    folder: str
    children: Children
    variables: dict[str, str] = field(default_factory=dict)
    options: set[str] = field(default_factory=set)
    last: int = 0

    def copy(self) -> State:
        """An independent shell with the same children."""
        return State(dict(self.env), self.folder, self.children, dict(self.variables), set(self.options), self.last)

    def visible(self) -> dict[str, str]:
        """What `$NAME` sees: exported variables and the shell's own."""
        return {**self.env, **self.variables}

    def path(self, text: str) -> str:
        """A path of a command's argument, made absolute from the shell's folder."""
        return os.path.normpath(os.path.join(self.folder, text))

    def assign(self, name: str, value: str) -> None:
        """`K=V`: exported variables stay exported."""
        if name in self.env:
            self.env[name] = value
        else:
            self.variables[name] = value
