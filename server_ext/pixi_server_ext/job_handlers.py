"""The requests that change environments."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web

from pixi_core.errors import PixiError
from pixi_core.workspace import Workspace

from .jobs import Job, Jobs, read_order
from .requests import json_object, path_of
from .status import find_workspace, passes, trust_subject

JOBS_RESOURCE = "pixi_jobs"


class JobsHandler(APIHandler):
    """`POST pixi/jobs`: change an environment.

    The body is `{"command": NAME, "path": PATH, "names": [SPEC…], "pypi": bool, "environment": NAME, "generation": N,
    "dry_run": bool}`; PATH is a notebook or folder, as for the status.
    """

    auth_resource = JOBS_RESOURCE

    def initialize(self, jobs: Jobs, root: Path) -> None:
        """Receive what the extension was set up with (tornado's contract)."""
        self._jobs = jobs
        self._root = root

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """202 with the job; 400 for a body that says nothing sensible, 403 for a workspace that is not approved, 404
        outside the served folder, 409 where there is no workspace, 415 for anything but JSON.
        """
        body = json_object(self)
        path = path_of(self._root, body["path"])
        try:
            order = read_order(body)
            workspace = await asyncio.to_thread(find_workspace, path, os.environ)
        except PixiError as error:
            raise web.HTTPError(400, str(error)) from None
        if workspace is None:
            raise web.HTTPError(409, "there is no workspace yet: start the notebook's kernel first")
        if not await asyncio.to_thread(_approved, path, workspace):
            raise web.HTTPError(403, "this workspace has not been approved: nothing of it is installed or run")
        job = self._jobs.start(workspace, order)
        self.set_status(202)
        self.set_header("Location", f"{self.request.path}/{job.identifier}")
        await self.finish(json.dumps(job.to_json()))


class JobHandler(APIHandler):
    """`GET pixi/jobs/ID` tells how a job goes, `DELETE pixi/jobs/ID` stops it."""

    auth_resource = JOBS_RESOURCE

    def initialize(self, jobs: Jobs) -> None:
        """Receive what the extension was set up with (tornado's contract)."""
        self._jobs = jobs

    @web.authenticated
    @authorized
    async def get(self, identifier: str) -> None:
        """200, or 404."""
        await self.finish(json.dumps(self._found(identifier).to_json()))

    @web.authenticated
    @authorized
    async def delete(self, identifier: str) -> None:
        """204, or 404."""
        self._jobs.cancel(self._found(identifier))
        self.set_status(204)
        await self.finish()

    def _found(self, identifier: str) -> Job:
        job = self._jobs.get(identifier)
        if job is None:
            raise web.HTTPError(404, "there is no such job")
        return job


def _approved(path: Path, workspace: Workspace) -> bool:
    """Whether both what the notebook carries now and what a job would work on are approved."""
    try:
        asked = trust_subject(path, os.environ)
        return passes(workspace) and (asked is None or passes(asked))
    except PixiError:
        return False
