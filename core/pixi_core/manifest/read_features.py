"""Features: dependency tables, targets, channels and the other tables that features and environments share."""

from __future__ import annotations

from collections.abc import Container, Mapping
from datetime import datetime
from typing import Any, get_args

from ..errors import SpecError
from ..model.channel import channel as parse_channel
from ..model.match_spec import MatchSpec
from ..model.match_spec_table import TABLE_KEYS
from ..model.platform import SUBDIRS, Platform
from ..model.pypi_options import PypiOptions, options_from_table
from ..model.pypi_requirement import PypiRequirement
from ..model.pypi_requirement import from_table as requirement_from_table
from ..names import FeatureName, PackageName, PypiName, package_name, pypi_name
from ..value import Value
from .model import ChannelPriority, Content, Feature, PrioritizedChannel, SolveStrategy
from .read_platforms import read_system_requirements
from .read_tasks import read_tasks
from .table import Table, suggestion
from .times import parse_cutoff

FAMILIES = ("linux", "unix", "win", "osx", "macos")
CONTENT_KEYS = ("dependencies", "constraints", "pypi-dependencies", "dev", "tasks", "activation")
LEGACY_KEYS = ("host-dependencies", "build-dependencies")
SHARED_KEYS = ("channels", "channel-priority", "solve-strategy", "platforms", "target", "pypi-options")
METADATA_KEYS = ("license", "license-file", "readme", "homepage", "repository", "documentation")
"""What is told of a workspace and of a package alike."""
_PLACES = ("path", "git", "url")
SOURCE_KEYS = (*_PLACES, "rev", "tag", "branch", "subdirectory", "lfs", "md5", "sha256")
"""What says where a source tree is."""
_SELECTORS = ("version", "build", "extras", "flags", "when")


class Shared(Value):
    """What the parsers of features need to know of the workspace."""

    platforms: tuple[Platform, ...]
    pool: Mapping[str, Any]
    is_host_kind: bool
    builds: bool
    now: datetime
    root: Any


def read_feature(table: Table, name: FeatureName, shared: Shared, *, inline: bool = False) -> Feature:
    """A feature from its table (the document itself for the default feature). Unknown keys are the caller's to note."""
    targets: list[Content] = []
    for selector, body in table.table("target").tables():
        check_selector(table.table("target"), selector, shared)
        body.allow((*CONTENT_KEYS, *(() if inline else LEGACY_KEYS)), where=f"`target.{selector}`")
        targets.append(read_content(body, shared, selector))
    return Feature(
        name=name,
        content=read_content(table, shared, None),
        targets=tuple(targets),
        channels=read_channels(table, shared) if "channels" in table and name != "default" else None,
        platforms=_feature_platforms(table, shared) if name != "default" or inline else None,
        channel_priority=table.one_of("channel-priority", get_args(ChannelPriority)),
        solve_strategy=table.one_of("solve-strategy", get_args(SolveStrategy)),
        pypi_options=read_pypi_options(table),
        system_requirements=read_system_requirements(table.table("system-requirements")),
    )


def read_pypi_options(table: Table) -> PypiOptions | None:
    """`pypi-options` of the workspace or of a feature."""
    options = table.get("pypi-options", dict)
    return None if options is None else table.convert("pypi-options", lambda: options_from_table(options))


def read_channels(table: Table, shared: Shared) -> tuple[PrioritizedChannel, ...]:
    """Channels in order of priority (ties keep the order of the file)."""
    found: list[PrioritizedChannel] = []
    for position, entry in enumerate(table.get("channels", list) or []):
        path = (*table.path, "channels", position)
        fields = Table(entry if isinstance(entry, dict) else {"channel": entry}, path, table.problems)
        if isinstance(entry, dict):
            fields.allow(("channel", "priority", "exclude-newer"), where="a channel")
        written = fields.get("channel", str) if isinstance(entry, dict) else entry
        if not isinstance(written, str):
            if not (isinstance(entry, dict) and "channel" in entry):
                table.problems.add(path, "a channel is a name, a URL, a path, or a table with `channel`")
            continue
        try:
            channel = parse_channel(written, root=shared.root)
        except SpecError as error:
            table.problems.add(path, error.message, hint="; ".join(error.hints))
            continue
        cutoff = fields.data.get("exclude-newer")
        found.append(
            PrioritizedChannel(
                channel,
                written,
                fields.get("priority", int) or 0,
                None
                if cutoff is None
                else fields.convert("exclude-newer", lambda c=cutoff: parse_cutoff(c, shared.now)),  # type: ignore[misc]  # bound now
                cutoff is not None,
            )
        )
    return tuple(sorted(found, key=lambda entry: -entry.priority))


