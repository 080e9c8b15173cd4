"""Changes of what a manifest says of the workspace itself: channels, platforms, environments, activation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from ..errors import ManifestError
from ..model.channel import public
from ..names import DEFAULT_ENVIRONMENT, DEFAULT_FEATURE
from .document import missing_entry, to_toml
from .edit import ManifestEditor
from .read_platforms import FRIENDLY, entry_name

Position = Literal["before", "after", "top", "bottom"]


class WorkspaceEditor(ManifestEditor):
    """The same document as `ManifestEditor`, seen from `pixi workspace`."""

    # ---------------------------------------------------------------- channels

    def add_channel(
        self, channel: str, *, feature: str = DEFAULT_FEATURE, priority: int | None = None, prepend: bool = False
    ) -> bool:
        """Add a channel; False where it is there already. Raises `SpecError` for an address with credentials."""
        channel = public(channel)
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
        del array[_index(array, channel, "channels", _channel_of)]

    # ---------------------------------------------------------------- platforms

    def add_platform(
        self,
        name: str,
        *,
        feature: str = DEFAULT_FEATURE,
        subdir: str | None = None,
        packages: Mapping[str, str] | None = None,
    ) -> bool:
        """Add a platform; False where one of that name is there already.

        `packages` declares virtual packages by name (`__cuda`), as `VERSION` or `VERSION=BUILD`; `subdir` is what the
        platform is, where its name does not say so.
        """
        array = self._list_of("platforms", feature)
        entry = _platform_entry(name, subdir, packages or {}, named=subdir is not None and subdir != name)
        if any(entry_name(item) == entry_name(entry) for item in array):
            return False
        array.append(entry)
        return True

    def edit_platform(
        self, name: str, *, subdir: str | None = None, packages: Mapping[str, str | None] | None = None
    ) -> None:
        """Change the subdir or virtual packages of a platform; None takes a package's declaration away.

        A stated name stays, and so does that of a plain subdir: features and environments may know it by that. Raises
        `ManifestError` with near names.
        """
        array = self._list_of("platforms", DEFAULT_FEATURE)
        position = _platform_index(array, name)
        present = array[position]
        fields = dict(present) if isinstance(present, dict) else {"name": str(present), "platform": str(present)}
        declared = _declared(fields)
        for package, value in (packages or {}).items():
            if value is None and package not in declared:
                raise missing_entry(package, f"the platform {name}", list(declared))
            declared[package] = value
        base = subdir or str(fields.get("platform") or name)
        kept = {package: value for package, value in declared.items() if value is not None}
        stated = str(fields.get("name", ""))
        plain = _platform_entry(base, None, kept, named=False)
        needed = bool(stated) and entry_name(plain) != stated
        array[position] = _platform_entry(stated, base, kept, named=True) if needed else plain

    def move_platform(self, name: str, where: Position, of: str | None = None) -> None:
        """Give a platform another place in the order of preference; `of` is the neighbour. Raises `ManifestError`."""
        array = self._list_of("platforms", DEFAULT_FEATURE)
        plain = [dict(item) if isinstance(item, dict) else str(item) for item in array]
        if of is not None and _platform_index(plain, of) == _platform_index(plain, name):
            raise ManifestError(f"the platform '{name}' cannot be moved {where} itself")
        item = plain.pop(_platform_index(plain, name))
        neighbour = _platform_index(plain, of) if of is not None else 0
        plain.insert({"top": 0, "bottom": len(plain), "before": neighbour, "after": neighbour + 1}[where], item)
        for position, entry in enumerate(plain):  # place by place: the layout of the list stays
            array[position] = to_toml(entry)

    def remove_platform(self, platform: str, *, feature: str = DEFAULT_FEATURE) -> None:
        """Take a platform out. Raises `ManifestError` with near names."""
        array = self._list_of("platforms", feature)
        del array[_platform_index(array, platform)]

    def set_system_requirement(self, key: str, value: str, *, feature: str = DEFAULT_FEATURE) -> None:
        """Set an entry of the older `system-requirements` table."""
        self._table((*self._path(feature, None), "system-requirements"))[key] = value

    # ---------------------------------------------------------------- activation

    def add_scripts(
        self,
        scripts: Sequence[str],
        *,
        feature: str = DEFAULT_FEATURE,
        environment: str | None = None,
        target: str | None = None,
        prepend: bool = False,
    ) -> None:
        """Add activation scripts; with `prepend` they come first, moved there where they are listed already."""
        table = self._activation(feature, environment, target)
        present = [str(script) for script in table.get("scripts", [])]
        if prepend:
            wanted = [*scripts, *(script for script in present if script not in scripts)]
        else:
            wanted = [*present, *(script for script in scripts if script not in present)]
        table["scripts"] = to_toml(wanted)

    def remove_scripts(
        self,
        scripts: Sequence[str],
        *,
        feature: str = DEFAULT_FEATURE,
        environment: str | None = None,
        target: str | None = None,
    ) -> None:
        """Take activation scripts out. Raises `ManifestError` with near names."""
        table = self._activation(feature, environment, target)
        array = table.get("scripts", [])
        for script in scripts:
            del array[_index(array, script, "activation.scripts", str)]

    def set_variables(
        self,
        variables: Mapping[str, str],
        *,
        feature: str = DEFAULT_FEATURE,
        environment: str | None = None,
        target: str | None = None,
    ) -> None:
        """Set variables of the activation, in place of those of the same names."""
        table = self._table((*self._activation_path(feature, environment, target), "env"))
        for name, value in variables.items():
            table[name] = value

    def remove_variables(
        self,
        names: Sequence[str],
        *,
        feature: str = DEFAULT_FEATURE,
        environment: str | None = None,
        target: str | None = None,
    ) -> None:
        """Take variables of the activation out. Raises `ManifestError` with near names."""
        path = (*self._activation_path(feature, environment, target), "env")
        for name in names:
            self._remove(path, name)

    def _activation(self, feature: str, environment: str | None, target: str | None) -> Any:
        return self._table(self._activation_path(feature, environment, target))

    def _activation_path(self, feature: str, environment: str | None, target: str | None) -> tuple[str, ...]:
        if environment is None or environment == DEFAULT_ENVIRONMENT:
            return (*self._path(feature, target), "activation")
        self._inline_environment(environment)
        path = (*self._base(), "environments", environment)
        return (*path, "activation") if target is None else (*path, "target", target, "activation")

    def _inline_environment(self, name: str) -> None:
        """An environment that only lists features becomes a table, which can hold more."""
        environments = self._find((*self._base(), "environments")) or {}
        if name not in environments:
            raise missing_entry(name, "environments", list(environments))
        if isinstance(environments[name], list):
            environments[name] = to_toml({"features": [str(feature) for feature in environments[name]]})

    # ---------------------------------------------------------------- preview flags

    def add_preview(self, flags: Sequence[str]) -> None:
        """Turn preview features on."""
        table = self._table(self._workspace_path())
        present = table.get("preview", [])
        if present is True:
            return
        listed = [str(flag) for flag in present] if isinstance(present, list) else []
        table["preview"] = to_toml([*listed, *(flag for flag in flags if flag not in listed)])

    def remove_preview(self, flags: Sequence[str]) -> None:
        """Turn preview features off. Raises `ManifestError` with near names."""
        table = self._table(self._workspace_path())
        array = table.get("preview", [])
        if not isinstance(array, list):
            raise ManifestError("`preview` is no list", hints=["name the flags that are wanted in its place"])
        for flag in flags:
            del array[_index(array, flag, "preview", str)]

    # ---------------------------------------------------------------- texts, environments, features

    def workspace_text(self, key: str) -> str | None:
        """A text of the workspace table, None where it is not there."""
        value = (self._find(self._workspace_path()) or {}).get(key)
        return None if value is None else str(value)

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


def _index(array: Any, name: str, where: str, key: Any) -> int:
    """The place of an entry. Raises `ManifestError` with near names."""
    known = [key(item) for item in array]
    if name not in known:
        raise missing_entry(name, where, known)
    return known.index(name)


def _platform_index(array: Any, name: str) -> int:
    """The place of a platform, by its name, or by its subdir where only one has that. Raises `ManifestError`."""
    names = [entry_name(item) for item in array]
    subdirs = [str(item.get("platform", "")) if isinstance(item, dict) else str(item) for item in array]
    return (
        subdirs.index(name)
        if name not in names and subdirs.count(name) == 1
        else _index(array, name, "platforms", entry_name)
    )


def _channel_of(item: Any) -> str:
    return str(item.get("channel", "")) if isinstance(item, dict) else str(item)


def _declared(fields: Mapping[str, Any]) -> dict[str, str | None]:
    """The virtual packages of a platform's table, by name."""
    found: dict[str, str | None] = {}
    for key, value in fields.items():
        if key in ("platform", "name"):
            continue
        if isinstance(value, dict):
            found["__cuda"] = str(value.get("driver", ""))
            if "arch" in value:
                found["__cuda_arch"] = str(value["arch"])
        else:
            found[FRIENDLY.get(key, key)] = str(value)
    return found


def _platform_entry(name: str, subdir: str | None, packages: Mapping[str, str], *, named: bool) -> Any:
    """A platform as it is written: a string where its subdir says everything; `named` states the name."""
    base = subdir or name
    if not packages and not named:
        return base
    friendly = {package: key for key, package in FRIENDLY.items() if key != "osx"}
    fields: dict[str, Any] = {"name": name} if named else {}
    fields["platform"] = base
    for package, value in packages.items():
        if package == "__cuda_arch":
            continue
        fields[friendly.get(package, package)] = value
    if "__cuda_arch" in packages:
        fields["cuda"] = {"driver": packages.get("__cuda", ""), "arch": packages["__cuda_arch"]}
    return to_toml(fields)
