"""Bring one environment to the state its lock file describes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..errors import EnvironmentUnavailable, SpecError
from ..fs import atomic_write, ensure_dir, os_errors
from ..install.markers import PARTIAL
from ..progress import SILENT, Reporter
from ..suggest import hints
from ..value import Value

if TYPE_CHECKING:
    from ..cache.wheels import CachedWheel
    from ..config.model import Config
    from ..fs import LinkKind
    from ..install.execute import Outcome
    from ..install.link import LinkOptions
    from ..install.markers import EnvironmentMarker
    from ..install.plan import Plan
    from ..lock.model import LockFile
    from ..manifest.merge import Environment
    from ..model.platform import Platform
    from ..model.record import PypiRecord, RepoDataRecord
    from ..workspace import Workspace
    from .fetching import Fetched
    from .subset import Subset


class Installation(Value, kw_only=True):
    """What an installation did: in which prefix, for which platform, and the transaction file by file. `sources` are
    the folders that something was built from: path, editable or not, and the state that was built. `left_out` are the
    packages that are locked, but were not asked for.
    """

    environment: str
    prefix: Path
    platform: Platform
    outcome: Outcome
    sources: tuple[tuple[str, bool, str], ...] = ()
    left_out: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The part of a result event that the kernel needs for its verdict about restarting."""
        return {
            "environment": self.environment,
            "prefix": str(self.prefix),
            "platform": self.platform.name,
            "transaction": self.outcome.to_json(),
        }


class Prepared(Value, kw_only=True):
    """An installation that was planned and whose packages are all in the caches; nothing is changed yet."""

    workspace: Workspace
    environment: Environment
    platform: Platform
    prefix: Path
    plan: Plan
    fetched: Fetched
    requested: dict[str, list[str]]
    lock: LockFile

    @property
    def is_partial(self) -> bool:
        """Whether some of what is locked is left as it is, there or not."""
        return bool(self.plan.untouched)


def choose_platform(workspace: Workspace, environment: Environment) -> Platform:
    """The environment's first platform that this machine can run, of those that the workspace was asked for.

    Raises `EnvironmentUnavailable`, `SpecError` where the environment has no such platform.
    """
    from ..virtual import detect, host_subdir, select_platform

    subdir = host_subdir(workspace.environ)
    asked = workspace.platform_name
    candidates = environment.platforms if asked is None else platforms_named(environment, asked)
    found = select_platform(candidates, detect(subdir, workspace.environ), subdir)
    if found is not None:
        return found
    if asked is not None:
        raise EnvironmentUnavailable(
            f"the platform '{asked}' of the environment '{environment.name}' does not run on this machine, which is "
            f"{subdir}",
            hints=["leave out --platform to run what does"],
        )
    names = ", ".join(platform.name for platform in environment.platforms) or "none"
    raise EnvironmentUnavailable(
        f"the environment '{environment.name}' of {workspace.manifest_path} supports {names}, but this machine is "
        f"{subdir}",
        hints=[f"add it to `platforms` in {workspace.manifest_path.name} and run `pixi lock`"],
    )


def platforms_named(environment: Environment, name: str) -> Sequence[Platform]:
    """The environment's platforms of that name or subdir, at least one. Raises `SpecError`."""
    found = [platform for platform in environment.platforms if name in (platform.name, platform.subdir)]
    if found:
        return found
    known = [platform.name for platform in environment.platforms]
    nearest = [*hints(name, known), f"it has {', '.join(known)}"]
    raise SpecError(f"the environment '{environment.name}' has no platform '{name}'", hints=nearest)


