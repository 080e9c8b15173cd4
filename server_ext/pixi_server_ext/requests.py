"""What requests say, checked: a path below the served folder, the name of an environment, a JSON body."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jupyter_server.base.handlers import APIHandler
from tornado import web

from pixi_core.errors import PixiError
from pixi_core.names import environment_name

from .paths import OutsideRoot, confined


def path_of(root: Path, text: str) -> Path:
    """The file or folder that an API path names. Raises `HTTPError` 404."""
    try:
        return confined(root, text)
    except OutsideRoot:
        raise web.HTTPError(404, "there is no such file or folder") from None


def environment_of(handler: APIHandler) -> str | None:
    """The `environment` of a query; None where it names none. Raises `HTTPError` 400."""
    named = handler.get_query_argument("environment", "")
    try:
        return environment_name(named) if named else None
    except PixiError as error:
        raise web.HTTPError(400, str(error)) from None


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
