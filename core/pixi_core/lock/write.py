"""Write `pixi.lock` version 7: the same content gives the same bytes, in whatever order it was put together.

Keys stand in pixi's order, lists are sorted by (kind, location), and what a location already says is left out (see
`model.record.derive`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import LockFileError
from ..model.channel import path_of_file_url
from ..model.package_index import default_index
from ..model.platform import Platform
from ..model.pypi_options import DEFAULT_PRERELEASES
from ..model.record import PypiRecord, RepoDataRecord, derive, derived_noarch, derived_number, written_timestamp
from .model import CondaSourceRecord, LockedEnvironment, LockedRecord, LockFile, LockOptions
from .scalar import scalar

_KIND_ORDER = {"conda": 0, "conda_source": 1, "pypi": 2}
_STRATEGIES = {"lowest": "lowest-version", "lowest-direct": "lowest-version-direct"}


def write_lock(lock: LockFile) -> str:
    """The text of the file. Raises `LockFileError` where an environment has packages for an unknown platform."""
    aliases = _aliases(lock.platforms)
    lines = ["version: 7"]
    _write_platforms(lines, lock.platforms, aliases)
    _write_environments(lines, lock.environments, aliases)
    _write_packages(lines, lock)
    lines.append("")
    return "\n".join(lines)


def selector(record: LockedRecord) -> tuple[str, str]:
    """Kind and location: what identifies a record within the file."""
    if isinstance(record, RepoDataRecord):
        return "conda", location_of(record.url)
    if isinstance(record, PypiRecord):
        return "pypi", record.location
    return "conda_source", record.selector


def location_of(url: str) -> str:
    """A URL as lock files hold it: packages of a folder on disk by their path, as other tools write and read them."""
    return path_of_file_url(url) if url.startswith("file://") else url


def _order(key: tuple[str, str]) -> tuple[int, str]:
    return _KIND_ORDER[key[0]], key[1]


def _aliases(platforms: Iterable[Platform]) -> dict[str, str]:
    """Names in the file: a plain subdir is called what it is, the others `p1`, `p2` … in the order declared."""
    found: dict[str, str] = {}
    count = 0
    for platform in platforms:
        if platform.name == platform.subdir and not platform.customised:
            found[platform.name] = platform.name
        else:
            count += 1
            found[platform.name] = f"p{count}"
    return found


def _write_platforms(lines: list[str], platforms: Iterable[Platform], aliases: Mapping[str, str]) -> None:
    ordered = sorted(platforms, key=lambda platform: aliases[platform.name])
    if not ordered:
        lines.append("platforms: []")
        return
    lines.append("platforms:")
    for platform in ordered:
        name = aliases[platform.name]
        lines.append(f"- name: {scalar(name)}")
        if name != platform.subdir:
            lines.append(f"  subdir: {platform.subdir}")
        if platform.virtual_packages:
            lines.append("  virtual-packages:")
            lines += [f"  - {scalar(str(package))}" for package in platform.virtual_packages]


def _write_environments(
    lines: list[str], environments: Mapping[str, LockedEnvironment], aliases: Mapping[str, str]
) -> None:
    if not environments:
        lines.append("environments: {}")
        return
    lines.append("environments:")
    for name in sorted(environments):
        environment = environments[name]
        lines.append(f"  {scalar(name)}:")
        lines.append("    channels:" if environment.channels else "    channels: []")
        lines += [f"    - url: {scalar(url)}" for url in environment.channels]
        if environment.indexes:
            lines.append("    indexes:")
            lines += [f"    - {scalar(url)}" for url in environment.indexes]
        if environment.find_links:
            lines.append("    find-links:")
            lines += [f"    - {kind}: {scalar(value)}" for kind, value in environment.find_links]
        _write_options(lines, environment.options)
        _write_selectors(lines, name, environment, aliases)


def _write_options(lines: list[str], options: LockOptions) -> None:
    shown: list[tuple[str, str]] = []
    if options.strategy != "highest":
        shown.append(("strategy", _STRATEGIES[options.strategy]))
    if options.channel_priority != "strict":
        shown.append(("channel-priority", options.channel_priority))
    if options.prerelease_mode not in (None, DEFAULT_PRERELEASES):
        shown.append(("pypi-prerelease-mode", options.prerelease_mode or ""))
    if shown:
        lines.append("    options:")
        lines += [f"      {key}: {value}" for key, value in shown]


def _write_selectors(lines: list[str], name: str, environment: LockedEnvironment, aliases: Mapping[str, str]) -> None:
    if not environment.packages:
        lines.append("    packages: {}")
        return
    lines.append("    packages:")
    try:
        ordered = sorted((aliases[platform], records) for platform, records in environment.packages.items())
    except KeyError as error:
        raise LockFileError(f"the environment '{name}' has packages for the unknown platform {error}") from None
    except TypeError:
        raise LockFileError(f"the environment '{name}' has packages twice for one platform") from None
    for platform, records in ordered:
        lines.append(f"      {scalar(platform)}:" if records else f"      {scalar(platform)}: []")
        for kind, location in sorted({selector(record) for record in records}, key=_order):
            lines.append(f"      - {kind}: {scalar(location)}")


# ---------------------------------------------------------------- packages


def _write_packages(lines: list[str], lock: LockFile) -> None:
    found: dict[tuple[str, str], LockedRecord] = {}
    for environment in lock.environments.values():
        for records in environment.packages.values():
            for record in records:
                known = found.setdefault(selector(record), record)
                # another environment may know what the package is on PyPI
                if isinstance(record, RepoDataRecord) and isinstance(known, RepoDataRecord) and known.purls is None:
                    found[selector(record)] = record
    for record in lock.extra_packages:
        found.setdefault(selector(record), record)
    if not found:
        lines.append("packages: []")
        return
    lines.append("packages:")
    index = default_index()
    for key in sorted(found, key=_order):
        record = found[key]
        if isinstance(record, RepoDataRecord):
            _write_conda(lines, record)
        elif isinstance(record, PypiRecord):
            _write_pypi(lines, record, index)
        else:
            _write_source(lines, record)


def _field(lines: list[str], key: str, value: str | None) -> None:
    if value is not None:
        lines.append(f"  {key}: {scalar(value)}")


def _number(lines: list[str], key: str, value: int | None) -> None:
    if value is not None:
        lines.append(f"  {key}: {value}")


def _sequence(lines: list[str], key: str, items: Iterable[str]) -> None:
    shown = [f"  - {scalar(item)}" for item in items]
    if shown:
        lines.append(f"  {key}:")
        lines += shown


def _write_conda(lines: list[str], record: RepoDataRecord) -> None:
    location = location_of(record.url)
    said = derive(location)
    lines.append(f"- conda: {scalar(location)}")
    if record.name != said.name:
        _field(lines, "name", record.name)
    if record.version != said.version:
        _field(lines, "version", record.version)
    if record.build != said.build:
        _field(lines, "build", record.build)
    if record.build_number != derived_number(record.build):
        _number(lines, "build_number", record.build_number)
    if record.subdir != said.subdir:
        _field(lines, "subdir", record.subdir)
    if record.noarch != derived_noarch(said.subdir or record.subdir, said.build or record.build):
        lines.append(f"  noarch: {record.noarch or 'false'}")
    _field(lines, "sha256", record.sha256)
    _field(lines, "md5", record.md5)
    _field(lines, "legacy_bz2_md5", record.legacy_bz2_md5)
    _sequence(lines, "depends", record.depends)
    _sequence(lines, "constrains", record.constrains)
    if record.extra_depends:
        lines.append("  extra_depends:")
        _nested(lines, record.extra_depends)
    if (record.channel or "").rstrip("/") != (said.channel or "").rstrip("/"):
        lines.append(
            "  channel: null" if record.channel is None else f"  channel: {scalar(record.channel.rstrip('/'))}"
        )
    _field(lines, "features", record.features)
    _sequence(lines, "flags", record.flags)
    _sequence(lines, "track_features", record.track_features)
    if record.file_name != said.file_name:
        _field(lines, "file_name", record.file_name)
    _field(lines, "license", record.license)
    _field(lines, "license_family", record.license_family)
    if record.purls is not None:
        _sequence(lines, "purls", record.purls) if record.purls else lines.append("  purls: []")
    if record.run_exports is not None:
        exports = {key: items for key in _RUN_EXPORTS if (items := record.run_exports.get(key))}
        lines.append("  run_exports:" if exports else "  run_exports: {}")
        _nested(lines, exports)
    _number(lines, "size", record.size)
    _number(lines, "legacy_bz2_size", record.legacy_bz2_size)
    _number(lines, "timestamp", record.timestamp and written_timestamp(record.timestamp))
    _field(lines, "python_site_packages_path", record.python_site_packages_path)


_RUN_EXPORTS = ("weak", "strong", "noarch", "weak_constrains", "strong_constrains")


def _nested(lines: list[str], groups: Mapping[str, Iterable[str]]) -> None:
    for key, items in groups.items():
        shown = [f"    - {scalar(item)}" for item in items]
        lines.append(f"    {scalar(key)}:" if shown else f"    {scalar(key)}: []")
        lines += shown


def _write_pypi(lines: list[str], record: PypiRecord, index: str) -> None:
    lines.append(f"- pypi: {scalar(record.location)}")
    _field(lines, "name", record.name)
    _field(lines, "version", record.version)
    _field(lines, "md5", record.md5)
    _field(lines, "sha256", record.sha256)
    if record.index is not None and record.index.rstrip("/") != index and record.is_registry:
        _field(lines, "index", record.index)
    _sequence(lines, "requires_dist", record.requires_dist)
    _field(lines, "requires_python", record.requires_python)


def _write_source(lines: list[str], record: CondaSourceRecord) -> None:
    lines.append(f"- conda_source: {scalar(record.selector)}")
    for key, value in record.fields.items():
        _write_value(lines, f"  {scalar(key)}:", value, "  ")


def _write_value(lines: list[str], head: str, value: Any, indent: str) -> None:
    """Any value of a source record in block style; its leaves are text."""
    if value is None:
        lines.append(f"{head} null")
    elif isinstance(value, Mapping):
        lines.append(head if value else f"{head} {{}}")
        for key, item in value.items():
            _write_value(lines, f"{indent}  {scalar(str(key))}:", item, indent + "  ")
    elif isinstance(value, (list, tuple)):
        lines.append(head if value else f"{head} []")
        for item in value:
            if isinstance(item, Mapping):
                _write_item(lines, item, indent)
            else:
                _write_value(lines, f"{indent}-", item, indent + "  ")
    else:
        lines.append(f"{head} {value if isinstance(value, int) else scalar(str(value))}")


def _write_item(lines: list[str], item: Mapping[str, Any], indent: str) -> None:
    mark = f"{indent}- "
    for key, value in item.items():
        _write_value(lines, f"{mark}{scalar(str(key))}:", value, indent + "  ")
        mark = indent + "  "
