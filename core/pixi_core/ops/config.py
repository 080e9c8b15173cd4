"""`pixi config`: the configuration files, read as they stand and changed to the byte elsewhere."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..config.load import config_locations, known_keys, load_config
from ..errors import ConfigError, UsageError
from ..fs import atomic_write, pixi_home
from ..suggest import did_you_mean

PLACES = ("local", "global", "system")


def config_path(place: str, root: Path | None, environ: Mapping[str, str]) -> Path:
    """The file that a place means. Raises `UsageError` for `local` outside of a workspace."""
    if place == "system":
        if sys.platform == "win32":
            return Path(environ.get("PROGRAMDATA", "C:\\ProgramData")) / "pixi" / "config.toml"
        return Path("/etc/pixi/config.toml")
    if place == "local":
        if root is None:
            raise UsageError("there is no workspace here", hints=["use --global for the user's configuration"])
        return root / ".pixi" / "config.toml"
    return pixi_home(environ) / "config.toml"


def merged(root: Path | None, environ: Mapping[str, str], place: str | None = None) -> dict[str, Any]:
    """What the files say, later files over earlier ones; of one place only, if named."""
    from tomli import TOMLDecodeError, loads

    paths = config_locations(root, environ) if place is None else [config_path(place, root, environ)]
    found: dict[str, Any] = {}
    for path in paths:
        try:
            found = _over(found, loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            continue
        except (OSError, UnicodeDecodeError, TOMLDecodeError) as error:
            raise ConfigError(f"{path} cannot be read: {error}") from error
    return found


def pick(document: Mapping[str, Any], key: str) -> Any:
    """The value of a dotted key; None where it is not set. Raises `ConfigError` for a key that cannot be."""
    _check_key(key)
    here: Any = document
    for part in key.split("."):
        if not isinstance(here, Mapping) or part not in here:
            return None
        here = here[part]
    return here


def change(path: Path, key: str, action: str, value: str | None = None) -> None:
    """`set`, `unset`, `append` or `prepend` a dotted key in one file.

    A value is JSON where it reads as such, else text. Raises `ConfigError` for an unknown key, or a value that the key
    cannot have; the file is then as it was.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    _check_key(key)
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    try:
        document = tomlkit.parse(text)
    except TOMLKitError as error:
        raise ConfigError(f"{path} cannot be edited: {error}") from error
    table: Any = document
    *parents, last = key.split(".")
    for part in parents:
        if part not in table:
            if action == "unset":
                raise ConfigError(f"'{key}' is not set in {path}")
            table[part] = tomlkit.table()
        table = table[part]
    if action == "unset":
        if last not in table:
            raise ConfigError(f"'{key}' is not set in {path}")
        del table[last]
    elif action == "set":
        table[last] = _value(value or "")
    else:
        present = table.setdefault(last, tomlkit.array())
        if not isinstance(present, list):
            raise ConfigError(f"'{key}' in {path} is not a list", hints=["use `pixi config set`"])
        present.insert(len(present) if action == "append" else 0, value or "")
    _write(path, tomlkit.dumps(document), key)


def _write(path: Path, text: str, key: str) -> None:
    """Refuse what reading would ignore with a warning."""
    complaint = next((warning for warning in complaints(text, path) if key.partition(".")[0] in warning), None)
    if complaint is not None:
        raise ConfigError(complaint)
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, text)


def complaints(text: str, path: Path) -> list[str]:
    """The warnings with which a configuration file of this text would be read from `path`."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder) / "config.toml"
        trial.write_text(text, encoding="utf-8")
        warnings = load_config(None, {"PIXI_CONFIG_FILE": str(trial)}).warnings
    return [warning.replace(str(trial), str(path)) for warning in warnings]


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _check_key(key: str) -> None:
    known = known_keys()
    if key not in known and not any(one.startswith(f"{key}.") for one in known):
        hint = did_you_mean(key, known, f"keys: {', '.join(known)}")
        raise ConfigError(f"there is no configuration key '{key}'", hints=[hint])


def _over(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(below)
    for key, value in above.items():
        present = found.get(key)
        found[key] = _over(present, value) if isinstance(value, dict) and isinstance(present, dict) else value
    return found
