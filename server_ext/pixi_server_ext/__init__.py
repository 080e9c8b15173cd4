"""The Jupyter server extension: lock status, progress events, kernel picker entries, front end."""

from __future__ import annotations

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """What Jupyter Server loads (its extension contract)."""
    # lazy: the provisioner imports this package in processes which have no server
    from .application import PixiExtension

    return [{"module": "pixi_server_ext.application", "app": PixiExtension}]
