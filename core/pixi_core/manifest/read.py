"""Read a manifest: `pixi.toml`, `mojoproject.toml`, or `[tool.pixi]` of a `pyproject.toml`; TOML 1.1.

Every mistake is reported, each with its line, column and excerpt (`table.Problems`). The values come from `tomli`;
positions are looked for only when there is something to report.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from .. import PIXI_VERSION, __version__
from ..errors import Location, ManifestError, PixiTooOld, SpecError
from ..model.pypi_options import PypiOptions
from ..model.version import parse_version
from ..model.version_spec import parse_version_spec
from ..names import DEFAULT_FEATURE, FeatureName, package_name, pypi_name
from .model import ChannelPriority, Feature, ManifestKind, SolveStrategy, WorkspaceManifest
from .read_environments import read_environments
from .read_features import (
    CONTENT_KEYS,
    LEGACY_KEYS,
    METADATA_KEYS,
    SHARED_KEYS,
    Shared,
    check_selector,
    read_channels,
    read_conda,
    read_feature,
    read_pypi_options,
)
from .read_platforms import read_platforms
from .read_pyproject import ProjectTables, read_project, with_project
from .table import Problems, Table
from .times import parse_cutoff

if TYPE_CHECKING:
    from ..model.conda_pypi_map import CondaPypiMap

T = TypeVar("T")
_ENDLESS = re.compile(r"[0-9_]{4300}")
_PATHS = ("license-file", "readme")
_WORKSPACE_KEYS = (
    "name", "version", "description", "authors", *METADATA_KEYS, "channels", "channel-priority", "solve-strategy",
    "platforms", "requires-pixi", "exclude-newer", "conda-pypi-map", "pypi-options", "s3-options", "preview",
    "build-variants", "build-variants-files", "dependencies", "target",
)  # fmt: skip
_TOP_KEYS = (
    "workspace", "project", *CONTENT_KEYS, *LEGACY_KEYS, "target", "feature", "environments", "system-requirements",
    "pypi-options", "exclude-newer", "pypi-exclude-newer", "package", "tool", "$schema",
)  # fmt: skip
_FEATURE_KEYS = (*CONTENT_KEYS, *LEGACY_KEYS, *SHARED_KEYS, "system-requirements")


def read_manifest(
    text: str,
    *,
    path: Path,
    kind: ManifestKind = "pixi",
    now: datetime | None = None,
    problems: Problems | None = None,
) -> WorkspaceManifest:
    """The manifest in `text`; `path` is where it stands, `now` what ages in `exclude-newer` are counted from. Mistakes
    go to `problems` where the manifest was made of another text.

    Raises `ManifestError` with every mistake.
    """
    problems = problems or Problems(path, text)
    document = Table(parse_toml(text, problems), (), problems)
    project = None
    body = document
    if kind == "pyproject":
        body = document.table("tool").table("pixi")
        if not body.data:
            raise ManifestError(f"{path} has no [tool.pixi] table", hints=["run `pixi init --format pyproject` here"])
        project = read_project(document)
    _check_pixi(body, path)
    manifest = _manifest(body, path, kind, project, now or datetime.now(UTC))
    problems.raise_any()
    assert manifest is not None, "a manifest without a workspace table is a mistake"
    return manifest.replace(text=text)


def _check_pixi(body: Table, path: Path) -> None:
    """Before anything else is found wrong: a manifest for a later pixi may say what this one does not know."""
    for heading in ("workspace", "project"):
        table = body.data.get(heading)
        wanted = table.get("requires-pixi") if isinstance(table, dict) else None
        if not isinstance(wanted, str):
            continue
        try:
            fits = parse_version_spec(wanted).matches(PIXI_VERSION)
        except SpecError:
            continue  # reported with its place like any other mistake
        if not fits:
            raise PixiTooOld(
                f"{path} requires pixi {wanted}; pixi-jupyter {__version__} does what pixi {PIXI_VERSION} does",
                hints=["install a release that does more, or change it with `pixi workspace requires-pixi set`"],
            )


def parse_toml(text: str, problems: Problems) -> dict[str, Any]:
    """The document in `text`. Raises `ManifestError` with the place where it is no TOML."""
    import tomli

    try:
        return tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        offset = min(error.pos, len(text))
        issue = problems.issue(f"not valid TOML: {error.msg}", offset)
        location = Location(problems.path, error.lineno, error.colno)
        raise ManifestError(
            f"1 mistake in {problems.path}",
            issues=[type(issue)(issue.message, location, issue.excerpt)],
            hints=['texts, versions among them, stand in quotes: `numpy = ">=2"`'] if "value" in error.msg else (),
        ) from None
    except (RecursionError, ValueError) as error:
        deep = isinstance(error, RecursionError)
        message = "nested too deeply" if deep else "a number with more digits than can be read"
        offset = _deepest(text) if deep else next((m.start() for m in _ENDLESS.finditer(text)), 0)
        raise ManifestError(f"1 mistake in {problems.path}", issues=[problems.issue(message, offset)]) from None


def _deepest(text: str) -> int:
    """Where the line begins that opens the most tables and lists, or has the most parts in a key."""
    lines = text.splitlines(keepends=True)
    worst = max(range(len(lines)), key=lambda number: sum(map(lines[number].count, "[{.")))
    return sum(map(len, lines[:worst]))


def _manifest(
    body: Table, path: Path, kind: ManifestKind, project: ProjectTables | None, now: datetime
) -> WorkspaceManifest | None:
    body.allow(_TOP_KEYS, where="the manifest")
    body.get("tool", dict)  # what others keep there is theirs
    body.get("$schema", str)
    heading = "workspace" if "workspace" in body or "project" not in body else "project"
    if heading not in body:
        body.problems.add((), "the manifest has no [workspace] table", hint="run `pixi init` to see a whole one")
        return None
    workspace = body.table(heading)
    workspace.allow(_WORKSPACE_KEYS, where=f"[{'.'.join(str(part) for part in workspace.path)}]")
    for key in ("channels", "platforms"):
        if key not in workspace:
            workspace.problems.add(workspace.path, f"`{key}` is missing in [{heading}]", key=True)
    shared = Shared((), {}, False, False, now, path.parent)
    channels = read_channels(workspace, shared)
    shared = Shared(
        platforms=read_platforms(workspace),
        pool=workspace.table("dependencies").data,
        is_host_kind="channels" in workspace and workspace.data["channels"] == [],
        builds=_builds(workspace),
        now=now,
        root=path.parent,
    )
    # what no entry inherits is checked here, and nothing in it can inherit itself
    read_conda(workspace.table("dependencies"), shared.replace(pool={}, is_host_kind=False, builds=True))
    features = _features(body, shared)
    if project is not None:
        features = with_project(features, project)
    version = _optional(workspace, "version")
    if version is not None:
        workspace.convert("version", lambda: parse_version(version))
    requires = workspace.get("requires-pixi", str)
    return WorkspaceManifest(
        path=path,
        kind=kind,
        name=_optional(workspace, "name") or (project.name if project else None) or path.parent.name or "workspace",
        version=version or (project.version if project else None),
        description=_optional(workspace, "description") or (project.description if project else None),
        authors=workspace.texts("authors") or (project.authors if project else ()),
        metadata=_metadata(workspace),
        channels=channels,
        platforms=shared.platforms,
        channel_priority=workspace.one_of("channel-priority", get_args(ChannelPriority)),
        solve_strategy=workspace.one_of("solve-strategy", get_args(SolveStrategy)),
        requires_pixi=None
        if requires is None
        else workspace.convert("requires-pixi", lambda: parse_version_spec(requires)),
        exclude_newer=_cutoff(workspace, "exclude-newer", now),
        exclude_newer_packages=_cutoffs(body.table("exclude-newer"), package_name, now),
        pypi_exclude_newer_packages=_cutoffs(body.table("pypi-exclude-newer"), pypi_name, now),
        pypi_options=read_pypi_options(workspace) or PypiOptions(),
        conda_pypi_map=_conda_pypi_map(workspace, path.parent),
        preview=_preview(workspace),
        s3_options={bucket: _s3(table) for bucket, table in workspace.table("s3-options").tables()},
        build_variants=_build_variants(workspace, shared),
        features=features,
        environments=read_environments(body.table("environments"), features, shared),
        package=_package(body, shared),
    )


def _optional(table: Table, key: str) -> str | None:
    return table.get(key, str)


def _metadata(workspace: Table) -> dict[str, str]:
    found = {key: text for key in METADATA_KEYS if (text := _optional(workspace, key)) is not None}
    for key in _PATHS:
        if "\\" in found.get(key, ""):
            workspace.wrong(key, f"`{key}` is a path with `/`, on every system")
    return found


def _build_variants(workspace: Table, shared: Shared) -> Mapping[str, Any]:
    """The variants for every platform; those of single platforms and of files are checked."""
    workspace.texts("build-variants-files")
    tables = [workspace.table("build-variants")]
    targets = workspace.table("target")
    for selector, target in targets.tables():
        check_selector(targets, selector, shared)
        target.allow(("build-variants",), where=f"`workspace.target.{selector}`")
        tables.append(target.table("build-variants"))
    for table in tables:
        for name in table.data:
            table.texts(name)
    return tables[0].data


def _package(body: Table, shared: Shared) -> Mapping[str, Any] | None:
    if body.get("package", dict) is None:
        return None
    if not shared.builds:
        hint = 'packages need `preview = ["pixi-build"]` in the workspace table'
        body.wrong("package", "[package] would have to be built from source", hint=hint, at_key=True)
    from .read_package import read_package  # lazy: few workspaces are packages

    return read_package(body.table("package"), shared)


def _features(body: Table, shared: Shared) -> dict[FeatureName, Feature]:
    found = {DEFAULT_FEATURE: read_feature(body, DEFAULT_FEATURE, shared)}
    for key, table in body.table("feature").tables():
        if key == DEFAULT_FEATURE:
            body.table("feature").wrong(key, "the name `default` is taken by the top-level tables", at_key=True)
            continue
        table.allow(_FEATURE_KEYS, where=f"the feature `{key}`")
        found[FeatureName(key)] = read_feature(table, FeatureName(key), shared)
    return found


def _preview(workspace: Table) -> tuple[str, ...]:
    value = workspace.data.get("preview")
    if isinstance(value, bool):
        return ("pixi-build",) if value else ()
    return workspace.texts("preview") or ()


def _builds(workspace: Table) -> bool:
    value = workspace.data.get("preview")
    return value is True or (isinstance(value, list) and "pixi-build" in value)


def _cutoff(table: Table, key: str, now: datetime) -> int | None:
    value = table.data.get(key)
    return None if value is None else table.convert(key, lambda: parse_cutoff(value, now))


def _cutoffs(table: Table, name: Callable[[str], T], now: datetime) -> dict[T, int | None]:
    """Cut-offs of single packages; `false` lifts the workspace's."""
    found: dict[T, int | None] = {}
    for key, value in table.data.items():
        checked = table.convert(key, lambda key=key: name(key), at_key=True)  # type: ignore[misc]  # bound now
        if checked is not None:
            found[checked] = None if value is False else _cutoff(table, key, now)
    return found


def _conda_pypi_map(workspace: Table, root: Path) -> CondaPypiMap | None:
    value = workspace.data.get("conda-pypi-map")
    if value is None:
        return None
    # lazy: few manifests have one
    from ..model.channel import channel
    from ..model.conda_pypi_map import map_from_value

    return workspace.convert("conda-pypi-map", lambda: map_from_value(value, lambda text: channel(text, root=root)))


def _s3(table: Table) -> dict[str, Any]:
    keys = ("endpoint-url", "region", "force-path-style")
    table.allow(keys, where="`s3-options`")
    for key in keys:
        if key not in table:
            table.problems.add(table.path, f"`{key}` is missing in the options of the bucket", key=True)
        table.get(key, bool if key == "force-path-style" else str)
    return dict(table.data)
