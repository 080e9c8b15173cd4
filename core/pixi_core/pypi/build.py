"""The seam to source builds: what a resolution asks of whoever can run a build back end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ..names import PypiName
from .metadata import CoreMetadata


@dataclass(frozen=True, slots=True)
class SourceTree:
    """Source code on disk. `path` is a folder, or an sdist archive; `subdirectory` is where the project lies in it.

    `identity` names it in messages (`name 1.2 from …`); `name` is None where only a build can tell it. `digest` names
    the content where that cannot change (the sha256 of an archive, the commit of a repository); None for a folder that
    somebody works in. `fetch` brings to `path` what is not there yet, and is called only before a build.
    """

    path: Path
    identity: str
    name: PypiName | None = None
    subdirectory: str | None = None
    editable: bool = False
    digest: str | None = None
    fetch: Callable[[], object] | None = field(default=None, compare=False)


class Builder(Protocol):
    """Runs PEP 517 back ends in isolated environments. Raises `BuildError` with the last lines of the build."""

    def metadata(self, source: SourceTree) -> CoreMetadata:
        """The metadata that a wheel built from the source would have."""
        ...
