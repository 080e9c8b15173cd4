"""The kernel provisioner `pixi-provisioner`: every kernel in the locked environment of its notebook.

Jupyter calls `pre_launch` at each start and restart. There the manifest is looked up afresh, the environment verified
(or locked and installed, with progress as events or on standard error), and the command line replaced by one that
starts the environment's own Python. What fails at a first start is raised: the client shows our text. At a restart,
where clients swallow such texts, a message kernel starts instead: it explains, takes `%pixi` commands, and makes room
for the real kernel when they have mended things.

Clients and proxies do not wait for ever. Under Jupyter Server a start that takes longer than `patience` gets a message
kernel, too; the work goes on, and when it ends the server starts the kernel again, as the real one or with the reason.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar
from weakref import WeakValueDictionary

from jupyter_client.connect import LocalPortCache
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import Float

from pixi_core.errors import PixiError, TrustRequired, error_text
from pixi_core.store.leases import Lease, hold
from pixi_server_ext.stopping import stoppable

from .events import EventReporter, Send, Subject, server_sender, stream_sender
from .explanation import Explanation
from .ports import PORTS, choose_ports
from .ready import Ready, declared_encryption, make_ready
from .resolve import Choice, Place, Target, approved_target, find_place, process_arguments, server_root


class KernelNotStarted(RuntimeError):
    """The environment could not be made ready; the text is for the user, advice included."""


class StillPreparing(PixiError):
    """The work on the environment takes longer than a client waits."""


class PixiProvisioner(LocalProvisioner):
    """A local kernel process in an environment of a pixi workspace."""

    # one provisioning per prefix at a time in this process; other processes are held off by the prefix's own lock
    _prefix_locks: ClassVar[WeakValueDictionary[Path, asyncio.Lock]] = WeakValueDictionary()
    # places whose user has read the reason in a dialog already: the next start explains in the notebook
    _told: ClassVar[set[Place]] = set()

    patience = Float(20.0, config=True, help="Seconds that a start may take before a server answers it.")

    prefix: Path | None = None
    """Where the kernel runs; None for a message kernel. The server extension finds the kernels of a prefix by it."""

    _late: asyncio.Task[Ready] | None = None
    """The work that goes on behind a message kernel, or has ended there."""
    _lease: Lease | None = None
    _starts = 0
    _asked_to_stop = False
    _crashed = False

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """The launch arguments of the kernel. Raises `KernelNotStarted`."""
        base: Mapping[str, str] = kwargs.get("env") or os.environ
        restart, crashed = self._starts > 0, self._crashed
        self._starts += 1
        self._asked_to_stop = self._crashed = False
        # variables that the client chose for this kernel speak of this notebook; inherited ones may be of another
        argv = () if "env" in kwargs or server_root(self.parent) else process_arguments()
        place = find_place(kwargs.get("cwd"), base, root_dir=server_root(self.parent), argv=argv)
        try:
            ready = await self._ready_in_time(lambda: self._make_ready(place, base, frozen=crashed))
        except StillPreparing as error:
            return await self._message_launch(place, error, **kwargs)
        except (PixiError, OSError) as error:
            if not restart and (server_root(self.parent) is None or place not in self._told):
                self._told.add(place)
                raise KernelNotStarted(error_text(error)) from error
            return await self._message_launch(place, error, **kwargs)
        self._told.discard(place)
        self._declare(ready)
        self._hold(ready.prepared.prefix)
        self.prefix = ready.prepared.prefix
        launch = await self._launch(kwargs)
        extra = list(kwargs.get("extra_arguments") or ())
        argv, environ = await asyncio.to_thread(ready.start, launch["env"], self._connection_file())
        launch["cmd"] = [*argv, *(extra if ready.language == "python" else ())]
        launch["env"] = environ
        return launch

    async def _launch(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Jupyter's own launch arguments, with ports that nobody takes before the kernel does."""
        manager = self.parent
        if manager is not None and manager.cache_ports and not self.ports_cached:
            used = LocalPortCache.instance().currently_used_ports
            ports = choose_ports(manager.ip, len(PORTS), used)
            for name, port in zip(PORTS, ports, strict=False):  # none: Jupyter chooses
                setattr(manager, name, port)
                used.add(port)
            self.ports_cached = bool(ports)
        launch: dict[str, Any] = await super().pre_launch(**arguments)
        return launch

    async def _ready_in_time(self, make: Callable[[], Coroutine[Any, Any, Ready]]) -> Ready:
        """What `make` gives, or what it gave since the last start. Raises `StillPreparing` where that takes too long
        and somebody can start the kernel again.
        """
        work, self._late = self._late or asyncio.get_running_loop().create_task(make()), None
        try:
            await asyncio.wait({work}, timeout=self.patience if server_root(self.parent) else None)
        except asyncio.CancelledError:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            raise
        if not work.done():
            self._late = work
            work.add_done_callback(self._hand_over)
            raise StillPreparing(
                "the environment of this notebook is still being prepared",
                hints=["its kernel starts by itself when it is ready; the status bar says how far it is"],
            )
        return work.result()

    def _hand_over(self, work: asyncio.Task[Ready]) -> None:
        """End the message kernel: the server starts the kernel again, and finds what came of the work."""
        if work is self._late and not work.cancelled() and self.process is not None:
            self.process.kill()

    async def _make_ready(self, place: Place, base: Mapping[str, str], *, frozen: bool) -> Ready:
        """Verify or install, in a thread; a start that is given up stops the work."""
        choice = Choice.of_spec(self.kernel_spec.metadata)
        target = await asyncio.to_thread(approved_target, place, choice, base)
        lock = self._prefix_locks.setdefault(target.prefix, asyncio.Lock())
        async with lock:
            reporter = EventReporter(self._subject(target), self._sender())
            mode = "frozen" if frozen else target.mode or _mode(base)
            try:
                ready = await stoppable(
                    lambda should_stop: make_ready(target, mode=mode, reporter=reporter, should_stop=should_stop)
                )
            except (PixiError, OSError) as error:
                reporter.finish(error_text(error))
                raise
            reporter.finish()
            return ready

    def _subject(self, target: Target) -> Subject:
        root = server_root(self.parent)
        path = ""
        if root and target.notebook is not None:
            relative = os.path.relpath(target.notebook, os.path.realpath(root))
            path = "" if relative.startswith("..") else relative.replace(os.sep, "/")
        return Subject(
            target.workspace.name, target.environment, target.prefix, path, str(getattr(self, "kernel_id", "") or "")
        )

    def _sender(self) -> Send:
        return server_sender(self.parent, asyncio.get_running_loop()) or stream_sender()

    def _declare(self, ready: Ready) -> None:
        """Tell the kernel manager which transport encryption this very kernel supports: it goes by the kernel spec,
        which promises it for every environment. Raises `KernelNotStarted` where it is required and missing.
        """
        if str(getattr(self.parent, "transport_encryption", "")) == "required" and "curve" not in ready.encryption:
            raise KernelNotStarted(
                "this server requires encrypted kernel connections, and the ipykernel of environment "
                f"'{ready.prepared.prefix.name}' is too old for them\nhint: run `pixi add 'ipykernel>=7.4'`"
            )
        self._set_encryption(ready.encryption)

    def _set_encryption(self, encryption: Sequence[str]) -> None:
        self.kernel_spec.metadata = {**(self.kernel_spec.metadata or {}), "supported_encryption": list(encryption)}

    def _hold(self, prefix: Path | None) -> None:
        """Lease the prefix where it is one of a store, until this kernel or its server ends; give the last one back."""
        last, self._lease = self._lease, hold(prefix) if prefix is not None else None
        if last is not None:
            last.release()

    async def _message_launch(self, place: Place, error: PixiError | OSError, **kwargs: Any) -> dict[str, Any]:
        """The launch arguments of the message kernel."""
        self.prefix = None
        self._set_encryption(declared_encryption(Path(sys.prefix)))
        launch = await self._launch(kwargs)
        choice = Choice.of_spec(self.kernel_spec.metadata)
        explanation = Explanation(
            error_text(error),
            str(place.folder),
            str(choice.manifest or ""),
            choice.environment or "default",
            hand_over=server_root(self.parent) is not None,
            approve=error.subject if isinstance(error, TrustRequired) else "",
        )
        launch["cmd"] = explanation.argv(self._connection_file())
        return launch

    def _connection_file(self) -> str:
        """The file that the kernel manager has just written; real, as the kernel may see another working folder."""
        return os.path.realpath(getattr(self.parent, "connection_file", ""))

    # ---------------------------------------------------------------- how the last kernel ended

    async def shutdown_requested(self, restart: bool = False) -> None:
        """A polite shutdown begins: what follows is no crash."""
        self._asked_to_stop = True
        await super().shutdown_requested(restart=restart)

    async def kill(self, restart: bool = False) -> None:
        """Kill the process; that it was dead before means it crashed."""
        await self._note_crash()
        await super().kill(restart=restart)

    async def wait(self) -> int | None:
        """Wait for the process to end."""
        await self._note_crash()
        code: int | None = await super().wait()
        return code

    async def cleanup(self, restart: bool = False) -> None:
        """The kernel is given up: so is what was prepared for it."""
        work = self._late
        if not restart and work is not None:
            self._late = None
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
        if not restart:
            self._hold(None)
        await super().cleanup(restart=restart)

    async def _note_crash(self) -> None:
        """Called first by whatever ends or clears the process: was it dead already, with nobody having asked?"""
        if self.has_process and not self._asked_to_stop and await self.poll() is not None:
            self._crashed = True


def _mode(environ: Mapping[str, str]) -> str:
    """How to treat the lock file at a start which somebody asked for."""
    for name, mode in (("PIXI_LOCKED", "locked"), ("PIXI_FROZEN", "frozen")):
        if environ.get(name, "").lower() in ("1", "true"):
            return mode
    return "auto"
