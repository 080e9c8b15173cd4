"""What source builds need of a workspace: the Python that builds, and the order of those that build without isolation.

The Python is that of the environment. Where its conda packages are in the prefix as they are locked, builds use it
there; else an environment with just these packages is made in the cache, so that a build that fails has changed
nothing. Host workspaces build with the interpreter of the machine.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..build.builder import SourceBuilder
from ..build.python import BuildPython
from ..build.tools import BuildTools
from ..errors import EnvironmentUnavailable
from ..install.execute import execute
from ..install.host import choose_interpreter, create_host_prefix, current_interpreter, probe_interpreter
from ..install.plan import Plan, make_plan
from ..install.prefix import read_prefix
from ..model.pypi_options import applies
from ..names import pypi_name
from ..once import OnceMap
from ..progress import SILENT, Reporter
from ..pypi.git import GitRepositories
from .fetching import Fetched, fetch_packages
from .installing import choose_platform, editable_names, link_options
from .ready import activation_of

if TYPE_CHECKING:
    from ..cache.wheels import CachedWheel
    from ..manifest.merge import Environment
    from ..model.record import PypiRecord, RepoDataRecord
    from ..workspace import Workspace

WORKERS = min(4, os.cpu_count() or 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """Makes the Python that builds for one environment. `conda` gives the conda packages that are locked (or were just
    solved) for this machine; it is asked only when something must be built.
    """

    workspace: Workspace
    environment: Environment
    conda: Callable[[], Sequence[RepoDataRecord]]
    reporter: Reporter = SILENT
    should_stop: Callable[[], bool] | None = None

    def python(self, wheels: Mapping[str, CachedWheel] | None = None, pypi: Sequence[PypiRecord] = ()) -> BuildPython:
        """The Python; in an environment of its own that holds the `pypi` packages too, where there are any (`wheels`
        has them by location). Raises `EnvironmentUnavailable` where this machine is none of the declared platforms,
        `TrustRequired`, and what installing raises.
        """
        _require_trust(self.workspace)
        platform = choose_platform(self.workspace, self.environment)
        prefix = self.workspace.prefix(self.environment.name)
        identity = ""
        if self.environment.channels:
            conda = self.conda()
            identity = _digest(f"{record.url}\0{record.sha256 or record.md5}" for record in conda)
            plan = make_plan(conda, pypi, read_prefix(prefix))
            if pypi or plan.conda or plan.repair:
                prefix = self._cached(identity, plan, wheels or {})
            interpreter = probe_interpreter(str(_executable(prefix)))
            if interpreter is None:
                raise EnvironmentUnavailable(f"the environment '{self.environment.name}' has no Python to build with")
        else:
            interpreter = choose_interpreter(
                self.environment.python_requirement(platform),
                environ=self.workspace.environ,
                prefer=current_interpreter(prefix),
            )
            if pypi:
                prefix = self._folder(_digest([interpreter.path]), pypi)
                create_host_prefix(prefix, interpreter)
                self._install(make_plan((), pypi, read_prefix(prefix)), prefix, wheels or {})
        executable = _executable(prefix)
        return BuildPython(
            interpreter=interpreter,
            executable=executable if executable.exists() else Path(interpreter.path),
            platform=platform,
            environ=self._variables(prefix),
            identity=_digest([identity, interpreter.path, interpreter.version, *_identities(pypi, wheels or {})]),
        )

    def _folder(self, identity: str, pypi: Sequence[PypiRecord]) -> Path:
        name = _digest([identity, *(f"{record.location}\0{record.sha256}" for record in pypi)])
        return self.workspace.services.dirs.build_environments / f"base-{name[:32]}"

    def _cached(self, identity: str, plan: Plan, wheels: Mapping[str, CachedWheel]) -> Path:
        """An environment in the cache with just the packages of a plan that was made for another."""
        prefix = self._folder(identity, plan.wanted_pypi)
        self._install(make_plan(plan.wanted_conda, plan.wanted_pypi, read_prefix(prefix)), prefix, wheels)
        return prefix

    def _install(self, plan: Plan, prefix: Path, wheels: Mapping[str, CachedWheel]) -> None:
        services = self.workspace.services
        fetched = fetch_packages(services, plan.conda_to_link, (), reporter=self.reporter, should_stop=self.should_stop)
        fetched.pypi.update(wheels)
        execute(
            plan,
            prefix,
            packages=fetched,
            requested={},
            platform=choose_platform(self.workspace, self.environment),
            reporter=self.reporter,
            options=link_options(self.workspace.config),
            should_stop=self.should_stop,
        )

    def _variables(self, prefix: Path) -> dict[str, str]:
        """The variables of a process that runs activated in `prefix`."""
        from ..activation.dotenv import with_dotenv
        from ..activation.run_scripts import activate

        root = self.workspace.root
        platform = choose_platform(self.workspace, self.environment)
        scripts, env = self.environment.activation(platform)
        return activate(
            prefix,
            scripts=[root / script for script in scripts],
            env=with_dotenv(root, self.environment.dotenv(platform), env),
            base_env=dict(self.workspace.environ),
            metadata=activation_of(self.workspace, self.environment.name, platform)["metadata"],
            reporter=self.reporter,
        )


def _require_trust(workspace: Workspace) -> None:
    """A build runs what a stranger may have written: a command that only looks does so in approved workspaces alone.

    Raises `TrustRequired`.
    """
    if not workspace.looks_only:
        return
    from ..trust import is_trusted, refusal  # lazy: few commands that look have anything to build

    if not is_trusted(workspace):
        raise refusal(workspace, "its lock file is not up to date, and a source would have to be built for it")


def builder_for(base: Base) -> SourceBuilder:
    """The builder for sources of an environment."""
    workspace = base.workspace
    services = workspace.services
    options = services.policy.pypi_options(base.environment.pypi_options)
    services.policy.require_lock("what builds sources")
    index = services.index(options)
    index.anchor(workspace.root)
    once: OnceMap[str, BuildPython] = OnceMap()
    tools = BuildTools(
        dirs=services.dirs,
        wheels=services.wheels,
        client=services.client,
        index=index,
        options=options,
        root=workspace.root,
        python=lambda: once.get("", base.python),
        checkout=GitRepositories(services.dirs.pypi_index),
        link=link_options(workspace.config),
        reporter=base.reporter,
        should_stop=base.should_stop,
    )
    tools.results.remove_abandoned()
    return SourceBuilder(tools)


# ---------------------------------------------------------------- installing


def build_sources(
    base: Base, fetched: Fetched, records: Sequence[PypiRecord], everything: Sequence[PypiRecord]
) -> None:
    """Put the wheels of the sources among `records` into `fetched`: those built in isolation side by side, then the
    others one after the other, each in an environment with all of `everything` that is there already.

    Raises `BuildError` with the last lines of the build, and what fetching raises; the first failure ends the others.
    """
    sources = [record for record in records if not record.is_wheel]
    if not sources:
        return
    editable = editable_names(base.environment, choose_platform(base.workspace, base.environment))
    options = base.environment.pypi_options
    together = [record for record in sources if not applies(options.no_build_isolation, pypi_name(record.name))]
    stopped = threading.Event()

    def should_stop() -> bool:
        return stopped.is_set() or (base.should_stop is not None and base.should_stop())

    builder = builder_for(replace(base, should_stop=should_stop))

    def one(record: PypiRecord) -> None:
        fetched.pypi[record.location] = builder.wheel_of(record, editable=pypi_name(record.name) in editable)

    with ThreadPoolExecutor(WORKERS, thread_name_prefix="build") as pool:
        futures = [pool.submit(one, record) for record in together]
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
        except BaseException:
            # builds that are under way end with their process groups, the others do not begin
            stopped.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    _build_in_order(base, builder, fetched, [record for record in sources if record not in together], everything)


def _build_in_order(
    base: Base,
    builder: SourceBuilder,
    fetched: Fetched,
    waiting: Sequence[PypiRecord],
    everything: Sequence[PypiRecord],
) -> None:
    """Builds without isolation: in the order of `no-build-isolation`, else after what they need at run time."""
    if not waiting:
        return
    choice = base.environment.pypi_options.no_build_isolation
    rank = {name: number for number, name in enumerate(choice)} if isinstance(choice, tuple) else {}
    names = {pypi_name(record.name) for record in waiting}
    later = [record for record in everything if pypi_name(record.name) in names]
    present = [record for record in everything if pypi_name(record.name) not in names]
    ready = {record.location: fetched.wheel(record) for record in present}
    editable = editable_names(base.environment, choose_platform(base.workspace, base.environment))
    for record in sorted(_after_needs(later), key=lambda record: rank.get(pypi_name(record.name), 0)):
        python = base.python(ready, present)
        wheel = replace(builder, own_python=python).wheel_of(record, editable=pypi_name(record.name) in editable)
        fetched.pypi[record.location] = ready[record.location] = wheel
        present.append(record)


def _after_needs(records: Sequence[PypiRecord]) -> list[PypiRecord]:
    """Each record after those that it requires, as far as they do not go in circles."""
    from ..model.pep508 import parse

    waiting = {pypi_name(record.name): record for record in records}
    found: list[PypiRecord] = []

    def visit(record: PypiRecord) -> None:
        for line in record.requires_dist:
            needed = waiting.pop(parse(line).name, None)
            if needed is not None:
                visit(needed)
        found.append(record)

    while waiting:
        visit(waiting.pop(min(waiting)))
    return found


def _identities(pypi: Sequence[PypiRecord], wheels: Mapping[str, CachedWheel]) -> list[str]:
    return sorted(wheels[record.location].sha256 for record in pypi)


def _digest(lines: Iterable[str]) -> str:
    """A digest over lines in any order."""
    return hashlib.sha256("\n".join(sorted(lines)).encode("utf-8", "surrogatepass")).hexdigest()


def _executable(prefix: Path) -> Path:
    return prefix / ("python.exe" if (prefix / "python.exe").exists() else "bin/python")
