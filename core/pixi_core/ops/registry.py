"""Registered workspaces: names by which they are found from anywhere, in `workspaces.toml` of the user's pixi home."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError, PixiError
from ..fs import FileLock, atomic_write, os_errors, pixi_home
from ..suggest import did_you_mean
from ..workspace import manifest_in

if TYPE_CHECKING:
    from collections.abc import Iterator

TABLE = "named-workspaces"


def registry_file(environ: Mapping[str, str]) -> Path:
    """Where the names are kept."""
    return pixi_home(environ) / "workspaces.toml"


def registered(environ: Mapping[str, str]) -> dict[str, Path]:
    """Folders by name. Raises `ConfigError` for a file that cannot be understood."""
    from tomli import TOMLDecodeError, loads

    path = registry_file(environ)
    try:
        table = loads(path.read_text(encoding="utf-8")).get(TABLE, {})
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}", hints=["repair it, or remove it"]) from error
    if not isinstance(table, dict) or not all(isinstance(folder, str) for folder in table.values()):
        raise ConfigError(f"[{TABLE}] of {path} must give a folder for each name")
    return {name: Path(folder) for name, folder in table.items()}


def find(name: str, environ: Mapping[str, str]) -> Path:
    """The folder of a workspace. Raises `ConfigError` with near names."""
    known = registered(environ)
    if name not in known:
        raise _unknown(name, known)
    return known[name]


def register(name: str, folder: Path, environ: Mapping[str, str], *, force: bool = False) -> None:
    """Remember a workspace. Raises `ConfigError` where the name belongs to another one, unless `force`."""
    with _changed(environ) as known:
        present = known.get(name)
        if present is not None and present != folder and not force:
            raise ConfigError(
                f"the name '{name}' belongs to {present}", hints=["choose another with --name, or use --force"]
            )
        known[name] = folder


def unregister(name: str, environ: Mapping[str, str]) -> None:
    """Forget a name. Raises `ConfigError` with near names."""
    with _changed(environ) as known:
        if name not in known:
            raise _unknown(name, known)
        del known[name]


def prune(environ: Mapping[str, str]) -> list[str]:
    """Forget the names of folders that hold no workspace any more; these are returned."""
    with _changed(environ) as known:
        gone = [name for name, folder in known.items() if manifest_in(folder) is None]
        for name in gone:
            del known[name]
    return gone


@contextmanager
def _changed(environ: Mapping[str, str]) -> Iterator[dict[str, Path]]:
    """The names for changing, written where they have changed; one process at a time."""
    path = registry_file(environ)
    with os_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(".workspaces.lock")):
        known = registered(environ)
        before = dict(known)
        yield known
        if known != before:
            atomic_write(path, _text({name: str(folder) for name, folder in known.items()}))


def _text(known: Mapping[str, Any]) -> str:
    import tomlkit

    return tomlkit.dumps({TABLE: dict(known)})


def _unknown(name: str, known: Mapping[str, Path]) -> PixiError:
    hint = did_you_mean(name, known, f"registered: {', '.join(known) or 'none'}")
    return ConfigError(f"no workspace is registered as '{name}'", hints=[hint])
