"""Where the caches are: pixi's own order of environment variables, configuration and defaults."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from ..fs import home_folder
from ..value import Value

if TYPE_CHECKING:
    from ..config.model import Config

_KINDS = {
    # field: (environment variable, configuration key, folder below the root)
    "packages": ("PIXI_CACHE_CONDA_PACKAGES_DIR", "conda-packages", "conda-pkgs-v1"),
    "repodata": ("PIXI_CACHE_REPODATA_DIR", "repodata", "repodata"),
    "wheels": ("PIXI_CACHE_PYPI_WHEELS_DIR", "pypi-wheels", "pypi-wheels-v1"),
    "pypi_index": ("", "", "pypi-index-v1"),
    "built_wheels": ("", "", "built-wheels-v1"),
    "mapping": ("PIXI_CACHE_PYPI_MAPPING_DIR", "pypi-mapping", "conda-pypi-mapping"),
    "notebooks": ("", "", "notebooks-v1"),
    "kernels": ("", "", "kernels-v1"),
    "exec_environments": ("PIXI_CACHE_EXEC_ENVIRONMENTS_DIR", "exec-environments", "cached-envs-v0"),
    "build_environments": (
        "PIXI_CACHE_BUILD_TOOL_ENVIRONMENTS_DIR",
        "build-tool-environments",
        "cached-build-tool-envs-v0",
    ),
    "environments": ("PIXI_CACHE_DETACHED_ENVIRONMENTS_DIR", "detached-environments", "envs"),
}


class CacheDirs(Value):
    """The folders, absolute; none of them needs to exist yet.

    `packages` extracted conda packages (a folder that other tools do not share: our entries have markers of their
    own) · `repodata` what channels offer · `wheels` unpacked wheels · `pypi_index` pages and metadata of PyPI indexes ·
    `built_wheels` which wheels were built from which sources · `mapping` conda names to PyPI names · `notebooks`
    working copies of notebooks' own manifests · `kernels` ipykernel support for environments without it ·
    `exec_environments`, `build_environments` throw-away environments · `environments` detached environments.
    `read_only` are the roots of other caches, in whose packages and wheels is looked first and never written.
    """

    root: Path
    packages: Path
    repodata: Path
    wheels: Path
    pypi_index: Path
    built_wheels: Path
    mapping: Path
    notebooks: Path
    kernels: Path
    exec_environments: Path
    build_environments: Path
    environments: Path
    read_only: tuple[Path, ...] = ()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], config: Config | None = None) -> CacheDirs:
        """The folders for one user. The configuration's files rank below the variables.

        Per kind: its variable, its configuration key, then below the root, which is `PIXI_CACHE_DIR`,
        `RATTLER_CACHE_DIR`, `cache.root`, `$XDG_CACHE_HOME/pixi` where that exists, or rattler's default. The caches
        that are only read are those of `PIXI_CACHE_READ_ONLY` (as in `PATH`), else of `cache.read-only`.
        Raises `ConfigError` for a path that is not absolute.
        """
        home = home_folder(environ)
        configured = {} if config is None else {key: str(path) for key, path in config.cache_folders.items()}
        if config is not None and config.cache_root is not None:
            configured["root"] = str(config.cache_root)
        root = _root(environ, configured, home)
        folders: dict[str, Any] = {}
        for field, (variable, key, name) in _KINDS.items():
            chosen = environ.get(variable) or configured.get(key)
            folders[field] = _absolute(chosen, variable or key, home) if chosen else root / name
        named = environ.get("PIXI_CACHE_READ_ONLY")
        others = named.split(os.pathsep) if named else () if config is None else map(str, config.cache_read_only)
        tiers = tuple(_absolute(one, "PIXI_CACHE_READ_ONLY", home) for one in others if one)
        return cls(root=root, read_only=tiers, **folders)

    def tiers(self, field: str) -> tuple[Path, ...]:
        """The folders of one kind (`packages`, `wheels`) in the caches that are only read."""
        return tuple(root / _KINDS[field][2] for root in self.read_only)

    @classmethod
    def below(cls, root: Path) -> CacheDirs:
        """All folders below one root, whatever the machine says."""
        folders: dict[str, Any] = {field: root / name for field, (_, _, name) in _KINDS.items()}
        return cls(root=root, **folders)


def _root(environ: Mapping[str, str], configured: Mapping[str, str], home: Path) -> Path:
    for variable in ("PIXI_CACHE_DIR", "RATTLER_CACHE_DIR"):
        if environ.get(variable):
            return _absolute(environ[variable], variable, home)
    if "root" in configured:
        return _absolute(configured["root"], "cache.root", home)
    xdg = environ.get("XDG_CACHE_HOME")
    if xdg and (Path(xdg) / "pixi").is_dir():
        return Path(xdg) / "pixi"
    if sys.platform == "win32":
        base = Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = Path(xdg) if xdg and Path(xdg).is_absolute() else home / ".cache"
    return base / "rattler" / "cache"


def _absolute(text: str, what: str, home: Path) -> Path:
    path = home / text[2:] if text.startswith("~/") else (home if text == "~" else Path(text))
    if not path.is_absolute():
        raise ConfigError(
            f"{what} is '{text}', which is not an absolute path", hints=["write the whole path, or `~/…`"]
        )
    return path
