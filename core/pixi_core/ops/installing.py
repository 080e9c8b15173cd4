"""Bring one environment to the state its lock file describes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import EnvironmentUnavailable
from ..fs import atomic_write
from ..progress import SILENT, Reporter
from .fetching import Fetched, fetch_packages

if TYPE_CHECKING:
    from ..install.execute import Outcome
    from ..install.plan import Plan
    from ..lock.model import LockFile
    from ..manifest.merge import Environment
    from ..model.platform import Platform
    from ..model.record import PypiRecord, RepoDataRecord
    from ..workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What an installation did: in which prefix, for which platform, and the transaction file by file."""

    environment: str
    prefix: Path
    platform: Platform
    outcome: Outcome

    def to_json(self) -> dict[str, Any]:
        """The part of a result event that the kernel needs for its verdict about restarting."""
        return {
            "environment": self.environment,
            "prefix": str(self.prefix),
            "platform": self.platform.name,
            "transaction": self.outcome.to_json(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An installation that was planned and whose packages are all in the caches; nothing is changed yet."""

    workspace: Workspace
    environment: Environment
    platform: Platform
    prefix: Path
    plan: Plan
    fetched: Fetched
    requested: dict[str, list[str]]
    lock: LockFile


def choose_platform(workspace: Workspace, environment: Environment) -> Platform:
    """The environment's first platform that this machine can run. Raises `EnvironmentUnavailable`."""
    from ..virtual import detect, host_subdir, select_platform

    subdir = host_subdir(workspace.environ)
    found = select_platform(environment.platforms, detect(subdir, workspace.environ), subdir)
    if found is not None:
        return found
    names = ", ".join(platform.name for platform in environment.platforms) or "none"
    raise EnvironmentUnavailable(
        f"the environment '{environment.name}' of {workspace.manifest_path} supports {names}, but this machine is "
        f"{subdir}",
        hints=[f"add it to `platforms` in {workspace.manifest_path.name} and run `pixi lock`"],
    )


def prepare_installation(
    workspace: Workspace,
    environment: Environment,
    lock: LockFile,
    *,
    reinstall: Collection[str] = (),
    reporter: Reporter = SILENT,
    should_stop: Callable[[], bool] | None = None,
) -> Prepared:
    """Compare the prefix with the lock file, and fetch what is missing in it.

    Raises `EnvironmentUnavailable`, `NetworkError`, `ArchiveError`.
    """
    from ..install.plan import make_plan
    from ..install.prefix import read_prefix

    platform = choose_platform(workspace, environment)
    conda, pypi = lock.for_platform(environment.name, platform.name)
    prefix = workspace.prefix(environment.name)
    plan = make_plan(conda, pypi, read_prefix(prefix), reinstall=reinstall)
    fetched = fetch_packages(
        workspace.services,
        plan.conda_to_link,
        plan.pypi_to_link,
        reporter=reporter,
        should_stop=should_stop,
    )
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
    from ..install.execute import execute
    from ..install.host import choose_interpreter, create_host_prefix

    workspace = prepared.workspace
    write_pixi_dir(workspace.pixi_dir)
    if not prepared.environment.channels:
        requirement = prepared.environment.python_requirement(prepared.platform)
        create_host_prefix(prepared.prefix, choose_interpreter(requirement, environ=workspace.environ))
    outcome = execute(
        prepared.plan,
        prepared.prefix,
        conda_packages=prepared.fetched.package,
        wheels=prepared.fetched.wheel,
        requested=prepared.requested,
        platform=prepared.platform,
        reporter=reporter,
        should_stop=should_stop,
    )
    return Installation(
        environment=prepared.environment.name,
        prefix=prepared.prefix,
        platform=prepared.platform,
        outcome=outcome,
    )


def write_pixi_dir(folder: Path) -> None:
    """`.pixi` with the file that keeps it out of version control."""
    ignore = folder / ".gitignore"
    if not ignore.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        atomic_write(ignore, "*\n!config.toml\n", fsync=False)


def records_of(
    lock: LockFile, environment: Environment, platform: Platform
) -> tuple[Sequence[RepoDataRecord], Sequence[PypiRecord]]:
    """The locked records of one environment on one platform."""
    return lock.for_platform(environment.name, platform.name)
