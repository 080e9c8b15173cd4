"""The small files by which pixi and conda recognise a prefix (pixi.md 4.2), all in `conda-meta/`.

`history` makes conda accept the folder; `pixi` names the manifest and the environment; `pixi_env_prefix` holds the
absolute path of `conda-meta`, so that a moved environment is noticed; `.pixi-environment-fingerprint` holds 16 bytes
which say what is installed, or that an installation is under way, and is the file that writers lock.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..fs import write_all
from ..value import EMPTY, Value
from .conda_meta import replace_file
from .fingerprint import FINGERPRINT_FILE, FINGERPRINT_SIZE, META_FOLDER

CACHEDIR_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# Everything in here can be made again.\n"
HISTORY = "# this environment is managed by pixi; the file exists so that conda accepts the folder\n"


PARTIAL = "partial"
"""The lock hash of a prefix into which only some of the locked packages were put."""


class EnvironmentMarker(Value, kw_only=True):
    """What `conda-meta/pixi` says. `platform` and `minimum_platform` are the JSON objects of the same names there."""

    manifest_path: str
    environment_name: str
    pixi_version: str = ""
    lock_hash: str = ""
    resolved_platform: Mapping[str, Any] = EMPTY
    minimum_supported_platform: Mapping[str, Any] = EMPTY

    def to_json(self) -> dict[str, Any]:
        """The content of the file."""
        data: dict[str, Any] = {
            "manifest_path": self.manifest_path,
            "environment_name": self.environment_name,
            "pixi_version": self.pixi_version,
            "environment_lock_file_hash": self.lock_hash,
        }
        if self.resolved_platform:
            data["resolved_platform"] = dict(self.resolved_platform)
        if self.minimum_supported_platform:
            data["minimum_supported_platform"] = dict(self.minimum_supported_platform)
        return data


def compute_fingerprint(packages: Iterable[tuple[str, str]]) -> bytes:
    """16 hexadecimal digits over sorted (name, what identifies the package) pairs."""
    lines = sorted(f"{name}\0{identity}\n" for name, identity in packages)
    return hashlib.blake2b("".join(lines).encode(), digest_size=8).hexdigest().encode()


def read_fingerprint(prefix: Path) -> bytes:
    """The bytes of the fingerprint file; empty where there are none."""
    try:
        with open(prefix / META_FOLDER / FINGERPRINT_FILE, "rb") as file:
            return file.read(FINGERPRINT_SIZE + 1)
    except OSError:
        return b""


def write_fingerprint(prefix: Path, content: bytes) -> None:
    """Write the 16 bytes in place: the file is locked by its inode, it must not be replaced."""
    fd = os.open(prefix / META_FOLDER / FINGERPRINT_FILE, os.O_WRONLY | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
    try:
        write_all(fd, content)
        os.ftruncate(fd, len(content))
    finally:
        os.close(fd)


def is_moved(prefix: Path) -> bool:
    """Whether the prefix says that it was made somewhere else."""
    try:
        stored = (prefix / META_FOLDER / "pixi_env_prefix").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return False
    return bool(stored) and os.path.realpath(stored) != os.path.realpath(prefix / META_FOLDER)


def marker_is_current(prefix: Path, marker: EnvironmentMarker | None) -> bool:
    """Whether `conda-meta/pixi` says what it would be made to say."""
    if marker is None:
        return True
    try:
        stored = json.loads((prefix / META_FOLDER / "pixi").read_bytes())
    except (OSError, ValueError):
        return False
    return bool(stored == json.loads(json.dumps(marker.to_json())))


def is_partial(prefix: Path) -> bool:
    """Whether the last installation was asked for some of the locked packages only."""
    try:
        return bool(json.loads((prefix / META_FOLDER / "pixi").read_bytes())["environment_lock_file_hash"] == PARTIAL)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def write_markers(prefix: Path, marker: EnvironmentMarker | None) -> None:
    """Write every marker but the fingerprint, each only where it differs from what is there."""
    meta = prefix / META_FOLDER
    _write_if_different(meta / "pixi_env_prefix", str(meta.absolute()))
    _write_if_not_whole(meta / "history", HISTORY.encode())
    _write_if_not_whole(prefix / "CACHEDIR.TAG", CACHEDIR_TAG.encode())
    if marker is not None:
        _write_if_different(meta / "pixi", json.dumps(marker.to_json(), indent=2) + "\n")


def _write_if_not_whole(path: Path, content: bytes) -> None:
    """What another tool wrote there, or appended, stays; what a power cut has cut short does not."""
    try:
        there = path.read_bytes()
    except FileNotFoundError:
        there = b""
    if there != content and content.startswith(there):
        replace_file(path, content)


def _write_if_different(path: Path, text: str) -> None:
    try:
        if path.read_text(encoding="utf-8") == text:
            return
    except (OSError, UnicodeDecodeError):
        pass
    replace_file(path, text.encode())
