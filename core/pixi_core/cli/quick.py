"""`pixi run PROGRAM …` where everything is prepared: a few small files are read, and the program takes our place.

No argument parser, no manifest, no task shell. Whatever is not plainly this case is left to the whole command, which
also tells every error: each doubt here ends with None.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

from ..names import DEFAULT_ENVIRONMENT
from ..ops import notes
from ..tasks.builtin_names import BUILTIN_NAMES, TRIVIAL
from .replace import become


def run(words: Sequence[str], environ: Mapping[str, str]) -> int | None:
    """The exit code of `pixi WORDS`, None where this is no case for here. On POSIX a program replaces this process."""
    if os.name == "nt" or len(words) < 2 or words[0] not in ("run", "r"):
        return None
    argv = list(words[1:])
    if argv[0].startswith("-") or any(c.isspace() for c in argv[0]) or "=" in argv[0]:
        return None
    manifest = _manifest(os.getcwd())
    if manifest is None:
        return None
    root = os.path.dirname(manifest)
    note = _note(manifest, root, argv[0], environ)
    if note is None:
        return None
    if argv[0] in TRIVIAL and not note["activation"].get("always"):
        return TRIVIAL[argv[0]]
    if argv[0] in BUILTIN_NAMES:
        return None
    _replace(argv, _variables(note, root, environ))
    return None


def _manifest(folder: str) -> str | None:
    """The nearest `pixi.toml`; None where another kind of manifest may be meant."""
    while True:
        path = os.path.join(folder, "pixi.toml")
        if os.path.isfile(path):
            return path
        parent = os.path.dirname(folder)
        if parent == folder or any(
            os.path.exists(os.path.join(folder, name)) for name in ("pyproject.toml", "mojoproject.toml")
        ):
            return None
        folder = parent


def _note(manifest: str, root: str, word: str, environ: Mapping[str, str]) -> dict[str, Any] | None:
    """The note of the environment to run in, if it holds and `word` is no task anywhere."""
    folder = os.path.join(root, ".pixi")
    tasks = notes.read(folder, notes.TASKS_FILE)
    environment = str(DEFAULT_ENVIRONMENT)
    if environ.get("PIXI_IN_SHELL") and environ.get("PIXI_PROJECT_ROOT") == root:
        environment = environ.get("PIXI_ENVIRONMENT_NAME") or environment
    try:
        if tasks is None or word in tasks["elsewhere"]:
            return None
        if any(word in entry["tasks"] for entry in tasks["environments"].values()):
            return None
        if environment not in tasks["environments"]:
            return None
        note = notes.read(folder, f"{environment}.json")
        if note is None or not note["state"]["prefix"]:
            return None
        state = notes.state(manifest, note["prefix"])
        if note["state"] != state or tasks["for"] != notes.tasks_key(state["manifest"], environ):
            return None
        return note if notes.sources_hold(note) else None
    except (OSError, KeyError, TypeError, ValueError):
        return None


def _variables(note: Mapping[str, Any], root: str, environ: Mapping[str, str]) -> dict[str, str]:
    from pathlib import Path

    from ..activation.dotenv import with_dotenv
    from ..activation.run_scripts import activate

    activation = note["activation"]
    found = activate(
        Path(note["prefix"]),
        scripts=[Path(root, script) for script in activation["scripts"]],
        env=with_dotenv(Path(root), activation.get("dotenv", ()), activation["env"]),
        base_env=environ,
        metadata=activation["metadata"],
        cache_dir=None if activation.get("always") else Path(root, ".pixi", "activation-env-v0"),
    )
    folder = os.getcwd()
    return {**found, "INIT_CWD": folder, "PWD": folder}


def _replace(argv: list[str], env: Mapping[str, str]) -> None:
    """Become the program; comes back where it cannot be started."""
    entries = [os.path.join(os.getcwd(), entry) for entry in env.get("PATH", "").split(os.pathsep) if entry]
    program = argv[0] if os.sep in argv[0] else shutil.which(argv[0], path=os.pathsep.join(entries))
    if program is None:
        return
    try:
        become(program, argv, env)
    except OSError:
        return  # the whole command knows what to say
