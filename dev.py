#!/usr/bin/env python3
"""One door for everything a contributor runs. Standard library only; the tools live in a virtual environment it makes.

    python3 dev.py test            format, lint, types, import contracts, then every test lane this machine can run
    python3 dev.py test --quick    the same without the slow lanes
    python3 dev.py test --exhaustive   and every sweep whole (half an hour)
    python3 dev.py lint            the checks alone
    python3 dev.py pytest ARGS     pytest, in the environment
    python3 dev.py bench [NAME]    the benchmark scripts

The environment is `.venv-dev` beside this file (or `PIXI_DEV_VENV`); it is made again whenever pyproject.toml changes.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = Path(os.environ.get("PIXI_DEV_VENV") or ROOT / ".venv-dev")
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
SLOW = "(slow or peer or corpus or browser or hub or faults)"
CHECKS = (
    ("format", ["ruff", "format", "--check", "--quiet", "."]),
    ("lint", ["ruff", "check", "--quiet", "."]),
    ("types", ["mypy"]),
    ("import contracts", ["lint-imports"]),
)


def main(words: list[str]) -> int:
    """Run one verb and return its exit code."""
    if sys.version_info < (3, 11):
        print("pixi-jupyter needs Python 3.11 or newer; this is " + sys.version.split()[0], file=sys.stderr)
        return 1
    verb, rest = (words[0], words[1:]) if words else ("help", [])
    if verb == "test":
        prepare("test")
        return checks() or tests(rest)
    if verb == "lint":
        prepare("test")
        return checks()
    if verb == "pytest":
        prepare("test")
        return run([str(BIN / "python"), "-m", "pytest", *rest])
    if verb == "bench":
        prepare("test")
        scripts = sorted((ROOT / "tests" / "benchmarks").glob(f"{rest[0] if rest else ''}*.py"))
        return max((run([str(BIN / "python"), str(s), *rest[1:]]) for s in scripts if s.name[0] != "_"), default=2)
    print(__doc__)
    return 0 if verb in ("help", "-h", "--help") else 2


def prepare(extras: str) -> None:
    """Make the environment, unless the one that stands there was made from this very pyproject.toml."""
    stamp = VENV / "made-from"
    wanted = hashlib.sha256((ROOT / "pyproject.toml").read_bytes() + extras.encode() + sys.version.encode()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    started = time.monotonic()
    print(f"making {VENV.name} (pip install -e .[{extras}]) …", flush=True)
    run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=True)
    python = str(BIN / "python")
    run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-e", f".[{extras}]"], check=True)
    stamp.write_text(wanted)
    print(f"made in {time.monotonic() - started:.0f} s", flush=True)


def checks() -> int:
    """Format, lint, types and import contracts; the first failure ends it."""
    for title, command in CHECKS:
        started = time.monotonic()
        code = run([str(BIN / command[0]), *command[1:]])
        print(f"{title}: {'ok' if code == 0 else 'FAILED'} ({time.monotonic() - started:.1f} s)", flush=True)
        if code:
            return code
    return 0


def tests(words: list[str]) -> int:
    """The default lane on all cores, then (without `--quick`) the slow lanes, whole with `--exhaustive`."""
    rest = [word for word in words if word not in ("--quick", "--exhaustive")]
    command = [str(BIN / "python"), "-m", "pytest", "-q", "-n", str(min(4, os.cpu_count() or 1)), "--dist", "loadgroup"]
    code = run([*command, "-m", f"not {SLOW} and not exhaustive", *rest])
    if code == 0 and "--quick" not in words:
        chosen = f"{SLOW} or exhaustive" if "--exhaustive" in words else f"{SLOW} and not exhaustive"
        code = run([*command, "-m", chosen, *rest])
        code = 0 if code == 5 else code  # 5: nothing was selected
    return code


def run(command: list[str], *, check: bool = False) -> int:
    """Run a command in the checkout; with `check`, a failure ends everything."""
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    if check and code:
        sys.exit(code)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
