"""The event that tells what happens to an environment; validated by Jupyter Server's event system.

Everyone who is logged in to the server receives it, so it holds nothing but names, states and counts.
"""

from __future__ import annotations

from typing import Any

ENVIRONMENT_EVENT = "urn:pixi-jupyter:environment:v1"

STATES = ("checking", "solving", "installing", "ready", "failed", "changed")

ENVIRONMENT_SCHEMA: dict[str, Any] = {
    "$id": ENVIRONMENT_EVENT,
    "version": "1",
    "title": "Pixi environment",
    "description": "An environment is being solved, installed, or is ready.",
    "personal-data": False,
    "type": "object",
    "additionalProperties": False,
    "required": ["state", "workspace", "environment"],
    "properties": {
        "state": {"type": "string", "enum": list(STATES)},
        "workspace": {"type": "string", "description": "The name of the workspace."},
        "environment": {"type": "string", "description": "The name of the environment."},
        "path": {"type": "string", "description": "The notebook, as the contents API names it; empty where unknown."},
        "phase": {"type": "string", "description": "The name of the running piece of work."},
        "text": {"type": "string", "description": "The same in words."},
        "done": {"type": "integer"},
        "total": {"type": ["integer", "null"]},
        "unit": {"type": "string", "enum": ["bytes", "items"]},
        "kernel_id": {"type": "string"},
        "job": {"type": "string", "description": "The job, where a request started the work."},
    },
}

SOLVING_PHASES = frozenset(["repodata", "solve", "pypi-metadata", "pypi-resolve", "lock"])
"""Every other phase counts as installing."""


def state_of_phase(name: str) -> str:
    """`solving` or `installing`."""
    return "solving" if name in SOLVING_PHASES else "installing"
