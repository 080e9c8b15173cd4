"""Environments: features put together by pixi's rules.

The order of features is: what stands in the environment itself, the listed features, the default feature last. Conda
and PyPI requirements of different features all hold; within a feature the later target replaces the earlier entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from ..errors import ManifestError, SpecError
from ..model.exclude_newer import ExcludeNewer
from ..model.match_spec import MatchSpec
from ..model.platform import Platform, VirtualPackage, is_unix, operating_system
from ..model.pypi_options import PypiOptions
from ..model.pypi_options import merge as merge_options
from ..model.pypi_requirement import PypiRequirement
from ..model.version import parse_version
from ..model.version_spec import VersionSpec, all_of, glob_matches
from ..names import DEFAULT_FEATURE, EnvironmentName, PackageName, TaskName
from ..value import Value
from .model import ChannelPriority, Content, EnvironmentSpec, Feature, PrioritizedChannel, SolveStrategy
from .read_platforms import synthesised_name
from .task import Task

if TYPE_CHECKING:
    from .model import WorkspaceManifest


class Environment(Value):
    """One environment of a workspace; everything is computed from the manifest when asked for."""

    manifest: WorkspaceManifest
    spec: EnvironmentSpec
    features: tuple[Feature, ...]

    @classmethod
    def of(cls, manifest: WorkspaceManifest, spec: EnvironmentSpec) -> Environment:
        """The environment that a spec describes."""
        found = [spec.inline] if spec.inline is not None else []
        found += [manifest.features[name] for name in spec.features]
        if not spec.no_default_feature and DEFAULT_FEATURE not in spec.features:
            found.append(manifest.default_feature)
        return cls(manifest, spec, tuple(found))

    @property
    def name(self) -> EnvironmentName:
        """The environment's name."""
        return self.spec.name

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The features in order of precedence."""
        return tuple(feature.name for feature in self.features)

    @property
    def solve_group(self) -> str | None:
        """The group whose members are solved together."""
        return self.spec.solve_group

    # ---------------------------------------------------------------- channels, platforms, options

    @property
    def channels(self) -> tuple[PrioritizedChannel, ...]:
        """Channels by priority; a feature without any contributes the workspace's."""
        found: list[PrioritizedChannel] = []
        for feature in self.features:
            found += self.manifest.channels if feature.channels is None else feature.channels
        if not self.features:
            found += self.manifest.channels
        by_url: dict[str, PrioritizedChannel] = {}
        for entry in sorted(found, key=lambda entry: -entry.priority):
            by_url.setdefault(entry.channel.url, entry)
        return tuple(by_url.values())

    @property
    def is_host_kind(self) -> bool:
        """Whether the environment has no channels."""
        return not self.channels

    @property
    def platforms(self) -> tuple[Platform, ...]:
        """The platforms that every feature allows, in the workspace's order."""
        found = [p for p in self.manifest.platforms if all(_allows(feature, p) for feature in self.features)]
        required = _highest(package for feature in self.features for package in feature.system_requirements)
        return tuple(dict.fromkeys(_with_requirements(platform, required) for platform in found))

    @property
    def channel_priority(self) -> ChannelPriority:
        """How channels exclude each other. Raises `ManifestError` where features disagree."""
        said = {feature.channel_priority for feature in self.features if feature.channel_priority is not None}
        if len(said) > 1:
            raise ManifestError(
                f"the features of '{self.name}' disagree about `channel-priority`: {', '.join(sorted(said))}"
            )
        return said.pop() if said else self.manifest.channel_priority or "strict"

    @property
    def solve_strategy(self) -> SolveStrategy:
        """Which versions are preferred: what the first feature says that says anything."""
        said = next((feature.solve_strategy for feature in self.features if feature.solve_strategy is not None), None)
        return said or self.manifest.solve_strategy or "highest"

    @property
    def exclude_newer(self) -> ExcludeNewer | None:
        """Cut-offs for conda packages; None where there are none."""
        manifest = self.manifest
        channels = {entry.channel.url: entry.exclude_newer for entry in self.channels if entry.has_cutoff}
        if manifest.exclude_newer is None and not channels and not manifest.exclude_newer_packages:
            return None
        packages = {str(name): limit for name, limit in manifest.exclude_newer_packages.items()}
        return ExcludeNewer(manifest.exclude_newer, channels, packages)

    @property
    def pypi_options(self) -> PypiOptions:
        """The workspace's options under those of the features. Raises `ManifestError` where features disagree."""
        manifest = self.manifest
        base = manifest.pypi_options.replace(
            exclude_newer=_moment(manifest.exclude_newer),
            exclude_newer_packages={name: _moment(at) for name, at in manifest.pypi_exclude_newer_packages.items()},
        )
        options = tuple(f.pypi_options for f in self.features if f.pypi_options is not None)
        try:
            return merge_options(base, options)
        except SpecError as error:
            raise ManifestError(f"environment '{self.name}': {error.message}", hints=error.hints) from None

    # ---------------------------------------------------------------- requirements

    def conda_specs(self, platform: Platform) -> list[MatchSpec]:
        """Conda requirements of every feature (all must hold). Raises `ManifestError` for packages to be built."""
        found: dict[MatchSpec, None] = {}
        for feature in self.features:
            specs: dict[PackageName, MatchSpec] = {}
            for content in _matching(feature, platform):
                for name in content.sources:
                    raise ManifestError(
                        f"the dependency '{name}' of environment '{self.name}' would have to be built from source",
                        hints=["use a package from a channel, or a PyPI dependency with `path` or `git`"],
                    )
                specs.update(content.dependencies)
            found.update(dict.fromkeys(specs.values()))
        return list(found)

    def constraints(self, platform: Platform) -> list[MatchSpec]:
        """Constraints of every feature."""
        found: dict[MatchSpec, None] = {}
        for feature in self.features:
            specs: dict[PackageName, MatchSpec] = {}
            for content in _matching(feature, platform):
                specs.update(content.constraints)
            found.update(dict.fromkeys(specs.values()))
        return list(found)

    def pypi_requirements(self, platform: Platform) -> list[PypiRequirement]:
        """PyPI requirements of every feature (all must hold)."""
        found: dict[PypiRequirement, None] = {}
        for feature in self.features:
            requirements: dict[str, PypiRequirement] = {}
            for content in _matching(feature, platform):
                requirements.update({str(name): one for name, one in content.pypi_dependencies.items()})
            found.update(dict.fromkeys(requirements.values()))
        return list(found)

    def python_requirement(self, platform: Platform) -> VersionSpec | None:
        """What is asked of Python itself, which is the machine's in the host kind."""
        versions = [s.version for s in self.conda_specs(platform) if s.name == "python" and s.version is not None]
        return all_of(versions) if versions else None

    # ---------------------------------------------------------------- tasks and activation

    def tasks(self, platform: Platform) -> dict[TaskName, Task]:
        """Tasks by name; the first feature that has one wins, in it the last matching target."""
        found: dict[TaskName, Task] = {}
        for feature in reversed(self.features):
            for content in _matching(feature, platform):
                found.update(content.tasks)
        return found

    def activation(self, platform: Platform) -> tuple[tuple[str, ...], dict[str, str]]:
        """Scripts (relative to the root, in running order) and variables.

        In one feature the most specific target that has scripts replaces the others; variables are merged by key.
        """
        scripts: list[str] = []
        env: dict[str, str] = {}
        for feature in self.features:
            ordered = sorted(_matching(feature, platform), key=lambda content: _rank(content.selector, platform))
            said = [content.activation_scripts for content in ordered if content.activation_scripts is not None]
            scripts += said[-1] if said else ()
            own: dict[str, str] = {}
            for content in ordered:
                own.update(content.activation_env)
            for key, value in own.items():
                env.setdefault(key, value)
        return tuple(scripts), env

    def dotenv(self, platform: Platform) -> tuple[str, ...]:
        """Files of variables, relative to the root; those that win stand last, so the first feature's do."""
        found: list[str] = []
        for feature in reversed(self.features):
            for content in sorted(_matching(feature, platform), key=lambda content: _rank(content.selector, platform)):
                found += content.activation_dotenv
        return tuple(found)


