"""`pixi list`: the packages of an environment, as locked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..model.platform import architecture, operating_system
from ..model.record import RepoDataRecord
from ..model.regex import asked_for
from ..names import pypi_name
from ..progress import SILENT, Reporter
from .installing import choose_platform, platforms_named
from .lock import ensure_lock

if TYPE_CHECKING:
    from ..manifest.merge import Environment
    from ..model.platform import Platform
    from ..model.record import PypiRecord
    from ..workspace import Workspace


_OF_ONE_KIND = (
    "build_number", "license", "license_family", "arch", "platform", "subdir", "timestamp", "noarch", "file_name",
    "index_url", "run_exports",
)  # fmt: skip
"""What is null where it says nothing about a package."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One package of the list. `kind` is `conda` or `pypi`; sizes are bytes."""

    name: str
    version: str
    build: str | None
    size_bytes: int | None
    kind: str
    source: str | None
    is_explicit: bool
    requested_spec: str | None
    is_editable: bool = False
    record: RepoDataRecord | PypiRecord

    def to_json(self) -> dict[str, Any]:
        """The keys of `pixi list --json`: all of them, whatever kind of package it is, but for `is_editable`."""
        base: dict[str, Any] = {
            "name": self.name,
            "version": self.version,
            "build": self.build,
            "size_bytes": self.size_bytes,
            "kind": self.kind,
            "source": self.source,
            "is_explicit": self.is_explicit,
            "requested_spec": self.requested_spec,
            "md5": self.record.md5,
            "sha256": self.record.sha256,
            **dict.fromkeys(_OF_ONE_KIND),
        }
        record = self.record
        if isinstance(record, RepoDataRecord):
            exports = record.run_exports
            base |= {
                "build_number": record.build_number,
                "license": record.license,
                "license_family": record.license_family,
                "arch": architecture(record.subdir),
                "platform": operating_system(record.subdir),
                "subdir": record.subdir,
                "timestamp": record.timestamp,
                "noarch": record.noarch,
                "file_name": record.file_name,
                "url": record.url,
                "constrains": list(record.constrains),
                "depends": list(record.depends),
                "track_features": list(record.track_features),
                "run_exports": None if exports is None else {kind: list(specs) for kind, specs in exports.items()},
            }
        else:
            base |= {
                "is_editable": self.is_editable,
                "url": record.location,
                "index_url": record.index,
                "file_name": record.file_name,
                "depends": list(record.requires_dist),
                "constrains": [],
                "track_features": [],
            }
        return base


def list_packages(
    workspace: Workspace,
    environment: str | None = None,
    *,
    pattern: str | None = None,
    explicit: bool = False,
    platform: str | None = None,
    mode: str = "auto",
    reporter: Reporter = SILENT,
) -> list[Row]:
    """The locked packages of an environment on one platform (default: this machine's), sorted by name.

    `pattern` is a regular expression searched in names. Raises `SpecError` for a bad one, and whatever bringing the
    lock file up to date raises.
    """
    matcher = None if pattern is None else asked_for(pattern)
    name = workspace.environment_name(environment)
    chosen = workspace.manifest.environment(name)
    target = target_platform(workspace, chosen, platform)
    lock = ensure_lock(workspace, mode=mode, reporter=reporter).lock
    conda, pypi = lock.for_platform(name, target.name)
    requested: dict[str, str] = {}
    for spec in chosen.conda_specs(target):
        requested[spec.name or ""] = "*" if spec.version is None else str(spec.version)
    wanted_pypi = {str(r.name): r.specifier or "*" for r in chosen.pypi_requirements(target)}
    rows = [_conda_row(record, requested) for record in conda]
    editable = {str(r.name) for r in chosen.pypi_requirements(target) if r.editable}
    rows += [_pypi_row(record, wanted_pypi, editable) for record in pypi]
    return sorted(
        (row for row in rows if (matcher is None or matcher.found_in(row.name)) and (row.is_explicit or not explicit)),
        key=lambda row: (row.name, row.kind),
    )


def target_platform(workspace: Workspace, environment: Environment, name: str | None) -> Platform:
    """The environment's platform of that name or subdir; None: this machine's. Raises `SpecError`."""
    return choose_platform(workspace, environment) if name is None else platforms_named(environment, name)[0]


def _conda_row(record: RepoDataRecord, requested: dict[str, str]) -> Row:
    return Row(
        name=record.name,
        version=record.version,
        build=record.build,
        size_bytes=record.size,
        kind="conda",
        source=record.channel,
        is_explicit=record.name in requested,
        requested_spec=requested.get(record.name),
        record=record,
    )


def _pypi_row(record: PypiRecord, requested: dict[str, str], editable: set[str]) -> Row:
    name = pypi_name(record.name)
    return Row(
        name=record.name,
        version=record.version or "",
        build=None,
        size_bytes=record.size,
        kind="pypi",
        source=record.index or record.location,
        is_explicit=name in requested,
        requested_spec=requested.get(name),
        is_editable=name in editable,
        record=record,
    )
