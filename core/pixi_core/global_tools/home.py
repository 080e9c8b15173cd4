"""Where global tools live: below `PIXI_HOME`, or `~/.pixi` (pixi.md 7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..fs import pixi_home
from ..names import safe_component


@dataclass(frozen=True, slots=True)
class GlobalHome:
    """The layout is pixi's; only `unfinished` and `lock` are ours."""

    root: Path

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> GlobalHome:
        """The home that the environment variables name."""
        return cls(pixi_home(environ))

    @property
    def bin(self) -> Path:
        """The folder that belongs on `PATH`."""
        return self.root / "bin"

    @property
    def configurations(self) -> Path:
        """What each launcher starts, as JSON."""
        return self.bin / "trampoline_configuration"

    @property
    def environments(self) -> Path:
        """One prefix a tool."""
        return self.root / "envs"

    def prefix(self, environment: str) -> Path:
        """The prefix of an environment. Raises `UnsafePath`."""
        return self.environments / safe_component(environment, what="environment name")

    @property
    def manifest(self) -> Path:
        """`pixi-global.toml`."""
        return self.root / "manifests" / "pixi-global.toml"

    @property
    def lock(self) -> Path:
        """Held by whoever changes anything here."""
        return self.root / "manifests" / ".pixi-global.lock"

    @property
    def unfinished(self) -> Path:
        """Names of environments that a command is changing, as JSON; what is found there was interrupted."""
        return self.root / "manifests" / ".pixi-global.unfinished"

    @property
    def completions(self) -> Path:
        """Links to the completions of exposed programs, by shell."""
        return self.root / "completions"

    @property
    def shortcuts(self) -> Path:
        """Which menu entries were made for which environment, as JSON files."""
        return self.root / "shortcuts"

    def shortcut_scripts(self, environment: str) -> Path:
        """The scripts that menu entries of an environment start. Raises `UnsafePath`."""
        return self.shortcuts / "scripts" / safe_component(environment, what="environment name")
