"""The real `pixi` command, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command left behind."""

    words: tuple[str, ...]
    code: int
    out: str
    err: str

    def succeeded(self) -> Ran:
        """This, if the exit code is 0; else the test fails with both streams."""
        assert self.code == 0, f"pixi {' '.join(self.words)} ended with {self.code}\n{self.out}\n{self.err}"
        return self

    def failed(self, code: int = 1) -> Ran:
        """This, if the exit code is `code` and standard error is a message for people, not a traceback."""
        assert self.code == code, f"pixi {' '.join(self.words)} ended with {self.code}\n{self.out}\n{self.err}"
        assert "Traceback" not in self.err, self.err
        return self


def pixi(
    *words: str, cwd: Path, environ: Mapping[str, str] | None = None, timeout: float = 180, typed: str = ""
) -> Ran:
    """Run `pixi WORDS` in `cwd`; `environ` is added to this process's variables, `typed` is its standard input."""
    outcome = subprocess.run(
        [sys.executable, "-m", "pixi_core.cli.main", *words],
        cwd=cwd,
        env={**os.environ, **(environ or {})},
        capture_output=True,
        text=True,
        timeout=timeout,
        input=typed,
    )
    return Ran(words, outcome.returncode, outcome.stdout, outcome.stderr)
