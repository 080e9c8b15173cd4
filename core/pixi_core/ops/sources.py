"""Do source folders still say what the lock file says of them?

What stands in a `[project]` table is compared at once. What only a build can tell is compared with the last build of
the folder as it is now; where there was none the folder has changed, and locking will build it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import PixiError

if TYPE_CHECKING:
    from ..lock.model import LockFile
    from ..model.record import PypiRecord
    from ..pypi.metadata import CoreMetadata
    from ..workspace import Workspace


def changed_sources(workspace: Workspace, lock: LockFile) -> list[str]:
    """Why the locked metadata of source folders is not theirs any more, in words; empty where it is."""
    found: dict[str, str] = {}
    for record in _local_records(workspace, lock):
        location, _, fragment = record.location.partition("#")
        folder = workspace.root / location / fragment.removeprefix("subdirectory=")
        if record.location in found or not folder.is_dir():
            continue  # an archive is locked by its digest; what is gone the installation tells
        try:
            metadata = _metadata(workspace, folder)
        except PixiError as error:
            found[record.location] = f"{location}: {error.message}"
            continue
        problem = f"{location} has changed" if metadata is None else _difference(record, metadata, location)
        if problem:
            found[record.location] = problem
    return list(found.values())


def _local_records(workspace: Workspace, lock: LockFile) -> Iterator[PypiRecord]:
    for name, environment in lock.environments.items():
        for platform in environment.packages:
            if name in workspace.manifest.environments:
                yield from (r for r in lock.for_platform(name, platform)[1] if "://" not in r.location)


def _metadata(workspace: Workspace, folder: Path) -> CoreMetadata | None:
    """The folder's metadata; None where only a build that was not made yet can tell."""
    from ..pypi.direct import static_metadata

    static = static_metadata(folder)
    if static is not None:
        return static
    from ..build.results import BuildResults, tree_key
    from ..build.stamp import source_stamp

    services = workspace.services
    return BuildResults(services.dirs.built_wheels, services.wheels).metadata(tree_key(source_stamp(folder)))


def _difference(record: PypiRecord, metadata: CoreMetadata, location: str) -> str:
    from ..pypi.requires import canonical

    if metadata.name != record.name:
        return f"{location} is {metadata.name} now, not {record.name}"
    if sorted(canonical(metadata.requires_dist)) != sorted(canonical(record.requires_dist)):
        return f"the dependencies of {location} have changed"
    if _specifier(metadata.requires_python) != _specifier(record.requires_python):
        return f"{location} requires Python {metadata.requires_python or 'of any version'} now"
    return ""


def _specifier(text: str | None) -> str:
    """A version specifier without differences of spelling."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        return str(SpecifierSet(text or ""))
    except InvalidSpecifier:
        return text or ""
