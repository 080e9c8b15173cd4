"""The Python that builds: which interpreter, with which variables."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..install.interpreters import Interpreter
from ..model.platform import Platform
from ..model.pypi_target import PypiTarget

_OURS = ("PIP_", "UV_", "PIXI_", "RATTLER_")
"""Settings of package managers: they may carry addresses with passwords, and no back end needs them."""
_DROPPED = frozenset(["PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "VIRTUAL_ENV", "NETRC", "__PYVENV_LAUNCHER__"])


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildPython:
    """`interpreter` is what isolated environments stand around, `executable` what runs builds without isolation
    (it sees the packages of its environment). `environ` are the activated variables. `identity` tells environments
    apart whose compiled results must not be mixed.
    """

    interpreter: Interpreter
    executable: Path
    platform: Platform
    environ: Mapping[str, str]
    identity: str

    @property
    def target(self) -> PypiTarget:
        """What build requirements are resolved for: this machine, with this Python."""
        version = self.interpreter.version
        return PypiTarget.for_platform(self.platform, version, free_threaded=self.interpreter.free_threaded)

    @property
    def tag(self) -> str:
        """What a compiled result depends on besides its source."""
        found = self.interpreter
        threads = "t" if found.free_threaded else ""
        return f"{found.implementation}-{found.short}{threads}-{found.platform}"


def build_variables(environ: Mapping[str, str], platform: Platform, isolated: Path | None = None) -> dict[str, str]:
    """The variables of a build: the activated ones without anything about indexes and other Pythons; the programs of
    the isolated environment come first.
    """
    found = {key: value for key, value in environ.items() if key not in _DROPPED and not key.startswith(_OURS)}
    if isolated is not None:
        scripts = isolated / ("Scripts" if os.name == "nt" else "bin")
        found["PATH"] = os.pathsep.join(filter(None, [str(scripts), found.get("PATH", "")]))
        found["VIRTUAL_ENV"] = str(isolated)
    if sys.platform == "darwin":
        osx = next((package.version for package in platform.virtual_packages if package.name == "__osx"), None)
        if osx:
            found.setdefault("MACOSX_DEPLOYMENT_TARGET", str(osx))
    # whatever asks on the terminal would wait for ever: nobody sees it
    found["PYTHONIOENCODING"] = "utf-8"
    return found