def solve_groups(manifest: WorkspaceManifest) -> list[list[Environment]]:
    """Environments that are solved together, in the order of the manifest; most are alone."""
    groups: dict[str, list[Environment]] = {}
    for name in manifest.environments:
        environment = manifest.environment(name)
        key = f"group {environment.solve_group}" if environment.solve_group else f"alone {name}"
        groups.setdefault(key, []).append(environment)
    return list(groups.values())


# ---------------------------------------------------------------- targets and platforms


def selects(selector: str, platform: Platform) -> bool:
    """Whether a target selector means a platform: its name, subdir or family, or a glob over names."""
    if selector in (platform.name, platform.subdir):
        return True
    if "*" in selector:
        return glob_matches(selector, platform.name)
    if selector == "unix":
        return is_unix(platform.subdir)
    return operating_system(platform.subdir) == ("osx" if selector == "macos" else selector)


def _matching(feature: Feature, platform: Platform) -> Iterator[Content]:
    yield feature.content
    for target in feature.targets:
        if selects(target.selector or "", platform):
            yield target


def _rank(selector: str | None, platform: Platform) -> int:
    """How specific a selector is: nothing, `unix`, a family, a subdir, a glob, a name."""
    if selector is None:
        return 0
    if selector == platform.name:
        return 5
    if "*" in selector:
        return 4
    if selector == platform.subdir:
        return 3
    return 1 if selector == "unix" else 2


