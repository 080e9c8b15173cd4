"""`[environments]`: which features make an environment, and what stands in the entry itself."""

from __future__ import annotations

from collections.abc import Collection

from ..names import DEFAULT_ENVIRONMENT, EnvironmentName, FeatureName, environment_name
from .model import EnvironmentSpec
from .read_features import CONTENT_KEYS, SHARED_KEYS, Shared, read_feature
from .table import Table, suggestion

_OWN_KEYS = ("features", "solve-group", "no-default-feature")
_INLINE_KEYS = (*CONTENT_KEYS, *SHARED_KEYS)


def read_environments(
    table: Table, features: Collection[FeatureName], shared: Shared
) -> dict[EnvironmentName, EnvironmentSpec]:
    """Every environment; `default` is always there, and first."""
    found = {DEFAULT_ENVIRONMENT: EnvironmentSpec(name=DEFAULT_ENVIRONMENT)}
    for key, value in table.data.items():
        name = table.convert(key, lambda key=key: environment_name(key), at_key=True)  # type: ignore[misc]  # bound now
        if name is None:
            continue
        if isinstance(value, list):
            listed = table.texts(key) or ()
            _check_features(table, (*table.path, key), listed, features)
            found[name] = EnvironmentSpec(name=name, features=tuple(FeatureName(one) for one in listed))
        elif isinstance(value, dict):
            found[name] = _environment(name, table.table(key), features, shared)
        else:
            table.wrong(key, f"the environment `{key}` must be a list of features or a table")
    return found


def _environment(
    name: EnvironmentName, table: Table, features: Collection[FeatureName], shared: Shared
) -> EnvironmentSpec:
    table.allow((*_OWN_KEYS, *_INLINE_KEYS), where=f"the environment `{name}`")
    listed = table.texts("features") or ()
    _check_features(table, (*table.path, "features"), listed, features)
    inline = None
    if any(key in table for key in _INLINE_KEYS):
        inline = read_feature(table, FeatureName(f"environment:{name}"), shared, inline=True)
    return EnvironmentSpec(
        name=name,
        features=tuple(FeatureName(one) for one in listed),
        solve_group=table.get("solve-group", str),
        no_default_feature=table.get("no-default-feature", bool) or False,
        inline=inline,
    )


def _check_features(
    table: Table, path: tuple[str | int, ...], listed: tuple[str, ...], features: Collection[FeatureName]
) -> None:
    for position, one in enumerate(listed):
        if one not in features:
            hint = suggestion(one, features, what="features")
            table.problems.add((*path, position), f"there is no feature '{one}'", hint=hint)
        elif one in listed[:position]:
            table.problems.add((*path, position), f"the feature '{one}' is listed twice")
