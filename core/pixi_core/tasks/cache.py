"""Skipping tasks whose inputs, outputs, command and environment are as they were.

One file per task and arguments: `.pixi/task-cache-v0/<environment>-<task>-<hash>.json`, `{"hash": "…"}`. A file that
cannot be read counts as absent.
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path

from ..names import safe_component
from .gitignore import Ignored
from .graph import Step

_NEVER = (".pixi", ".git")


def cache_file(step: Step, folder: Path) -> Path:
    """Where the hash of this step is kept."""
    said = json.dumps([step.arguments, step.extra, step.inputs, step.outputs])
    digest = hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    name = f"{step.environment}-{step.task}-{digest}".replace("/", "_").replace(":", "_")
    return folder / f"{safe_component(name, what='task')}.json"


def matching(patterns: Sequence[str], root: Path, *, made: bool = False) -> list[str]:
    """Files below `root` that the patterns select, sorted, with `/`. `!pattern` takes away again; folders stand for
    everything in them; `.pixi` and `.git` only count where a pattern names them.

    What `.gitignore` leaves out counts only where a pattern names it, or a folder above it, without wildcards; with
    `made` (outputs: mostly what `.gitignore` is for) it always counts.
    """
    found: set[str] = set()
    ignored = Ignored(root)
    for pattern in patterns:
        negative = pattern.startswith("!")
        text = pattern[1:] if negative else pattern
        files = _files(text.removeprefix("./"), root)
        if negative:
            found -= files
        else:
            named = made or _names_ignored(text.removeprefix("./"), ignored)
            found |= {
                name
                for name in files
                if (text.startswith(_NEVER) or name.split("/", 1)[0] not in _NEVER) and (named or not ignored(name))
            }
    return sorted(found)


def _names_ignored(pattern: str, ignored: Ignored) -> bool:
    """Whether the part of a pattern before its first wildcard is something that is left out."""
    parts = pattern.rstrip("/").split("/")
    plain = list(takewhile(lambda part: not glob.has_magic(part), parts))
    if not plain or plain == [".."]:
        return False
    return ignored("/".join(plain)) or ignored("/".join(plain), is_folder=True)


def _files(pattern: str, root: Path) -> set[str]:
    found: set[str] = set()
    for name in glob.glob(pattern, root_dir=root, recursive=True, include_hidden=True):
        path = os.path.join(root, name)
        if os.path.isdir(path):
            for parent, folders, files in os.walk(path):
                folders[:] = [folder for folder in folders if folder not in _NEVER]
                found.update(os.path.relpath(os.path.join(parent, file), root) for file in files)
        else:
            found.add(os.path.normpath(name))
    return {name.replace(os.sep, "/") for name in found}


Contents = list[tuple[str, str]]
"""Files with the digests of what is in them."""


def contents(patterns: Sequence[str] | None, root: Path, *, made: bool = False) -> Contents | None:
    """The files that the patterns select, as they are now; None where there are no patterns."""
    return None if patterns is None else [(name, _digest(root / name)) for name in matching(patterns, root, made=made)]


def step_hash(step: Step, root: Path, *, environment: str, inputs: Contents | None) -> str | None:
    """The hash of everything a step depends on; None where a pattern list selects no file (nothing is remembered then).

    `environment` is the digest of platform, activation and locked packages; `inputs` are its `contents` before it ran:
    what changes while it runs must not count as seen.
    """
    said: list[object] = [step.command, list(step.env.items()), step.cwd, environment]
    for found in (inputs, contents(step.outputs, root, made=True)):
        if found is not None and not found:
            return None
        said.append(found)
    return hashlib.sha256(json.dumps(said).encode("utf-8", "surrogatepass")).hexdigest()


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def is_cached(step: Step, root: Path, folder: Path, *, environment: str) -> bool:
    """Whether the step ran before with the same everything."""
    if step.inputs is None and step.outputs is None:
        return False
    try:
        remembered = json.loads(cache_file(step, folder).read_text(encoding="utf-8"))["hash"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return remembered is not None and remembered == step_hash(
        step, root, environment=environment, inputs=contents(step.inputs, root)
    )


def remember(step: Step, root: Path, folder: Path, *, environment: str, inputs: Contents | None) -> bool:
    """Note that the step ran on `inputs`. False where there was nothing to note: its patterns select no file."""
    if step.inputs is None and step.outputs is None:
        return True
    digest = step_hash(step, root, environment=environment, inputs=inputs)
    if digest is None:
        return False
    path = cache_file(step, folder)
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps({"hash": digest}) + "\n", encoding="utf-8")
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
    return True
