"""Host environments: a prefix around a Python of the machine, laid out like a virtual environment (PEP 405).

`pyvenv.cfg` says where the interpreter is; `conda-meta/` holds the same markers as in other environments, and
`conda-meta/pixi-interpreter` what the interpreter was like, so that one which was upgraded, moved or removed is
noticed. No pip is put in: packages come from the lock file.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import EnvironmentUnavailable
from ..fs import translated
from ..progress import SILENT, Reporter
from .conda_meta import replace_file
from .fingerprint import META_FOLDER
from .interpreters import Interpreter, choose_interpreter, find_interpreters, probe_interpreter
from .lock import prefix_lock
from .prefix import read_pyvenv

INTERPRETER_FILE = "pixi-interpreter"

__all__ = [
    "Interpreter",
    "choose_interpreter",
    "create_host_prefix",
    "current_interpreter",
    "find_interpreters",
    "interpreter_problem",
    "probe_interpreter",
    "recorded_interpreter",
]


def create_host_prefix(
    prefix: Path,
    interpreter: Interpreter,
    *,
    reporter: Reporter = SILENT,
    should_stop: Callable[[], bool] | None = None,
) -> bool:
    """Make (or put right) a prefix around an interpreter; nothing is written where it is right already. Returns whether
    something was. Raises `InstallError`, `Cancelled` when told to stop while somebody else works on it.
    """
    if is_current(prefix, interpreter):
        return False
    with prefix_lock(prefix, reporter=reporter, should_stop=should_stop):
        try:
            if os.name == "nt":
                _make_windows(prefix, interpreter)
            else:
                _make_unix(prefix, interpreter)
            settings = "".join(f"{key} = {value}\n" for key, value in pyvenv_settings(interpreter).items())
            content = json.dumps({**interpreter.to_json(), **_stamp(interpreter.path)}, indent=2) + "\n"
            replace_file(prefix / META_FOLDER / INTERPRETER_FILE, content.encode())
            # last: it makes the folder an environment
            replace_file(prefix / "pyvenv.cfg", settings.encode())
        except OSError as error:
            raise translated(error, prefix) from error
    return True


def pyvenv_settings(interpreter: Interpreter) -> dict[str, str]:
    """What `pyvenv.cfg` says: the keys which Python itself and virtualenv write."""
    return {
        "home": str(Path(interpreter.path).parent),
        "implementation": interpreter.implementation,
        "include-system-site-packages": "false",
        "version": interpreter.version,
        "version_info": interpreter.version,
        "executable": interpreter.path,
        "base-prefix": interpreter.base_prefix,
    }


def is_current(prefix: Path, interpreter: Interpreter) -> bool:
    """Whether the prefix stands around this very interpreter, unchanged since."""
    if read_pyvenv(prefix) != pyvenv_settings(interpreter):
        return False
    stored = recorded_interpreter(prefix)
    if {key: stored.get(key) for key in ("size", "modified")} != _stamp(interpreter.path):
        return False
    return (prefix / _executable()).exists() and (
        os.name == "nt" or all(_leads_to(prefix / place, target) for place, target in _links(interpreter).items())
    )


def current_interpreter(prefix: Path) -> Interpreter | None:
    """The interpreter that a host environment stands around; None where there is none, or it changed since."""
    stored = recorded_interpreter(prefix)
    if not stored or interpreter_problem(prefix) is not None:
        return None
    try:
        return Interpreter(**{key: value for key, value in stored.items() if key not in ("size", "modified")})
    except TypeError:
        return None


def recorded_interpreter(prefix: Path) -> Mapping[str, Any]:
    """What was noted about the interpreter when the prefix was made; empty where there is no such note."""
    try:
        data = json.loads((prefix / META_FOLDER / INTERPRETER_FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def interpreter_problem(prefix: Path) -> str | None:
    """What is wrong with the interpreter of a host environment (gone, or another file than it was); None where nothing
    is. Costs two `stat` calls: a kernel may ask at every start.
    """
    stored = recorded_interpreter(prefix)
    path = stored.get("path")
    if not isinstance(path, str):
        return None
    if not os.path.exists(path):
        return f"the interpreter {path} of {prefix} is gone"
    if {key: stored.get(key) for key in ("size", "modified")} != _stamp(path):
        return f"the interpreter {path} of {prefix} was replaced since the environment was made"
    return None


def _stamp(path: str) -> dict[str, int]:
    status = os.stat(path)
    return {"size": status.st_size, "modified": status.st_mtime_ns}


def _executable() -> str:
    return "Scripts/python.exe" if os.name == "nt" else "bin/python"


def _make_unix(prefix: Path, interpreter: Interpreter) -> None:
    if not os.access(interpreter.path, os.X_OK):
        raise EnvironmentUnavailable(f"the interpreter {interpreter.path} cannot be executed")
    (prefix / "bin").mkdir(parents=True, exist_ok=True)
    (prefix / "lib" / f"python{interpreter.short}" / "site-packages").mkdir(parents=True, exist_ok=True)
    for place, target in _links(interpreter).items():
        _link(prefix / place, target)
    for old in (prefix / "bin").glob("python3.*"):
        # of the Python that was here before
        if old.name != f"python{interpreter.short}" and old.is_symlink() and os.readlink(old) == "python":
            old.unlink()


def _links(interpreter: Interpreter) -> dict[str, str]:
    """Every symbolic link of a prefix, and where it leads."""
    links = {"bin/python": interpreter.path, "bin/python3": "python", f"bin/python{interpreter.short}": "python"}
    # distributions which patch Python look for compiled modules there
    return {**links, "lib64": "lib"} if interpreter.is64 and os.path.isdir("/usr/lib64") else links


def _leads_to(place: Path, target: str) -> bool:
    return place.is_symlink() and os.readlink(place) == target


def _link(place: Path, target: str) -> None:
    """A symbolic link, replaced in one step: a kernel may be starting through the old one. A folder stays."""
    if _leads_to(place, target) or (place.is_dir() and not place.is_symlink()):
        return
    working = place.with_name(f".{place.name}.writing")
    working.unlink(missing_ok=True)
    working.symlink_to(target)
    working.replace(place)


def _make_windows(prefix: Path, interpreter: Interpreter) -> None:
    """Windows has no links for everybody: the launchers that come with Python's own `venv` are copied."""
    scripts = prefix / "Scripts"
    scripts.mkdir(parents=True, exist_ok=True)
    (prefix / "Lib" / "site-packages").mkdir(parents=True, exist_ok=True)
    folder = Path(interpreter.base_prefix) / "Lib" / "venv" / "scripts" / "nt"
    for name, launchers in (
        ("python.exe", ("venvlauncher.exe", "python.exe")),
        ("pythonw.exe", ("venvwlauncher.exe", "pythonw.exe")),
    ):
        source = next((folder / one for one in launchers if (folder / one).exists()), None)
        if source is None:
            raise EnvironmentUnavailable(f"{interpreter.path} has no launchers for virtual environments in {folder}")
        shutil.copyfile(source, scripts / name)
