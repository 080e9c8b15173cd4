"""Change a manifest and leave everything else of it as it is, to the byte: comments, order, layout (tomlkit)."""

from __future__ import annotations

from collections.abc import Mapping
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

    def add_pypi_options(self, options: Mapping[str, Any], *, feature: str = DEFAULT_FEATURE) -> dict[str, Any]:
        """Add entries of `[pypi-options]`: lists grow by what they lack. What the manifest says already of anything
        else stays; returned are those that differ, as the manifest has them.
        """
        table = self._table((*self._path(feature, None), "pypi-options"))
        kept: dict[str, Any] = {}
        for key, value in options.items():
            if key not in table:
                table[key] = to_toml(value)
            elif isinstance(value, list) and isinstance(table[key], list):
                for item in value:
                    if item not in table[key]:
                        table[key].append(to_toml(item))
            elif table[key] != value:
                kept[key] = table[key]
        return kept

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

    # ---------------------------------------------------------------- tasks

    def add_task(
        self,
        name: str,
        value: str | list[str] | dict[str, Any],
        *,
        feature: str = DEFAULT_FEATURE,
        platform: str | None = None,
        environment: str | None = None,
    ) -> None:
        """Set a task, in place of one of that name; with `environment` in the tables of that environment alone."""
        if environment is not None:
            self._as_table(environment)
        self._table((*self._path(feature, platform, environment), "tasks"))[name] = to_toml(value)

    def remove_task(
        self,
        name: str,
        *,
        feature: str = DEFAULT_FEATURE,
        platform: str | None = None,
        environment: str | None = None,
    ) -> None:
        """Take a task out. Raises `ManifestError` with near names."""
        self._remove((*self._path(feature, platform, environment), "tasks"), name)

    def _as_table(self, environment: str) -> None:
        """An environment that is a list of features, written as a table, which can hold more."""
        table = self._table((*self._base(), "environments"))
        if isinstance(table.get(environment), Array):
            table[environment] = to_toml({"features": list(table[environment])})

    # ---------------------------------------------------------------- finding places

    def _base(self) -> tuple[str, ...]:
        return ("tool", "pixi") if self.kind == "pyproject" else ()

    def _path(self, feature: str, platform: str | None, environment: str | None = None) -> tuple[str, ...]:
        path = self._base() if feature == DEFAULT_FEATURE else (*self._base(), "feature", feature)
        if environment is not None:
            path = (*self._base(), "environments", environment)
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
