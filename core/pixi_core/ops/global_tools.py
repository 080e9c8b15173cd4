"""`pixi global`: install, change and remove tools. How a change becomes true is told in `global_session`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import ManifestError, UsageError
from ..global_tools.executables import exposed_by_default
from ..global_tools.manifest import GlobalEditor, GlobalEnvironment, global_environment_name, parse_mapping
from ..global_tools.shortcuts import is_menu, package_menus
from ..model.match_spec import MatchSpec, parse_match_spec
from .global_environment import PreparedTool, installed_executables
from .global_session import GlobalSession, everything, refuse_collisions


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What became of one environment: packages (as the transaction tells) and names on `PATH`."""

    environment: str
    packages: Sequence[str] = ()
    exposed: Sequence[str] = ()
    hidden: Sequence[str] = ()
    removed: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing changed."""
        return not (self.packages or self.exposed or self.hidden or self.removed)

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "name": self.environment,
            "packages": list(self.packages),
            "exposed": list(self.exposed),
            "hidden": list(self.hidden),
            "removed": self.removed,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallWish:
    """What `pixi global install` was asked for. `channels` are written as they are; relative folders are made absolute
    by the caller. `expose` None means every program of the named packages.
    """

    specs: Sequence[str]
    channels: Sequence[str]
    given_channels: bool = False
    environment: str | None = None
    beside: Sequence[str] = ()
    expose: Sequence[str] = ()
    platform: str | None = None
    reinstall: bool = False
    shortcuts: bool = True


def install(session: GlobalSession, wish: InstallWish) -> list[Changed]:
    """One environment a package, or one for all with `environment`. Each is whole before the next is begun.

    Raises `UsageError`, `SpecError`, `InstallError` for a name that another environment exposes, and whatever solving
    and installing raise.
    """
    specs = [named_spec(text) for text in wish.specs]
    beside = [named_spec(text) for text in wish.beside]
    mappings = dict(parse_mapping(text) for text in wish.expose)
    if wish.environment is None and len(specs) > 1 and (mappings or beside):
        raise UsageError("--expose and --with are for one environment", hints=["name it with --environment"])
    groups = {wish.environment: specs} if wish.environment else {spec.name or "": [spec] for spec in specs}
    found = []
    for name, group in groups.items():
        found.append(_install_one(session, global_environment_name(name), group, beside, mappings, wish))
    return found


def _install_one(
    session: GlobalSession,
    name: str,
    specs: Sequence[MatchSpec],
    beside: Sequence[MatchSpec],
    mappings: Mapping[str, str],
    wish: InstallWish,
) -> Changed:
    editor = session.editor()
    before = session.manifest.environments.get(name)
    if before is None or wish.given_channels or wish.platform is not None:
        editor.add_environment(name, wish.channels, wish.platform)
    for spec in (*specs, *beside):
        editor.set_dependency(name, spec)
    prepared = session.prepare(session.read(editor).find(name), reinstall=wish.reinstall)
    exposed = dict(before.exposed) if before else {}
    exposed |= mappings or exposed_by_default(prepared.executables, [spec.name or "" for spec in specs])
    refuse_collisions(session.manifest, name, exposed)
    editor.set_exposed(name, exposed)
    if wish.shortcuts:
        menus = [spec.name or "" for spec in specs if _has_menu(prepared, spec.name or "")]
        editor.set_shortcuts(name, list(dict.fromkeys([*(before.shortcuts if before else ()), *menus])))
    return commit_one(session, editor, prepared)


def commit_one(session: GlobalSession, editor: GlobalEditor, prepared: PreparedTool) -> Changed:
    """Make an edited environment true, and say what changed."""
    name = prepared.environment.name
    before = session.manifest.environments.get(name)
    after = session.read(editor).find(name)
    session.commit(editor, {name: replace(prepared, environment=after)}, [name])
    return _changed(name, before, after, prepared.plan.summary())


def _changed(
    name: str, before: GlobalEnvironment | None, after: GlobalEnvironment | None, packages: Sequence[str] = ()
) -> Changed:
    old = dict(before.exposed) if before else {}
    new = dict(after.exposed) if after else {}
    return Changed(
        environment=name,
        packages=tuple(packages),
        exposed=tuple(key for key in new if old.get(key) != new[key]),
        hidden=tuple(key for key in old if key not in new),
        removed=after is None,
    )


def named_spec(text: str) -> MatchSpec:
    """A match spec of one package. Raises `SpecError`, `UsageError`."""
    spec = parse_match_spec(text)
    if not spec.has_exact_name:
        raise UsageError(f"'{text}' does not name a package")
    return spec


def _has_menu(prepared: PreparedTool, package: str) -> bool:
    record = next((one for one in prepared.plan.conda_to_link if one.name == package), None)
    if record is None:
        return bool(package_menus(prepared.prefix, package))
    return any(is_menu(row[0]) for row in prepared.fetched.package(record).files)


# ---------------------------------------------------------------- changing an environment


def add(session: GlobalSession, environment: str, specs: Sequence[str], expose: Sequence[str] = ()) -> Changed:
    """Put packages into an environment; nothing more is exposed than `expose` says."""
    before = session.manifest.find(environment)
    editor = session.editor()
    for text in specs:
        editor.set_dependency(environment, named_spec(text))
    prepared = session.prepare(session.read(editor).find(environment))
    exposed = {**before.exposed, **dict(parse_mapping(text) for text in expose)}
    refuse_collisions(session.manifest, environment, exposed)
    editor.set_exposed(environment, exposed)
    return commit_one(session, editor, prepared)


def remove(session: GlobalSession, environment: str, packages: Sequence[str]) -> Changed:
    """Take packages out of an environment, with what they expose."""
    before = session.manifest.find(environment)
    editor = session.editor()
    names = [named_spec(text).name or "" for text in packages]
    for name in names:
        editor.remove_dependency(environment, name)
    if len(before.dependencies) <= len(names):
        raise ManifestError(
            f"nothing would be left in the environment '{environment}'",
            hints=[f"remove it whole: `pixi global uninstall {environment}`"],
        )
    editor.set_shortcuts(environment, [one for one in before.shortcuts if one not in names])
    prepared = session.prepare(session.read(editor).find(environment))
    left = {one.name for group in prepared.executables.values() for one in group}
    gone = {
        one.name for group in installed_executables(prepared.prefix).values() for one in group if one.name not in left
    }
    editor.set_exposed(environment, {key: value for key, value in before.exposed.items() if value not in gone})
    return commit_one(session, editor, prepared)


def uninstall(session: GlobalSession, environments: Sequence[str]) -> list[Changed]:
    """Remove environments with everything that they put on `PATH`. All of them must exist. Raises `ManifestError`."""
    editor = session.editor()
    for name in dict.fromkeys(environments):
        editor.remove_environment(name)
    before = dict(session.manifest.environments)
    session.commit(editor, {}, list(dict.fromkeys(environments)))
    return [_changed(name, before.get(name), None) for name in dict.fromkeys(environments)]


def update(session: GlobalSession, environments: Sequence[str] = (), *, dry_run: bool = False) -> list[Changed]:
    """The newest packages that the manifest allows, and launchers that know how they are activated. An environment
    that exposed all its programs still does.
    """
    found = []
    for name in environments or list(session.manifest.environments):
        before = session.manifest.find(name)
        prepared = session.prepare(before, keep=False)
        if dry_run:
            found.append(Changed(environment=name, packages=prepared.plan.summary()))
            continue
        editor = session.editor()
        old = exposed_by_default(installed_executables(prepared.prefix), before.dependencies)
        if old and old.items() <= before.exposed.items():
            new = exposed_by_default(prepared.executables, before.dependencies)
            kept = {key: value for key, value in before.exposed.items() if key not in old or key in new}
            exposed = {**new, **kept}
            refuse_collisions(session.manifest, name, exposed)
            editor.set_exposed(name, exposed)
        found.append(commit_one(session, editor, prepared))
    return found


def sync(session: GlobalSession) -> list[Changed]:
    """Make everything on disk what the manifest says; environments and launchers that it does not know go away."""
    names = list(dict.fromkeys([*everything(session.home, session.manifest), *sorted(session.pending)]))
    prepared = {
        name: session.settle(session.manifest.environments[name])
        for name in names
        if name in session.manifest.environments
    }
    session.commit(session.editor(), prepared, names)
    return [
        Changed(environment=name, packages=prepared[name].plan.summary())
        if name in prepared
        else Changed(environment=name, removed=True)
        for name in names
    ]


# ---------------------------------------------------------------- what is exposed


def expose(session: GlobalSession, environment: str, mappings: Sequence[str]) -> Changed:
    """Put programs of an environment on `PATH`. Raises `EnvironmentUnavailable` for one that it does not have."""
    before = session.manifest.find(environment)
    exposed = {**before.exposed, **dict(parse_mapping(text) for text in mappings)}
    refuse_collisions(session.manifest, environment, exposed)
    editor = session.editor()
    editor.set_exposed(environment, exposed)
    return commit_one(session, editor, session.prepare(session.read(editor).find(environment)))


def unexpose(session: GlobalSession, names: Sequence[str]) -> list[Changed]:
    """Take names from `PATH`. Raises `ManifestError` for one that nothing exposes."""
    owners = session.manifest.owners()
    editor = session.editor()
    for name in names:
        if name not in owners:
            from ..manifest.document import missing_entry

            raise missing_entry(name, "exposed", list(owners))
    touched = list(dict.fromkeys(owners[name] for name in names))
    before = dict(session.manifest.environments)
    for owner in touched:
        editor.set_exposed(owner, {k: v for k, v in before[owner].exposed.items() if k not in names})
    session.commit(editor, {}, touched)
    return [_changed(owner, before[owner], session.manifest.environments[owner]) for owner in touched]


def add_shortcuts(session: GlobalSession, environment: str, packages: Sequence[str]) -> Changed:
    """Make menu entries for packages of an environment."""
    before = session.manifest.find(environment)
    editor = session.editor()
    editor.set_shortcuts(environment, list(dict.fromkeys([*before.shortcuts, *packages])))
    return commit_one(session, editor, session.prepare(session.read(editor).find(environment)))


def remove_shortcuts(session: GlobalSession, packages: Sequence[str]) -> list[Changed]:
    """Take menu entries away, in whichever environment. Raises `ManifestError` for a package that has none."""
    from ..manifest.document import missing_entry

    known = {package for one in session.manifest.environments.values() for package in one.shortcuts}
    editor = session.editor()
    for package in packages:
        if package not in known:
            raise missing_entry(package, "shortcuts", sorted(known))
    touched = [one for one in session.manifest.environments.values() if set(packages) & set(one.shortcuts)]
    for one in touched:
        editor.set_shortcuts(one.name, [package for package in one.shortcuts if package not in packages])
    session.commit(editor, {}, [one.name for one in touched])
    return [Changed(environment=one.name) for one in touched]
