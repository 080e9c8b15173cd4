"""A Python process that stays alive while its packages change, as a kernel does; of any version."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from pixi_core.install.interpreters import Interpreter, find_interpreters, running_interpreter
from tests.conftest import USER_ENVIRONMENT

_LOOP = """
import json, sys
space = {}
for line in sys.stdin:
    space.pop("answer", None)
    try:
        exec(json.loads(line), space)
        reply = space.get("answer")
    except Exception as error:
        reply = type(error).__name__
    print(json.dumps(reply), flush=True)
"""


@cache
def interpreters() -> dict[str, Interpreter]:
    """One interpreter of this machine for each minor version, the running one first."""
    found = {running_interpreter().short: running_interpreter()}
    for interpreter in find_interpreters(USER_ENVIRONMENT):
        found.setdefault(interpreter.short, interpreter)
    return found


class LivePython:
    """A running interpreter."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, code: str) -> Any:
        """Run some lines; what they put into `answer`, or the name of the exception that they raised."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(code) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@contextmanager
def live_python(python: Path, environ: Mapping[str, str]) -> Iterator[LivePython]:
    """Start one and end it again."""
    process = subprocess.Popen(
        [str(python), "-c", _LOOP],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=sys.stderr,
        text=True,
        env=dict(environ),
    )
    with process:
        yield LivePython(process)
        assert process.stdin is not None
        process.stdin.close()
