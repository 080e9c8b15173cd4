"""Which variables activation sets differently after a change: a running kernel takes over those that it can."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..errors import PixiError

if TYPE_CHECKING:
    from ..workspace import Workspace

_BASE = ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TERM", "TMPDIR")
"""Variables that activation scripts may count on. No others are passed: this process has inherited the kernel's, and
what activation no longer sets would seem to be set still.
"""

_OWN = frozenset([*_BASE, "SHLVL", "_", "PWD", "OLDPWD"])
"""Variables that every process has its own of."""


class ActivationChange:
    """Made before a command changes anything; asked when it has."""

    def __init__(self, workspace: Workspace, environ: Mapping[str, str]) -> None:
        self._workspace = workspace
        self._base = {name: environ[name] for name in _BASE if name in environ}
        self._before: dict[str, dict[str, str]] = {}
        folder = workspace.pixi_dir / "prepared-v1"
        for note in folder.glob("*.json") if folder.is_dir() else ():
            self._remember(note.stem)

    def _remember(self, environment: str) -> None:
        from ..ops.ready import read_ready

        try:
            ready = read_ready(self._workspace, environment, as_it_was=True)
            if ready is not None:
                self._before[environment] = ready.activated(self._base)
        except PixiError:
            return  # an activation script that fails says so when somebody activates

    def variables(self, environment: str) -> dict[str, str | None]:
        """Name to new value (None: no longer set); empty for an environment that was not there before."""
        from ..ops.ready import describe

        before = self._before.get(environment)
        if before is None:
            return {}
        try:
            after = describe(self._workspace.reload(), environment).activated(self._base)
        except PixiError:
            return {}
        changed: dict[str, str | None] = dict.fromkeys(before.keys() - after.keys() - _OWN)
        changed.update({k: v for k, v in after.items() if before.get(k) != v and k not in _OWN})
        return changed
