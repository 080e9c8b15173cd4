"""`pixi-global.toml`: the environments of global tools, read and edited.

::

    version = 1

    [envs.ripgrep]
    channels = ["conda-forge"]
    platform = "linux-64"                      # default: this machine's
    dependencies = { ripgrep = "*" }
    exposed = { rg = "rg" }                    # name on PATH = program, or path in the environment
    shortcuts = ["some-application"]
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import Location, ManifestError, SpecError, UnsafePath
from ..manifest.document import TomlDocument, missing_entry, to_toml
from ..manifest.table import Problems, Table
from ..model.channel import Channel
from ..model.channel import channel as parse_channel
from ..model.match_spec import MatchSpec
from ..model.platform import Subdir
from ..model.platform import subdir as parse_subdir
from ..names import package_name, safe_component, safe_relative_path

VERSION = 1
EMPTY = f"version = {VERSION}\n"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*\Z")
_KEYS = ("channels", "platform", "dependencies", "exposed", "shortcuts")
_SOURCE_KEYS = frozenset(["git", "path", "url", "package"])


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalEnvironment:
    """One environment. `exposed` maps names on `PATH` to programs; `sources` names dependencies that would have to be
    built, which is refused when the environment is installed; `platform` is None for this machine's.
    """

    name: str
    channels: tuple[Channel, ...]
    platform: Subdir | None = None
    dependencies: Mapping[str, MatchSpec] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    exposed: Mapping[str, str] = field(default_factory=dict)
    shortcuts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalManifest:
    """All environments by name, in the order of the file."""

    path: Path
    environments: Mapping[str, GlobalEnvironment]

    def find(self, name: str) -> GlobalEnvironment:
        """An environment. Raises `ManifestError` with near names."""
        if name not in self.environments:
            raise missing_entry(name, str(self.path), list(self.environments))
        return self.environments[name]

    def owners(self) -> dict[str, str]:
        """Exposed name → environment."""
        return {exposed: one.name for one in self.environments.values() for exposed in one.exposed}


def global_environment_name(text: str) -> str:
    """A checked name of an environment: lower-case letters, digits, `-`, `_` and `.`. Raises `SpecError`."""
    try:
        if _NAME.match(text):
            return safe_component(text, what="environment name")
    except UnsafePath:
        pass
    raise SpecError(
        f"'{text}' is not a valid environment name",
        source=text,
        hints=["use lower-case letters, digits, `-`, `_` and `.`, or choose a name with --environment"],
    )


def exposed_name(text: str) -> str:
    """A checked name of a launcher: a file name, and not `pixi`. Raises `SpecError`."""
    if text == "pixi":
        raise SpecError("nothing can be exposed as `pixi`", source=text, hints=["choose another name: NAME=pixi"])
    try:
        return safe_component(text, what="exposed name")
    except UnsafePath as error:
        raise SpecError(error.message, source=text) from None


def parse_mapping(text: str) -> tuple[str, str]:
    """`NAME=PROGRAM`, or `PROGRAM` for the same name. Raises `SpecError`."""
    name, given, program = text.partition("=")
    program = program if given else name
    return exposed_name(name), _program(program)


def _program(text: str) -> str:
    try:
        return safe_relative_path(text, what="program")
    except UnsafePath as error:
        raise SpecError(error.message, source=text) from None


def read_global(text: str, *, path: Path) -> GlobalManifest:
    """The manifest in `text`. Raises `ManifestError` with every mistake, also a name that two environments expose."""
    import tomli

    problems = Problems(path, text)
    try:
        document = Table(tomli.loads(text), (), problems)
    except tomli.TOMLDecodeError as error:
        issue = problems.issue(f"not valid TOML: {error.msg}", min(error.pos, len(text)))
        location = Location(path, error.lineno, error.colno)
        raise ManifestError(
            f"1 mistake in {path}", issues=[type(issue)(issue.message, location, issue.excerpt)]
        ) from None
    document.allow(("version", "envs"), where="the global manifest")
    version = document.get("version", int)
    if version is not None and version != VERSION:
        document.wrong("version", f"version {version} of the global manifest is not known; {VERSION} is")
    found: dict[str, GlobalEnvironment] = {}
    for name, table in document.table("envs").tables():
        checked = document.table("envs").convert(name, lambda n=name: global_environment_name(n), at_key=True)  # type: ignore[misc]  # bound now
        if checked is not None:
            found[checked] = _environment(checked, table, path)
    _refuse_doubles(found, document.table("envs"))
    problems.raise_any()
    return GlobalManifest(path=path, environments=found)


def _environment(name: str, table: Table, path: Path) -> GlobalEnvironment:
    table.allow(_KEYS, where=f"the environment `{name}`")
    if "channels" not in table:
        table.problems.add(table.path, f"`channels` is missing in the environment `{name}`", key=True)
    platform = table.get("platform", str)
    dependencies, sources = _dependencies(table.table("dependencies"))
    exposed: dict[str, str] = {}
    entries = table.table("exposed")
    for key in entries.data:
        program = entries.get(key, str)
        checked = entries.convert(key, lambda k=key: exposed_name(k), at_key=True)  # type: ignore[misc]  # bound now
        if program is not None and checked is not None:
            exposed[checked] = entries.convert(key, lambda p=program: _program(p)) or program  # type: ignore[misc]  # bound now
    return GlobalEnvironment(
        name=name,
        channels=_channels(table, path.parent),
        platform=None if platform is None else table.convert("platform", lambda: parse_subdir(platform)),
        dependencies=dependencies,
        sources=sources,
        exposed=exposed,
        shortcuts=table.texts("shortcuts") or (),
    )


def _channels(table: Table, root: Path) -> tuple[Channel, ...]:
    """In order of priority; an entry is a text, or a table with `channel` and `priority`."""
    found: list[tuple[int, Channel]] = []
    for position, entry in enumerate(table.get("channels", list) or []):
        place = (*table.path, "channels", position)
        fields = Table(entry if isinstance(entry, dict) else {"channel": entry}, place, table.problems)
        fields.allow(("channel", "priority"), where="a channel")
        written = fields.get("channel", str)
        if written is None:
            continue
        try:
            found.append((-(fields.get("priority", int) or 0), parse_channel(written, root=root)))
        except SpecError as error:
            table.problems.add(place, error.message)
    return tuple(channel for _, channel in sorted(found, key=lambda pair: pair[0]))


def _dependencies(table: Table) -> tuple[dict[str, MatchSpec], tuple[str, ...]]:
    found: dict[str, MatchSpec] = {}
    sources: list[str] = []
    for key, value in table.data.items():
        name = table.convert(key, lambda k=key: package_name(k), at_key=True)  # type: ignore[misc]  # bound now
        if name is None:
            continue
        if isinstance(value, dict) and not _SOURCE_KEYS.isdisjoint(value):
            sources.append(name)
            continue
        spec = table.convert(key, lambda k=key, v=value: MatchSpec.from_table(k, v))  # type: ignore[misc]  # bound now
        if spec is not None:
            found[name] = spec
    return found, tuple(sources)


def _refuse_doubles(found: Mapping[str, GlobalEnvironment], table: Table) -> None:
    owners: dict[str, str] = {}
    for environment in found.values():
        for name in environment.exposed:
            owner = owners.setdefault(name, environment.name)
            if owner != environment.name:
                place = (*table.path, environment.name, "exposed", name)
                table.problems.add(place, f"`{name}` is already exposed by the environment `{owner}`", key=True)


class GlobalEditor(TomlDocument):
    """The global manifest being edited; comments and layout stay."""

    def add_environment(self, name: str, channels: Sequence[str], platform: str | None) -> None:
        """Declare an environment, or give a declared one these channels and this platform."""
        table = self._table(("envs", name))
        table["channels"] = to_toml(list(channels))
        if platform is not None:
            table["platform"] = platform
        for key in ("dependencies", "exposed"):
            if key not in table:
                table[key] = to_toml({})

    def remove_environment(self, name: str) -> None:
        """Take an environment out. Raises `ManifestError` with near names."""
        self._remove(("envs",), name)

    def set_dependency(self, environment: str, spec: MatchSpec) -> None:
        """Set a dependency."""
        table = self._table(("envs", environment, "dependencies"))
        self._set(table, spec.name or "", spec.to_manifest(), compare=str.lower)

    def remove_dependency(self, environment: str, name: str) -> None:
        """Take a dependency out. Raises `ManifestError` with near names."""
        self._remove(("envs", environment, "dependencies"), name)

    def set_exposed(self, environment: str, wanted: Mapping[str, str]) -> None:
        """Make `exposed` say exactly this; entries that stay are not touched."""
        table = self._table(("envs", environment, "exposed"))
        for name in [name for name in table if name not in wanted]:
            del table[name]
        for name, program in wanted.items():
            if table.get(name) != program:
                table[name] = program

    def set_shortcuts(self, environment: str, packages: Sequence[str]) -> None:
        """Make `shortcuts` say exactly this."""
        table: Any = self._table(("envs", environment))
        if packages:
            table["shortcuts"] = to_toml(list(packages))
        else:
            table.pop("shortcuts", None)
