"""Entries of the kernel picker: one for each environment of each workspace below the served folder.

They are kernel specs in a folder of the server's runtime directory, which is added to those that the server's kernel
spec manager looks into, whatever class that is. Listing them costs what listing any kernel spec costs; only manifests
are read to write them, and only those that changed. Names are portable: `pixi--SLUG--ENVIRONMENT`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pixi_core.errors import PixiError
from pixi_core.workspace import Workspace, manifest_in

MAX_DEPTH = 3
MAX_FOLDERS = 2000
_PASSED_OVER = frozenset(["node_modules", "__pycache__", "site-packages", "build", "dist"])
_SLUG = re.compile(r"[^a-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Entry:
    """One environment in the picker."""

    name: str
    display_name: str
    manifest: Path
    environment: str
    folder: str | None = None
    """Where the manifest is, as the contents API names it; None outside the served folder."""

    def spec(self) -> dict[str, Any]:
        """The kernel spec. Its argv does the whole job for clients that ignore provisioners."""
        choice = ["--manifest", str(self.manifest), "--environment", self.environment]
        return {
            "argv": ["python", "-P", "-m", "pixi_provisioner.launcher", *choice, "-f", "{connection_file}"],
            "display_name": self.display_name,
            "language": "python",
            "interrupt_mode": "signal",
            "metadata": {
                "debugger": True,
                "kernel_provisioner": {"provisioner_name": "pixi-provisioner"},
                "supported_encryption": ["curve"],
                "pixi": {
                    "manifest": str(self.manifest),
                    "environment": self.environment,
                    **({} if self.folder is None else {"path": self.folder}),
                },
            },
        }


class KernelPicker:
    """Keeps the folder of generated kernel specs. `refresh` may be called from any thread."""

    def __init__(self, root: Path, folder: Path, environ: Mapping[str, str] = os.environ) -> None:
        self.folder = folder
        self._root = root
        self._environ = environ
        self._lock = threading.Lock()
        self._known: dict[Path, tuple[int, list[Entry]]] = {}

    def refresh(self) -> list[str]:
        """Look for manifests, write the specs that are missing or changed, delete the others; returns all names."""
        with self._lock:
            manifests = list(find_manifests(self._root))
            self._known = {path: known for path, known in self._known.items() if path in set(manifests)}
            entries: dict[str, Entry] = {}
            for manifest in manifests:
                for entry in self._entries(manifest):
                    entries[entry.name] = entry
            self._write(entries)
            return sorted(entries)

    def entry_of(self, manifest: Path, environment: str) -> str | None:
        """The name of an environment's entry as the last refresh left it; None where there is none."""
        _, entries = self._known.get(manifest, (0, []))
        return next((entry.name for entry in entries if entry.environment == environment), None)

    def _entries(self, manifest: Path) -> list[Entry]:
        """Those of one manifest; read again only when it changed. One that cannot be read has none."""
        try:
            changed_at = manifest.stat().st_mtime_ns
            known = self._known.get(manifest)
            if known is None or known[0] != changed_at:
                known = (changed_at, read_entries(manifest, self._root, self._environ))
                self._known[manifest] = known
        except (OSError, PixiError):
            return []
        return known[1]

    def _write(self, entries: Mapping[str, Entry]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for old in self.folder.iterdir():
            if old.name not in entries:
                shutil.rmtree(old, ignore_errors=True)
        for name, entry in entries.items():
            path = self.folder / name / "kernel.json"
            text = json.dumps(entry.spec(), indent=1)
            if path.is_file() and path.read_text(encoding="utf-8") == text:
                continue
            path.parent.mkdir(exist_ok=True)
            work = path.with_suffix(".new")
            work.write_text(text, encoding="utf-8")
            work.replace(path)

    def close(self) -> None:
        """Remove the folder: the entries are those of a running server."""
        shutil.rmtree(self.folder, ignore_errors=True)


def find_manifests(root: Path) -> Iterator[Path]:
    """Manifests of workspaces in `root` and a few levels below it, and the nearest one above."""
    for folder in root.absolute().parents:
        found = manifest_in(folder)
        if found is not None:
            yield found
            break
    waiting = [(root, 0)]
    for _ in range(MAX_FOLDERS):
        if not waiting:
            return
        folder, depth = waiting.pop(0)
        found = manifest_in(folder)
        if found is not None:
            yield found
        if depth < MAX_DEPTH:
            waiting += [(below, depth + 1) for below in _folders_in(folder)]


def _folders_in(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            found = [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []
    return sorted(
        Path(entry.path) for entry in found if not entry.name.startswith(".") and entry.name not in _PASSED_OVER
    )


def read_entries(manifest: Path, root: Path, environ: Mapping[str, str]) -> list[Entry]:
    """One entry for each environment. Raises `ManifestError`."""
    workspace = Workspace.open(manifest, environ=environ)
    relative = os.path.relpath(manifest.parent, root)
    # two workspaces of one name are told apart by where they are, in a form that says nothing about this machine
    place = "" if relative == "." else "-" + hashlib.sha256(relative.encode()).hexdigest()[:4]
    parts = Path(relative).parts
    folder = None if ".." in parts else "/".join(parts)
    slug = _SLUG.sub("-", workspace.name.lower()).strip("-.") or "workspace"
    return [
        Entry(f"pixi--{slug}{place}--{name}", f"{workspace.name} ({name})", manifest, str(name), folder)
        for name in workspace.manifest.environments
    ]
