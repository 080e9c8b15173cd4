"""Change a manifest and leave everything else of it as it is, to the byte: comments, order, layout (tomlkit)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tomlkit
from tomlkit.items import Array

from ..errors import SpecError
from ..model.match_spec import MatchSpec, parse_match_spec
from ..model.pypi_requirement import IndexSource, PypiRequirement, parse_requirement
from ..names import DEFAULT_FEATURE, PypiName, pypi_name
from .document import TomlDocument, missing_entry, to_toml
from .model import ManifestKind


class ManifestEditor(TomlDocument):
    """A manifest being edited; `text` is its present state. Raises `ManifestError` for a text that is not TOML."""

    def __init__(self, text: str, kind: ManifestKind = "pixi") -> None:
        super().__init__(text)
        self.kind = kind

    # ---------------------------------------------------------------- dependencies

    def add_conda(
        self,
        name: str,
        spec: MatchSpec | str,
        *,
        feature: str = DEFAULT_FEATURE,
        platform: str | None = None,
        table: str = "dependencies",
    ) -> None:
        """Set a conda dependency (`spec`: a match spec, or a version spec). Fields of a present table that the new spec
        does not speak of are kept. Raises `SpecError`.
        """
        value = spec.to_manifest() if isinstance(spec, MatchSpec) else spec
        self._set(self._table((*self._path(feature, platform), table)), name, value, compare=str.lower)

    def add_pypi(
        self, requirement: PypiRequirement | str, *, feature: str = DEFAULT_FEATURE, platform: str | None = None
    ) -> None:
        """Set a PyPI dependency. In a pyproject, requirements for every platform go where Python projects keep them
        (`project.dependencies`, `dependency-groups`), unless the package already stands in a pixi table or needs what
        only that can say (editable, index). Raises `SpecError`.
        """
        wanted = parse_requirement(requirement) if isinstance(requirement, str) else requirement
        path = (*self._path(feature, platform), "pypi-dependencies")
        present = self._find(path)
        in_table = present is not None and any(_same_pypi(key, wanted.name) for key in present)
        if self.kind == "pyproject" and platform is None and not in_table and _fits_pep508(wanted):
            self._set_in_array(self._requirements_array(feature), wanted)
            return
        self._set(self._table(path), wanted.written or wanted.name, wanted.to_manifest(), compare=pypi_name)

    def remove_conda(self, name: str, *, feature: str = DEFAULT_FEATURE, platform: str | None = None) -> None:
        """Take a conda dependency out of all dependency tables of the place. Raises `ManifestError` with near names."""
        wanted = (parse_match_spec(name).name or name).lower()
        known: list[str] = []
        removed = False
        for key in ("dependencies", "host-dependencies", "build-dependencies"):
            table = self._find((*self._path(feature, platform), key))
            for entry in list(table or ()):
                if entry.lower() == wanted and table is not None:
                    del table[entry]
                    removed = True
                known.append(entry)
        if not removed:
            raise missing_entry(name, "dependencies", known)

    def remove_pypi(self, name: str, *, feature: str = DEFAULT_FEATURE, platform: str | None = None) -> None:
        """Take a PyPI dependency out. Raises `ManifestError` with near names."""
        wanted = pypi_name(name)
        table = self._find((*self._path(feature, platform), "pypi-dependencies"))
        known = list(table or ())
        removed = False
        for entry in known:
            if table is not None and _same_pypi(entry, wanted):
                del table[entry]
                removed = True
        if self.kind == "pyproject" and platform is None:
            for array in self._requirement_arrays(feature):
                for position in range(len(array) - 1, -1, -1):
                    found = _requirement_name(array[position])
                    if found == wanted:
                        del array[position]
                        removed = True
                    elif found is not None:
                        known.append(found)
        if not removed:
            raise missing_entry(name, "pypi-dependencies", known)

    def is_inherited(self, name: str, *, feature: str = DEFAULT_FEATURE, platform: str | None = None) -> bool:
        """Whether a conda dependency takes its version from the workspace's table (`{ workspace = true }`)."""
        table = self._find((*self._path(feature, platform), "dependencies")) or {}
        value = next((table[key] for key in table if key.lower() == name), None)
        return isinstance(value, dict) and bool(value.get("workspace"))

    # ---------------------------------------------------------------- channels and platforms

    def add_channel(
        self, channel: str, *, feature: str = DEFAULT_FEATURE, priority: int | None = None, prepend: bool = False
    ) -> bool:
        """Add a channel; False where it is there already."""
        array = self._list_of("channels", feature)
        if any(_channel_of(item) == channel for item in array):
            return False
        value: Any = channel
        if priority is not None:
            value = to_toml({"channel": channel, "priority": priority})
        array.insert(0 if prepend else len(array), value)
        return True

    def remove_channel(self, channel: str, *, feature: str = DEFAULT_FEATURE) -> None:
        """Take a channel out. Raises `ManifestError` with near names."""
        array = self._list_of("channels", feature)
        known = [_channel_of(item) for item in array]
        if channel not in known:
            raise missing_entry(channel, "channels", known)
        del array[known.index(channel)]

    def add_platform(self, platform: str, *, feature: str = DEFAULT_FEATURE) -> bool:
        """Add a platform by its subdir or name; False where it is there already."""
        array = self._list_of("platforms", feature)
        if any(_platform_of(item) == platform for item in array):
            return False
        array.append(platform)
        return True

    def remove_platform(self, platform: str, *, feature: str = DEFAULT_FEATURE) -> None:
        """Take a platform out. Raises `ManifestError` with near names."""
        array = self._list_of("platforms", feature)
        known = [_platform_of(item) for item in array]
        if platform not in known:
            raise missing_entry(platform, "platforms", known)
        del array[known.index(platform)]

    # ---------------------------------------------------------------- the rest

    def set_workspace(self, key: str, value: str | None) -> None:
        """Set or (None) remove a text of the workspace table (`name`, `version`, `description`, `requires-pixi`)."""
        table = self._table(self._workspace_path())
        if value is None:
            table.pop(key, None)
        else:
            table[key] = value

    def add_environment(
        self,
        name: str,
        features: Sequence[str] = (),
        *,
        solve_group: str | None = None,
        no_default_feature: bool = False,
    ) -> None:
        """Declare an environment, or replace its declaration."""
        value: Any = list(features)
        if solve_group is not None or no_default_feature:
            value = {"features": list(features)} if features else {}
            value |= {"solve-group": solve_group} if solve_group is not None else {}
            value |= {"no-default-feature": True} if no_default_feature else {}
        self._set(self._table((*self._base(), "environments")), name, value)

    def remove_environment(self, name: str) -> None:
        """Take an environment out. Raises `ManifestError` with near names."""
        self._remove((*self._base(), "environments"), name)

    def remove_feature(self, name: str) -> None:
        """Take a feature out, and out of every environment that lists it. Raises `ManifestError`."""
        self._remove((*self._base(), "feature"), name)
        environments = self._find((*self._base(), "environments")) or {}
        for value in environments.values():
            listed = value if isinstance(value, list) else value.get("features", [])
            while name in listed:
                listed.remove(name)

    def add_task(
        self,
        name: str,
        value: str | list[str] | dict[str, Any],
        *,
        feature: str = DEFAULT_FEATURE,
        platform: str | None = None,
    ) -> None:
        """Set a task, in place of one of that name."""
        self._table((*self._path(feature, platform), "tasks"))[name] = to_toml(value)

    def remove_task(self, name: str, *, feature: str = DEFAULT_FEATURE, platform: str | None = None) -> None:
        """Take a task out. Raises `ManifestError` with near names."""
        self._remove((*self._path(feature, platform), "tasks"), name)

    # ---------------------------------------------------------------- finding places

    def _base(self) -> tuple[str, ...]:
        return ("tool", "pixi") if self.kind == "pyproject" else ()

    def _path(self, feature: str, platform: str | None) -> tuple[str, ...]:
        path = self._base() if feature == DEFAULT_FEATURE else (*self._base(), "feature", feature)
        return path if platform is None else (*path, "target", platform)

    def _workspace_path(self) -> tuple[str, ...]:
        legacy = self._find((*self._base(), "project")) is not None and self.kind != "pyproject"
        has_new = self._find((*self._base(), "workspace")) is not None
        return (*self._base(), "project" if legacy and not has_new else "workspace")

    def _list_of(self, key: str, feature: str) -> Any:
        table = self._table(self._workspace_path() if feature == DEFAULT_FEATURE else self._path(feature, None))
        if key not in table:
            table[key] = tomlkit.array()
        return table[key]

    # ---------------------------------------------------------------- arrays of requirements (pyproject)

    def _requirements_array(self, feature: str) -> Any:
        """Where new requirements of a feature go."""
        if feature == DEFAULT_FEATURE:
            table, key = self._table(("project",)), "dependencies"
        elif feature in (self._find(("project", "optional-dependencies")) or {}):
            table, key = self._find(("project", "optional-dependencies")), feature
        else:
            table, key = self._table(("dependency-groups",)), feature
        if key not in table:
            table[key] = tomlkit.array()
        return table[key]

    def _requirement_arrays(self, feature: str) -> list[Any]:
        if feature == DEFAULT_FEATURE:
            found = [self._find(("project", "dependencies"))]
        else:
            found = [
                self._find(("project", "optional-dependencies", feature)),
                self._find(("dependency-groups", feature)),
            ]
        return [array for array in found if isinstance(array, Array)]

    def _set_in_array(self, array: Any, requirement: PypiRequirement) -> None:
        text = str(requirement)
        for position, item in enumerate(array):
            if _requirement_name(item) == requirement.name:
                array[position] = text
                return
        array.append(text)


def _fits_pep508(requirement: PypiRequirement) -> bool:
    return (
        not requirement.editable
        and not (isinstance(requirement.source, IndexSource) and requirement.source.index is not None)
        and (requirement.is_registry or "://" in str(requirement))
    )


def _same_pypi(written: str, name: PypiName) -> bool:
    try:
        return pypi_name(written) == name
    except SpecError:
        return False


def _requirement_name(item: Any) -> PypiName | None:
    try:
        return parse_requirement(str(item)).name if isinstance(item, str) else None
    except SpecError:
        return None


def _channel_of(item: Any) -> str:
    return str(item.get("channel", "")) if isinstance(item, dict) else str(item)


def _platform_of(item: Any) -> str:
    return str(item.get("name") or item.get("platform") or "") if isinstance(item, dict) else str(item)
