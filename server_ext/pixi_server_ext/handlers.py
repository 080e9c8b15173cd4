"""The REST interface: an authenticated user who is authorized for the resource, or nothing; GET changes nothing.

Questions are in `question_handlers`, jobs in `job_handlers`; here are the rest, and the table of all.
"""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web

from pixi_core import trust
from pixi_core.errors import PixiError

from .job_handlers import JobHandler, JobsHandler
from .jobs import Jobs
from .openapi import description
from .picker import KernelPicker
from .question_handlers import (
    STATUS_RESOURCE,
    EnvironmentsHandler,
    HistoryHandler,
    PackagesHandler,
    SearchHandler,
    StatusHandler,
)
from .requests import json_object, path_of
from .status import StatusProvider, error_answer, trust_subject

PICKER_RESOURCE = "pixi_kernelspecs"
TRUST_RESOURCE = "pixi_trust"


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


class TrustHandler(APIHandler):
    """`POST pixi/trust`: approve the workspace of a notebook or folder, for the user as whom this server runs.

    The body is `{"path": PATH, "fingerprint": TEXT}`; the fingerprint is that of the status which the user was shown.
    """

    auth_resource = TRUST_RESOURCE

    def initialize(self, root: Path) -> None:
        """Receive what the extension was set up with (tornado's contract)."""
        self._root = root

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """200 with `{"trusted": true}`; 400, 404, 415 as for jobs, 409 where there is nothing to approve or it is not
        what the user was shown, 422 for a workspace that cannot be read.
        """
        body = json_object(self)
        if not isinstance(body.get("fingerprint"), str):
            raise web.HTTPError(400, "the body must have a `fingerprint`")
        path = path_of(self._root, body["path"])
        try:
            answer = await asyncio.to_thread(_approve, path, body["fingerprint"])
        except PixiError as error:
            self.set_status(422)
            answer = error_answer(error)
        if answer is None:
            raise web.HTTPError(409, "this is not what you were shown: look at it again")
        await self.finish(json.dumps(answer))


class DescriptionHandler(APIHandler):
    """`GET pixi/openapi`: this interface in OpenAPI."""

    auth_resource = STATUS_RESOURCE

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """200."""
        await self.finish(json.dumps(description(self.base_url)))


def _approve(path: Path, fingerprint: str) -> dict[str, Any] | None:
    """Approve what is at `path` if it is what the fingerprint says. Raises `PixiError`."""
    workspace = trust_subject(path, os.environ)
    if workspace is None or trust.fingerprint(workspace) != fingerprint:
        return None
    trust.approve(workspace, by="Jupyter")
    return {"trusted": True, "workspace": workspace.name}


def url_table(provider: StatusProvider, picker: KernelPicker, jobs: Jobs, root: Path) -> list[Any]:
    """What to mount; Jupyter Server puts its base URL before each."""
    return [
        ("/pixi/jobs", JobsHandler, {"jobs": jobs, "root": root}),
        ("/pixi/jobs/([0-9a-f]+)", JobHandler, {"jobs": jobs}),
        ("/pixi/status", StatusHandler, {"provider": provider, "root": root}),
        ("/pixi/environments", EnvironmentsHandler, {"root": root, "picker": picker}),
        ("/pixi/packages", PackagesHandler, {"root": root}),
        ("/pixi/search", SearchHandler, {"root": root}),
        ("/pixi/history", HistoryHandler, {"root": root}),
        ("/pixi/trust", TrustHandler, {"root": root}),
        ("/pixi/openapi", DescriptionHandler),
        ("/pixi/kernelspecs", KernelSpecsHandler, {"picker": picker}),
    ]
