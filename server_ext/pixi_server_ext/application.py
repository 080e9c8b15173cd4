"""The extension as Jupyter Server sees it."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from jupyter_server.extension.application import ExtensionApp
from tornado.ioloop import PeriodicCallback
from traitlets import Float, Unicode

from .handlers import url_table
from .jobs import Jobs
from .kernels import Kernels
from .paths import OutsideRoot, confined, without_drive
from .picker import KernelPicker
from .schema import ENVIRONMENT_EVENT, ENVIRONMENT_SCHEMA
from .status import StatusProvider, lock_status


class PixiExtension(ExtensionApp):
    """Lock status, events and kernel picker entries."""

    name = "pixi_server_ext"
    app_name = Unicode("pixi")
    description = Unicode("Pixi environments in Jupyter")
    load_other_extensions = True

    refresh_seconds = Float(30.0, config=True, help="Seconds between two looks for changed manifests; 0: never.")

    core = Unicode("", config=True, help="The Python that runs the core; empty: the server's own.")

    provider: StatusProvider = staticmethod(lock_status)
    """What answers the status endpoint; a test may put another one here."""

    _timer: PeriodicCallback | None = None

    def initialize_settings(self) -> None:
        """Register the event, and put our entries into the kernel picker."""
        logger = self._server.event_logger
        if ENVIRONMENT_EVENT not in logger.schemas:
            logger.register_event_schema(ENVIRONMENT_SCHEMA)
        folder = Path(self._server.runtime_dir) / f"pixi-kernels-{os.getpid()}"
        self.picker = KernelPicker(self._root(), folder)
        # -P: a user's `yaml.py` in the served folder must not be imported by the core
        core = [self.core or sys.executable, "-P", "-m", "pixi_core.cli.main"]
        name_below_drives(self._server.session_manager, self._root())
        kernels = Kernels(self._server.kernel_manager)
        self.jobs = Jobs(core, lambda event: logger.emit(schema_id=ENVIRONMENT_EVENT, data=event), kernels.judge)
        directories = self._server.kernel_spec_manager.kernel_dirs
        if str(folder) not in directories:
            directories.append(str(folder))

    def initialize_handlers(self) -> None:
        """Mount the REST interface."""
        self.handlers.extend(url_table(type(self).provider, self.picker, self.jobs, self._root()))

    async def _start_jupyter_server_extension(self, serverapp: Any) -> None:
        """Once the server runs: the first look for manifests, and one now and then."""
        del serverapp
        await self._refresh()
        if self.refresh_seconds > 0:
            self._timer = PeriodicCallback(self._refresh, self.refresh_seconds * 1000)
            self._timer.start()

    async def stop_extension(self) -> None:
        """The server shuts down."""
        if self._timer is not None:
            self._timer.stop()
        await self.jobs.close()
        self.picker.close()
        forget_failed_starts(self._server.kernel_manager)

    async def _refresh(self) -> None:
        try:
            await asyncio.to_thread(self.picker.refresh)
        except OSError as error:
            self.log.warning("pixi: the kernel picker was not refreshed: %s", error)

    @property
    def _server(self) -> Any:
        assert self.serverapp is not None, "Jupyter Server links an extension before it initializes it"
        return self.serverapp

    def _root(self) -> Path:
        return Path(self._server.root_dir).expanduser()


def name_below_drives(sessions: Any, root: Path) -> None:
    """Let kernels of notebooks on a collaboration server's drive learn which notebook they are of.

    Jupyter Server looks for the folder `RTC:deep`, finds none, and tells the kernel that its notebook lies in the
    served folder, where another one may have the same name. What leads to no file of ours is left as it is.
    """
    known = sessions.get_kernel_env

    def get_kernel_env(path: str | None, name: str | None = None) -> Any:
        try:
            is_ours = path is not None and without_drive(path) != path and confined(root, path).is_file()
        except OutsideRoot:
            is_ours = False
        return known(without_drive(path) if is_ours and path is not None else path, name)

    sessions.get_kernel_env = get_kernel_env


def forget_failed_starts(manager: Any) -> None:
    """Take kernels that were refused a start out of the list of those which are starting.

    jupyter_client leaves them there (8.6 to 8.10 at least); the server would then fail to find them when it stops, and
    leave its other kernels running.
    """
    starting: Any = getattr(manager, "_pending_kernels", {})
    for identifier in [key for key, task in starting.items() if task.done() and key not in manager]:
        del starting[identifier]
