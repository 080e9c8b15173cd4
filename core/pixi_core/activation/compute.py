"""What activating an environment means, as values: no file is read and no process started here.

The order is pixi's: `PATH`, the shell level with backups of what is overwritten, the packages' variables
(`etc/conda/env_vars.d`, then `conda-meta/state`), the `PIXI_*` variables; then scripts (`etc/conda/activate.d` by
name, then the manifest's); last the manifest's `activation.env`, in which `$NAME` is expanded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath, PureWindowsPath

from ..errors import InputError
from ..value import Value

KEPT_BY_CLEAN = (
    "DISPLAY", "LC_ALL", "LC_TIME", "LC_NUMERIC", "LC_MEASUREMENT", "SHELL", "USER", "USERNAME", "LOGNAME", "HOME",
    "HOSTNAME", "TMPDIR", "XPC_SERVICE_NAME", "XPC_FLAGS",
)  # fmt: skip
"""What `--clean-env` lets through."""
CLEAN_PATH = "/usr/bin:/bin:/usr/sbin:/sbin"


class Activation(Value):
    """Everything that activates one prefix.

    `variables` are set before the scripts run (later ones win), `scripts` are absolute paths in running order,
    `env` is set after them; `path` are the folders put in front of `PATH`.
    """

    prefix: PurePath
    path: tuple[str, ...]
    variables: Mapping[str, str]
    scripts: tuple[PurePath, ...]
    env: Mapping[str, str]
    windows: bool = False

    @property
    def separator(self) -> str:
        """Between the folders of `PATH`."""
        return ";" if self.windows else ":"


def path_entries(prefix: PurePath) -> tuple[str, ...]:
    """The folders of a prefix that belong in front of `PATH`."""
    if isinstance(prefix, PureWindowsPath):
        inner = ("", "Library/mingw-w64/bin", "Library/usr/bin", "Library/bin", "Scripts", "bin")
        return tuple(str(prefix / folder) if folder else str(prefix) for folder in inner)
    return (str(prefix / "bin"),)


def metadata_variables(
    *,
    root: PurePath,
    manifest_path: PurePath,
    name: str,
    version: str | None,
    environment: str,
    platforms: Sequence[str],
) -> dict[str, str]:
    """The `PIXI_*` variables of an environment, its prompt and `CONDA_DEFAULT_ENV`."""
    shown = name if environment == "default" else f"{name}:{environment}"
    return {
        "PIXI_PROJECT_ROOT": str(root),
        "PIXI_PROJECT_NAME": name,
        "PIXI_PROJECT_MANIFEST": str(manifest_path),
        "PIXI_PROJECT_VERSION": str(version) if version is not None else "NO_VERSION_SPECIFIED",
        "PIXI_IN_SHELL": "1",
        "PIXI_ENVIRONMENT_NAME": environment,
        "PIXI_ENVIRONMENT_PLATFORMS": ",".join(platforms),
        "PIXI_PROMPT": f"({shown}) ",
        "CONDA_DEFAULT_ENV": shown,
    }


def package_variables(texts: Sequence[str], state: str | None, *, source: PurePath) -> dict[str, str]:
    """Variables of `env_vars.d/*.json` (`texts`, sorted by file name) and of `conda-meta/state`, whose names are
    written in upper case. Raises `InputError` naming `source`.
    """
    found: dict[str, str] = {}
    try:
        for text in texts:
            found.update({str(key): str(value) for key, value in json.loads(text).items()})
        if state is not None:
            variables = json.loads(state).get("env_vars") or {}
            found.update({str(key).upper(): str(value) for key, value in variables.items()})
    except (ValueError, AttributeError) as error:
        raise InputError(f"the activation variables of {source} cannot be read: {error}") from None
    return found


def clean_environment(base: Mapping[str, str]) -> dict[str, str]:
    """What remains of an environment under `--clean-env`; `PATH` is that of a bare system."""
    kept = {key: base[key] for key in KEPT_BY_CLEAN if key in base}
    return {**kept, "PATH": CLEAN_PATH}


def before_scripts(activation: Activation, base: Mapping[str, str]) -> dict[str, str]:
    """The full environment in which the scripts run: `base` with `PATH`, shell level, backups and variables."""
    merged = {**activation.variables, "CONDA_PREFIX": str(activation.prefix)}
    level = _level(base) + 1
    backups = {
        f"CONDA_ENV_SHLVL_{level}_{key}": base[key] for key in merged if key in base and base[key] != merged[key]
    }
    result = {**base, **backups, **merged, "CONDA_SHLVL": str(level)}
    key = path_key(base, windows=activation.windows)
    old = [entry for entry in base.get(key, "").split(activation.separator) if entry]
    result[key] = activation.separator.join((*activation.path, *old))
    return result


def path_key(base: Mapping[str, str], *, windows: bool) -> str:
    """How this environment spells `PATH` (Windows does not mind, a dictionary does)."""
    return next((key for key in base if key.upper() == "PATH"), "PATH") if windows else "PATH"


def _level(base: Mapping[str, str]) -> int:
    text = base.get("CONDA_SHLVL", "0")
    return int(text) if text.isdigit() and len(text) < 6 else 0


def needs_shell(activation: Activation) -> bool:
    """Whether only a shell can tell the result: there are scripts, or values with more than plain `$NAME`."""
    return bool(activation.scripts) or any("$(" in value or "`" in value for value in activation.env.values())


def expanded(env: Mapping[str, str], base: Mapping[str, str], *, windows: bool = False) -> dict[str, str]:
    """`base` with the entries of `env`, in order, in which `$NAME` and `${NAME}` (`%NAME%` on Windows) are replaced
    by what is set so far; unknown names are empty (on Windows they stay).
    """
    result = dict(base)
    for key, value in env.items():
        result[key] = _percent(value, result) if windows else expand(value, result)
    return result


def expand(text: str, variables: Mapping[str, str]) -> str:
    """`text` as a POSIX shell reads it between double quotes, without command substitution."""
    shown: list[str] = []
    index = 0
    while index < len(text):
        character = text[index]
        following = text[index + 1 : index + 2]
        if character == "\\" and following and following in '$`"\\':
            shown.append(following)
            index += 2
        elif character == "$" and following == "{" and "}" in text[index:]:
            end = text.index("}", index)
            shown.append(variables.get(text[index + 2 : end], ""))
            index = end + 1
        elif character == "$" and (following.isalpha() or following == "_"):
            end = index + 1
            while end < len(text) and (text[end].isalnum() or text[end] == "_"):
                end += 1
            shown.append(variables.get(text[index + 1 : end], ""))
            index = end
        else:
            shown.append(character)
            index += 1
    return "".join(shown)


def _percent(text: str, variables: Mapping[str, str]) -> str:
    by_name = {key.upper(): value for key, value in variables.items()}
    pieces = text.split("%")
    shown = pieces[0]
    index = 1
    while index < len(pieces):
        name = pieces[index].upper()
        if index + 1 < len(pieces) and name in by_name:
            shown += by_name[name] + pieces[index + 1]
            index += 2
        else:
            shown += "%" + pieces[index]
            index += 1
    return shown


def mentioned(texts: Sequence[str]) -> frozenset[str]:
    """Names that scripts or values speak of (`$NAME`, `${NAME…`, `%NAME%`): what their result may depend on."""
    import re

    found: set[str] = set()
    for text in texts:
        for match in re.finditer(r"\$\{?[!#]?([A-Za-z_]\w*)|%([A-Za-z_]\w*)%", text):
            found.add(match.group(1) or match.group(2))
    return frozenset(found)


def script_allowed(script: Path | PurePath, *, windows: bool) -> bool:
    """Whether a script's extension is one that the operating system's shell runs."""
    return script.suffix.lower() in ((".bat", ".cmd") if windows else (".sh", ".bash"))