def prepare_installation(
    workspace: Workspace,
    environment: Environment,
    lock: LockFile,
    *,
    reinstall: Collection[str] = (),
    subset: Subset | None = None,
    platform: Platform | None = None,
    reporter: Reporter = SILENT,
    should_stop: Callable[[], bool] | None = None,
) -> Prepared:
    """Compare the prefix with the lock file (with a `subset` of it), and fetch what is missing in it. `platform` is one
    of the environment's; the default is the first that this machine can run.

    Raises `EnvironmentUnavailable`, `NetworkError`, `ArchiveError`, `PolicyRefused`; `LockFileError` where `subset`
    names no package.
    """
    from ..install.plan import make_plan
    from ..install.prefix import PrefixState, read_prefix
    from .admission import admit, admit_size
    from .fetching import fetch_packages  # lazy: it brings threads, and most commands fetch nothing

    platform = platform or choose_platform(workspace, environment)
    conda, locked = lock.for_platform(environment.name, platform.name)
    prefix = workspace.prefix(environment.name)
    pypi = _placed(workspace, environment, platform, locked)
    untouched: Collection[str] = ()
    if subset:
        from .graph import build_graph  # lazy: few installations are of a part

        untouched = subset.left_out(build_graph(workspace, environment, platform, conda, pypi))
    plan = make_plan(conda, pypi, read_prefix(prefix), reinstall=reinstall, untouched=untouched)
    if not plan.is_empty and workspace.stored(environment.name) is not None:
        prefix = workspace.own_prefix(environment.name)
        plan = make_plan(conda, pypi, PrefixState(path=prefix), untouched=untouched)
    admit(workspace.services, conda, pypi, whole=not subset)
    fetched = fetch_packages(
        workspace.services,
        plan.conda_to_link,
        [record for record in plan.pypi_to_link if record.is_wheel],
        reporter=reporter,
        should_stop=should_stop,
    )
    if not all(record.is_wheel for record in pypi):
        _build(workspace, environment, fetched, plan, conda, pypi, reporter, should_stop)
    admit_size(workspace.services, plan, fetched)
    return Prepared(
        workspace=workspace,
        environment=environment,
        platform=platform,
        prefix=prefix,
        plan=plan,
        fetched=fetched,
        requested=_requested(environment, platform),
        lock=lock,
    )


def _build(
    workspace: Workspace,
    environment: Environment,
    fetched: Fetched,
    plan: Plan,
    conda: Sequence[RepoDataRecord],
    pypi: Sequence[PypiRecord],
    reporter: Reporter,
    should_stop: Callable[[], bool] | None,
) -> None:
    """Build the sources that the plan needs; the others too, when somebody changes the prefix meanwhile."""

    def build(records: Sequence[PypiRecord]) -> None:
        from .building import Base, build_sources  # lazy: most of the time all is built

        base = Base(
            workspace=workspace,
            environment=environment,
            conda=lambda: conda,
            reporter=reporter,
            should_stop=should_stop,
        )
        build_sources(base, fetched, records, pypi)

    def late(record: PypiRecord) -> CachedWheel:
        build([record])
        return fetched.pypi[record.location]

    fetched.build = late
    needed = [record for record in plan.pypi_to_link if not record.is_wheel]
    if needed:
        build(needed)


def _placed(
    workspace: Workspace, environment: Environment, platform: Platform, records: Sequence[PypiRecord]
) -> Sequence[PypiRecord]:
    """Locked records as they are installed: relative paths start from the workspace, and source folders say in which
    state they are. Most environments have neither.
    """
    if all("://" in record.location for record in records):
        return records
    from ..build.stamp import source_stamp

    editable = editable_names(environment, platform)
    found = []
    for record in records:
        location, mark, fragment = record.location.partition("#")
        if "://" in location:
            found.append(record)
            continue
        absolute = f"{os.path.abspath(workspace.root / location)}{mark}{fragment}"
        folder = Path(_project_folder(absolute))
        stamp = source_stamp(folder, editable=record.name in editable) if folder.is_dir() else None
        found.append(record.replace(location=absolute, stamp=stamp))
    return found


def _project_folder(location: str) -> str:
    """The folder of the project at an absolute path, which may say a subdirectory."""
    path, _, fragment = location.partition("#")
    return os.path.join(path, fragment.removeprefix("subdirectory=")) if fragment else path


def _requested(environment: Environment, platform: Platform) -> dict[str, list[str]]:
    """The specs of the manifest by package name, as `conda-meta` records remember them."""
    found: dict[str, list[str]] = {}
    for spec in environment.conda_specs(platform):
        if spec.name:
            found.setdefault(spec.name, []).append(str(spec))
    return found


