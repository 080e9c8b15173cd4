"""A spawner for tests: each Hub user a uid of its own, without an account of this machine."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyterhub.spawner import SimpleLocalProcessSpawner
from traitlets import Dict

from pixi_server_ext.hub.spawner import PixiSpawnerMixin


class AccountsSpawner(PixiSpawnerMixin, SimpleLocalProcessSpawner):  # type: ignore[misc]  # JupyterHub ships no types
    """`accounts` maps user names to uids; whoever is not in it stays who runs the Hub. Homes must exist."""

    accounts = Dict(config=True)

    def make_preexec_fn(self, name: str) -> Callable[[], None]:
        home, uid = self.home_dir, self.accounts.get(name)

        def preexec() -> None:
            if uid is not None:
                os.setgroups([])
                os.setgid(uid)
                os.setuid(uid)
            os.umask(0o022)
            os.chdir(home)

        return preexec

    def user_env(self, env: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = super().user_env(env)
        for name in ("CACHE", "CONFIG", "DATA"):
            found.pop(f"XDG_{name}_HOME", None)
        found["TMPDIR"] = str(Path(self.home_dir) / "tmp")
        return found
