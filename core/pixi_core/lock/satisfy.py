"""Does a lock file satisfy a manifest? Nothing of the manifest is stored in it, so everything is compared anew.

The rules are pixi's: channels in order, platforms, indexes and options are equal; walking from the requirements, every
one is met by a locked record, and no record is left over. Each difference is a `Reason` that says where and why.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Literal

from ..errors import ManifestError
from ..model.channel import without_credentials
from ..model.match_spec import MatchSpec
from ..model.platform import Platform
from ..model.pypi_options import DEFAULT_PRERELEASES
from ..model.record import PypiRecord, RepoDataRecord
from ..names import package_name
from ..value import Value
from .model import LockedEnvironment, LockFile, identity, links_of, options_of
from .satisfy_conda import CondaWalk
from .satisfy_pypi import PypiWalk

if TYPE_CHECKING:
    from ..manifest.merge import Environment
    from ..manifest.model import WorkspaceManifest

ReasonKind = Literal["environment", "channels", "platforms", "options", "indexes", "conda", "pypi"]


class Reason(Value):
    """One difference. `platform` is empty where it is about the whole environment. `discards` says that nothing of the
    locked content may be preferred when the environment is solved again.
    """

    environment: str
    platform: str
    kind: ReasonKind
    text: str
    discards: bool = False

    def __str__(self) -> str:
        where = f"{self.environment}/{self.platform}" if self.platform else self.environment
        return f"{where}: {self.text}"


def check(manifest: WorkspaceManifest, lock: LockFile, *, platforms: Collection[str] | None = None) -> list[Reason]:
    """Every difference; empty when the lock file is up to date. `platforms` limits the walks to those names.

    Raises `ManifestError` where an environment cannot be put together at all.
    """
    lock = lock.named_after(manifest.all_platforms)
    reasons = [
        Reason(name, "", "environment", "the manifest has no such environment any more")
        for name in lock.environments
        if name not in manifest.environments
    ]
    for name in manifest.environments:
        environment = manifest.environment(name)
        locked = lock.environments.get(name)
        if locked is None:
            reasons.append(Reason(name, "", "environment", "the environment is not in the lock file"))
            continue
        whole = _compare_environment(environment, locked, lock)
        reasons += whole
        if any(reason.discards for reason in whole):
            continue
        for platform in environment.platforms:
            if platform.name in locked.packages and (platforms is None or platform.name in platforms):
                reasons += _walk(environment, platform, lock)
    return reasons + _compare_groups(manifest, lock)


def _compare_groups(manifest: WorkspaceManifest, lock: LockFile) -> list[Reason]:
    """The members of a solve group hold the same package of a name, on each platform."""
    reasons: list[Reason] = []
    first: dict[tuple[str, str, str, str], tuple[str, RepoDataRecord | PypiRecord]] = {}
    for environment in map(manifest.environment, manifest.environments):
        for platform in environment.platforms if environment.solve_group else ():
            conda, pypi = lock.for_platform(environment.name, platform.name)
            held: list[RepoDataRecord | PypiRecord] = [*conda, *pypi]
            for record in held:
                kind: ReasonKind = "conda" if isinstance(record, RepoDataRecord) else "pypi"
                key = (environment.solve_group or "", platform.name, kind, record.name)
                name, other = first.setdefault(key, (environment.name, record))
                if _place(other) != _place(record):
                    text = f"{record} is locked, but {other} in '{name}', which is of the same solve group"
                    reasons.append(Reason(environment.name, platform.name, kind, text))
    return reasons


def _place(record: RepoDataRecord | PypiRecord) -> str:
    return record.url if isinstance(record, RepoDataRecord) else record.location


def _compare_environment(environment: Environment, locked: LockedEnvironment, lock: LockFile) -> list[Reason]:
    """What needs no walk: channels, platforms, options, indexes."""
    name = environment.name
    reasons: list[Reason] = []
    wanted = tuple(entry.channel.url for entry in environment.channels)
    if wanted != locked.channels:
        extended = wanted[: len(locked.channels)] == locked.channels and bool(locked.channels)
        text = f"the channels are {_listed(wanted)}, but {_listed(locked.channels)} were locked"
        reasons.append(Reason(name, "", "channels", text, discards=not extended))
    reasons += _compare_platforms(environment, locked, lock)
    reasons += _compare_options(environment, locked)
    return reasons


def _listed(items: Collection[str]) -> str:
    return ", ".join(items) or "none"


def _compare_platforms(environment: Environment, locked: LockedEnvironment, lock: LockFile) -> list[Reason]:
    name = environment.name
    wanted = {platform.name: platform for platform in environment.platforms}
    reasons = [
        Reason(name, other, "platforms", "the environment does not have this platform any more")
        for other in locked.packages
        if other not in wanted
    ]
    for platform in wanted.values():
        old = lock.platform(platform.name)
        if platform.name not in locked.packages:
            reasons.append(Reason(name, platform.name, "platforms", "the platform is not in the lock file"))
        elif old is not None and lock.version >= 7 and identity(old) != identity(platform):
            text = f"the platform was locked as {_described(old)} and is {_described(platform)} now"
            reasons.append(Reason(name, platform.name, "platforms", text, discards=True))
    return reasons


def _described(platform: Platform) -> str:
    extra = sorted(str(package) for package in platform.customised)
    return f"{platform.subdir}{f' with {_listed(extra)}' if extra else ''}"


def _compare_options(environment: Environment, locked: LockedEnvironment) -> list[Reason]:
    name, old = environment.name, locked.options
    new = options_of(environment)
    reasons: list[Reason] = []
    if new.strategy != old.strategy:
        text = f"solve-strategy is `{new.strategy}`, but `{old.strategy}` was locked"
        reasons.append(Reason(name, "", "options", text, discards=True))
    if new.channel_priority != old.channel_priority:
        text = f"channel-priority is `{new.channel_priority}`, but `{old.channel_priority}` was locked"
        reasons.append(Reason(name, "", "options", text, discards=True))
    if not any(environment.pypi_requirements(platform) for platform in environment.platforms):
        return reasons
    options = environment.pypi_options
    modes = [mode or DEFAULT_PRERELEASES for mode in (new.prerelease_mode, old.prerelease_mode)]
    if modes[0] != modes[1]:
        text = f"pypi-options.prerelease-mode is `{modes[0]}`, but `{modes[1]}` was locked"
        reasons.append(Reason(name, "", "options", text))
    if tuple(without_credentials(url).rstrip("/") for url in locked.indexes) != options.lock_indexes:
        text = f"the indexes are {_listed(options.lock_indexes)}, but {_listed(locked.indexes)} were locked"
        reasons.append(Reason(name, "", "indexes", text))
    if tuple(links_of(options.find_links)) != locked.find_links:
        reasons.append(Reason(name, "", "indexes", "`find-links` changed"))
    return reasons


def _walk(environment: Environment, platform: Platform, lock: LockFile) -> list[Reason]:
    """From the requirements to every locked record of one platform."""
    conda, pypi = lock.for_platform(environment.name, platform.name)
    try:
        specs = environment.conda_specs(platform)
    except ManifestError:
        return []  # packages built from source: their records are verbatim, and cannot be judged
    requirements = environment.pypi_requirements(platform)
    pypi_walk = PypiWalk(pypi, conda, platform, environment.pypi_options)
    pypi_texts = pypi_walk.run(requirements)
    walk = CondaWalk(conda, platform)
    texts: list[str] = []
    if environment.is_host_kind:
        texts += [f"{record} is locked, but the workspace has no channels" for record in conda]
    else:
        carriers = [MatchSpec(name=package_name(name)) for name in sorted(pypi_walk.used_conda)]
        texts += walk.run([*specs, *carriers], environment.constraints(platform), environment.exclude_newer)
    reasons = [Reason(environment.name, platform.name, "conda", text) for text in texts]
    reasons += [Reason(environment.name, platform.name, "pypi", text) for text in pypi_texts]
    if not reasons and lock.source_records(environment.name, platform.name) == ():
        unused = [record for record in conda if record.name not in walk.used and not environment.is_host_kind]
        reasons += [
            Reason(environment.name, platform.name, "conda", f"{record} is locked, but nothing needs it")
            for record in unused
        ]
    return reasons
