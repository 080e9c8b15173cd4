"""What `jupyterhub_config.py` says in one call."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

SERVICE = "pixi"


def configure(
    c: Any,
    *,
    workspaces: str | Path,
    store: str | Path,
    spawner: str | type = "pixi",
    service: bool = True,
    service_port: int = 10123,
    administrators: tuple[str, ...] = (),
) -> None:
    """Offer the workspaces in a folder, with their environments in a store; see docs/jupyterhub.md.

    `c` is JupyterHub's configuration, `spawner` a class with `PixiSpawnerMixin` or its entry point. With `service` the
    store is built ahead, and shown at `/services/pixi/` to Hub administrators and the groups in `administrators`.
    Everything that is set here can be set again afterwards.
    """
    c.JupyterHub.spawner_class = spawner
    c.PixiSpawnerMixin.pixi_workspaces = str(workspaces)
    c.PixiSpawnerMixin.pixi_store = str(store)
    if not service:
        return
    command = [sys.executable, "-P", "-m", "pixi_server_ext.hub.service"]
    command += ["--workspaces", str(workspaces), "--store", str(store)]
    # a token without any scope: the service does nothing in the Hub but ask who its visitors are
    described = {"name": SERVICE, "url": f"http://127.0.0.1:{service_port}", "command": command, "display": True}
    c.JupyterHub.services = [*_listed(c.JupyterHub.services), described]
    if administrators:
        role = {
            "name": "pixi-administrators",
            "scopes": [f"access:services!service={SERVICE}"],
            "groups": list(administrators),
        }
        c.JupyterHub.load_roles = [*_listed(c.JupyterHub.load_roles), role]


def _listed(value: Any) -> list[Any]:
    """A list of the configuration; one that was never set is a placeholder of traitlets'."""
    return list(value) if isinstance(value, list) else []
