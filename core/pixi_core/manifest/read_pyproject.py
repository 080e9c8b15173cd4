"""What `[project]` and `[dependency-groups]` of a `pyproject.toml` add to the manifest in `[tool.pixi]`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import SpecError
from ..model.match_spec import MatchSpec
from ..model.pypi_requirement import PypiRequirement, parse_requirement
from ..names import FeatureName, PackageName, PypiName, pypi_name
from ..value import Value
from .model import Feature
from .table import Table


class ProjectTables(Value, kw_only=True):
    """The parts of a pyproject that matter: the interpreter, and requirements by feature (`default` included)."""

    name: str | None
    version: str | None
    description: str | None
    authors: tuple[str, ...]
    python: MatchSpec | None
    requirements: Mapping[FeatureName, Mapping[PypiName, PypiRequirement]]


def read_project(document: Table) -> ProjectTables:
    """Standard metadata (PEP 621, 735). What belongs to others in these tables is not judged."""
    project = document.table("project")
    name = project.get("name", str)
    requires = project.get("requires-python", str)
    python = None
    if requires is not None:
        python = project.convert("requires-python", lambda: MatchSpec.from_table("python", _conda_spec(requires)))
    requirements = {FeatureName("default"): _requirements(project, "dependencies")}
    optional = project.table("optional-dependencies")
    own = project.convert("name", lambda: pypi_name(name)) if name else None
    for key in optional.data:
        entries = _requirements(optional, key)
        requirements[FeatureName(key)] = _expanded(entries, optional, own, (key,))
    groups = document.table("dependency-groups")
    for key in groups.data:
        entries = _group(groups, key, ())
        requirements.setdefault(FeatureName(key), {}).update(entries)
    return ProjectTables(
        name=name,
        version=project.get("version", str),
        description=project.get("description", str),
        authors=_authors(project),
        python=python,
        requirements=requirements,
    )


def _conda_spec(specifier: str) -> str:
    """PEP 440 to conda: blanks go, `===` is `==`, and an empty text means any version."""
    return specifier.replace(" ", "").replace("===", "==") or "*"


def _authors(project: Table) -> tuple[str, ...]:
    found: list[str] = []
    for entry in project.get("authors", list) or []:
        if isinstance(entry, dict):
            name, mail = entry.get("name"), entry.get("email")
            found.append(f"{name} <{mail}>" if name and mail else str(name or mail or ""))
    return tuple(found)


def _requirements(table: Table, key: str) -> dict[PypiName, PypiRequirement]:
    found: dict[PypiName, PypiRequirement] = {}
    for position, text in enumerate(table.get(key, list) or []):
        if isinstance(text, str):
            _add(found, table, (*table.path, key, position), text)
        else:
            table.problems.add((*table.path, key, position), "a requirement is a string")
    return found


def _add(found: dict[PypiName, PypiRequirement], table: Table, path: tuple[str | int, ...], text: str) -> None:
    try:
        requirement = parse_requirement(text)
    except SpecError as error:
        table.problems.add(path, error.message, hint="; ".join(error.hints))
        return
    found[requirement.name] = requirement


def _expanded(
    entries: dict[PypiName, PypiRequirement], optional: Table, own: PypiName | None, seen: tuple[str, ...]
) -> dict[PypiName, PypiRequirement]:
    """`myproject[other]` in an extra of myproject stands for what that other extra lists."""
    if own is None or own not in entries:
        return entries
    found = {name: requirement for name, requirement in entries.items() if name != own}
    for extra in entries[own].extras:
        key = next((one for one in optional.data if pypi_name(one) == extra), None)
        if key is not None and key not in seen:
            found.update(_expanded(_requirements(optional, key), optional, own, (*seen, key)))
    return found


def _group(groups: Table, key: str, seen: tuple[str, ...]) -> dict[PypiName, PypiRequirement]:
    found: dict[PypiName, PypiRequirement] = {}
    if key in seen:
        groups.wrong(key, f"the dependency groups {' -> '.join((*seen, key))} include each other", at_key=True)
        return found
    for position, entry in enumerate(groups.get(key, list) or []):
        path = (*groups.path, key, position)
        if isinstance(entry, str):
            _add(found, groups, path, entry)
        elif isinstance(entry, dict) and isinstance(entry.get("include-group"), str):
            included = entry["include-group"]
            name = next((one for one in groups.data if pypi_name(one) == pypi_name(included)), None)
            if name is None:
                groups.problems.add(path, f"there is no dependency group '{included}'")
            else:
                found.update(_group(groups, name, (*seen, key)))
        else:
            groups.problems.add(path, 'an entry of a dependency group is a requirement or `{include-group = "…"}`')
    return found


def with_project(features: Mapping[FeatureName, Feature], project: ProjectTables) -> dict[FeatureName, Feature]:
    """The features with what the project's own tables say; what `[tool.pixi]` says of a package wins."""
    found = dict(features)
    for name, requirements in project.requirements.items():
        feature = found.get(name) or Feature(name=name)
        merged = {**requirements, **feature.pypi_dependencies}
        found[name] = feature.replace(content=feature.content.replace(pypi_dependencies=merged))
    if project.python is not None:
        default = found[FeatureName("default")]
        dependencies: dict[PackageName, Any] = {PackageName("python"): project.python, **default.dependencies}
        found[FeatureName("default")] = default.replace(content=default.content.replace(dependencies=dependencies))
    return found