def install_prepared(
    prepared: Prepared, *, reporter: Reporter = SILENT, should_stop: Callable[[], bool] | None = None
) -> Installation:
    """Change the prefix. Raises `InstallError` and its kind; the journal makes the next command finish the work."""
    from ..install.execute import Outcome, execute
    from .history import pin, record

    workspace = prepared.workspace
    if workspace.stored(prepared.environment.name) is not None:
        if prepared.plan.is_empty:
            return _installation(prepared, Outcome())
        # what many use is left as it is: from now on this environment is the workspace's own
        with os_errors(prepared.prefix):
            prepared.prefix.unlink()
    write_pixi_dir(workspace.pixi_dir)
    if not prepared.environment.channels:
        from ..install.host import choose_interpreter, create_host_prefix, current_interpreter

        requirement = prepared.environment.python_requirement(prepared.platform)
        present = current_interpreter(prepared.prefix)
        create_host_prefix(
            prepared.prefix,
            choose_interpreter(requirement, environ=workspace.environ, prefer=present),
            reporter=reporter,
            should_stop=should_stop,
        )
    pin(prepared, reporter)
    outcome = execute(
        prepared.plan,
        prepared.prefix,
        packages=prepared.fetched,
        requested=prepared.requested,
        platform=prepared.platform,
        reporter=reporter,
        options=link_options(workspace.config),
        should_stop=should_stop,
        marker=_marker(prepared),
        editable=editable_names(prepared.environment, prepared.platform),
    )
    for warning in outcome.warnings:
        reporter.warning(warning)
    if prepared.fetched.renewed:
        pin(prepared, reporter)
    if not prepared.is_partial:
        record(prepared, reporter)
    return _installation(prepared, outcome)


def _installation(prepared: Prepared, outcome: Outcome) -> Installation:
    return Installation(
        environment=prepared.environment.name,
        prefix=prepared.prefix,
        platform=prepared.platform,
        outcome=outcome,
        sources=_sources(prepared),
        left_out=tuple(sorted(prepared.plan.untouched)),
    )


def _sources(prepared: Prepared) -> tuple[tuple[str, bool, str], ...]:
    editable = editable_names(prepared.environment, prepared.platform)
    return tuple(
        (_project_folder(record.location), record.name in editable, record.stamp)
        for record in prepared.plan.wanted_pypi
        if record.stamp is not None
    )


def link_options(config: Config) -> LinkOptions:
    """How files may be put in place, by the configuration's `allow-*-links` and `run-post-link-scripts`."""
    from ..install.link import LinkOptions

    kinds: list[LinkKind] = []
    if config.allow_ref_links:
        kinds.append("reflink")
    if config.allow_hard_links:
        kinds.append("hardlink")
    return LinkOptions(allow=(*kinds, "copy"), run_link_scripts=config.run_post_link_scripts)


def _marker(prepared: Prepared) -> EnvironmentMarker:
    """What `conda-meta/pixi` says of the environment."""
    from ..install.markers import EnvironmentMarker

    platform = prepared.platform
    return EnvironmentMarker(
        manifest_path=str(prepared.workspace.manifest_path),
        environment_name=prepared.environment.name,
        pixi_version=__version__,
        lock_hash=PARTIAL if prepared.is_partial else _lock_hash(prepared),
        resolved_platform={
            "subdir": platform.subdir,
            "virtual_packages": [str(package) for package in platform.virtual_packages],
        },
    )


def _lock_hash(prepared: Prepared) -> str:
    """16 hex digits over what is locked for the environment here: locations, digests, and the platform."""
    conda, pypi = prepared.lock.for_platform(prepared.environment.name, prepared.platform.name)
    lines = sorted(f"{record.url}\0{record.sha256 or record.md5}" for record in conda)
    lines += sorted(f"{record.location}\0{record.sha256 or record.md5}" for record in pypi)
    lines += [prepared.platform.subdir, *sorted(map(str, prepared.platform.virtual_packages))]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def editable_names(environment: Environment, platform: Platform) -> set[str]:
    """The projects that the manifest wants editable."""
    return {str(requirement.name) for requirement in environment.pypi_requirements(platform) if requirement.editable}


def write_pixi_dir(folder: Path) -> None:
    """`.pixi` with the file that keeps it out of version control."""
    ignore = folder / ".gitignore"
    if not ignore.is_file():
        ensure_dir(folder)
        atomic_write(ignore, "*\n!config.toml\n")