def _feature_platforms(table: Table, shared: Shared) -> tuple[str, ...] | None:
    names = table.texts("platforms")
    known = {platform.name for platform in shared.platforms} | {str(p.subdir) for p in shared.platforms}
    for position, name in enumerate(names or ()):
        if name not in known:
            table.problems.add(
                (*table.path, "platforms", position),
                f"the workspace has no platform '{name}'",
                hint=suggestion(name, known, what="platforms"),
            )
    return names


def check_selector(table: Table, selector: str, shared: Shared) -> None:
    """Note a target that means no platform of the workspace."""
    known = {platform.name for platform in shared.platforms} | {str(p.subdir) for p in shared.platforms}
    if "*" in selector or selector in FAMILIES or selector in known:
        return
    if selector in SUBDIRS:
        message = f"the target '{selector}' is not one of the workspace's platforms"
        table.wrong(selector, message, hint=f"add it with `pixi workspace platform add {selector}`", at_key=True)
    else:
        message = f"'{selector}' is neither a platform of the workspace nor a family of platforms"
        table.wrong(selector, message, hint=suggestion(selector, {*known, *FAMILIES}, what="targets"), at_key=True)


# ---------------------------------------------------------------- dependencies


def read_content(table: Table, shared: Shared, selector: str | None) -> Content:
    """The tables that stand in features and targets alike."""
    dependencies: dict[PackageName, MatchSpec] = {}
    sources: dict[PackageName, Mapping[str, Any]] = {}
    for key in ("dependencies", "host-dependencies", "build-dependencies"):
        specs, built = read_conda(table.table(key), shared)
        dependencies.update(specs)
        sources.update(built)
    constraints, refused = read_conda(table.table("constraints"), shared.replace(is_host_kind=False, builds=True))
    for name in refused:
        table.table("constraints").wrong(name, "a constraint cannot be built from source")
    activation = table.table("activation")
    activation.allow(("scripts", "env", "dotenv"), where="activation")
    env = activation.table("env")
    return Content(
        selector=selector,
        dependencies=dependencies,
        sources=sources,
        constraints=constraints,
        pypi_dependencies=_pypi(table.table("pypi-dependencies")),
        dev=_dev(table.table("dev")),
        tasks=read_tasks(table.table("tasks")),
        activation_scripts=activation.texts("scripts"),
        activation_env={key: text for key in env.data if (text := env.get(key, str)) is not None},
        activation_dotenv=activation.texts("dotenv") or (),
    )


def read_conda(
    table: Table, shared: Shared, *, only: Container[str] | None = None, pins: tuple[str, ...] = ()
) -> tuple[dict[PackageName, MatchSpec], dict[PackageName, Mapping[str, Any]]]:
    """The conda packages of a table (or `only` some of its entries): those of channels, those built from source.

    `pins` are keys that entries may have besides, and have not.
    """
    specs: dict[PackageName, MatchSpec] = {}
    sources: dict[PackageName, Mapping[str, Any]] = {}
    for key, written in table.data.items():
        if only is not None and key not in only:
            continue
        name = table.convert(key, lambda key=key: package_name(key), at_key=True)  # type: ignore[misc]  # bound now
        value = _inherited(table, key, written, shared)
        if name is None or value is None:
            continue
        if name in specs or name in sources:
            table.wrong(key, f"`{name}` is there twice (names are compared in lower case)", at_key=True)
        if shared.is_host_kind and name != "python":
            hint = (
                f"add it from PyPI: `pixi add --pypi {key}`; or add a channel: `pixi workspace channel add conda-forge`"
            )
            table.wrong(
                key, f"`{key}` is a conda dependency, but the workspace has no channels", hint=hint, at_key=True
            )
        elif is_source(value):
            _check_source(table, key, value, shared)
            sources[name] = value
        elif not isinstance(value, dict) or _has_known_keys(table, key, value, pins):
            spec = table.convert(key, lambda key=key, value=value: MatchSpec.from_table(key, value))  # type: ignore[misc]  # bound now
            if spec is not None:
                specs[name] = spec
    return specs, sources


