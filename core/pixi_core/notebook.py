"""A notebook's own environment: the manifest in its metadata, and the working copy it is solved and installed in.

The metadata key `pixi` of an `.ipynb` holds the text of a manifest (the same TOML as `pixi.toml`), or a table
`{"manifest": TEXT, "lock": TEXT, "environment": NAME}` where the lock travels along. Solving and installing need a
folder; editing the notebook file under a running Jupyter would fight with its autosave. So the workspace of a notebook
is a folder in the cache, named after the notebook's real path:

    <cache>/notebooks/<stem>-<12 hex of sha256(path)>/
        pixi.toml  pixi.lock  .pixi/      as in any workspace
        origin.json                       the notebook's path, and the digest of the metadata that was taken over

The metadata is taken over when the folder is new, or when the digest says that it changed since the last time. Changes
made by commands live in the folder until whoever owns the notebook file (the front end, which is told `unsaved`, or
`pixi notebook embed`) writes them back.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import Issue, Location, NotebookError, PixiError

METADATA_KEY = "pixi"
MANIFEST_NAME = "pixi.toml"
LOCK_NAME = "pixi.lock"
_ORIGIN = "origin.json"


@dataclass(frozen=True, slots=True)
class Embedded:
    """What a notebook carries: the manifest's text, and the lock file's where it travels along."""

    manifest: str
    lock: str | None = None

    @property
    def digest(self) -> str:
        """SHA-256 over both, hex."""
        return hashlib.sha256(f"{self.manifest}\0{self.lock or ''}".encode()).hexdigest()


def read_embedded(notebook: Path) -> Embedded | None:
    """The manifest in a notebook's metadata; None where there is none. Raises `NotebookError`."""
    try:
        document: Any = json.loads(notebook.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise NotebookError(f"cannot read {notebook}: {error}") from error
    except json.JSONDecodeError as error:
        issue = Issue(error.msg, Location(notebook, error.lineno, error.colno))
        raise NotebookError(f"{notebook} is not a notebook: it is not valid JSON", issues=[issue]) from error
    metadata = document.get("metadata") if isinstance(document, dict) else None
    if not isinstance(metadata, dict):
        raise NotebookError(f"{notebook} is not a notebook: it has no `metadata`")
    found = metadata.get(METADATA_KEY)
    if found is None or (isinstance(found, dict) and found.get("manifest") is None):
        # a table without a manifest may still name the environment of a manifest elsewhere
        return None
    if isinstance(found, str):
        return Embedded(found)
    if isinstance(found, dict) and isinstance(found.get("manifest"), str):
        lock = found.get("lock")
        return Embedded(found["manifest"], lock if isinstance(lock, str) else None)
    raise NotebookError(
        f"the metadata `{METADATA_KEY}` of {notebook} is neither the text of a manifest nor a table that holds one",
        hints=['write {"pixi": {"manifest": "[workspace]\\n..."}}'],
    )


def embed(metadata: dict[str, Any], workspace: Path) -> None:
    """Write the manifest and lock of a working copy into a notebook's metadata (in memory); the environment that it
    chose stays chosen.
    """
    lock = workspace / LOCK_NAME
    before = metadata.get(METADATA_KEY)
    table = dict(before) if isinstance(before, dict) else {}
    table.pop("lock", None)
    table["manifest"] = (workspace / MANIFEST_NAME).read_text(encoding="utf-8")
    if lock.is_file():
        table["lock"] = lock.read_text(encoding="utf-8")
    metadata[METADATA_KEY] = table


def unsaved(notebook: Path, workspace: Path) -> dict[str, str] | None:
    """What the metadata of a notebook have to say so that it carries the state of its working copy, as a table; None
    where they do, and where they are what the working copy is going to become. Whoever has the notebook open writes it:
    a file changed under it would be saved over.
    """
    state, embedded = _state(workspace), read_embedded(notebook)
    if state is None or embedded == state or not is_taken_over(workspace, embedded):
        return None
    return {"manifest": state.manifest} | ({} if state.lock is None else {"lock": state.lock})


def copy_folder(notebook: Path, root: Path) -> Path:
    """The folder below `root` of a notebook's own workspace, whether it was made already or not."""
    real = notebook.resolve()
    key = hashlib.sha256(str(real).encode("utf-8", "surrogateescape")).hexdigest()[:12]
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", real.stem)[:40].strip(".-") or "notebook"
    return root / f"{stem}-{key}"


def working_copy(notebook: Path, root: Path, *, default_manifest: str, embedded: Embedded | None) -> Path:
    """The folder of a notebook's own workspace below `root`, brought up to date with the notebook's metadata.

    `default_manifest` is written where the notebook carries none and the folder has none yet.
    """
    # lazy: fs is a layer below, and only writing needs it
    from .fs import atomic_write

    real = notebook.resolve()
    folder = copy_folder(notebook, root)
    folder.mkdir(parents=True, exist_ok=True)
    origin = folder / _ORIGIN
    digest = "" if embedded is None else embedded.digest
    manifest = folder / MANIFEST_NAME
    if is_taken_over(folder, embedded):
        return folder
    if embedded is not None:
        if _state(folder) != embedded:
            atomic_write(manifest, embedded.manifest)
            if embedded.lock is not None:
                atomic_write(folder / LOCK_NAME, embedded.lock)
    elif not manifest.is_file():
        atomic_write(manifest, default_manifest)
    atomic_write(origin, json.dumps({"notebook": str(real), "metadata": digest}) + "\n")
    return folder


def is_taken_over(folder: Path, embedded: Embedded | None) -> bool:
    """Whether the working copy is there and was made from this metadata, or has gone on from it: a save that is behind
    must not undo what `%pixi` has done since.
    """
    if not (folder / MANIFEST_NAME).is_file():
        return False
    taken = _taken_over(folder / _ORIGIN)
    if taken == ("" if embedded is None else embedded.digest):
        return True
    if embedded is None:
        return False
    state = _state(folder)
    # what the notebook was never seen with, it cannot have been taken back from
    return state is not None and state != embedded and state.digest != taken and _was_here(folder, embedded)


def _state(folder: Path) -> Embedded | None:
    """What a working copy holds now."""
    try:
        manifest = (folder / MANIFEST_NAME).read_text(encoding="utf-8")
        lock = folder / LOCK_NAME
        return Embedded(manifest, lock.read_text(encoding="utf-8") if lock.is_file() else None)
    except (OSError, UnicodeDecodeError):
        return None


def _was_here(folder: Path, embedded: Embedded) -> bool:
    """Whether a working copy was in this state before, by its generations."""
    from .install.history import History  # lazy: most starts find what they have seen before

    texts = (embedded.manifest, embedded.lock or "")
    digests = tuple(hashlib.sha256(text.encode()).hexdigest() if text else "" for text in texts)
    history = History(folder / ".pixi")
    try:
        return any(
            (generation.manifest, generation.lock) == digests
            for environment in history.environments()
            for generation in history.generations(environment)
        )
    except PixiError:
        return False


def _taken_over(origin: Path) -> str | None:
    try:
        value = json.loads(origin.read_text(encoding="utf-8"))["metadata"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return value if isinstance(value, str) else None