def _allows(feature: Feature, platform: Platform) -> bool:
    """A bare subdir allows every platform of that subdir, unless the feature names exact platforms of it too."""
    if feature.platforms is None or platform.name in feature.platforms:
        return True
    if platform.subdir not in feature.platforms:
        return False
    prefix = f"{platform.subdir}-"
    return not any(name.startswith(prefix) for name in feature.platforms)


def _highest(packages: Iterable[VirtualPackage]) -> dict[str, VirtualPackage]:
    found: dict[str, VirtualPackage] = {}
    for package in packages:
        other = found.get(package.name)
        if other is None or parse_version(package.version or "0") > parse_version(other.version or "0"):
            found[package.name] = package
    return found


@lru_cache(maxsize=256)
def _declared(name: str, platform: Platform, packages: tuple[VirtualPackage, ...]) -> Platform:
    return Platform.declared(name, platform.subdir, packages)


def _with_requirements(platform: Platform, required: dict[str, VirtualPackage]) -> Platform:
    """The platform with the `system-requirements` that can apply to it, under a name that says so."""
    system = operating_system(platform.subdir)
    only = {"__linux": "linux", "__glibc": "linux", "__osx": "osx", "__win": "win"}
    applying = {
        n: p for n, p in required.items() if only.get(n, system) == system and not (n == "__unix" and system == "win")
    }
    current = {package.name: package for package in platform.virtual_packages}
    changed = {name: package for name, package in applying.items() if current.get(name) != package}
    if not changed:
        return platform
    packages = tuple(
        changed.get(name, package)
        for name, package in current.items()
        if package in platform.customised or name in changed
    )
    packages += tuple(package for name, package in changed.items() if name not in current)
    name = synthesised_name(platform.subdir, packages)
    return _declared(name, platform, packages)


def _moment(cutoff: int | None) -> datetime | None:
    return None if cutoff is None else datetime.fromtimestamp(cutoff / 1000, tz=UTC)
