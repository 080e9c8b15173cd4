"""Kernel support for environments which have no ipykernel: ipykernel and what it needs, outside manifest and lock.

The support files are chosen for the environment's own Python and in agreement with what the environment has installed,
then put into a folder of the cache that is named after its contents:

    <cache>/kernels/<digest of the choice>/       top-level packages, as in site-packages; `.complete` when whole
    <cache>/kernels/for/<digest of environment>   which of those folders an environment uses

The bootstrap appends that folder to `sys.path`, behind everything that the environment has. Where the server's own
Python is of the same version, and its ipykernel fits, the folder holds links to that; otherwise the files are resolved
and fetched from the package index.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pixi_core.cache.entry import LOCKS
from pixi_core.errors import EnvironmentUnavailable, PixiError
from pixi_core.fs import FileLock, atomic_write, link_file, remove_tree
from pixi_core.ops.admission import admit
from pixi_core.ops.fetching import fetch_packages
from pixi_core.progress import Reporter
from pixi_core.workspace import Workspace

from .support_files import SupportFile, files_of_server, files_of_wheels

if TYPE_CHECKING:
    from pixi_core.model.record import PypiRecord

REQUIREMENT = "ipykernel>=6.20"
COMPLETE = ".complete"

_QUESTION = """
import importlib.metadata, json, platform, sys, sysconfig
found = {}
for distribution in importlib.metadata.distributions():
    name = distribution.metadata["Name"]
    if name and name not in found:
        found[name] = distribution.version
print(json.dumps({"version": platform.python_version(), "implementation": sys.implementation.name,
                  "suffix": sysconfig.get_config_var("EXT_SUFFIX") or "", "installed": found}))
"""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """An environment's Python: its version, what its extension modules are called, and what is installed for it."""

    version: str
    implementation: str
    suffix: str
    installed: Mapping[str, str]


def ensure_overlay(
    python: Path,
    *,
    lock_digest: str,
    workspace: Workspace,
    environment: str,
    reporter: Reporter,
    should_stop: Callable[[], bool] | None = None,
) -> Path:
    """The folder of support files for an environment, made when it is not there yet.

    An environment that was seen before with this lock costs one small read. Raises `Unsatisfiable` where no ipykernel
    fits what the environment has, `NetworkError`, `EnvironmentUnavailable` where its Python does not start.
    """
    root = workspace.services.dirs.kernels
    memory = root / "for" / _key(str(workspace.prefix(environment)), lock_digest, str(_identity(python)))
    known = _remembered(root, memory)
    if known is not None:
        return known
    with reporter.phase("kernel", detail="ipykernel") as phase:
        interpreter = ask_interpreter(python)
        files = files_of_server(interpreter)
        if files is None:
            records = _resolve(interpreter, workspace, environment, reporter, should_stop)
            admit(workspace.services, (), records, whole=False)
            fetched = fetch_packages(workspace.services, (), records, reporter=reporter, should_stop=should_stop)
            files = files_of_wheels(fetched.wheel(record) for record in records)
        folder = build_overlay(root, files)
        phase.finish("kernel support ready")
    memory.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(memory, folder.name)
    return folder


def ask_interpreter(python: Path) -> Interpreter:
    """What an environment's Python says of itself. Raises `EnvironmentUnavailable`."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    try:
        answer = subprocess.run(
            [str(python), "-s", "-c", _QUESTION], capture_output=True, text=True, env=environ, timeout=60, check=True
        )
        told = json.loads(answer.stdout)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise EnvironmentUnavailable(
            f"the environment's Python {python} does not run: {error}",
            hints=["make the environment again: delete its folder, then `pixi install`"],
        ) from error
    return Interpreter(told["version"], told["implementation"], told["suffix"], told["installed"])


def build_overlay(root: Path, files: list[SupportFile]) -> Path:
    """A folder below `root` that holds `files`; the same list gives the same folder, made once."""
    names = "\n".join(sorted(f"{file.target}\0{file.identity}" for file in files))
    folder = root / hashlib.sha256(names.encode()).hexdigest()[:24]
    if _is_whole(folder):
        return folder
    with FileLock(root / LOCKS / folder.name):
        if _is_whole(folder):
            return folder
        work = root / f".tmp-{folder.name}"
        remove_tree(work)  # what a killed process left; its name is fixed so that the next one finds it
        remove_tree(folder)
        try:
            for file in files:
                target = work / file.target
                target.parent.mkdir(parents=True, exist_ok=True)
                _place(file, target)
            atomic_write(work / COMPLETE, f"{len(files)} files\n")
            work.rename(folder)
        finally:
            remove_tree(work)
    return folder


def _place(file: SupportFile, target: Path) -> None:
    if file.linked:
        try:
            target.symlink_to(file.source, target_is_directory=file.source.is_dir())
        except OSError:
            # a system where links need a privilege
            copy = shutil.copytree if file.source.is_dir() else shutil.copyfile
            copy(file.source, target)
    else:
        link_file(file.source, target)


def _resolve(
    interpreter: Interpreter,
    workspace: Workspace,
    environment: str,
    reporter: Reporter,
    should_stop: Callable[[], bool] | None,
) -> tuple[PypiRecord, ...]:
    """Choose ipykernel and its dependencies for that Python; what the environment has installed is held fixed."""
    from pixi_core.model.pypi_requirement import parse_requirement
    from pixi_core.model.pypi_target import PypiTarget
    from pixi_core.ops.installing import choose_platform
    from pixi_core.pypi.resolve import resolve

    merged = workspace.manifest.environment(environment)
    policy = workspace.services.policy
    options = policy.pypi_options(merged.pypi_options)
    try:
        policy.require_lock("ipykernel, which the environment lacks")
        return tuple(
            resolve(
                [parse_requirement(REQUIREMENT)],
                target=PypiTarget.for_platform(choose_platform(workspace, merged), interpreter.version),
                index=workspace.services.index(options),
                options=options,
                conda_provided={},
                locked=(),
                constraints=[parse_requirement(f"{name}=={version}") for name, version in _fixed(interpreter)],
                reporter=reporter,
                should_stop=should_stop,
            )
        )
    except PixiError as error:
        error.add_note(f"while choosing ipykernel for environment '{environment}', which has none")
        error.hints = (*error.hints, "or give the environment its own: `pixi add ipykernel`")
        raise


def _fixed(interpreter: Interpreter) -> list[tuple[str, str]]:
    """What is installed, as constraints; a version which is not one (a broken installation) constrains nothing."""
    from packaging.version import InvalidVersion, Version

    fixed = []
    for name, version in sorted(interpreter.installed.items()):
        try:
            fixed.append((name, Version(version).public))
        except InvalidVersion:
            continue
    return fixed


def _identity(python: Path) -> tuple[str, int]:
    """The real interpreter behind a path: a host environment's link may come to lead to another one."""
    real = python.resolve()
    return str(real), real.stat().st_mtime_ns


def _remembered(root: Path, memory: Path) -> Path | None:
    try:
        folder = root / Path(memory.read_text(encoding="utf-8").strip()).name
    except OSError:
        return None
    return folder if _is_whole(folder) else None


def _is_whole(folder: Path) -> bool:
    """Whether it was finished, and whatever it links to (the server's installation) is there still."""
    try:
        return (folder / COMPLETE).is_file() and all(entry.exists() for entry in folder.iterdir())
    except OSError:
        return False


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:24]
