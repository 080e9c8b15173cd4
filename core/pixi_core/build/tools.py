"""The machinery that builds share: caches, index, the Python that builds, and the environments made with them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..cache.layout import CacheDirs
from ..cache.wheels import CachedWheel, WheelCache
from ..install.execute import execute
from ..install.host import create_host_prefix
from ..install.items import CachedPackage
from ..install.link import LinkOptions
from ..install.plan import make_plan
from ..install.prefix import read_prefix
from ..model.pypi_options import PypiOptions
from ..model.pypi_requirement import parse_requirement
from ..model.record import PypiRecord, RepoDataRecord
from ..once import OnceMap
from ..progress import SILENT, Reporter
from ..pypi.build import Builder
from ..pypi.direct import GitCheckout
from ..pypi.index import IndexClient
from ..pypi.resolve import resolve
from .python import BuildPython
from .results import BuildResults

if TYPE_CHECKING:
    from ..net.client import Client

WORKERS = 4
BuildWheel = Callable[[PypiRecord], CachedWheel]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildTools:
    """What one command builds with. `python` is asked for only when something must really be built: it may have to be
    installed first. `root` is the folder that relative locations start from.
    """

    dirs: CacheDirs
    wheels: WheelCache
    client: Client
    index: IndexClient
    options: PypiOptions
    root: Path
    python: Callable[[], BuildPython]
    checkout: GitCheckout | None = None
    link: LinkOptions = field(default_factory=LinkOptions)
    reporter: Reporter = SILENT
    should_stop: Callable[[], bool] | None = None
    _environments: OnceMap[tuple[str, ...], Path] = field(default_factory=OnceMap)

    @property
    def results(self) -> BuildResults:
        """What was built before."""
        return BuildResults(self.dirs.built_wheels, self.wheels)

    @property
    def logs(self) -> Path:
        """Where the output of failed builds is kept."""
        return self.dirs.built_wheels / "logs"

    def isolated(
        self, requires: Sequence[str], builder: Builder, build_wheel: BuildWheel, *, shared: bool = True
    ) -> Path:
        """An environment with just these requirements, made once for each set of packages that they resolve to.

        `builder` and `build_wheel` serve requirements that must themselves be built. With `shared`, threads that ask
        for the same one wait for the first of them; whoever makes another environment meanwhile must not, since they
        might wait for each other. Raises what resolving and installing raise.
        """
        key = tuple(sorted(set(requires)))
        if not shared:
            return self._make(key, builder, build_wheel)
        return self._environments.get(key, lambda: self._make(key, builder, build_wheel))

    def _make(self, requires: tuple[str, ...], builder: Builder, build_wheel: BuildWheel) -> Path:
        python = self.python()
        records = resolve(
            [parse_requirement(text) for text in requires],
            target=python.target,
            index=self.index,
            # overrides are about the environment that is locked
            options=self.options.replace(dependency_overrides=()),
            root=self.root,
            builder=builder,
            checkout=self.checkout,
            should_stop=self.should_stop,
        )
        prefix = self.dirs.build_environments / _environment_key(python, records)
        create_host_prefix(prefix, python.interpreter)
        plan = make_plan([], records, read_prefix(prefix))
        with ThreadPoolExecutor(WORKERS, thread_name_prefix="build-requirement") as pool:
            wheels = dict(
                zip(
                    (record.location for record in plan.pypi_to_link),
                    pool.map(lambda record: self._wheel(record, build_wheel), plan.pypi_to_link),
                    strict=True,
                )
            )
        execute(
            plan,
            prefix,
            packages=_Requirements(wheels, lambda record: self._wheel(record, build_wheel)),
            requested={},
            platform=python.platform,
            options=self.link,
            should_stop=self.should_stop,
        )
        return prefix

    def _wheel(self, record: PypiRecord, build_wheel: BuildWheel) -> CachedWheel:
        return self.wheels.fetch(record, self.client) if record.is_wheel else build_wheel(record)


def _environment_key(python: BuildPython, records: Sequence[PypiRecord]) -> str:
    """The name of the environment that holds these packages over this interpreter."""
    lines = sorted(f"{record.location}\0{record.sha256}" for record in records)
    content = json.dumps([python.interpreter.to_json(), lines], sort_keys=True)
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:32]


class _Requirements:
    """The wheels of an isolated environment: those at hand by location, any other by `get`."""

    def __init__(self, wheels: dict[str, CachedWheel], get: BuildWheel) -> None:
        self._wheels = wheels
        self._get = get

    def package(self, record: RepoDataRecord) -> CachedPackage:
        raise AssertionError(f"an isolated environment holds no conda packages: {record}")

    def wheel(self, record: PypiRecord) -> CachedWheel:
        return self._wheels.get(record.location) or self._get(record)

    def again(self, record: RepoDataRecord | PypiRecord) -> CachedPackage:
        assert not isinstance(record, RepoDataRecord)
        return self._get(record)
