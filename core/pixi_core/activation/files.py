"""Reads what a prefix says about its own activation."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..progress import SILENT, Reporter
from .compute import Activation, package_variables, path_entries, script_allowed

EXTENSIONS = {
    "bash": (".sh", ".bash"),
    "zsh": (".sh", ".zsh"),
    "fish": (".fish",),
    "xonsh": (".xsh",),
    "powershell": (".ps1",),
    "cmd": (".bat",),
    "nushell": (".nu",),
}
"""Scripts of packages that each shell runs."""


def package_scripts(prefix: Path, shell: str, *, folder: str = "activate.d") -> list[Path]:
    """The scripts of `etc/conda/<folder>` for a shell, sorted by file name."""
    try:
        found = sorted((prefix / "etc" / "conda" / folder).iterdir(), key=lambda path: path.name)
    except OSError:
        return []
    return [path for path in found if path.suffix.lower() in EXTENSIONS[shell]]


def read_activation(
    prefix: Path,
    *,
    scripts: Sequence[Path],
    env: Mapping[str, str],
    metadata: Mapping[str, str],
    windows: bool,
    shell: str | None = None,
    reporter: Reporter = SILENT,
) -> Activation:
    """The activation of a prefix for a shell (default: the operating system's own).

    Manifest scripts that are missing or have the wrong extension are left out with a warning. Raises `InputError`
    where a package's variables cannot be read.
    """
    usable = []
    for script in scripts:
        if not script_allowed(script, windows=windows):
            reporter.warning(f"the activation script {script} is not run: wrong extension for this operating system")
        elif not script.is_file():
            reporter.warning(f"the activation script {script} does not exist")
        else:
            usable.append(script)
    texts = [_text(path) for path in _json_files(prefix / "etc" / "conda" / "env_vars.d")]
    state = prefix / "conda-meta" / "state"
    variables = package_variables(texts, _text(state) if state.is_file() else None, source=prefix)
    own = shell or ("cmd" if windows else "bash")
    return Activation(
        prefix=prefix,
        path=path_entries(prefix),
        variables={**variables, **metadata, **own_executable()} if metadata else variables,
        scripts=(*package_scripts(prefix, own), *usable),
        env=dict(env),
        windows=windows,
    )


def own_executable() -> dict[str, str]:
    """`PIXI_EXE`, by which tasks call this very command; nothing where it is not installed as a program."""
    name = "pixi.exe" if os.name == "nt" else "pixi"
    program = os.path.join(os.path.dirname(sys.executable), name)
    return {"PIXI_EXE": program} if os.path.isfile(program) else {}


def _json_files(folder: Path) -> list[Path]:
    try:
        return sorted((p for p in folder.iterdir() if p.suffix == ".json"), key=lambda path: path.name)
    except OSError:
        return []


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8-sig")
