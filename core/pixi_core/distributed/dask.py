"""Dask's workers in a locked environment of the store, each machine making (or finding) it by itself.

The nannies stay where they are, in an environment that has this project and Dask; the worker that each of them keeps is
exchanged for one in the Python of the locked environment, which needs `distributed` and nothing of ours. A nanny's way
to start workers, `multiprocessing`, cannot do that: it hands this Python's `sys.path` to the child.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
from asyncio import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dask.config
from distributed import Nanny, NannyPlugin, Status
from distributed.client import Client

from ..errors import EnvironmentUnavailable, PixiError
from ..value import Value
from . import worker_main
from .describe import QUESTION, Participant, mismatches

if TYPE_CHECKING:
    from ..lock.model import LockFile
    from ..ops.materialize import Materialized

PLUGIN = "pixi-environment"
_SECURITY = ("require_encryption", "tls_ca_file", "tls_ciphers", "tls_worker_key", "tls_worker_cert")


class Comparison(Value, kw_only=True):
    """Everybody of a cluster, and a sentence for each thing in which they differ from the client."""

    participants: tuple[Participant, ...]
    mismatches: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "participants": [participant.to_json() for participant in self.participants],
            "mismatches": list(self.mismatches),
        }


def switch(client: Client, lock: LockFile, environment: str, *, store: Path | None = None) -> None:
    """Restart all workers of a cluster into an environment of a lock file; those that join later start in it.

    `store` is a folder on the workers' machines (None: what `PIXI_STORE` names there, else one in their cache). What
    workers held in memory is computed again. Raises `PixiError` where one cannot: that worker stays what it was.
    """
    from ..lock.write import write_lock

    client.register_plugin(LockedEnvironment(write_lock(lock), environment, str(store) if store else None))


def switch_back(client: Client) -> None:
    """Let the workers run in the environments of their nannies again."""
    client.sync(client._unregister_worker_plugin, PLUGIN, nanny=True)


def compare(client: Client, notebook: Participant, digest: str = "") -> Comparison:
    """Ask everybody. `notebook` is the Python that sends the work; `digest` the entry that workers should run in."""
    # `eval` has a name in every Python, while a function of ours could not be found there
    workers: dict[str, str] = client.run(eval, QUESTION)
    names = {address: str(info["id"]) for address, info in client.scheduler_info(n_workers=-1)["workers"].items()}
    found = [Participant.told("scheduler", client.scheduler.address, client.run_on_scheduler(eval, QUESTION))]
    for address, answer in sorted(workers.items()):
        named = names.get(address, address)
        found.append(Participant.told("worker", named if named == address else f"{named} ({address})", answer))
    return Comparison(participants=(notebook, *found), mismatches=tuple(mismatches(notebook, found, digest)))


class LockedEnvironment(NannyPlugin):  # type: ignore[misc]  # Dask ships types of its own that are not followed
    """Exchanges a nanny's worker for one in a locked environment. Pickled to the nannies: it holds texts only."""

    name = PLUGIN

    def __init__(self, lock: str, environment: str, store: str | None) -> None:
        self.lock, self.environment, self.store = lock, environment, store

    async def setup(self, nanny: Nanny) -> None:
        """Make the environment, then the exchange. Raises `PixiError`; the nanny's worker then is as it was."""
        made = await asyncio.to_thread(self._materialize)
        python = made.entry.prefix / ("python.exe" if os.name == "nt" else "bin/python")
        if not any(made.entry.prefix.glob("[Ll]ib/**/site-packages/distributed/__init__.py")):
            raise EnvironmentUnavailable(
                f"the environment '{self.environment}' has no `distributed`, and so can be no Dask worker's",
                hints=["add it: `pixi add distributed`"],
            )
        if _is_that(nanny.process, made):
            return
        before, nanny.process = nanny.process, EnvironmentProcess(nanny, python, made)
        if before is None:
            return  # the nanny starts it as soon as its plugins are set up
        before.on_exit = None  # or it would be started again
        await before.kill(reason=PLUGIN)
        try:
            await nanny.instantiate()
        except Exception:
            nanny.process = None
            await nanny.instantiate()
            raise

    async def teardown(self, nanny: Nanny) -> None:
        """Back to a worker of the nanny's own Python, unless the nanny ends."""
        if nanny.status == Status.running and isinstance(nanny.process, EnvironmentProcess):
            await nanny.process.kill(reason=PLUGIN)
            nanny.process = None
            await nanny.instantiate()

    def _materialize(self) -> Materialized:
        from ..lock.read import read_lock
        from ..ops.init import open_services
        from ..ops.materialize import default_store, materialize
        from ..store.entry import Store

        services = open_services(os.environ)
        try:
            store = default_store(services) if self.store is None else Store(Path(self.store))
            lock = read_lock(self.lock, path=Path("pixi.lock"))
            # held until this nanny's process ends: what it may start again must stay
            return materialize(lock, environment=self.environment, services=services, store=store, lease=True)
        finally:
            services.close()


