"""What launchers carry: the variables of an activated environment, captured once from a bare one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..activation import quote
from ..activation.compute import clean_environment, path_key
from ..activation.run_scripts import activate
from ..progress import SILENT, Reporter

IGNORED = frozenset(["CONDA_SHLVL", "PWD", "OLDPWD", "SHLVL", "_"])
"""Accounts of a shell; a launcher is none."""


@dataclass(frozen=True, slots=True)
class Captured:
    """`path_diff` goes in front of `PATH`; `env` are all other variables that activation sets or changes."""

    path_diff: str
    env: Mapping[str, str]

    def posix_lines(self) -> list[str]:
        """What sets them in a POSIX shell. `PIXI_BASE_PATH` is the `PATH` without what other launchers put there."""
        lines = [f"export {key}={quote.posix(value)}" for key, value in sorted(self.env.items())]
        if self.path_diff:
            lines.append(f"PATH={quote.posix(self.path_diff)}" + ':"${PIXI_BASE_PATH:-$PATH}"; export PATH')
        return lines

    def batch_lines(self) -> list[str]:
        """What sets them in a batch file. Raises `UnsafePath` for a value of several lines, which none can hold."""
        lines = [f'@set "{key}={quote.cmd(value)}"' for key, value in sorted(self.env.items())]
        return [*lines, f'@set "PATH={quote.cmd(self.path_diff)};%PATH%"'] if self.path_diff else lines


NOT_ACTIVATED = Captured("", {})


def capture(
    prefix: Path, environ: Mapping[str, str], *, reporter: Reporter = SILENT, windows: bool = os.name == "nt"
) -> Captured:
    """Activate the prefix on top of a bare environment and see what changed: what the calling shell happens to have
    set is not baked in. Raises `TaskError` where a script ends the shell, `InputError` for variables of packages that
    cannot be read.
    """
    base = dict(environ) if windows else clean_environment(environ)
    found = activate(
        prefix, scripts=[], env={}, base_env=base, metadata={}, reporter=reporter, windows=windows
    )  # no cache: launchers are the cache
    key = path_key(base, windows=windows)
    separator = ";" if windows else ":"
    old = set(base.get(key, "").split(separator))
    front = [entry for entry in found.get(key, "").split(separator) if entry and entry not in old]
    changed = {name: value for name, value in found.items() if base.get(name) != value}
    ours = {name: value for name, value in changed.items() if name != key and name not in IGNORED}
    return Captured(separator.join(front), ours)


def variables_for(captured: Captured, prefix: Path, program: Path) -> dict[str, str]:
    """The variables of one launcher. A package may ask that its program does not see `CONDA_PREFIX`: with a file
    `etc/pixi/<program>/global-ignore-conda-prefix`.
    """
    env = dict(captured.env)
    if (prefix / "etc" / "pixi" / program.name / "global-ignore-conda-prefix").exists():
        env.pop("CONDA_PREFIX", None)
    return env
