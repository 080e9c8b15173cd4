"""Pythons of the machine, for host environments.

The interpreter that runs us comes first and is known without starting anything; others are asked, each once per
process, in the order in which a user would expect them: the `PATH`, pyenv, the usual folders.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import EnvironmentUnavailable
from ..value import Value

if TYPE_CHECKING:
    from ..model.version_spec import VersionSpec

MINIMUM = (3, 8)
_PROBE_TIMEOUT = 20
_NAME = re.compile(r"python(?:3(?:\.\d+)?)?(?:\.exe)?\Z")
_PROBE = (
    "import json,os,platform,sys,sysconfig as s;"
    "b=getattr(sys,'_base_executable',None) or sys.executable;"
    "print(json.dumps(dict(path=os.path.realpath(b) if os.name!='nt' else b,version=platform.python_version(),"
    "implementation=sys.implementation.name,base_prefix=sys.base_prefix,"
    "free_threaded=bool(s.get_config_var('Py_GIL_DISABLED')),platform=s.get_platform(),is64=sys.maxsize>2**32)))"
)


class Interpreter(Value, kw_only=True):
    """A Python of the machine: `path` of its real executable, full `version` (`3.11.7`), and what tells builds apart
    (`platform` is that of `sysconfig.get_platform`).
    """

    path: str
    version: str
    implementation: str = "cpython"
    base_prefix: str = ""
    free_threaded: bool = False
    platform: str = ""
    is64: bool = True

    @property
    def short(self) -> str:
        """`3.11`."""
        return ".".join(self.version.split(".")[:2])

    def to_json(self) -> dict[str, Any]:
        """Every field, as data."""
        return self.as_dict()


Probe = Callable[[str], "Interpreter | None"]


def running_interpreter() -> Interpreter:
    """The one that runs us, or the one that its virtual environment was made from."""
    import platform

    base = getattr(sys, "_base_executable", None) or sys.executable
    return Interpreter(
        path=base if os.name == "nt" else _base_of(base),
        version=platform.python_version(),
        implementation=sys.implementation.name,
        base_prefix=sys.base_prefix,
        free_threaded=bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        platform=sysconfig.get_platform(),
        is64=sys.maxsize > 2**32,
    )


def _base_of(executable: str) -> str:
    """The real file; a link to a link to Python would break with any of them."""
    return os.path.realpath(executable)


def probe_interpreter(path: str) -> Interpreter | None:
    """Ask an executable what it is; None where it is no usable Python."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    try:
        done = subprocess.run(
            [path, "-B", "-I", "-S", "-c", _PROBE],
            capture_output=True,
            text=True,
            timeout=_PROBE_TIMEOUT,
            env=environ,
            check=False,
        )
        return Interpreter(**json.loads(done.stdout)) if done.returncode == 0 else None
    except (OSError, ValueError, TypeError, subprocess.SubprocessError):
        return None


def find_interpreters(
    environ: Mapping[str, str] = os.environ,
    *,
    probe: Probe = probe_interpreter,
    running: Callable[[], Interpreter] = running_interpreter,
    folders: tuple[str, ...] = ("/usr/local/bin", "/usr/bin"),
) -> Iterator[Interpreter]:
    """Every usable Python, the running one first; lazily, so that asking stops with the first that will do."""
    first = running()
    seen = {os.path.realpath(first.path)}
    if _is_usable(first):
        yield first
    for path in _candidates(environ, folders):
        real = os.path.realpath(path)
        if real in seen:
            continue
        seen.add(real)
        found = probe(path)
        if found is None or not _is_usable(found):
            continue
        base = os.path.realpath(found.path)
        if base != real and base in seen:
            continue  # a virtual environment of one that was told before
        seen.add(base)
        yield found


def _is_usable(interpreter: Interpreter) -> bool:
    numbers = tuple(int(part) for part in interpreter.short.split(".") if part.isdecimal())
    return len(numbers) == 2 and numbers >= MINIMUM


def _candidates(environ: Mapping[str, str], folders: tuple[str, ...]) -> Iterator[str]:
    """Executables that are called like a Python."""
    explicit = environ.get("PIXI_HOST_PYTHON")
    if explicit:
        yield explicit
    path = [folder for folder in environ.get("PATH", "").split(os.pathsep) if folder]
    for folder in path:
        # a shim starts whatever its own rules choose: the real ones stand below `versions`
        if not folder.rstrip("/").endswith("/shims"):
            yield from _pythons_in(folder)
    root = environ.get("PYENV_ROOT") or os.path.join(environ.get("HOME", ""), ".pyenv")
    versions = Path(root) / "versions"
    if versions.is_dir():
        for version in sorted(versions.iterdir(), key=lambda one: _numbers(one.name), reverse=True):
            yield from _pythons_in(str(version / "bin"))
    for folder in folders:
        yield from _pythons_in(folder)


def _pythons_in(folder: str) -> Iterator[str]:
    try:
        names = sorted(os.listdir(folder), key=lambda name: (_numbers(name), name), reverse=True)
    except OSError:
        return
    for name in names:
        if _NAME.match(name) and os.access(os.path.join(folder, name), os.X_OK):
            yield os.path.join(folder, name)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text))


def choose_interpreter(
    requirement: VersionSpec | None,
    *,
    environ: Mapping[str, str] = os.environ,
    prefer: Interpreter | None = None,
    probe: Probe = probe_interpreter,
    running: Callable[[], Interpreter] = running_interpreter,
) -> Interpreter:
    """The first Python that satisfies the manifest's `python` requirement.

    `prefer` (the one that the environment has, see `host.current_interpreter`) wins where it does, so that an
    environment keeps its Python whoever installs into it. Raises `EnvironmentUnavailable`, naming those found.
    """
    if prefer is not None and _satisfies(prefer, requirement):
        return prefer
    explicit = environ.get("PIXI_HOST_PYTHON")
    if explicit:
        found = probe(explicit)
        if found is not None and _satisfies(found, requirement):
            return found
    seen = []
    for interpreter in find_interpreters(environ, probe=probe, running=running):
        if _satisfies(interpreter, requirement):
            return interpreter
        seen.append(f"{interpreter.version} ({interpreter.path})")
    raise EnvironmentUnavailable(
        f"no Python on this machine satisfies python {requirement}; found: {', '.join(seen) or 'none'}",
        hints=[
            "install one of that version, or change the `python` requirement",
            "or add a conda channel, from which python can be installed",
        ],
    )


def _satisfies(interpreter: Interpreter, requirement: VersionSpec | None) -> bool:
    return requirement is None or requirement.matches(interpreter.version)
