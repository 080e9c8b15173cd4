"""The program that every launcher is a hard link of, made from `trampoline.c` where this machine has a C compiler.

It lies where pixi keeps its own, and is made again only when its source has changed. Without a compiler, launchers are
small shell scripts (`launchers`).
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from ..errors import PixiError
from ..fs import ensure_dir, os_errors, replace
from ..process import run

MASTER = "trampoline_bin"
COMPILERS = ("cc", "gcc", "clang")
# without the C library to look up the program starts twice as fast; not every machine has what that takes
_FLAGS = (("-O2", "-s", "-static"), ("-O2",))
_SECONDS = 60
_SOURCE = Path(__file__).with_name("trampoline.c")


def master(folder: Path, environ: Mapping[str, str]) -> Path | None:
    """The program in `folder`, made first where it is missing or old; None where that is not possible here."""
    if os.name == "nt" or not _SOURCE.is_file():
        return None
    digest = hashlib.sha256(_SOURCE.read_bytes()).hexdigest()
    path = folder / MASTER
    try:
        if f"pixi-trampoline:{digest}".encode() in path.read_bytes():
            return path
    except OSError:
        pass  # none yet
    compiler = next((found for name in COMPILERS if (found := shutil.which(name, path=environ.get("PATH")))), None)
    if compiler is None:
        return None
    ensure_dir(folder)
    draft = folder / f".{MASTER}.new"  # the caller holds the lock: what a killed one left is written over
    try:
        if not any(_compiles(compiler, flags, digest, draft, environ) for flags in _FLAGS):
            return None
        with os_errors(path):
            replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    return path


def _compiles(compiler: str, flags: tuple[str, ...], digest: str, draft: Path, environ: Mapping[str, str]) -> bool:
    """Whether the compiler makes a program that runs here: without a configuration it says so, and ends with 127."""
    command = [compiler, *flags, f'-DSOURCE_DIGEST="{digest}"', "-o", str(draft), str(_SOURCE)]
    try:
        made = run(command, env=environ, timeout=_SECONDS).exit_code == 0
        return made and run([str(draft)], env=environ, timeout=_SECONDS).exit_code == 127
    except PixiError:
        return False
