"""What changed between two lock files, as data: the shape of pixi's `lock --json` and `update --json`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..model.record import RepoDataRecord, record_to_repodata
from .model import CondaSourceRecord, LockedRecord, LockFile


def difference(before: LockFile | None, after: LockFile) -> dict[str, Any]:
    """`{"version": 1, "environment": {name: {platform: [{name, before, after, type}]}}}`: changed packages only, and of
    packages in both files the differing fields only. Without an old file everything is new.
    """
    environments: dict[str, Any] = {}
    names = sorted({*after.environments, *(before.environments if before is not None else ())})
    for name in names:
        old = before.environments.get(name) if before is not None else None
        new = after.environments.get(name)
        platforms = sorted({*(old.packages if old else ()), *(new.packages if new else ())})
        changed = {
            platform: rows
            for platform in platforms
            if (
                rows := _rows(
                    old.packages.get(platform, ()) if old else (), new.packages.get(platform, ()) if new else ()
                )
            )
        }
        if changed:
            environments[name] = changed
    return {"version": 1, "environment": environments}


def _key(record: LockedRecord) -> tuple[str, str]:
    return record.name, "pypi" if not isinstance(record, (RepoDataRecord, CondaSourceRecord)) else "conda"


def _rows(before: Iterable[LockedRecord], after: Iterable[LockedRecord]) -> list[dict[str, Any]]:
    old = {_key(record): record for record in before}
    new = {_key(record): record for record in after}
    rows: list[dict[str, Any]] = []
    for key in sorted({*old, *new}):
        if key in old and key in new and old[key] == new[key]:
            continue
        left = fields_of(old[key]) if key in old else None
        right = fields_of(new[key]) if key in new else None
        if left is not None and right is not None:
            differing = [name for name in {**left, **right} if left.get(name) != right.get(name)]
            if not differing:  # a fresh record knows more than lock files say, such as its size
                continue
            left = {name: left.get(name) for name in differing}
            right = {name: right.get(name) for name in differing}
        rows.append({"name": key[0], "before": left, "after": right, "type": key[1]})
    return rows


def fields_of(record: LockedRecord) -> dict[str, Any]:
    """A record as a flat mapping for JSON."""
    if isinstance(record, RepoDataRecord):
        return {"conda": record.url, **record_to_repodata(record)}
    if isinstance(record, CondaSourceRecord):
        return {"conda_source": record.selector, **record.fields}
    found = {
        "pypi": record.location,
        "name": record.name,
        "version": record.version,
        "sha256": record.sha256,
        "md5": record.md5,
        "index": record.index,
        "requires_dist": list(record.requires_dist),
        "requires_python": record.requires_python,
    }
    return {key: value for key, value in found.items() if value not in (None, [])}
