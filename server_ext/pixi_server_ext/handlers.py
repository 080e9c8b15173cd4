"""The REST interface: an authenticated user who is authorized for the resource, or nothing; GET changes nothing."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web

from pixi_core.errors import PixiError
from pixi_core.names import environment_name

from .paths import OutsideRoot, confined
from .picker import KernelPicker
from .status import StatusProvider, error_answer

STATUS_RESOURCE = "pixi_status"
PICKER_RESOURCE = "pixi_kernelspecs"


class StatusHandler(APIHandler):
    """`GET pixi/status?path=PATH&environment=NAME`: the lock status of a notebook or folder."""

    auth_resource = STATUS_RESOURCE

    def initialize(self, provider: StatusProvider, root: Path) -> None:
        """Receive what the extension was set up with (tornado's contract)."""
        self._provider = provider
        self._root = root

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """200 with the status; 400 for a name that is none, 404 outside the served folder, 422 for a workspace that
        cannot be read, with the message for the user.
        """
        try:
            path = confined(self._root, self.get_query_argument("path", ""))
        except OutsideRoot:
            raise web.HTTPError(404, "there is no such file or folder") from None
        named = self.get_query_argument("environment", "")
        try:
            environment = environment_name(named) if named else None
        except PixiError as error:
            raise web.HTTPError(400, str(error)) from None
        try:
            # reading and parsing files is work for a thread: the server's loop carries every user's kernels
            answer = await asyncio.to_thread(self._provider, path, environment)
        except PixiError as error:
            self.set_status(422)
            answer = error_answer(error)
        await self.finish(json.dumps(answer))


class KernelSpecsHandler(APIHandler):
    """`POST pixi/kernelspecs`: look for manifests now and bring the kernel picker up to date."""

    auth_resource = PICKER_RESOURCE

    def initialize(self, picker: KernelPicker) -> None:
        """Receive what the extension was set up with (tornado's contract)."""
        self._picker = picker

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """200 with the names of the entries."""
        names = await asyncio.to_thread(self._picker.refresh)
        await self.finish(json.dumps({"kernelspecs": names}))


def url_table(base_url: str, provider: StatusProvider, picker: KernelPicker, root: Path) -> list[Any]:
    """What to mount."""
    return [
        (url_path_join(base_url, "pixi/status"), StatusHandler, {"provider": provider, "root": root}),
        (url_path_join(base_url, "pixi/kernelspecs"), KernelSpecsHandler, {"picker": picker}),
    ]