class EnvironmentProcess:
    """Stands where a nanny has its `WorkerProcess`, with the attributes that a nanny uses. Can be started again."""

    def __init__(self, nanny: Nanny, python: Path, made: Materialized) -> None:
        self.nanny, self.python, self.made = nanny, python, made
        self.status = Status.init
        self.process: subprocess.Process | None = None
        self.worker_address: str | None = None
        self.worker_dir: str | None = None
        self.on_exit = nanny._on_worker_exit_sync
        self._start: asyncio.Future[Status] | None = None
        self._watch: asyncio.Future[None] | None = None

    @property
    def pid(self) -> int | None:
        """The process that runs, None where there is none."""
        return self.process.pid if self.process is not None and self.is_alive() else None

    def is_alive(self) -> bool:
        """Whether there is a process."""
        return self.process is not None and self.process.returncode is None

    async def start(self) -> Status:
        """Start it, or wait for the start that is under way. Raises `EnvironmentUnavailable`."""
        if self._start is None:
            self._start = asyncio.ensure_future(self._start_once())
        return await asyncio.shield(self._start)

    async def _start_once(self) -> Status:
        self.status = Status.starting
        self.process = await subprocess.create_subprocess_exec(
            str(self.python), "-s", worker_main.__file__,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self._variables(),
        )  # fmt: skip
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write((json.dumps(self._order()) + "\n").encode())
        try:
            await self.process.stdin.drain()
            line = await self.process.stdout.readline()
        except ConnectionError:
            line = b""
        told = json.loads(line) if line else {"error": "it ended without a word"}
        if "error" in told:
            self.status, self._start = Status.failed, None
            await self._end(0)
            raise EnvironmentUnavailable(f"no worker could be started with {self.python}: {told['error']}")
        self.worker_address, self.worker_dir = told["address"], told["directory"]
        self.status = Status.running
        self._watch = asyncio.ensure_future(self._watch_end())
        return self.status

    async def _watch_end(self) -> None:
        assert self.process is not None
        code = await self.process.wait()
        if self.status == Status.running:
            self._forget()
            if self.on_exit is not None:
                self.on_exit(code)

    async def kill(self, timeout: float = 5, **_told: object) -> None:
        """End it: its standard input ends, and where that is not enough within `timeout` seconds, by force. What else a
        nanny says of a kill is for its own kind of process.
        """
        if self._start is not None:
            with contextlib.suppress(PixiError):
                await self.start()
        self.status = Status.stopping
        await self._end(timeout)
        if self._watch is not None:
            await self._watch
        self._forget()

    async def _end(self, timeout: float) -> None:
        if self.process is None:
            return
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            await asyncio.wait_for(self.process.wait(), timeout)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()

    def _forget(self) -> None:
        """Nothing runs any more; what it left in its folder is of no use to the next."""
        if self.worker_dir:
            shutil.rmtree(self.worker_dir, ignore_errors=True)
        self.status, self._start, self._watch = Status.stopped, None, None
        self.worker_address = self.worker_dir = None

    def _order(self) -> dict[str, Any]:
        """What the worker is told; what cannot be told in JSON (classes, plugins) is not."""
        nanny = self.nanny
        worker = {
            "scheduler_ip": nanny.scheduler_addr,
            "nthreads": nanny.nthreads,
            "local_directory": nanny._original_local_dir,
            "nanny": nanny.address,
            "name": nanny.name,
            "memory_limit": nanny.memory_manager.memory_limit,
            "resources": nanny.resources,
            "validate": nanny.validate,
            "death_timeout": nanny.death_timeout,
            "preload": nanny.preload,
            "preload_argv": nanny.preload_argv,
            "contact_address": nanny.contact_address,
            **nanny.worker_kwargs,
        }
        security = {key: getattr(nanny.security, key) for key in _SECURITY}
        return {"worker": _plain(worker), "security": _plain(security)}

    def _variables(self) -> dict[str, str]:
        """The nanny's, activated, without its Python's own; all workers hash alike, as those of nannies do."""
        from ..activation.run_scripts import activate

        base = {name: value for name, value in {**os.environ, **self.nanny.env}.items() if name[:6] != "PYTHON"}
        base["PYTHONHASHSEED"] = self.nanny.env.get("PYTHONHASHSEED", "6640")
        base["DASK_INTERNAL_INHERIT_CONFIG"] = dask.config.serialize(_plain(self.nanny.config))
        prefix = self.made.entry.prefix
        return activate(
            prefix, scripts=[], env={}, base_env=base, metadata={"CONDA_DEFAULT_ENV": str(prefix)}, cache_dir=None
        )


def _is_that(process: object, made: Materialized) -> bool:
    """Whether a nanny has a worker of this very environment already."""
    return isinstance(process, EnvironmentProcess) and process.made.entry == made.entry and process.is_alive()


def _plain(table: dict[str, Any]) -> dict[str, Any]:
    """What JSON can tell of a table."""
    found = {}
    for key, value in table.items():
        with contextlib.suppress(TypeError, ValueError):
            json.dumps(value)
            found[key] = value
    return found
