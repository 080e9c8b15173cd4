"""The description of the REST interface in OpenAPI 3.1, served at `pixi/openapi`; docs/jupyter.md says it in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pixi_core import __version__

from .jobs import COMMANDS
from .questions import MOST_MATCHES

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
_STATUS: dict[str, Any] = {
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
_DIFF = {
    "type": "object",
    "description": "What a rehearsal found, in the form of `pixi diff --json`.",
    "required": ["version", "environment"],
    "properties": {"version": {"const": 1}, "environment": {"type": "object"}},
}
_VERDICT = {
    "type": "object",
    "description": "What the kernels that run in the environment need; null where none does.",
    "required": ["verdict", "reasons"],
    "properties": {
        "verdict": {"enum": ["ready", "recommended", "required"]},
        "reasons": {"type": "array", "items": _TEXT},
    },
}
_JOB = {
    "type": "object",
    "required": [
        "id", "command", "workspace", "environment", "state", "text", "messages", "error", "dry_run", "diff", "restart",
    ],
    "properties": {
        "id": {"type": "string", "pattern": "^[0-9a-f]+$"},
        "command": {"enum": sorted(COMMANDS)},
        "workspace": _TEXT,
        "environment": _TEXT,
        "state": {"enum": ["running", "done", "failed", "cancelled"]},
        "text": _TEXT,
        "messages": {"type": "array", "items": _TEXT},
        "error": {"oneOf": [_ERROR, {"type": "null"}]},
        "dry_run": {"type": "boolean"},
        "diff": {"oneOf": [_DIFF, {"type": "null"}]},
        "restart": {"oneOf": [_VERDICT, {"type": "null"}]},
    },
}  # fmt: skip
_JOB_REQUEST = {
    "type": "object",
    "required": ["command", "path"],
    "properties": {
        "command": {"enum": sorted(COMMANDS)},
        "path": _PATH,
        "names": {"type": "array", "items": _TEXT, "description": "Package specs, for commands that take some."},
        "pypi": {"type": "boolean"},
        "environment": _ENVIRONMENT,
        "generation": {"type": "integer", "minimum": 1, "description": "To which `rollback` returns."},
        "dry_run": {"type": "boolean", "description": "Change nothing; the job's `diff` says what would change."},
    },
}
_TRUST_REQUEST = {
    "type": "object",
    "required": ["path", "fingerprint"],
    "properties": {"path": _PATH, "fingerprint": {"type": "string", "description": "That of the status shown."}},
}
_JOB_ID = {"name": "identifier", "in": "path", "required": True, "schema": {"type": "string", "pattern": "^[0-9a-f]+$"}}
_ANY = {"type": "object"}


def _rows(**fields: Mapping[str, Any]) -> dict[str, Any]:
    """An array of objects that have all these fields."""
    return {"type": "array", "items": {"type": "object", "required": list(fields), "properties": fields}}


_TEXT_OR_NULL = {"type": ["string", "null"]}
_KIND = {"enum": ["conda", "pypi"]}
_ENVIRONMENTS = {
    "type": "object",
    "required": ["workspace", "environments"],
    "properties": {
        "workspace": _TEXT_OR_NULL,
        "environments": _rows(
            name=_TEXT,
            kernelspec={**_TEXT_OR_NULL, "description": "Its entry in the kernel picker."},
            state=_STATUS["properties"]["state"],
            current={"type": "boolean"},
        ),
    },
}
_PACKAGES = {
    "type": "object",
    "required": ["environment", "packages"],
    "properties": {
        "environment": _TEXT,
        "packages": _rows(
            name=_TEXT,
            version=_TEXT,
            build=_TEXT_OR_NULL,
            kind=_KIND,
            size_bytes={"type": ["integer", "null"]},
            is_explicit={"type": "boolean"},
        ),
    },
}
_SEARCH = {
    "type": "object",
    "required": ["query", "matches", "suggestions"],
    "properties": {
        "query": _TEXT,
        "matches": _rows(name=_TEXT, version=_TEXT, kind=_KIND, summary=_TEXT_OR_NULL),
        "suggestions": {"type": "array", "items": _TEXT},
    },
}
_HISTORY = {
    "type": "object",
    "required": ["environment", "current", "generations"],
    "properties": {
        "environment": _TEXT,
        "current": {"type": ["integer", "null"]},
        "generations": _rows(number={"type": "integer"}, time=_TEXT, command=_TEXT, installed={"type": "boolean"}),
    },
}


def description(base_url: str) -> dict[str, Any]:
    """The whole document, for a server at `base_url`."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Pixi environments in Jupyter", "version": __version__},
        "servers": [{"url": base_url}],
        "security": [{"token": []}],
        "components": {"securitySchemes": {"token": {"type": "apiKey", "in": "header", "name": "Authorization"}}},
        "paths": {
            **{f"/pixi/{name}": {"get": operation} for name, operation in _questions().items()},
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


def _questions() -> dict[str, dict[str, Any]]:
    """The GET operations about a notebook or folder, by their name."""
    operations = {
        "status": _operation("The lock status", {200: ("the status", _STATUS)}, (400, 404, 422)),
        "environments": _operation(
            "What the kernel may run in", {200: ("the environments", _ENVIRONMENTS)}, (400, 404, 422)
        ),
        "packages": _operation("What is locked", {200: ("the packages", _PACKAGES)}, (400, 404, 422)),
        "search": _operation("Packages by a part of their name", {200: ("matches", _SEARCH)}, (400, 404, 409, 422)),
        "history": _operation("What the environment was before", {200: ("generations", _HISTORY)}, (400, 404, 422)),
    }
    for operation in operations.values():
        operation["parameters"] = [
            {"name": "path", "in": "query", "schema": _PATH},
            {"name": "environment", "in": "query", "schema": _ENVIRONMENT},
        ]
    operations["search"]["parameters"] += [
        {"name": "query", "in": "query", "required": True, "schema": {"type": "string", "maxLength": 100}},
        {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": MOST_MATCHES}},
    ]
    return operations


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
