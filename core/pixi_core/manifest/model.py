"""What a manifest says, as values: features with their targets, environments, tasks. Nothing is merged here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..errors import ManifestError
from ..model.channel import Channel
from ..model.match_spec import MatchSpec
from ..model.platform import Platform, VirtualPackage
from ..model.pypi_options import PypiOptions
from ..model.pypi_requirement import IndexSource, PypiRequirement
from ..model.version_spec import VersionSpec
from ..names import DEFAULT_FEATURE, EnvironmentName, FeatureName, PackageName, PypiName, TaskName
from ..suggest import did_you_mean
from ..value import EMPTY, Value
from .task import Task

if TYPE_CHECKING:
    from ..model.conda_pypi_map import CondaPypiMap
    from .merge import Environment

ManifestKind = Literal["pixi", "pyproject", "mojoproject"]
ChannelPriority = Literal["strict", "flexible", "disabled"]
SolveStrategy = Literal["highest", "lowest", "lowest-direct"]


class PrioritizedChannel(Value):
    """A channel of a workspace or feature. `written` is what the manifest says; a higher `priority` comes first;
    `exclude_newer` (ms since 1970) overrides the workspace's cut-off where `has_cutoff`.
    """

    channel: Channel
    written: str
    priority: int = 0
    exclude_newer: int | None = None
    has_cutoff: bool = False


class Content(Value, kw_only=True):
    """The tables that may stand in a feature and in each of its targets; `selector` is None for the feature itself.

    `dependencies` holds run, host and build dependencies with pixi's precedence already applied. `sources` are conda
    packages that are built from source (tables with `path`, `git` or `url`), checked but not interpreted.
    """

    selector: str | None = None
    dependencies: Mapping[PackageName, MatchSpec] = EMPTY
    sources: Mapping[PackageName, Mapping[str, Any]] = EMPTY
    constraints: Mapping[PackageName, MatchSpec] = EMPTY
    pypi_dependencies: Mapping[PypiName, PypiRequirement] = EMPTY
    dev: Mapping[PackageName, Mapping[str, Any]] = EMPTY
    tasks: Mapping[TaskName, Task] = EMPTY
    activation_scripts: tuple[str, ...] | None = None
    activation_env: Mapping[str, str] = EMPTY
    activation_dotenv: tuple[str, ...] = ()


class Feature(Value, kw_only=True):
    """A named set of requirements. None means that the feature does not say (the workspace's value holds)."""

    name: FeatureName
    content: Content = Content()
    targets: tuple[Content, ...] = ()
    channels: tuple[PrioritizedChannel, ...] | None = None
    platforms: tuple[str, ...] | None = None
    channel_priority: ChannelPriority | None = None
    solve_strategy: SolveStrategy | None = None
    pypi_options: PypiOptions | None = None
    system_requirements: tuple[VirtualPackage, ...] = ()

    @property
    def dependencies(self) -> Mapping[PackageName, MatchSpec]:
        """Conda dependencies for every platform."""
        return self.content.dependencies

    @property
    def pypi_dependencies(self) -> Mapping[PypiName, PypiRequirement]:
        """PyPI dependencies for every platform."""
        return self.content.pypi_dependencies

    @property
    def contents(self) -> tuple[Content, ...]:
        """The feature itself, then its targets in the order of the manifest."""
        return (self.content, *self.targets)


class EnvironmentSpec(Value, kw_only=True):
    """An entry of `[environments]`. `inline` is what stands in the entry itself, as a private feature."""

    name: EnvironmentName
    features: tuple[FeatureName, ...] = ()
    solve_group: str | None = None
    no_default_feature: bool = False
    inline: Feature | None = None


class WorkspaceManifest(Value, kw_only=True):
    """A manifest. `features` always has the default feature, `environments` the default environment (first).

    `exclude_newer` and its package tables are cut-offs in ms since 1970 (None: no limit). `metadata` holds texts such
    as `license` and `homepage`; `package` the checked but uninterpreted `[package]` table; `text` is what was read.
    """

    path: Path
    kind: ManifestKind
    name: str
    version: str | None = None
    description: str | None = None
    authors: tuple[str, ...] = ()
    metadata: Mapping[str, str] = EMPTY
    channels: tuple[PrioritizedChannel, ...] = ()
    platforms: tuple[Platform, ...] = ()
    channel_priority: ChannelPriority | None = None
    solve_strategy: SolveStrategy | None = None
    requires_pixi: VersionSpec | None = None
    exclude_newer: int | None = None
    exclude_newer_packages: Mapping[PackageName, int | None] = EMPTY
    pypi_exclude_newer_packages: Mapping[PypiName, int | None] = EMPTY
    pypi_options: PypiOptions = PypiOptions()
    conda_pypi_map: CondaPypiMap | None = None
    preview: tuple[str, ...] = ()
    s3_options: Mapping[str, Mapping[str, Any]] = EMPTY
    build_variants: Mapping[str, Any] = EMPTY
    features: Mapping[FeatureName, Feature] = EMPTY
    environments: Mapping[EnvironmentName, EnvironmentSpec] = EMPTY
    package: Mapping[str, Any] | None = None
    text: str = ""

    @property
    def root(self) -> Path:
        """The folder of the manifest."""
        return self.path.parent

    @property
    def is_host_kind(self) -> bool:
        """Whether Python comes from the machine and everything else from PyPI (`channels = []`)."""
        return not self.channels

    @property
    def default_feature(self) -> Feature:
        """The top-level tables."""
        return self.features[DEFAULT_FEATURE]

    def environment(self, name: str) -> Environment:
        """A declared environment, merged from its features. Raises `ManifestError` with near names."""
        from .merge import Environment

        spec = self.environments.get(EnvironmentName(name))
        if spec is None:
            hint = did_you_mean(name, self.environments, f"environments: {', '.join(self.environments)}")
            raise ManifestError(f"{self.path} has no environment '{name}'", hints=[hint])
        return Environment.of(self, spec)

    @property
    def channel_urls(self) -> tuple[str, ...]:
        """Every channel that is named by its URL anywhere, as written."""
        inline = [spec.inline for spec in self.environments.values() if spec.inline is not None]
        features = [*self.features.values(), *inline]
        entries = [*self.channels, *(entry for feature in features for entry in feature.channels or ())]
        return tuple(entry.written for entry in entries if "://" in entry.written)

    @property
    def index_urls(self) -> tuple[str, ...]:
        """Every package index that is named anywhere, as written."""
        contents = [content for feature in self.features.values() for content in feature.contents]
        sources = [requirement.source for content in contents for requirement in content.pypi_dependencies.values()]
        found = [source.index for source in sources if isinstance(source, IndexSource) and source.index]
        for options in (self.pypi_options, *(feature.pypi_options for feature in self.features.values())):
            if options is not None:
                found += [
                    options.index_url or "",
                    *options.extra_index_urls,
                    *(x.url or "" for x in options.find_links),
                ]
        return tuple(dict.fromkeys(url for url in found if url))

    @property
    def all_platforms(self) -> tuple[Platform, ...]:
        """Every platform of every environment, those of the workspace first."""
        found = list(self.platforms)
        for name in self.environments:
            found += self.environment(name).platforms
        return tuple(dict.fromkeys(found))
