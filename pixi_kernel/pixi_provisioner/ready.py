"""From a target to a command line: the environment verified or installed, and the kernel's argv and variables.

Both doors use this, the provisioner (jupyter clients) and the launcher (clients which run a kernel spec's argv).
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pixi_core import trust
from pixi_core.errors import EnvironmentUnavailable
from pixi_core.progress import Reporter

from . import bootstrap
from .resolve import Target

FROZEN_MODULES = "-Xfrozen_modules=off"
"""What ipykernel's own kernel spec passes, so that the debugger can set breakpoints in the standard library."""

SERVER_VARIABLES = ("PYTHONHOME", "VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT", "__PYVENV_LAUNCHER__")
"""Variables that describe the server's Python and mislead another one (IPython adds the packages of `VIRTUAL_ENV`)."""


class Prepared(Protocol):
    """What `pixi_core.ops.prepare.prepare` returns, as far as a kernel needs it."""

    @property
    def prefix(self) -> Path:
        """The environment's folder."""

    @property
    def python(self) -> Path | None:
        """Its Python; None where it has none."""

    @property
    def has_ipykernel(self) -> bool:
        """Whether ipykernel is among its packages."""

    @property
    def lock_digest(self) -> str:
        """SHA-256 of the lock file."""

    @property
    def fast(self) -> bool:
        """Whether nothing had to be done."""

    def activated(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The variables of a process that runs activated, on top of `environ`."""


@dataclass(frozen=True, slots=True)
class Ready:
    """How to start the kernel of an environment.

    `argv` has `{connection_file}` in it. `encryption` is what the kernel declares of transport encryption, `language`
    its language, `extra` the variables that a kernel spec of the environment sets.
    """

    argv: tuple[str, ...]
    prepared: Prepared
    encryption: tuple[str, ...] = ()
    language: str = "python"
    extra: tuple[tuple[str, str], ...] = ()

    def start(self, base: Mapping[str, str], connection_file: str) -> tuple[list[str], dict[str, str]]:
        """The command line and the variables of the kernel process, for a server whose variables are `base`.

        May run activation scripts (their effect is remembered).
        """
        cleaned = {name: value for name, value in base.items() if name not in SERVER_VARIABLES}
        environ = self.prepared.activated(cleaned)
        environ.update(self.extra)
        words = [word.replace("{connection_file}", connection_file) for word in self.argv]
        # a bare program name is looked up on the environment's PATH: the server's would decide otherwise
        words[0] = shutil.which(words[0], path=environ.get("PATH")) or words[0]
        return words, environ


def make_ready(
    target: Target,
    *,
    mode: str = "auto",
    reporter: Reporter,
    should_stop: Callable[[], bool] | None = None,
    prepare: Callable[..., Prepared] | None = None,
) -> Ready:
    """Verify the environment of `target`, or lock and install it; then say how to start its kernel.

    `mode` is `auto`, `locked` or `frozen`. `prepare` stands in for the core's own use case. Raises `PixiError`.
    """
    prepared = (prepare or _core_prepare)(
        target.workspace, target.environment, mode=mode, reporter=reporter, should_stop=should_stop
    )
    # what was solved just now comes from an approved manifest; without an approval this does nothing
    trust.renew(target.workspace)
    if prepared.python is None or not prepared.python.exists():
        return _other_language(target, prepared)
    overlay: Path | None = None
    if not prepared.has_ipykernel:
        # lazy: an environment with its own ipykernel never pays for this
        from .overlay import ensure_overlay

        overlay = ensure_overlay(
            prepared.python,
            lock_digest=prepared.lock_digest,
            workspace=target.workspace,
            environment=target.environment,
            reporter=reporter,
            should_stop=should_stop,
        )
    argv = python_argv(target, prepared.python, overlay)
    return Ready(tuple(argv), prepared, declared_encryption(overlay or prepared.prefix))


def _core_prepare(*words: Any, **options: Any) -> Prepared:
    from pixi_core.ops.prepare import prepare

    return prepare(*words, **options)


def python_argv(target: Target, python: Path, overlay: Path | None) -> list[str]:
    """The command line that starts the environment's Python with our bootstrap."""
    import pixi_magics

    manifest = str(target.workspace.manifest_path)
    argv = [str(python), FROZEN_MODULES, os.path.abspath(bootstrap.__file__), "--core", sys.executable]
    argv += ["--magics", os.path.dirname(os.path.abspath(pixi_magics.__file__)), "--manifest", manifest]
    argv += ["--environment", target.environment]
    if overlay is not None:
        argv += ["--overlay", str(overlay)]
    return [*argv, "-f", "{connection_file}"]


def declared_encryption(folder: Path) -> tuple[str, ...]:
    """The transport encryption which the ipykernel below `folder` (a prefix or an overlay) says that it supports."""
    for spec in _kernel_specs(folder):
        if spec.get("language") == "python":
            declared = (spec.get("metadata") or {}).get("supported_encryption") or ()
            return (declared,) if isinstance(declared, str) else tuple(str(name) for name in declared)
    return ()


def _other_language(target: Target, prepared: Prepared) -> Ready:
    """The kernel of an environment without Python: the first kernel spec that its packages bring."""
    for spec in _kernel_specs(prepared.prefix):
        argv = spec.get("argv")
        if isinstance(argv, list) and argv:
            places = {"{prefix}": str(prepared.prefix), "{resource_dir}": str(spec["resource_dir"])}
            words = [str(word) for word in argv]
            for name, value in places.items():
                words = [word.replace(name, value) for word in words]
            extra = tuple((str(name), str(value)) for name, value in (spec.get("env") or {}).items())
            return Ready(tuple(words), prepared, language=str(spec.get("language", "")), extra=extra)
    raise EnvironmentUnavailable(
        f"environment '{target.environment}' of {target.workspace.manifest_path} has neither Python nor another kernel",
        hints=["add one: `pixi add python`"],
    )


def _kernel_specs(folder: Path) -> list[dict[str, Any]]:
    """The kernel specs below a prefix, `python3` first; each with its folder as `resource_dir`."""
    found = []
    kernels = folder / "share" / "jupyter" / "kernels"
    paths = sorted(kernels.glob("*/kernel.json"), key=lambda path: (path.parent.name != "python3", path.parent.name))
    for path in paths:
        try:
            spec = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(spec, dict):
            found.append({**spec, "resource_dir": str(path.parent)})
    return found