def _has_known_keys(table: Table, key: str, value: dict[str, Any], pins: tuple[str, ...]) -> bool:
    """Whether there is no other key than those of a package from a channel; the hint names those of sources, too."""
    known = {*TABLE_KEYS, *(one.replace("-", "_") for one in TABLE_KEYS if one.replace("-", "_") in value)}
    if known.issuperset(value):
        return True
    Table(value, (*table.path, key), table.problems).allow(
        {*known, *_PLACES, "workspace", *pins}, where=f"the dependency `{key}`"
    )
    return False


def is_source(value: Any) -> bool:
    """Whether a dependency is built from source: `git`, a folder, or an archive that is not a package."""
    if not isinstance(value, Mapping):
        return False
    written = value.get("path") or value.get("url")
    location = written.partition("#")[0].partition("?")[0] if isinstance(written, str) else ""
    return "git" in value or (bool(location) and not location.endswith((".conda", ".tar.bz2")))


def _check_source(table: Table, key: str, value: Mapping[str, Any], shared: Shared) -> None:
    fields = Table(value, (*table.path, key), table.problems)
    _check_place(fields, f"the source dependency `{key}`", (*_SELECTORS, "package"))
    selectors = {one: value[one] for one in _SELECTORS if one in value}
    table.convert(key, lambda: MatchSpec.from_table(key, selectors))
    if "package" in fields:
        from .read_package import read_package  # lazy: it reads dependencies with what stands here

        read_package(fields.table("package"), shared)
    if not shared.builds:
        table.wrong(
            key,
            f"`{key}` would have to be built from source",
            hint='source dependencies need `preview = ["pixi-build"]` in the workspace table',
        )


def _check_place(fields: Table, what: str, others: tuple[str, ...] = ()) -> None:
    """Where a source tree is: exactly one place, at most one reference."""
    fields.allow((*SOURCE_KEYS, *others), where=what)
    for key in SOURCE_KEYS:
        fields.get(key, bool) if key == "lfs" else fields.get(key, str)
    key, above = str(fields.path[-1]), Table({}, fields.path[:-1], fields.problems)
    if not any(one in fields for one in _PLACES):
        above.wrong(key, f"{what} needs `path`, `git` or `url`")
    if sum(one in fields for one in _PLACES) > 1:
        above.wrong(key, f"`{key}` has more than one of `path`, `git` and `url`")
    if sum(one in fields for one in ("rev", "tag", "branch")) > 1:
        above.wrong(key, f"`{key}` has more than one of `rev`, `tag` and `branch`")


def _inherited(table: Table, key: str, value: Any, shared: Shared) -> Any:
    """`{ workspace = true }` replaced by the workspace's own entry, with the fields given on top; None when wrong."""
    if not isinstance(value, dict) or "workspace" not in value:
        return value
    if value["workspace"] is not True:
        Table(value, (*table.path, key), table.problems).wrong("workspace", "`workspace` can only be true")
        return None
    if any(one in value for one in ("version", *_PLACES)):
        table.wrong(key, f"`{key}` inherits from the workspace and cannot have a version or source of its own")
        return None
    base = next((entry for name, entry in shared.pool.items() if name.lower() == key.lower()), None)
    if base is None:
        hint = suggestion(key, shared.pool, what="entries")
        table.wrong(key, f"`workspace.dependencies` has no `{key}`", hint=hint)
        return None
    rest = {name: item for name, item in value.items() if name != "workspace"}
    return {**({"version": base} if isinstance(base, str) else base), **rest} if rest else base


def _pypi(table: Table) -> dict[PypiName, PypiRequirement]:
    found: dict[PypiName, PypiRequirement] = {}
    for key, value in table.data.items():
        name = table.convert(key, lambda key=key: pypi_name(key), at_key=True)  # type: ignore[misc]  # bound now
        if name is None:
            continue
        requirement = table.convert(key, lambda key=key, value=value: requirement_from_table(key, value))  # type: ignore[misc]  # bound now
        if requirement is not None:
            found[name] = requirement
    return found


def _dev(table: Table) -> dict[PackageName, Mapping[str, Any]]:
    found: dict[PackageName, Mapping[str, Any]] = {}
    for key, body in table.tables():
        name = table.convert(key, lambda key=key: package_name(key), at_key=True)  # type: ignore[misc]  # bound now
        if name is None:
            continue
        _check_place(body, f"`dev.{key}`")
        found[name] = body.data
    return found
