"""The GET requests: `path` is a notebook or folder as the contents API names it, `environment` may name one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web

from pixi_core.errors import PixiError

from . import questions
from .picker import KernelPicker
from .requests import environment_of, path_of
from .status import StatusProvider, error_answer

STATUS_RESOURCE = "pixi_status"
ENVIRONMENTS_RESOURCE = "pixi_environments"
PACKAGES_RESOURCE = "pixi_packages"
SEARCH_RESOURCE = "pixi_search"
HISTORY_RESOURCE = "pixi_history"


class QuestionHandler(APIHandler):
    """What the questions share. 200 with the answer; 400 for a name that is none, 404 outside the served folder, 422
    for a workspace that cannot be read, with the message for the user.
    """

    def initialize(self, root: Path, **more: Any) -> None:
        """Receive what the extension was set up with (tornado's contract)."""
        self._root = root
        for name, value in more.items():
            setattr(self, f"_{name}", value)

    async def reply(self, ask: Callable[[Path, str | None], dict[str, Any]]) -> None:
        """Ask about the path and the environment of this request, and send what comes back."""
        path = path_of(self._root, self.get_query_argument("path", ""))
        environment = environment_of(self)
        try:
            # reading and parsing files is work for a thread: the server's loop carries every user's kernels
            answer = await asyncio.to_thread(ask, path, environment)
        except PixiError as error:
            self.set_status(422)
            answer = error_answer(error)
        await self.finish(json.dumps(answer))


class StatusHandler(QuestionHandler):
    """`GET pixi/status?path=PATH&environment=NAME`: the lock status of a notebook or folder."""

    auth_resource = STATUS_RESOURCE
    _provider: StatusProvider

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """200, or as all questions."""
        await self.reply(self._provider)


class EnvironmentsHandler(QuestionHandler):
    """`GET pixi/environments?path=PATH`: the environments that the kernel of a notebook may run in."""

    auth_resource = ENVIRONMENTS_RESOURCE
    _picker: KernelPicker

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """200, or as all questions."""
        await self.reply(lambda path, name: questions.environments(path, name, self._picker.entry_of))


class PackagesHandler(QuestionHandler):
    """`GET pixi/packages?path=PATH&environment=NAME`: what is locked for an environment."""

    auth_resource = PACKAGES_RESOURCE

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """200, or as all questions."""
        await self.reply(questions.packages)


class SearchHandler(QuestionHandler):
    """`GET pixi/search?path=PATH&query=TEXT&limit=N`: packages by a part of their name."""

    auth_resource = SEARCH_RESOURCE

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """200, or as all questions; 400 also for a limit that is none, 403 for a workspace that is not approved, 409
        where there is none, 422 also for a query that is no part of a name.
        """
        query, limit = self.get_query_argument("query", ""), self._limit()
        try:
            await self.reply(lambda path, name: questions.search(path, name, query, limit))
        except questions.NotApproved:
            raise web.HTTPError(403, "this workspace has not been approved: its channels are not asked") from None
        except questions.NoneYet:
            raise web.HTTPError(409, "there is no workspace yet: start the notebook's kernel first") from None

    def _limit(self) -> int:
        text = self.get_query_argument("limit", "20")
        if not (text.isascii() and text.isdigit() and len(text) < 4 and 1 <= int(text) <= questions.MOST_MATCHES):
            raise web.HTTPError(400, f"`limit` must be a number from 1 to {questions.MOST_MATCHES}")
        return int(text)


class HistoryHandler(QuestionHandler):
    """`GET pixi/history?path=PATH&environment=NAME`: what the environment was before."""

    auth_resource = HISTORY_RESOURCE

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """200, or as all questions."""
        await self.reply(questions.history)
