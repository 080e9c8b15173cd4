"""The files of a kernel overlay: from wheels that were chosen on the index, or from the server's own installation."""

from __future__ import annotations

import importlib.metadata
import os
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Protocol

from pixi_core.names import safe_relative_path

if TYPE_CHECKING:
    from packaging.requirements import Requirement

    from pixi_core.cache.wheels import CachedWheel

ROOT_PROJECT = "ipykernel"
KERNEL_SPEC = "share/jupyter/kernels/python3/kernel.json"
"""Kept with the support files: it says which encryption that ipykernel supports."""

_INSTALLERS = ("pip", "uv")
"""Installations whose files stand alone; a conda package's libraries find each other by their place in the prefix."""


@dataclass(frozen=True, slots=True)
class SupportFile:
    """One file: where it is, its place in the overlay, and what tells its contents (digest or version).

    `linked`: the overlay holds a symbolic link to it (a folder may be linked whole). Those are the server's own files,
    without which its kernels could not run anyway.
    """

    source: Path
    target: str
    identity: str
    linked: bool = False


class InterpreterFacts(Protocol):
    """What must be known of the environment's Python."""

    @property
    def version(self) -> str:
        """Full version."""

    @property
    def implementation(self) -> str:
        """`cpython`…"""

    @property
    def suffix(self) -> str:
        """Of extension modules."""

    @property
    def installed(self) -> Mapping[str, str]:
        """Name to version."""


def files_of_wheels(wheels: Iterable[CachedWheel]) -> list[SupportFile]:
    """The importable files of some unpacked wheels."""
    files = []
    for wheel in wheels:
        for name, digest, *_ in wheel.files:
            target = _overlay_path(name)
            if target is not None:
                files.append(SupportFile(wheel.path / name, target, digest))
    return files


def _overlay_path(name: str) -> str | None:
    """Where a file of a wheel goes: packages to the top (PEP 427 puts some below `*.data/`), the kernel spec to its
    own place, scripts and headers nowhere.
    """
    parts = PurePosixPath(safe_relative_path(name)).parts
    if not parts[0].endswith(".data"):
        return name
    rest = "/".join(parts[2:])
    if parts[1] in ("purelib", "platlib"):
        return rest
    return rest if parts[1] == "data" and rest == KERNEL_SPEC else None


def files_of_server(interpreter: InterpreterFacts) -> list[SupportFile] | None:
    """The files of this process's own ipykernel and its dependencies; None where they are not for that Python, or do
    not fit what its environment has installed, or were not installed from wheels.
    """
    if (interpreter.implementation, interpreter.suffix) != (sys.implementation.name, _own_suffix()):
        return None
    if interpreter.version.split(".")[:2] != [str(part) for part in sys.version_info[:2]]:
        return None
    closure = _own_closure(interpreter.installed)
    if closure is None:
        return None
    files = []
    for distribution in closure:
        files += _entries_of_distribution(distribution)
    return files


def _own_suffix() -> str:
    return sysconfig.get_config_var("EXT_SUFFIX") or ""


def _own_closure(installed: Mapping[str, str]) -> list[importlib.metadata.Distribution] | None:
    """The distributions that ipykernel needs here, where each fits what another environment has in its place."""
    from packaging.utils import canonicalize_name

    theirs = {canonicalize_name(name): version for name, version in installed.items()}
    found: dict[str, importlib.metadata.Distribution] = {}
    waiting = [ROOT_PROJECT]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            return None
        if (distribution.read_text("INSTALLER") or "").strip() not in _INSTALLERS or not distribution.read_text(
            "RECORD"
        ):
            return None
        found[name] = distribution
        for requirement in _requirements(distribution):
            needed = str(canonicalize_name(requirement.name))
            have = theirs.get(canonicalize_name(requirement.name)) or _own_version(needed)
            if have is None or not requirement.specifier.contains(have, prereleases=True):
                return None
            waiting.append(needed)
    return [found[name] for name in sorted(found)]


def _requirements(distribution: importlib.metadata.Distribution) -> list[Requirement]:
    from packaging.requirements import Requirement

    parsed = [Requirement(text) for text in distribution.requires or ()]
    return [requirement for requirement in parsed if requirement.marker is None or requirement.marker.evaluate()]


def _own_version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _entries_of_distribution(distribution: importlib.metadata.Distribution) -> list[SupportFile]:
    """The top-level folders and files that RECORD lists inside site-packages, and the kernel spec; to be linked to."""
    identity = f"{distribution.name}-{distribution.version}"
    names: dict[str, str] = {}
    for line in (distribution.read_text("RECORD") or "").splitlines():
        path = line.rpartition(",")[0].rpartition(",")[0].strip('"')
        if path.endswith(KERNEL_SPEC):
            names[KERNEL_SPEC] = path
        elif path and not path.startswith(("..", "/", "__pycache__")):
            top = path.partition("/")[0]
            names[top] = top
    return [
        SupportFile(Path(os.path.abspath(str(distribution.locate_file(path)))), target, identity, linked=True)
        for target, path in names.items()
    ]
