"""The seam to source builds: what a resolution asks of whoever can run a build back end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..names import PypiName
from .metadata import CoreMetadata


@dataclass(frozen=True, slots=True)
class SourceTree:
    """Source code on disk. `path` is a folder, or an sdist archive; `subdirectory` is where the project lies in it.

    `identity` names the content for caches and messages (`name 1.2 from …`); `name` is None where only a build can
    tell it.
    """

    path: Path
    identity: str
    name: PypiName | None = None
    subdirectory: str | None = None
    editable: bool = False


class Builder(Protocol):
    """Runs PEP 517 back ends in isolated environments. Raises `BuildError` with the last lines of the build."""

    def metadata(self, source: SourceTree) -> CoreMetadata:
        """The metadata that a wheel built from the source would have."""
        ...

    def wheel(self, source: SourceTree, folder: Path) -> Path:
        """Build a wheel (PEP 660's where the source is editable) into `folder`; its path."""
        ...
