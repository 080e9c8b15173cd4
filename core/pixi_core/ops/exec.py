"""`pixi exec`: a program from packages that no workspace has, in an environment that is kept in the cache.

Each set of packages, channels and platform has a folder of its own below `cached-envs-v0`, which is a small workspace:
locking, installing and recognising it again work as for any other.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..progress import SILENT, Reporter

if TYPE_CHECKING:
    from ..model.match_spec import MatchSpec
    from ..workspace import Services, Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecEnvironment:
    """A ready environment: its workspace, and the variables of a program in it."""

    workspace: Workspace
    variables: dict[str, str]


def exec_specs(command: Sequence[str], specs: Sequence[str], with_specs: Sequence[str]) -> list[MatchSpec]:
    """What to install: `specs` as they are, else the package named like the command, with `with_specs` beside it.

    Raises `SpecError`, `UsageError` where there is neither.
    """
    from ..model.match_spec import parse_match_spec

    texts = [*specs, *with_specs]
    if not specs and command:
        guessed = re.sub(r"[^a-z0-9_.-]", "", Path(command[0]).name.lower())
        texts = [guessed, *with_specs]
    if not texts:
        raise UsageError("there is nothing to run", hints=["name a program, or packages with --spec"])
    found = [parse_match_spec(text) for text in texts]
    for text, spec in zip(texts, found, strict=True):
        if not spec.name:
            raise UsageError(f"'{text}' names no package")
    return found


def exec_environment(
    services: Services,
    specs: Sequence[MatchSpec],
    *,
    channels: Sequence[str] = (),
    platform: str | None = None,
    fresh: bool = False,
    folder: Path,
    reporter: Reporter = SILENT,
) -> ExecEnvironment:
    """Find or make the environment. `folder` is what relative channels are relative to; `fresh` makes it anew.

    Raises whatever locking and installing raise.
    """
    from ..model.channel import channel as parse_channel
    from ..virtual import host_subdir

    chosen = [parse_channel(text, root=folder).url for text in channels or services.config.default_channels]
    wanted = platform or str(host_subdir(services.environ))
    home = services.dirs.exec_environments / _folder_name(specs, chosen, wanted, offline=services.offline)
    return cached_environment(services, home, _manifest(specs, chosen, wanted), fresh=fresh, reporter=reporter)


def cached_environment(
    services: Services,
    home: Path,
    manifest: str,
    *,
    fresh: bool = False,
    lock: Path | None = None,
    mode: str = "auto",
    reporter: Reporter = SILENT,
) -> ExecEnvironment:
    """The environment of the workspace in the cache folder `home`, whose manifest is (or becomes) this text.

    The file `lock`, where it exists, is its lock file, and follows it. Raises whatever locking and installing raise.
    """
    from ..activation.run_scripts import activate
    from ..fs import FileLock, atomic_write, ensure_dir, remove_tree
    from ..workspace import Workspace
    from .prepare import prepare

    with FileLock(home.with_name(f"{home.name}.lock"), on_wait=lambda who: reporter.message(f"waiting for {who}")):
        if fresh and home.exists():
            remove_tree(home)
        path = ensure_dir(home) / "pixi.toml"
        if not path.is_file() or path.read_text(encoding="utf-8") != manifest:
            atomic_write(path, manifest)
        shared = lock is not None and lock.is_file()
        if lock is not None and shared:
            atomic_write(home / "pixi.lock", lock.read_text(encoding="utf-8"))
        try:
            workspace = Workspace.open(path, environ=_outside(services.environ))
            workspace.configure(reporter=reporter)
            ready = prepare(workspace, "default", mode=mode, reporter=reporter)
        except BaseException:
            if not (home / "pixi.lock").exists():
                remove_tree(home)  # a guess that names no package leaves nothing behind
            raise
        if lock is not None and shared and (workspace.lock_text() or "") != lock.read_text(encoding="utf-8"):
            atomic_write(lock, workspace.lock_text() or "")
    # a program in a throw-away environment is in no workspace: its parent's stays what it was
    variables = activate(
        ready.prefix,
        scripts=[],
        env={},
        base_env=services.environ,
        metadata={"CONDA_DEFAULT_ENV": str(ready.prefix)},
        cache_dir=workspace.pixi_dir / "activation-env-v0",
    )
    return ExecEnvironment(workspace=workspace, variables=variables)


def _outside(environ: Mapping[str, str]) -> dict[str, str]:
    """Without the marks of an active pixi shell."""
    return {name: value for name, value in environ.items() if not name.startswith(("PIXI_PROJECT_", "PIXI_IN_SHELL"))}


def _folder_name(specs: Sequence[MatchSpec], channels: Sequence[str], platform: str, *, offline: bool) -> str:
    """The names, for people, and a hash of everything."""
    said = json.dumps([sorted(map(str, specs)), list(channels), platform, offline])
    digest = hashlib.sha256(said.encode()).hexdigest()[:16]
    names = "-".join(sorted(re.sub(r"[^a-z0-9_.-]", "", spec.name or "") for spec in specs))[:60].strip("-.")
    return f"{names}-{digest}" if names else digest


def _manifest(specs: Sequence[MatchSpec], channels: Sequence[str], platform: str) -> str:
    from ..manifest.edit import ManifestEditor
    from ..manifest.new import new_manifest

    editor = ManifestEditor(new_manifest(name="exec", channels=channels, platforms=[platform]))
    for spec in specs:
        editor.add_conda(spec.name or "", spec)
    return editor.text
