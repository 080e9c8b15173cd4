"""Handing over to another program, which then is what the caller waits for and signals."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence


def become(program: str, argv: Sequence[str], env: Mapping[str, str]) -> int:
    """Replace this process (on Windows: run and wait); returns an exit code only where that was not possible.

    Raises `OSError` where the program cannot be started.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "nt":
        import subprocess

        return subprocess.run([program, *argv[1:]], env=dict(env), check=False).returncode
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        # Python ignores them; programs expect to hear them
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execve(program, list(argv), dict(env))
    finally:
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_IGN)
