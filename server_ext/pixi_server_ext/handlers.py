"""The REST interface: an authenticated user who is authorized for the resource, or nothing; GET changes nothing."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web

from pixi_core import trust
from pixi_core.errors import PixiError
from pixi_core.names import environment_name
from pixi_core.workspace import Workspace

from .jobs import Job, Jobs, command_words
from .openapi import description
from .paths import OutsideRoot, confined
from .picker import KernelPicker
from .status import StatusProvider, error_answer, find_workspace, passes, trust_subject

STATUS_RESOURCE = "pixi_status"
PICKER_RESOURCE = "pixi_kernelspecs"
JOBS_RESOURCE = "pixi_jobs"
TRUST_RESOURCE = "pixi_trust"


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


class JobsHandler(APIHandler):
    """`POST pixi/jobs`: change an environment.

    The body is `{"command": "add" | "remove" | "install" | "lock", "path": PATH, "names": [SPEC…], "pypi": bool,
    "environment": NAME}`; PATH is a notebook or folder, as for the status.
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
        try:
            path = confined(self._root, body["path"])
            command, words, environment = command_words(body)
            workspace = await asyncio.to_thread(find_workspace, path, os.environ)
        except OutsideRoot:
            raise web.HTTPError(404, "there is no such file or folder") from None
        except PixiError as error:
            raise web.HTTPError(400, str(error)) from None
        if workspace is None:
            raise web.HTTPError(409, "there is no workspace yet: start the notebook's kernel first")
        if not await asyncio.to_thread(_approved, path, workspace):
            raise web.HTTPError(403, "this workspace has not been approved: nothing of it is installed or run")
        job = self._jobs.start(workspace, command, words, environment or "default")
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
        try:
            path = confined(self._root, body["path"])
            answer = await asyncio.to_thread(_approve, path, body["fingerprint"])
        except OutsideRoot:
            raise web.HTTPError(404, "there is no such file or folder") from None
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


def _approved(path: Path, workspace: Workspace) -> bool:
    """Whether both what the notebook carries now and what a job would work on are approved."""
    try:
        asked = trust_subject(path, os.environ)
        return passes(workspace) and (asked is None or passes(asked))
    except PixiError:
        return False


def json_object(handler: APIHandler) -> dict[str, Any]:
    """The body of a request that must be an object with a `path`. Raises `HTTPError` 400, 415."""
    if handler.request.headers.get("Content-Type", "").partition(";")[0].strip() != "application/json":
        raise web.HTTPError(415, "the body must be JSON")
    try:
        body = json.loads(handler.request.body)
    except (ValueError, RecursionError):  # no JSON, no UTF-8, or brackets without end
        raise web.HTTPError(400, "the body is not JSON") from None
    if not isinstance(body, dict) or not isinstance(body.get("path"), str):
        raise web.HTTPError(400, "the body must be an object with a `path`")
    return body


def url_table(base_url: str, provider: StatusProvider, picker: KernelPicker, jobs: Jobs, root: Path) -> list[Any]:
    """What to mount."""
    return [
        (url_path_join(base_url, "pixi/jobs"), JobsHandler, {"jobs": jobs, "root": root}),
        (url_path_join(base_url, "pixi/jobs/([0-9a-f]+)"), JobHandler, {"jobs": jobs}),
        (url_path_join(base_url, "pixi/status"), StatusHandler, {"provider": provider, "root": root}),
        (url_path_join(base_url, "pixi/trust"), TrustHandler, {"root": root}),
        (url_path_join(base_url, "pixi/openapi"), DescriptionHandler),
        (url_path_join(base_url, "pixi/kernelspecs"), KernelSpecsHandler, {"picker": picker}),
    ]
