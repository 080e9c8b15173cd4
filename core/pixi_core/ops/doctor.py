"""`pixi doctor`: is everything that commands rely on as it was made? With `fix`, made so again.

Every file of every installed package is compared with its record, every file of the package caches with its digest;
then lock file, notes and working copies that killed commands left, and configuration.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from ..errors import Cancelled, PixiError
from ..names import pypi_name
from ..progress import SILENT, Reporter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..workspace import Services, Workspace

Area = Literal["environment", "cache", "lock", "workspace", "configuration"]
ShouldStop = Callable[[], bool] | None
SHOWN = 3
"""How many files of one package are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong (`error`) or looks wrong (`warning`). `packages` are those to install again, `paths`
    the files meant; `fixed` says that it is repaired now, `hint` what to do where `--fix` cannot.
    """

    area: Area
    subject: str
    text: str
    level: Literal["error", "warning"] = "error"
    packages: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    hint: str = ""
    fixed: bool = False

    def to_json(self) -> dict[str, Any]:
        """The finding for `--json`."""
        return {
            "area": self.area,
            "subject": self.subject,
            "level": self.level,
            "text": self.text,
            "packages": list(self.packages),
            "paths": list(self.paths),
            "hint": self.hint,
            "fixed": self.fixed,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What was looked at and what was found."""

    environments: tuple[str, ...]
    cache_entries: int
    findings: tuple[Finding, ...]

    @property
    def is_well(self) -> bool:
        """Whether no error is left."""
        return all(finding.fixed or finding.level == "warning" for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """The diagnosis for `--json`."""
        return {
            "ok": self.is_well,
            "environments": list(self.environments),
            "cache_entries": self.cache_entries,
            "findings": [finding.to_json() for finding in self.findings],
        }


def doctor(
    workspace: Workspace | None,
    services: Services,
    *,
    fix: bool = False,
    reporter: Reporter = SILENT,
    should_stop: ShouldStop = None,
) -> Diagnosis:
    """Look at everything; `workspace` is None outside of one. Raises `Cancelled`; what cannot be repaired stays a
    finding with the reason as its hint.
    """
    names: tuple[str, ...] = ()
    damaged: dict[str, list[Finding]] = {}
    if workspace is not None:
        names = tuple(
            name for name in workspace.manifest.environments if (workspace.prefix(name) / "conda-meta").is_dir()
        )
        # before the caches are repaired: they know some things that records do not
        damaged = {name: _environment_findings(workspace, name, reporter, should_stop) for name in names}
    found, entries = _cache_findings(services, fix, reporter, should_stop)
    if workspace is not None:
        found += _lock_findings(workspace)
        for name, findings in damaged.items():
            repair = fix and findings
            found += _repaired(workspace, name, findings, reporter, should_stop) if repair else findings
    found += _configuration_findings(workspace, services)
    return Diagnosis(environments=names, cache_entries=entries, findings=tuple(found))


# ---------------------------------------------------------------- the caches


def _cache_findings(
    services: Services, fix: bool, reporter: Reporter, should_stop: ShouldStop
) -> tuple[list[Finding], int]:
    """Entries whose bytes changed (an environment's hard link was written through, or the disk failed) and folders that
    killed commands left. Repairing means removing: the next installation fetches them again.
    """
    from ..cache.collect import leftovers, package_caches, remove_entry, remove_leftover
    from ..cache.entry import MARKER, damaged_files, entry_names, read_marker

    found: list[Finding] = []
    places = [root / name for _, root in package_caches(services.dirs) for name in entry_names(root)]
    count = 0
    with reporter.phase("check caches", total=len(places)) as phase:
        for place in places:
            _stop(should_stop)
            marker = read_marker(place)
            damaged = damaged_files(place, marker) if marker is not None else []
            count += marker is not None
            phase.advance(1)
            unmarked = marker is None and any((place / name).is_file() for name in (MARKER, "info/index.json"))
            if damaged or unmarked:
                text = f"{_files(damaged)} changed since it was extracted" if damaged else "has no completion marker"
                finding = Finding(area="cache", subject=str(place), text=text, paths=tuple(damaged))
                found.append(_tried(finding, fix, lambda place=place: remove_entry(place)))  # type: ignore[misc]  # the default binds the place now
    for _, root in package_caches(services.dirs):
        for path in leftovers(root):
            finding = Finding(area="cache", subject=str(path), text="left by a killed command", level="warning")
            found.append(_tried(finding, fix, lambda path=path: remove_leftover(path)))  # type: ignore[misc]  # the default binds the path now
    return found, count


# ---------------------------------------------------------------- the workspace


def _lock_findings(workspace: Workspace) -> list[Finding]:
    """Whether the lock file can be read and satisfies the manifest."""
    from .lock import outdated_reasons

    found = []
    try:
        lock = workspace.lock()
        reasons = [] if lock is None else outdated_reasons(workspace, lock)
    except PixiError as error:
        reasons = [str(error)]
    if reasons:
        text = "does not satisfy the manifest: " + "; ".join(reasons[:SHOWN])
        found.append(Finding(area="lock", subject=str(workspace.lock_path), text=text, hint="run `pixi lock`"))
    return found


def _environment_findings(
    workspace: Workspace, name: str, reporter: Reporter, should_stop: ShouldStop
) -> list[Finding]:
    """Interrupted changes, locked packages that are not there, packages whose files are not as they were installed."""
    from ..install.prefix import has_journal, read_prefix
    from ..install.verify import verify

    prefix = workspace.prefix(name)
    found = _absent_packages(workspace, name)
    if has_journal(prefix):
        found.append(Finding(area="environment", subject=name, text="an interrupted change waits to be finished"))
    elif read_prefix(prefix).interrupted:
        found.append(Finding(area="environment", subject=name, text="an interrupted installation left it half made"))
    with reporter.phase("check environment", detail=name):
        problems = verify(prefix, should_stop=should_stop)
    by_package: dict[tuple[str, str], list[str]] = {}
    for problem in problems:
        by_package.setdefault((problem.package, problem.kind), []).append(f"{problem.path}: {problem.what}")
    return found + [
        Finding(
            area="environment",
            subject=name,
            text=f"{package} ({kind}): {_files(paths)}",
            packages=(package,),
            paths=tuple(paths),
        )
        for (package, kind), paths in sorted(by_package.items())
    ]


def _absent_packages(workspace: Workspace, name: str) -> list[Finding]:
    """What the lock file has for this machine and the environment does not know of."""
    from ..install.prefix import read_prefix
    from .installing import choose_platform

    try:
        lock = workspace.lock()
        if lock is None or name not in lock.environments:
            return []
        conda, pypi = lock.for_platform(name, choose_platform(workspace, workspace.manifest.environment(name)).name)
    except PixiError:
        return []  # an error of the lock file or of the platforms, which is told elsewhere
    state = read_prefix(workspace.prefix(name))
    absent = [record.name for record in conda if record.name not in state.conda]
    absent += [record.name for record in pypi if pypi_name(record.name) not in state.pypi]
    text = f"locked but not installed: {_files(absent)}"
    return [Finding(area="environment", subject=name, text=text, packages=tuple(absent))] if absent else []


def _repaired(
    workspace: Workspace, name: str, found: Sequence[Finding], reporter: Reporter, should_stop: ShouldStop
) -> list[Finding]:
    """The damaged packages installed again, from the lock file as it is; then a second look."""
    from .install import install_environment

    try:
        lock = workspace.lock()
        if lock is None:
            return [replace(finding, hint="there is no lock file: run `pixi install`") for finding in found]
        again = [package for finding in found for package in finding.packages]
        install_environment(workspace, name, lock, reinstall=again, reporter=reporter, should_stop=should_stop)
    except Cancelled:
        raise
    except PixiError as error:
        return [replace(finding, hint=str(error)) for finding in found]
    left = {finding.text for finding in _environment_findings(workspace, name, reporter, should_stop)}
    return [replace(finding, fixed=finding.text not in left) for finding in found]


# ---------------------------------------------------------------- configuration


def _configuration_findings(workspace: Workspace | None, services: Services) -> list[Finding]:
    """What was ignored in configuration files, and an index of pip's that pixi does not use."""
    found = [
        Finding(area="configuration", subject="config", text=warning, level="warning")
        for warning in services.config.warnings
    ]
    return found + list(_index_findings(workspace, services, services.environ))


def _index_findings(workspace: Workspace | None, services: Services, environ: Mapping[str, str]) -> Iterator[Finding]:
    from ..model.channel import without_credentials
    from ..model.package_index import default_index, normalised_index_url
    from .pip_settings import pip_index_url

    told = pip_index_url(environ)
    if told is None:
        return
    ours = {services.config.pypi_index_url or default_index()}
    if workspace is not None:
        options = [workspace.manifest.environment(name).pypi_options for name in workspace.manifest.environments]
        ours = {option.index_url or next(iter(ours)) for option in options}
    theirs = without_credentials(normalised_index_url(told[0]))
    different = sorted({without_credentials(normalised_index_url(url)) for url in ours} - {theirs})
    if different:
        yield Finding(
            area="configuration",
            subject=told[1],
            level="warning",
            text=f"pip asks {theirs}, pixi asks {', '.join(different)}",
            hint="set `index-url` in [pypi-options] of the manifest, or `pypi-config.index-url` in the configuration",
        )


# ---------------------------------------------------------------- small parts


def _tried(finding: Finding, fix: bool, repair: Callable[[], object]) -> Finding:
    """The finding, repaired where that is wanted and works."""
    if not fix:
        return finding
    try:
        return replace(finding, fixed=repair() is not False)
    except (PixiError, OSError) as error:
        return replace(finding, hint=str(error))


def _files(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
    return ", ".join(paths[:SHOWN]) + more


def _stop(should_stop: ShouldStop) -> None:
    if should_stop is not None and should_stop():
        raise Cancelled
