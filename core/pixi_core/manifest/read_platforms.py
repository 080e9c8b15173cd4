"""`workspace.platforms` (subdirs and rich platforms) and the older `system-requirements`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ..errors import SpecError
from ..model.platform import Platform, Subdir, VirtualPackage, default_virtual_packages, subdir
from ..model.version import parse_version
from .table import Problems, Table

FRIENDLY = {
    "cuda": "__cuda",
    "archspec": "__archspec",
    "glibc": "__glibc",
    "linux": "__linux",
    "macos": "__osx",
    "osx": "__osx",
    "windows": "__win",
}
_ORDER = ("cuda", "archspec", "glibc", "linux", "macos", "osx", "windows")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]\Z")
_RESERVED = ("linux", "macos", "osx", "unix", "win")
_SYSTEM_KEYS = ("linux", "unix", "libc", "cuda", "archspec", "macos")


def read_platforms(workspace: Table) -> tuple[Platform, ...]:
    """The platforms of the workspace, in order."""
    found: dict[str, Platform] = {}
    for position, entry in enumerate(workspace.get("platforms", list) or []):
        path = (*workspace.path, "platforms", position)
        platform = _platform(entry, Table({}, path, workspace.problems))
        if platform is None:
            continue
        if platform.name in found:
            workspace.problems.add(path, f"the platform '{platform.name}' is declared twice")
        found[platform.name] = platform
    return tuple(found.values())


def entry_name(entry: Any) -> str:
    """The name of a platform as it stands in a list; of a table that cannot be read, what comes nearest."""
    if isinstance(entry, str):
        return str(entry)
    plain = entry.unwrap() if hasattr(entry, "unwrap") else dict(entry)  # while editing: tomlkit's own kinds
    found = _platform(plain, Table({}, (), Problems(Path(), "")))
    return found.name if found is not None else str(entry.get("name") or entry.get("platform") or "")


def _platform(entry: Any, at: Table) -> Platform | None:
    if isinstance(entry, str):
        try:
            return Platform.bare(subdir(entry))
        except SpecError as error:
            at.problems.add(at.path, error.message, hint="; ".join(error.hints))
            return None
    if not isinstance(entry, dict):
        at.problems.add(at.path, "a platform is a string or a table")
        return None
    return _rich(Table(entry, at.path, at.problems))


def _rich(table: Table) -> Platform | None:
    raw = [key for key in table.data if key.startswith("__")]
    table.allow(("platform", "name", *FRIENDLY, *raw), where="a platform")
    name, written = table.get("name", str), table.get("platform", str)
    if written is None and "platform" in table:
        return None
    if written is None and name is None:
        table.problems.add(table.path, "a platform needs `platform` (or a `name` that is one)")
        return None
    base = table.convert("platform" if written else "name", lambda: subdir(written or name or ""))
    if name is not None and written is not None and not _is_name(name):
        table.wrong("name", f"'{name}' cannot be the name of a platform", hint="letters, digits and `-`; not a family")
        return None
    if base is None:
        return None
    packages: list[VirtualPackage] = []
    for key in (*(key for key in _ORDER if key in table), *raw):
        packages += _virtual(table, key)
    declared = tuple(packages)
    return Platform.declared(name or synthesised_name(base, declared), base, declared)


def _is_name(name: str) -> bool:
    return bool(_NAME.match(name)) and len(name) <= 64 and name not in _RESERVED


def _virtual(table: Table, key: str) -> list[VirtualPackage]:
    value = table.data[key]
    name = FRIENDLY.get(key, key)
    if key == "cuda" and isinstance(value, dict):
        cuda = table.table(key)
        cuda.allow(("driver", "arch"), where="`cuda`")
        driver, arch = cuda.get("driver", str), cuda.get("arch", str)
        if driver is None:
            if "driver" not in cuda:
                table.wrong(key, "`cuda.arch` needs a `driver`")
            return []
        for field, version in (("driver", driver), ("arch", arch)):
            if version is not None:
                cuda.convert(field, lambda version=version: parse_version(version))  # type: ignore[misc]  # bound now
        return [VirtualPackage("__cuda", driver)] + ([VirtualPackage("__cuda_arch", arch)] if arch else [])
    text = table.get(key, str)
    if text is None:
        return []
    if key == "archspec":
        return [VirtualPackage(name, "0", text)]
    version, _, build = text.partition("=")
    checked = table.convert(key, lambda: str(parse_version(version)))
    return [VirtualPackage(name, version, build or None)] if checked is not None else []


def synthesised_name(base: Subdir, declared: tuple[VirtualPackage, ...]) -> str:
    """The name of a rich platform that was given none: `linux-64-cuda-12-0`; the bare subdir where nothing differs."""
    defaults = default_virtual_packages(base)
    friendly = {value: key for key, value in FRIENDLY.items() if key != "osx"}
    parts = [str(base)]
    for package in declared:
        if package in defaults:
            continue
        value = package.build if package.name == "__archspec" else package.version
        parts.append(f"{friendly.get(package.name, package.name.strip('_'))}-{value}")
    return re.sub(r"[^A-Za-z0-9]+", "-", "-".join(parts)).strip("-")


def read_system_requirements(table: Table) -> tuple[VirtualPackage, ...]:
    """The older way to say what machines have; environments turn it into platforms of their own."""
    table.allow(_SYSTEM_KEYS, where="system-requirements")
    found: list[VirtualPackage] = []
    for key in table.data:
        if key not in _SYSTEM_KEYS:
            continue
        value = table.data[key]
        name = {"libc": "__glibc", "unix": "__unix"}.get(key) or FRIENDLY.get(key, key)
        if key == "libc" and isinstance(value, dict):
            libc = table.table(key)
            libc.allow(("family", "version"), where="`libc`")
            name = f"__{libc.get('family', str) or 'glibc'}"
            value = libc.get("version", str)
            if value is None and "version" in libc:
                continue
        if key == "unix" and isinstance(value, bool):
            found += [VirtualPackage("__unix", "0", "0")] if value else []
        elif key == "archspec" and isinstance(value, str):
            found.append(VirtualPackage(name, "0", value))
        elif isinstance(value, (str, int, float)) and not isinstance(value, bool):
            text = str(value)
            if table.convert(key, lambda text=text: str(parse_version(text))) is not None:  # type: ignore[misc]  # bound now
                found.append(VirtualPackage(name, text))
        else:
            table.wrong(key, f"`{key}` must be a version")
    return tuple(found)
