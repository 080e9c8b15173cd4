"""The environment variables of an activated process: computed, or asked of a shell once and remembered.

Where no script has a say the result is computed here. Otherwise one bash (or cmd) runs them all and its final
environment is read back. What it changed is kept in `<cache_dir>/activation_<environment>.json`, under a hash of
everything that went in, with the outer values of all variables that the scripts mention or change.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import TaskError
from ..names import safe_component
from ..progress import SILENT, Reporter
from . import quote
from .compute import Activation, before_scripts, clean_environment, expanded, mentioned, needs_shell, path_key
from .files import read_activation

ShellRunner = Callable[[Sequence[str], Mapping[str, str]], bytes]
"""Runs a command line in an environment and returns its stdout; raises `TaskError`."""

_VOLATILE = frozenset({"_", "SHLVL", "PWD", "OLDPWD", "BASH_EXECUTION_STRING"})
_DUMP = "import json,os,sys;sys.stdout.write(json.dumps(dict(os.environ)))"


def activate(
    prefix: Path,
    *,
    scripts: Sequence[Path],
    env: Mapping[str, str],
    base_env: Mapping[str, str],
    metadata: Mapping[str, str],
    cache_dir: Path | None = None,
    clean: bool = False,
    reporter: Reporter = SILENT,
    runner: ShellRunner | None = None,
    windows: bool = os.name == "nt",
) -> dict[str, str]:
    """The full environment of a process that runs inside `prefix`.

    `scripts` and `env` are the manifest's (`activation.scripts` as absolute paths, `activation.env`). Raises
    `TaskError` when a script fails in a way that ends the shell, or on Windows with `clean`.
    """
    if clean and windows:
        raise TaskError("a clean environment is not possible on Windows", hints=["leave out --clean-env"])
    base = clean_environment(base_env) if clean else dict(base_env)
    activation = read_activation(
        prefix, scripts=scripts, env=env, metadata=metadata, windows=windows, reporter=reporter
    )
    prepared = before_scripts(activation, base)
    if not needs_shell(activation):
        return expanded(activation.env, prepared, windows=windows)
    texts = [script.read_text(encoding="utf-8", errors="replace") for script in map(Path, activation.scripts)]
    key = _hash(activation, texts, clean=clean)
    path = _cache_path(cache_dir, metadata)
    remembered = _recall(path, key, prepared, windows=windows)
    if remembered is not None:
        return remembered
    result = _ask_shell(activation, prepared, runner or _run)
    if path is not None:
        _remember(path, key, prepared, result, mentioned([*texts, *activation.env.values()]), windows=windows)
    return result


def _ask_shell(activation: Activation, prepared: Mapping[str, str], runner: ShellRunner) -> dict[str, str]:
    lines = bat_lines(activation) if activation.windows else bash_lines(activation)
    if activation.windows:
        output = runner(["cmd.exe", "/d", "/s", "/c", " & ".join(lines)], prepared)
    else:
        output = runner([_bash(prepared, Path(activation.prefix)), "-c", "\n".join(lines)], prepared)
    try:
        found = json.loads(output.decode("utf-8", "surrogateescape"))
    except ValueError:
        shown = ", ".join(str(script) for script in activation.scripts)
        raise TaskError(
            f"the environment {activation.prefix} could not be activated: a script ended the shell",
            hints=[f"look at the activation scripts: {shown}"],
        ) from None
    kept = {key: value for key, value in found.items() if key not in _VOLATILE}
    return {**kept, **{key: prepared[key] for key in _VOLATILE if key in prepared}}


def bash_lines(activation: Activation) -> list[str]:
    """What bash runs: the scripts with their output on stderr, the variables, and a dump of the result."""
    lines = [f". {quote.posix(str(script))} >&2" for script in activation.scripts]
    lines += [f"export {key}={quote.bash_expanding(value)}" for key, value in activation.env.items()]
    return [*lines, f"exec {quote.posix(sys.executable)} -I -S -c {quote.posix(_DUMP)}"]


def bat_lines(activation: Activation) -> list[str]:
    """What cmd runs, as commands for one line; `%NAME%` is expanded by `call`."""
    lines = [f'call "{script}" 1>&2' for script in activation.scripts]
    lines += [f'call set "{key}={value}"' for key, value in activation.env.items()]
    return [*lines, f'"{sys.executable}" -I -S -c "{_DUMP}"']


def _bash(environ: Mapping[str, str], prefix: Path) -> str:
    found = shutil.which("bash", path=environ.get("PATH")) or shutil.which("sh", path=os.defpath)
    if found is None:
        raise TaskError(
            f"the activation scripts of {prefix} need bash, which was not found",
            hints=["install bash, or add it to PATH"],
        )
    return found


def _run(argv: Sequence[str], environ: Mapping[str, str]) -> bytes:
    """Run the shell; what the scripts print goes to our stderr."""
    try:
        done = subprocess.run(argv, env=dict(environ), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
    except OSError as error:
        raise TaskError(f"{argv[0]} could not be started: {error.strerror}") from None
    return done.stdout


# ---------------------------------------------------------------- what is remembered


def _hash(activation: Activation, texts: Sequence[str], *, clean: bool) -> str:
    everything = [
        __version__,
        str(activation.prefix),
        list(activation.path),
        dict(activation.variables),
        [str(script) for script in activation.scripts],
        list(texts),
        list(activation.env.items()),
        clean,
    ]
    return hashlib.sha256(json.dumps(everything).encode("utf-8", "surrogatepass")).hexdigest()


def _cache_path(cache_dir: Path | None, metadata: Mapping[str, str]) -> Path | None:
    if cache_dir is None:
        return None
    name = safe_component(metadata.get("PIXI_ENVIRONMENT_NAME", "default"), what="environment name")
    return cache_dir / f"activation_{name}.json"


def _recall(path: Path | None, key: str, prepared: Mapping[str, str], *, windows: bool) -> dict[str, str] | None:
    """The remembered result on top of today's environment; None where something it depends on has changed."""
    if path is None:
        return None
    try:
        entry: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if entry["hash"] != key or any(prepared.get(name) != value for name, value in entry["depends"].items()):
            return None
        result = {name: value for name, value in prepared.items() if name not in entry["removed"]}
        result.update(entry["environment_variables"])
        front, back = entry["path"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    name = path_key(prepared, windows=windows)
    result[name] = front + prepared.get(name, "") + back
    return result


def _remember(
    path: Path,
    key: str,
    prepared: Mapping[str, str],
    result: Mapping[str, str],
    names: frozenset[str],
    *,
    windows: bool,
) -> None:
    """Write the entry; an environment whose `PATH` was rewritten and not only extended is not remembered."""
    path_name = path_key(prepared, windows=windows)
    front, found, back = result.get(path_name, "").partition(prepared.get(path_name, ""))
    if not found:
        return
    changed = {n: v for n, v in result.items() if prepared.get(n) != v and n != path_name}
    removed = [n for n in prepared if n not in result and n != path_name]
    # a counter such as CONDA_SHLVL is an input as any other
    depends = {n: prepared.get(n) for n in sorted({*names, *changed, *removed} - {path_name, *_VOLATILE})}
    entry = {
        "hash": key,
        "environment_variables": changed,
        "removed": removed,
        "path": [front, back],
        "depends": depends,
    }
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # scripts may have put secrets there
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(entry, file)
        os.replace(temporary, path)
    except OSError:
        # a read-only workspace runs its scripts every time
        temporary.unlink(missing_ok=True)
