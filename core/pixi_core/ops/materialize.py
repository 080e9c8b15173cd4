"""`pixi materialize`: a locked environment at a path that follows from its packages, made once for everybody.

Any number of processes, on one machine or on several with a common file system, may ask at once: one builds, the others
wait for it. A build that was killed is begun again by the next who asks.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import EnvironmentUnavailable, InstallError, LockFileError
from ..fs import FileLock, os_errors, remove_tree
from ..progress import SILENT, Reporter
from ..store.entry import Entry, Store, environment_key
from ..store.leases import Lease, lease_folder
from .admission import admit, admit_size

if TYPE_CHECKING:
    from ..install.interpreters import Interpreter
    from ..lock.model import CondaSourceRecord, LockFile
    from ..model.platform import Platform
    from ..model.record import PypiRecord, RepoDataRecord
    from ..workspace import Services

STORE_VARIABLE = "PIXI_STORE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Materialized:
    """An environment of a store. `built` says that this call made it; `lease` is held where one was asked for."""

    entry: Entry
    platform: str
    built: bool
    lease: Lease | None = None

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "prefix": str(self.entry.prefix),
            "key": self.entry.key,
            "platform": self.platform,
            "built": self.built,
            **{key: value for key, value in self.entry.read().items() if key in ("packages", "bytes", "created")},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What an entry is made of. `interpreter` is the machine's Python where no conda package brings one."""

    environment: str
    platform: Platform
    conda: Sequence[RepoDataRecord]
    pypi: Sequence[PypiRecord]
    interpreter: Interpreter | None

    @property
    def key(self) -> str:
        python = self.interpreter
        return environment_key(
            self.platform.subdir, self.conda, self.pypi, f"{python.path} {python.version}" if python else ""
        )


def default_store(services: Services) -> Store:
    """The store that `PIXI_STORE` names, else one in the cache."""
    named = services.environ.get(STORE_VARIABLE)
    return Store(Path(named).expanduser().absolute() if named else services.dirs.root / "store-v1")


def materialize(
    lock: LockFile,
    *,
    environment: str,
    platform: str | None = None,
    services: Services,
    store: Store,
    compiled: bool = True,
    lease_seconds: float | None = None,
    lease: bool = False,
    reporter: Reporter = SILENT,
    should_stop: Callable[[], bool] | None = None,
) -> Materialized:
    """The environment of a lock file, in the store; built where it is not there yet.

    With `lease` this process holds it; with `lease_seconds` it is kept at least that long. `compiled` makes the
    bytecode ahead, which readers could not keep. Raises `LockFileError` for an environment or platform that is not
    locked, and for packages that no digest pins; `EnvironmentUnavailable`; `PolicyRefused`; and what fetching and
    installing raise.
    """
    wanted = _wanted(lock, environment, platform, services.environ)
    admit(services, wanted.conda, wanted.pypi)
    entry = store.entry(wanted.key)
    if not entry.is_whole and not _may_build(store):
        raise InstallError(
            f"the environment '{environment}' is not in the store {store.root}, and you cannot write there",
            hints=["ask its owner to run `pixi materialize` with this lock file, or choose another with --store"],
        )

    def told(holder: str) -> None:
        reporter.message(f"waiting for {holder}, which makes this environment")

    with FileLock(entry.lock, on_wait=told, should_stop=should_stop):
        built = not entry.is_whole
        if built:
            _build(entry, wanted, services, compiled, reporter, should_stop)
        else:
            services.policy.admit_size(int(entry.read().get("bytes", 0)), lambda: "as it is in the store")
        held = None
        if lease or lease_seconds is not None:
            try:
                held = Lease(entry, seconds=lease_seconds)
            except InstallError as error:  # a read-only volume: whoever can write it must know what is in use
                reporter.warning(f"the environment cannot be leased: {error.message}")
    return Materialized(entry=entry, platform=wanted.platform.name, built=built, lease=held)


def locked_key(lock: LockFile, environment: str, environ: Mapping[str, str]) -> str:
    """The key of an environment's entry on this machine, there or not. Raises as `materialize` does."""
    return _wanted(lock, environment, None, environ).key


def _wanted(lock: LockFile, environment: str, platform: str | None, environ: Mapping[str, str]) -> _Wanted:
    if environment not in lock.environments:
        known = ", ".join(lock.environments) or "none"
        raise LockFileError(f"the lock file has no environment '{environment}'", hints=[f"it has: {known}"])
    chosen = _platform(lock, environment, platform, environ)
    conda, pypi = lock.for_platform(environment, chosen.name)
    for record in conda:
        _require_digest(record, pinned=bool(record.sha256 or record.md5))
    for wheel in pypi:
        _require_digest(wheel, pinned=bool(wheel.is_wheel and wheel.sha256))
    for source in lock.source_records(environment, chosen.name):
        _require_digest(source, pinned=False)
    has_python = any(record.name == "python" for record in conda)
    interpreter = None if has_python or not pypi else _host_python(pypi, chosen, environ)
    return _Wanted(environment=environment, platform=chosen, conda=conda, pypi=pypi, interpreter=interpreter)


