"""`[package]`: a source tree that becomes a conda package. Checked like everything else; backends interpret it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..model.match_spec_table import TABLE_KEYS
from ..model.version import parse_version
from .read_features import METADATA_KEYS, SOURCE_KEYS, Shared, read_channels, read_conda
from .table import Table

_TEXTS = ("name", "description", *METADATA_KEYS)
_RUN_EXPORTS = ("weak", "strong", "noarch", "weak-constraints", "strong-constraints")
_DEPENDENCIES = ("build-dependencies", "host-dependencies", "run-dependencies", "run-constraints")
_KEYS = (
    *_TEXTS, "version", "authors", "publish", "build", *_DEPENDENCIES, "extra-dependencies", "run-exports",
    "target",
)  # fmt: skip
_BUILD_KEYS = (
    "backend", "channels", "config", "target", "source", "flags", "build-number", "build-string-prefix", "secrets",
    "additional-dependencies",
)  # fmt: skip
_SOURCE_KEYS = ("path", "git", "rev", "tag", "branch", "subdirectory")
_CONDITION = re.compile(r"if\(.+\)\Z")
_PINS = ("pin-compatible", "pin-subpackage")
_PIN_KEYS = ("lower-bound", "upper-bound", "build", "exact")


def read_package(table: Table, shared: Shared) -> Mapping[str, Any]:
    """The table of a package, as it stands, once every mistake in it has been noted."""
    shared = shared.replace(builds=True, is_host_kind=False)
    table.allow(_KEYS, where="[package]")
    for key in _TEXTS:
        if not _is_inherited(table, key):
            table.get(key, str)
    if not _is_inherited(table, "version"):
        version = table.get("version", str)
        if version is not None:
            table.convert("version", lambda: parse_version(version))
    if not _is_inherited(table, "authors"):
        table.texts("authors")
    table.get("publish", bool)
    _build(table.table("build"), shared)
    _dependency_tables(table, shared, own_name=str(table.data.get("name")))
    for _, target in table.table("target").tables():
        target.allow(_DEPENDENCIES, where="a target of [package]")
        _dependency_tables(target, shared, own_name=str(table.data.get("name")))
    return table.data


def _is_inherited(table: Table, key: str) -> bool:
    """Whether an entry is `{ workspace = true }`; a table that says something else is a mistake."""
    value = table.data.get(key)
    if not isinstance(value, dict):
        return False
    fields = table.table(key)
    fields.allow(("workspace",), where=f"`{key}`")
    if "workspace" not in fields:
        table.wrong(key, f"`{key}` is a text, or `{{ workspace = true }}`")
    elif fields.data["workspace"] is not True:
        fields.wrong("workspace", "`workspace` can only be true")
    return True


def _build(table: Table, shared: Shared) -> None:
    table.allow(_BUILD_KEYS, where="[package.build]")
    backend = table.table("backend")
    located = (*TABLE_KEYS, *SOURCE_KEYS, "workspace")
    backend.allow((*located, "name", "channels", "additional-dependencies"), where="`backend`")
    backend.get("name", str)
    if "backend" in table and "name" not in backend:
        table.wrong("backend", "`backend` needs `name`, that of the package which builds")
    spec = {key: value for key, value in backend.data.items() if key in located}
    if spec:
        # an entry of a table of dependencies, but for its name
        pool = {"backend": shared.pool.get(str(backend.data.get("name")), "*")}
        read_conda(Table({"backend": spec}, table.path, table.problems), shared.replace(pool=pool))
    for at in (table, backend):
        read_channels(at, shared)
        read_conda(at.table("additional-dependencies"), shared)
    table.table("config")
    for _, target in table.table("target").tables():
        target.allow(("config",), where="a target of [package.build]")
        target.table("config")
    source = table.table("source")
    source.allow(_SOURCE_KEYS, where="`source`")
    for key in _SOURCE_KEYS:
        source.get(key, str)
    if "source" in table and not ("path" in source) ^ ("git" in source):
        table.wrong("source", "`source` needs either `path` or `git`")
    for key in ("flags", "secrets"):
        table.texts(key)
    number = table.get("build-number", int)
    if number is not None and number < 0:
        table.wrong("build-number", "`build-number` must not be negative")
    table.get("build-string-prefix", str)


# ---------------------------------------------------------------- dependencies


def _dependency_tables(table: Table, shared: Shared, *, own_name: str) -> None:
    for key in _DEPENDENCIES:
        pins = ("pin-compatible",) if key in ("host-dependencies", "run-dependencies") else ()
        _dependencies(table.table(key), shared, pins, own_name)
    for _, group in table.table("extra-dependencies").tables():
        _dependencies(group, shared, (), own_name)
    exports = table.table("run-exports")
    exports.allow(_RUN_EXPORTS, where="`run-exports`")
    for key in _RUN_EXPORTS:
        _dependencies(exports.table(key), shared, _PINS, own_name)


def _dependencies(table: Table, shared: Shared, pins: tuple[str, ...], own_name: str) -> None:
    """Specs, pins where there may be some, and the same again under `"if(…)"`."""
    specs: dict[str, Any] = {}
    for key, value in table.data.items():
        if _CONDITION.match(key):
            _dependencies(table.table(key), shared, pins, own_name)
        elif isinstance(value, dict) and not set(_PINS).isdisjoint(value):
            _pin(table, key, pins, own_name)
        else:
            specs[key] = value
    read_conda(table, shared, only=specs, pins=pins)


def _pin(table: Table, key: str, pins: tuple[str, ...], own_name: str) -> None:
    entry = table.table(key)
    entry.allow(_PINS, where=f"the pin `{key}`")
    if len(entry.data) != 1:
        table.wrong(key, f"`{key}` is pinned; a pin stands alone")
        return
    (kind, value), *_ = entry.data.items()
    if kind not in pins:
        entry.wrong(kind, f"`{kind}` cannot stand here", at_key=True)
        return
    if kind == "pin-subpackage" and key.lower() != own_name.lower():
        entry.wrong(kind, f"`{kind}` is for the package itself, '{own_name}'", at_key=True)
    if isinstance(value, dict):
        bounds = entry.table(kind)
        bounds.allow(_PIN_KEYS, where=f"`{kind}`")
        for name in ("lower-bound", "upper-bound", "build"):
            bounds.get(name, str)
        bounds.get("exact", bool)
    elif value is not True:
        entry.wrong(kind, f"`{kind}` must be true or a table")
