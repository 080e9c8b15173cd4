"""The peer's resolver, asked for pins: an answer, none, or a failure that says nothing about either."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from uv import find_uv_bin


def uv_compile(
    requirements: Sequence[str], *arguments: str, python: str, folder: Path, constraints: Sequence[str] = ()
) -> list[str] | None:
    """Its lines (`name==version`, with ` ; marker` where it resolves for every platform at once), made from wheels
    alone; None where it says that there is no solution. `folder` is for its constraints file.

    Raises `AssertionError` with its words where it failed in another way (network, usage, a build): that is no answer.
    """
    command = [find_uv_bin(), "pip", "compile", "-q", "--no-annotate", "--no-header", "--only-binary", ":all:"]
    command += ["--python", sys.executable, "--python-version", python]
    if constraints:
        (folder / "constraints.txt").write_text("\n".join(constraints))
        command += ["--constraints", str(folder / "constraints.txt")]
    ours = {"PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": "", "UV_NO_CONFIG": "1", "UV_CONCURRENT_DOWNLOADS": "8"}
    done = subprocess.run(
        [*command, *arguments, "-"],
        input="\n".join(requirements),
        capture_output=True,
        text=True,
        env={**os.environ, **ours},
    )
    if done.returncode == 0:
        return done.stdout.splitlines()
    # its exit code is 1 for failures of other kinds as well
    assert done.returncode == 1, f"uv ended with {done.returncode}:\n{done.stderr}"
    assert "No solution found" in done.stderr, f"uv found no answer for another reason:\n{done.stderr}"
    return None
