"""Programs that tests need, installed from Debian where that is possible."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import tempfile

_SECONDS = 240


@functools.cache
def why_missing(name: str) -> str:
    """Nothing where the program is there (installed by now), else why it is not; packages have their program's name."""
    if shutil.which(name) is not None:
        return ""
    if shutil.which("apt-get") is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
        return f"{name} is not installed, and only root can install it, with apt-get"
    import fcntl

    with open(os.path.join(tempfile.gettempdir(), "pixi-tests-apt.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the tests of another process may be installing, too
        return _install(name)


def _install(name: str) -> str:
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    for words in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", name]):
        try:
            ran = subprocess.run(["apt-get", *words], capture_output=True, text=True, env=environ, timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            return f"{name} is not installed, and apt-get does not answer"
        if ran.returncode and words[0] == "install":
            return f"{name} is not installed, and apt-get says: {(ran.stderr.splitlines() or ['nothing'])[-1]}"
    return "" if shutil.which(name) is not None else f"{name} is not on PATH after installing it"
