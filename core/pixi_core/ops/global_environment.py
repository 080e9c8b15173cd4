"""One environment of the global manifest: solved without a lock file, fetched, and installed as a transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .. import __version__
from ..errors import EnvironmentUnavailable, ManifestError, PixiError, Unsatisfiable
from ..global_tools.executables import Executable, of_cached, of_installed
from ..install.apply import recover
from ..install.execute import Outcome, execute
from ..install.lock import prefix_lock
from ..install.markers import EnvironmentMarker
from ..install.plan import Plan, make_plan
from ..install.prefix import PrefixState, has_journal, read_prefix
from ..model.match_spec import parse_match_spec
from ..model.platform import NOARCH, Platform
from ..progress import SILENT, Reporter
from ..solve import SolveRequest, solve
from ..suggest import did_you_mean
from ..virtual import detect, host_subdir
from .admission import admit, admit_size
from .closure import reachable_conda
from .fetching import Fetched, fetch_packages
from .installing import link_options

if TYPE_CHECKING:
    from ..global_tools.manifest import GlobalEnvironment
    from ..model.record import RepoDataRecord
    from ..workspace import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedTool:
    """An environment that is planned and fetched; nothing is changed yet. `executables` are those it will have, by
    package.
    """

    environment: GlobalEnvironment
    platform: Platform
    prefix: Path
    plan: Plan
    fetched: Fetched
    executables: Mapping[str, list[Executable]]


def platform_of(environment: GlobalEnvironment, services: Services) -> Platform:
    """What the environment is solved for: this machine as it is, or what every machine of another platform has."""
    here = host_subdir(services.environ)
    wanted = environment.platform or here
    return Platform.declared(wanted, wanted, detect(wanted, services.environ))


def prepare_tool(
    services: Services,
    environment: GlobalEnvironment,
    prefix: Path,
    *,
    keep: bool = True,
    reinstall: bool = False,
    reporter: Reporter = SILENT,
) -> PreparedTool:
    """Decide what the environment shall hold, and fetch it.

    With `keep` what is installed stays where it satisfies the manifest (without a solve where all of it does), else
    the newest versions are chosen. Raises `Unsatisfiable`, `NetworkError`, `ArchiveError`, `ManifestError`.
    """
    if environment.sources:
        raise ManifestError(
            f"the environment '{environment.name}' would have to build {', '.join(environment.sources)} from source",
            hints=["global tools are installed from packages only: give a version, not `git` or `path`"],
        )
    if has_journal(prefix):
        with prefix_lock(prefix, reporter=reporter):
            recover(prefix, options=link_options(services.config), reporter=reporter)
    state = read_prefix(prefix)
    platform = platform_of(environment, services)
    installed = [package.record for package in state.conda.values() if not package.broken]
    if keep and not state.interrupted and satisfied(environment, installed, platform):
        records = tuple(installed)
    else:
        records = _solve(services, environment, platform, installed if keep else [], reporter)
    again = [record.name for record in records] if reinstall else ()
    admit(services, records, ())
    plan = make_plan(records, (), state, reinstall=again)
    fetched = fetch_packages(services, plan.conda_to_link, (), reporter=reporter)
    admit_size(services, plan, fetched)
    return PreparedTool(
        environment=environment,
        platform=platform,
        prefix=prefix,
        plan=plan,
        fetched=fetched,
        executables=_executables(plan, state, fetched, prefix),
    )


def satisfied(environment: GlobalEnvironment, installed: list[RepoDataRecord], platform: Platform) -> bool:
    """Whether a solve could only say what is there already: every requirement is met, and nothing is there that
    nothing needs, or that is from another channel or for another platform.
    """
    by_name = {record.name: record for record in installed}
    channels = {channel.url.rstrip("/") for channel in environment.channels}
    if len(reachable_conda(environment.dependencies, installed)) != len(installed):
        return False
    for record in installed:
        if record.subdir not in (platform.subdir, NOARCH) or (record.channel or "").rstrip("/") not in channels:
            return False
    needed = [spec for record in installed for spec in map(parse_match_spec, record.depends) if _is_plain(spec.name)]
    for spec in (*environment.dependencies.values(), *needed):
        found = by_name.get(spec.name or "")
        if found is None or not spec.matches(found):
            return False
    return True


def _is_plain(name: str | None) -> bool:
    """Whether a dependency is on a package, and not on a property of the machine."""
    return name is not None and not name.startswith("__")


def _solve(
    services: Services,
    environment: GlobalEnvironment,
    platform: Platform,
    locked: list[RepoDataRecord],
    reporter: Reporter,
) -> tuple[RepoDataRecord, ...]:
    if not environment.dependencies:
        return ()
    services.policy.require_lock(f"the global environment '{environment.name}'")
    with reporter.phase("repodata", detail=environment.name):
        source = services.gateway.source(environment.channels, [platform.subdir, NOARCH])
    request = SolveRequest(
        specs=tuple(environment.dependencies.values()),
        virtual_packages=platform.virtual_packages,
        locked=tuple(locked),
        exclude_newer=services.policy.exclude_newer(None),
    )
    try:
        with reporter.phase("solve", detail=environment.name):
            return solve(request, source).records
    except PixiError as error:
        error.add_note(f"while solving the global environment '{environment.name}'")
        if isinstance(error, Unsatisfiable):
            services.policy.explain(error)
        raise


def _executables(plan: Plan, state: PrefixState, fetched: Fetched, prefix: Path) -> dict[str, list[Executable]]:
    linked = {record.name for record in plan.conda_to_link}
    found = {}
    for record in plan.wanted_conda:
        if record.name in linked:
            python = plan.python if record.noarch == "python" else None
            found[record.name] = of_cached(fetched.package(record), python, prefix)
        else:
            found[record.name] = of_installed(state.conda[record.name], prefix)
    return found


def installed_executables(prefix: Path) -> dict[str, list[Executable]]:
    """The programs of every package of a prefix as it is."""
    return {name: of_installed(package, prefix) for name, package in read_prefix(prefix).conda.items()}


def install_tool(prepared: PreparedTool, manifest_path: Path, *, reporter: Reporter = SILENT) -> Outcome:
    """Change the prefix. Raises `InstallError` and its kind; the journal makes the next command finish the work."""
    environment = prepared.environment
    services = prepared.fetched.services
    if prepared.platform.subdir != host_subdir(services.environ):
        _warn_foreign(prepared, services, reporter)
    outcome = execute(
        prepared.plan,
        prepared.prefix,
        packages=prepared.fetched,
        requested={name: [str(spec)] for name, spec in environment.dependencies.items()},
        platform=prepared.platform,
        reporter=reporter,
        options=link_options(services.config),
        marker=EnvironmentMarker(
            manifest_path=str(manifest_path), environment_name=environment.name, pixi_version=__version__
        ),
    )
    for warning in outcome.warnings:
        reporter.warning(warning)
    return outcome


def _warn_foreign(prepared: PreparedTool, services: Services, reporter: Reporter) -> None:
    reporter.warning(
        f"the environment '{prepared.environment.name}' is for {prepared.platform.subdir}, this machine is "
        f"{host_subdir(services.environ)}: its programs may not run"
    )


def refuse_unknown_programs(prepared: PreparedTool) -> None:
    """Raise `EnvironmentUnavailable` where the manifest exposes what no package of the environment brings."""
    from ..global_tools.executables import find_program

    names = sorted({one.name for group in prepared.executables.values() for one in group})
    for exposed, program in prepared.environment.exposed.items():
        if find_program(prepared.executables, program) is None:
            raise EnvironmentUnavailable(
                f"the environment '{prepared.environment.name}' has no program '{program}' to expose as '{exposed}'",
                hints=[did_you_mean(program, names, f"programs in it: {', '.join(names[:20]) or 'none'}")],
            )
