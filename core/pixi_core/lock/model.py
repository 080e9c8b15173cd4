"""The lock file as a value: which packages every environment has on every platform.

Every version of the format is read into this one model; `write` turns it into version 7.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..model.platform import Platform
from ..model.record import PypiRecord, RepoDataRecord
from ..model.version import Version
from ..value import EMPTY, Value

if TYPE_CHECKING:
    from ..manifest.merge import Environment

CURRENT_VERSION = 7


class CondaSourceRecord(Value):
    """A conda package built from source by pixi-build, kept as it was written.

    `selector` is `name[hash] @ location`; `fields` are the keys below it, in order, values as text, lists and mappings.
    """

    selector: str
    fields: Mapping[str, Any] = EMPTY

    @property
    def name(self) -> str:
        """The package's name."""
        return self.selector.partition(" @ ")[0].partition("[")[0]

    @property
    def location(self) -> str:
        """Where the source is."""
        return self.selector.partition(" @ ")[2]


LockedRecord = RepoDataRecord | PypiRecord | CondaSourceRecord


class LockOptions(Value):
    """How an environment was solved; the defaults are those that the file leaves out.

    `prerelease_mode` None means the default. `exclude_newer` is of versions before 7 only.
    """

    strategy: str = "highest"
    channel_priority: str = "strict"
    prerelease_mode: str | None = None
    exclude_newer: str | None = None


class LockedEnvironment(Value, kw_only=True):
    """One environment: `channels` are canonical URLs in order of priority, `packages` is keyed by platform name.

    `indexes` and `find_links` (`path` or `url`, and the value) are empty where there are no PyPI dependencies.
    """

    channels: tuple[str, ...] = ()
    indexes: tuple[str, ...] = ()
    find_links: tuple[tuple[str, str], ...] = ()
    options: LockOptions = LockOptions()
    packages: Mapping[str, tuple[LockedRecord, ...]] = EMPTY


class LockFile(Value, kw_only=True):
    """A lock file. `version` is that of the file it was read from; `platforms` are in the manifest's order.

    `extra_packages` are records that no environment lists itself, such as the tools of source builds.
    """

    version: int = CURRENT_VERSION
    platforms: tuple[Platform, ...] = ()
    environments: Mapping[str, LockedEnvironment] = EMPTY
    extra_packages: tuple[LockedRecord, ...] = ()

    @classmethod
    def build(
        cls,
        environments: Sequence[Environment],
        found: Mapping[str, Mapping[str, Sequence[LockedRecord]]],
    ) -> LockFile:
        """A lock file from solved environments: `found` maps environment and platform names to records."""
        platforms: dict[str, Platform] = {}
        locked: dict[str, LockedEnvironment] = {}
        for environment in environments:
            platforms.update({platform.name: platform for platform in environment.platforms})
            solved = found.get(environment.name, {})
            has_pypi = any(environment.pypi_requirements(platform) for platform in environment.platforms)
            options = environment.pypi_options
            locked[environment.name] = LockedEnvironment(
                channels=tuple(entry.channel.url for entry in environment.channels),
                indexes=options.lock_indexes if has_pypi else (),
                find_links=tuple(links_of(options.find_links)) if has_pypi else (),
                options=options_of(environment),
                packages={p.name: tuple(solved.get(p.name, ())) for p in environment.platforms},
            )
        return cls(platforms=tuple(platforms.values()), environments=locked)

    def for_platform(
        self, environment: str, platform: str
    ) -> tuple[tuple[RepoDataRecord, ...], tuple[PypiRecord, ...]]:
        """The conda and the PyPI records of an environment on a platform; empty where the file has none."""
        locked = self.environments.get(environment)
        records: Iterable[LockedRecord] = () if locked is None else locked.packages.get(platform, ())
        records = tuple(records)
        return (
            tuple(record for record in records if isinstance(record, RepoDataRecord)),
            tuple(record for record in records if isinstance(record, PypiRecord)),
        )

    def source_records(self, environment: str, platform: str) -> tuple[CondaSourceRecord, ...]:
        """The conda packages that are built from source."""
        locked = self.environments.get(environment)
        records = () if locked is None else locked.packages.get(platform, ())
        return tuple(record for record in records if isinstance(record, CondaSourceRecord))

    def platform(self, name: str) -> Platform | None:
        """The platform of that name."""
        return next((platform for platform in self.platforms if platform.name == name), None)

    def named_after(self, platforms: Iterable[Platform]) -> LockFile:
        """The same lock file, its platforms called what `platforms` (of the manifest) call them.

        Files know rich platforms under aliases (`p1`, `p2`); what they are is their subdir and the virtual packages
        that differ from its defaults.
        """
        wanted = {identity(platform): platform for platform in reversed(list(platforms))}
        names: dict[str, Platform] = {}
        for mine in self.platforms:
            other = wanted.get(identity(mine))
            if other is not None:
                names[mine.name] = other
        if all(names[old].name == old for old in names):
            return self
        taken = {platform.name for platform in names.values()}
        kept = [
            names.get(p.name) or (p.replace(name=f"{p.name}-locked") if p.name in taken else p) for p in self.platforms
        ]
        renamed = {old.name: new.name for old, new in zip(self.platforms, kept, strict=True)}
        return self.replace(
            platforms=tuple(kept),
            environments={
                name: environment.replace(
                    packages={renamed.get(key, key): records for key, records in environment.packages.items()},
                )
                for name, environment in self.environments.items()
            },
        )


def identity(platform: Platform) -> tuple[str, frozenset[tuple[object, ...]]]:
    """What makes two platforms the same: subdir, and virtual packages that are not the subdir's defaults."""
    return platform.subdir, frozenset(
        (package.name, Version(package.version or "0"), package.build or "0") for package in platform.customised
    )


def options_of(environment: Environment) -> LockOptions:
    """What the lock file says about how an environment is solved."""
    return LockOptions(
        environment.solve_strategy, environment.channel_priority, environment.pypi_options.prerelease_mode
    )


def links_of(find_links: Iterable[Any]) -> list[tuple[str, str]]:
    """`find-links` of PyPI options in the form of lock files."""
    return [("path", link.path) if link.path is not None else ("url", link.url or "") for link in find_links]
