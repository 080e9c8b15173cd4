"""The description of the REST interface in OpenAPI 3.1, served at `pixi/openapi`; docs/jupyter.md says it in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pixi_core import __version__

from .jobs import COMMANDS

_TEXT = {"type": "string"}
_PATH = {"type": "string", "description": "A notebook or folder, as the contents API names it."}
_ENVIRONMENT = {"type": "string", "description": "The name of an environment; without it `default`."}
_ERROR = {
    "type": "object",
    "required": ["message"],
    "properties": {
        "message": _TEXT,
        "details": {"type": "array", "items": _TEXT},
        "hints": {"type": "array", "items": _TEXT},
    },
}
_STATUS = {
    "type": "object",
    "required": ["state", "reasons", "workspace", "environment"],
    "properties": {
        "state": {
            "enum": [
                "untrusted", "in-sync", "stale", "not-installed", "no-lock", "no-workspace", "solving", "installing",
            ]
        },
        "reasons": {"type": "array", "items": _TEXT},
        "workspace": {"type": ["string", "null"]},
        "environment": _TEXT,
        "trust": {
            "type": "object",
            "required": ["fingerprint", "lines"],
            "properties": {"fingerprint": _TEXT, "lines": {"type": "array", "items": _TEXT}},
        },
        "unsaved": {
            "type": ["object", "null"],
            "required": ["manifest"],
            "properties": {"manifest": _TEXT, "lock": _TEXT},
        },
    },
}  # fmt: skip
_JOB = {
    "type": "object",
    "required": ["id", "command", "workspace", "environment", "state", "text", "messages", "error"],
    "properties": {
        "id": {"type": "string", "pattern": "^[0-9a-f]+$"},
        "command": {"enum": sorted(COMMANDS)},
        "workspace": _TEXT,
        "environment": _TEXT,
        "state": {"enum": ["running", "done", "failed", "cancelled"]},
        "text": _TEXT,
        "messages": {"type": "array", "items": _TEXT},
        "error": {"oneOf": [_ERROR, {"type": "null"}]},
    },
}
_JOB_REQUEST = {
    "type": "object",
    "required": ["command", "path"],
    "properties": {
        "command": {"enum": sorted(COMMANDS)},
        "path": _PATH,
        "names": {"type": "array", "items": _TEXT, "description": "Package specs, for commands that take some."},
        "pypi": {"type": "boolean"},
        "environment": _ENVIRONMENT,
    },
}
_TRUST_REQUEST = {
    "type": "object",
    "required": ["path", "fingerprint"],
    "properties": {"path": _PATH, "fingerprint": {"type": "string", "description": "That of the status shown."}},
}
_JOB_ID = {"name": "identifier", "in": "path", "required": True, "schema": {"type": "string", "pattern": "^[0-9a-f]+$"}}
_ANY = {"type": "object"}


def description(base_url: str) -> dict[str, Any]:
    """The whole document, for a server at `base_url`."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Pixi environments in Jupyter", "version": __version__},
        "servers": [{"url": base_url}],
        "security": [{"token": []}],
        "components": {"securitySchemes": {"token": {"type": "apiKey", "in": "header", "name": "Authorization"}}},
        "paths": {
            "/pixi/status": {"get": _status_operation()},
            "/pixi/jobs": {
                "post": _operation(
                    "Change an environment", {202: ("the job", _JOB)}, (400, 403, 404, 409, 415), body=_JOB_REQUEST
                )
            },
            "/pixi/jobs/{identifier}": {
                "parameters": [_JOB_ID],
                "get": _operation("How a job goes", {200: ("the job", _JOB)}, (404,)),
                "delete": _operation("Stop a job", {204: ("it was told to stop", None)}, (404,)),
            },
            "/pixi/trust": {
                "post": _operation(
                    "Approve what the status showed",
                    {200: ("approved", _ANY)},
                    (400, 404, 409, 415, 422),
                    body=_TRUST_REQUEST,
                )
            },
            "/pixi/kernelspecs": {"post": _operation("Look for manifests now", {200: ("the entries", _ANY)}, ())},
            "/pixi/openapi": {"get": _operation("This description", {200: ("OpenAPI", _ANY)}, ())},
        },
    }


def _status_operation() -> dict[str, Any]:
    operation = _operation("The lock status", {200: ("the status", _STATUS)}, (400, 404, 422))
    operation["parameters"] = [
        {"name": "path", "in": "query", "schema": _PATH},
        {"name": "environment", "in": "query", "schema": _ENVIRONMENT},
    ]
    return operation


_REFUSALS = {
    400: "it says nothing sensible",
    401: "nobody is logged in",
    403: "not allowed, or the workspace is not approved",
    404: "no such file, folder or job",
    409: "there is nothing to do it to, or it has changed",
    415: "the body is not JSON",
    422: "the workspace cannot be read",
}


def _operation(
    summary: str,
    good: Mapping[int, tuple[str, Mapping[str, Any] | None]],
    refusals: tuple[int, ...],
    body: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    for code, (text, schema) in good.items():
        answers[str(code)] = {"description": text, **({} if schema is None else _json(schema))}
    for code in sorted({401, 403, *refusals}):
        answers[str(code)] = {"description": _REFUSALS[code], **_json(_ERROR)}
    operation: dict[str, Any] = {"summary": summary, "responses": answers}
    if body is not None:
        operation["requestBody"] = {"required": True, **_json(body)}
    return operation


def _json(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": dict(schema)}}}