def _require_digest(record: RepoDataRecord | PypiRecord | CondaSourceRecord, *, pinned: bool) -> None:
    """A store is for finished packages that cannot become others."""
    if not pinned:
        raise LockFileError(
            f"{record.name} cannot be in a store: it is no finished package that a digest pins",
            hints=["publish a wheel or a conda package of it, and lock that"],
        )


def _platform(lock: LockFile, environment: str, name: str | None, environ: Mapping[str, str]) -> Platform:
    from ..virtual import detect, host_subdir, select_platform

    locked = [p for p in lock.platforms if p.name in lock.environments[environment].packages]
    if name is None:
        subdir = host_subdir(environ)
        found = select_platform(locked, detect(subdir, environ), subdir)
    else:
        found = next((p for p in locked if p.name == name), None)
    if found is None:
        names = ", ".join(p.name for p in locked) or "no platform"
        raise EnvironmentUnavailable(
            f"the environment '{environment}' is locked for {names}, not for {name or 'this machine'}"
        )
    return found


def _host_python(pypi: Sequence[PypiRecord], platform: Platform, environ: Mapping[str, str]) -> Interpreter:
    """The first Python of this machine that all the wheels run on."""
    from ..install.interpreters import find_interpreters
    from ..model.pypi_target import PypiTarget

    seen = []
    for interpreter in find_interpreters(environ):
        target = PypiTarget.for_platform(platform, interpreter.version)
        if all(target.fits(r.file_name) and target.allows_python(r.requires_python) for r in pypi):
            return interpreter
        seen.append(f"{interpreter.version} ({interpreter.path})")
    raise EnvironmentUnavailable(
        f"the locked wheels run on no Python of this machine; found: {', '.join(seen) or 'none'}"
    )


def _may_build(store: Store) -> bool:
    here = store.root
    while not here.exists() and here != here.parent:
        here = here.parent
    return os.access(here, os.W_OK)


def _build(
    entry: Entry,
    wanted: _Wanted,
    services: Services,
    compiled: bool,
    reporter: Reporter,
    should_stop: Callable[[], bool] | None,
) -> None:
    """Make the entry from nothing: what a killed build left is not worth a second look. Holds the entry's lock."""
    from ..install.execute import execute
    from ..install.plan import make_plan
    from ..install.prefix import read_prefix
    from .fetching import fetch_packages
    from .installing import link_options

    lease_folder(entry.root)
    remove_tree(entry.folder)
    with os_errors(entry.folder):
        entry.folder.mkdir(parents=True)
    if wanted.interpreter is not None:
        from ..install.host import create_host_prefix

        create_host_prefix(entry.prefix, wanted.interpreter, reporter=reporter)
    plan = make_plan(wanted.conda, wanted.pypi, read_prefix(entry.prefix))
    fetched = fetch_packages(
        services, plan.conda_to_link, plan.pypi_to_link, reporter=reporter, should_stop=should_stop
    )
    admit_size(services, plan, fetched)
    execute(
        plan,
        entry.prefix,
        packages=fetched,
        requested={},
        platform=wanted.platform,
        reporter=reporter,
        options=link_options(services.config),
        should_stop=should_stop,
    )
    if compiled:
        _compile(entry.prefix, wanted.platform, services.environ, reporter, should_stop)
    size = _protect(entry.prefix)
    entry.write(
        {
            "environment": wanted.environment,
            "platform": wanted.platform.name,
            "packages": len(wanted.conda) + len(wanted.pypi),
            "bytes": size,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
        }
    )


def _compile(
    prefix: Path,
    platform: Platform,
    environ: Mapping[str, str],
    reporter: Reporter,
    should_stop: Callable[[], bool] | None,
) -> None:
    """Bytecode for everybody: nobody else may write it, and importing without it costs seconds."""
    from ..process import run
    from ..virtual import host_subdir

    python = prefix / ("python.exe" if os.name == "nt" else "bin/python")
    if platform.subdir != host_subdir(environ) or not python.exists():
        return
    library = prefix / "lib" if os.name != "nt" else prefix
    with reporter.phase("compile", detail=str(prefix)):
        # a file that cannot be compiled is imported as it is: the exit code says nothing about the environment
        run([str(python), "-I", "-m", "compileall", "-q", "-j", "0", str(library)], should_stop=should_stop)


def _protect(prefix: Path) -> int:
    """Take the right to write from all folders; the bytes in it. Files keep their modes: they may be links to those of
    the package cache, which belong to the same user.
    """
    total = 0
    for folder, _, files in os.walk(prefix, topdown=False):
        for name in files:
            with suppress(OSError):
                total += os.lstat(os.path.join(folder, name)).st_size
        with os_errors(Path(folder)):
            os.chmod(folder, os.stat(folder).st_mode & ~0o222)
    return total
