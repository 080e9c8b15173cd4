"""What is known of a prefix that agrees with its lock file, and the note by which it is recognised the next time.

The fast path reads one small JSON file, `.pixi/prepared-v1/<environment>.json`, which says for which manifest, lock
file and prefix fingerprint the environment was last found good. It needs no YAML, no TOML and no child process.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InstallError
from ..install.fingerprint import stamp
from ..names import safe_component
from ..value import Value
from . import notes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..model.platform import Platform
    from ..workspace import Workspace
    from .installing import Installation


class Ready(Value, kw_only=True):
    """A prefix that agrees with the lock file.

    `python` is its interpreter (None where the environment has none), `activation` what activating needs to know.
    `fast` says that nothing had to be done or even read beyond digests.
    """

    workspace: Workspace
    environment: str
    platform: str
    prefix: Path
    python: Path | None
    has_ipykernel: bool
    lock_digest: str
    activation: dict[str, Any]
    fast: bool
    installation: Installation | None = None

    def to_json(self) -> dict[str, Any]:
        """The part of a result event about installing; an empty transaction where nothing was installed."""
        if self.installation is not None:
            return self.installation.to_json()
        from ..install.execute import Outcome

        return {
            "environment": self.environment,
            "prefix": str(self.prefix),
            "platform": self.platform,
            "transaction": Outcome().to_json(),
        }

    @property
    def variables(self) -> dict[str, str]:
        """The full environment of an activated child of this process."""
        return self.activated(os.environ)

    @property
    def settings(self) -> dict[str, str]:
        """`activation.env`, with what `activation.dotenv` files say now. Raises `InputError`, `TaskError`."""
        from ..activation.dotenv import with_dotenv

        return with_dotenv(self.workspace.root, self.activation.get("dotenv", ()), self.activation["env"])

    def activated(self, environ: Mapping[str, str], *, clean: bool = False, fresh: bool = False) -> dict[str, str]:
        """The full environment of a process that runs activated, on top of `environ`; with `fresh` what earlier runs of
        the scripts gave is not believed.
        """
        from ..activation.run_scripts import activate

        return activate(
            self.prefix,
            scripts=[self.workspace.root / script for script in self.activation["scripts"]],
            env=self.settings,
            base_env=dict(environ),
            metadata=self.activation["metadata"],
            cache_dir=None if fresh or self.activation.get("always") else self.workspace.pixi_dir / "activation-env-v0",
            clean=clean,
        )


def describe(
    workspace: Workspace,
    name: str,
    installation: Installation | None = None,
    *,
    agrees: bool = True,
    settled: bool = False,
) -> Ready:
    """Look at an installed prefix, and leave the note that makes the next look fast; no note where the lock file that
    was installed does not agree with the manifest (`--frozen`): the next look must find that out. `settled` says that
    installing again would compare nothing beside manifest, lock file, prefix and machine.
    """
    from .installing import choose_platform

    environment = workspace.manifest.environment(workspace.environment_name(name))
    platform = choose_platform(workspace, environment) if installation is None else installation.platform
    prefix = workspace.prefix(name)
    ready = Ready(
        workspace=workspace,
        environment=name,
        platform=platform.name,
        prefix=prefix,
        python=_python(prefix),
        has_ipykernel=_has_ipykernel(prefix),
        lock_digest=workspace.pair.digests()[1],
        activation=activation_of(workspace, name, platform),
        fast=False,
        installation=installation,
    )
    if installation is not None and agrees:
        _write_note(ready, settled=settled)
    return ready


def activation_of(workspace: Workspace, name: str, platform: Platform) -> dict[str, Any]:
    """What the manifest says about activating, whether its scripts run each time (`always`), and the `PIXI_*` variables
    of the environment.
    """
    from ..activation.compute import metadata_variables

    manifest = workspace.manifest
    environment = manifest.environment(workspace.environment_name(name))
    scripts, env = environment.activation(platform)
    return {
        "scripts": list(scripts),
        "env": dict(env),
        "dotenv": list(environment.dotenv(platform)),
        "always": workspace.config.force_activate,
        "metadata": metadata_variables(
            root=workspace.root,
            manifest_path=workspace.manifest_path,
            name=manifest.name,
            version=manifest.version,
            environment=name,
            platforms=[platform.name for platform in environment.platforms],
        ),
    }


# ---------------------------------------------------------------- the note


def _note_name(name: str) -> str:
    return f"{safe_component(name, what='environment name')}.json"


def read_ready(workspace: Workspace, name: str, *, as_it_was: bool = False, settled: bool = False) -> Ready | None:
    """The environment as the note describes it; None where there is no note or anything changed since.

    With `as_it_was` changes since then do not matter: a running kernel still has those variables. With `settled` not
    only the fingerprint of the prefix must be the same, but all that `pixi install` would compare with the lock file.
    """
    try:
        note = notes.read(workspace.pixi_dir, _note_name(name))
        if note is None:
            return None
        prefix = Path(note["prefix"])
        state = note["state"]
        if workspace.platform_name not in (None, note["platform"]):
            return None
        if not as_it_was and (state != notes.state(workspace.manifest_path, prefix) or not state["prefix"]):
            return None
        if not as_it_was and not notes.sources_hold(note):
            return None
        if settled and (prefix != workspace.prefix(name) or note["settled"] != _settled_state(workspace, prefix)):
            return None
        python = Path(note["python"]) if note["python"] else None
        if python is not None and not python.exists():
            return None
        return Ready(
            workspace=workspace,
            environment=name,
            platform=note["platform"],
            prefix=prefix,
            python=python,
            has_ipykernel=note["has_ipykernel"],
            lock_digest=note["state"]["lock"],
            activation=note["activation"],
            fast=True,
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _settled_state(workspace: Workspace, prefix: Path) -> list[str]:
    return [notes.machine(workspace.environ), stamp(prefix)]


def _write_note(ready: Ready, *, settled: bool) -> None:
    from ..fs import atomic_write

    path = ready.workspace.pixi_dir / notes.FOLDER / _note_name(ready.environment)
    note = {
        "state": notes.state(ready.workspace.manifest_path, ready.prefix),
        "settled": _settled_state(ready.workspace, ready.prefix) if settled else None,
        "sources": ready.installation.sources if ready.installation is not None else (),
        "prefix": str(ready.prefix),
        "platform": ready.platform,
        "python": str(ready.python) if ready.python else "",
        "has_ipykernel": ready.has_ipykernel,
        "activation": ready.activation,
    }
    # without its note the next command only looks longer; another one may be approving the workspace, and drops notes
    with suppress(InstallError):
        atomic_write(path, json.dumps(note) + "\n", fsync=False)


def _python(prefix: Path) -> Path | None:
    for candidate in (prefix / "bin" / "python", prefix / "python.exe", prefix / "Scripts" / "python.exe"):
        if candidate.exists():
            return candidate
    return None


def _has_ipykernel(prefix: Path) -> bool:
    """Whether the environment itself holds an ipykernel, by the folders that Python would search."""
    patterns = ("lib/python*/site-packages/ipykernel/__init__.py", "Lib/site-packages/ipykernel/__init__.py")
    return any(True for pattern in patterns for _ in prefix.glob(pattern))
