"""Do source folders still say what the lock file says of them?

What stands in a `[project]` table is compared at once. What only a build can tell is compared with the last build of
the folder as it is now; where there was none the folder has changed, and locking will build it.
"""

from __future__ import annotations

import os
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


def with_own_metadata(workspace: Workspace, lock: LockFile, text: str) -> LockFile:
    """The lock file with what the `text` of the workspace's `pyproject.toml` says of the project itself, where that is
    locked as a source folder.
    """
    from ..pypi.direct import project_metadata
    from ..pypi.requires import canonical

    if workspace.kind != "pyproject" or not any(_is_own(workspace, r) for r in _local_records(workspace, lock)):
        return lock
    metadata = project_metadata(text, workspace.manifest_path)
    if metadata is None:
        return lock
    told = {"requires_dist": canonical(metadata.requires_dist), "requires_python": metadata.requires_python}
    return lock.replace(
        environments={
            name: environment.replace(
                packages={
                    platform: tuple(r.replace(**told) if _is_own(workspace, r) else r for r in records)
                    for platform, records in environment.packages.items()
                }
            )
            for name, environment in lock.environments.items()
        }
    )


def installs_itself(workspace: Workspace, lock: LockFile) -> bool:
    """Whether the workspace's own folder is one of the locked sources."""
    return any(_is_own(workspace, record) for record in _local_records(workspace, lock))


def _is_own(workspace: Workspace, record: object) -> bool:
    from ..model.record import PypiRecord

    return (
        isinstance(record, PypiRecord)
        and "://" not in record.location
        and os.path.abspath(workspace.root / record.location.partition("#")[0]) == str(workspace.root)
    )


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
