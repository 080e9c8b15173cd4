"""`pixi info`: the machine, the caches, the workspace and its environments. Editors read the JSON form."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..errors import EnvironmentUnavailable
from ..global_tools.home import GlobalHome
from ..virtual import detect, host_subdir

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..model.platform import VirtualPackage
    from ..workspace import Services, Workspace


def info(
    workspace: Workspace | None, services: Services, environ: Mapping[str, str], *, extended: bool = False
) -> dict[str, Any]:
    """The keys of `pixi info --json`; sizes (bytes) only with `extended`, since they walk whole trees."""
    subdir = host_subdir(environ)
    home = GlobalHome.of(environ)
    return {
        "platform": subdir,
        "virtual_packages": [_three_parts(package) for package in detect(subdir, environ)],
        "version": __version__,
        "tls_backend": "system",
        "cache_dir": str(services.dirs.root),
        "cache_size": size_of(services.dirs.root) if extended else None,
        "auth_dir": str(environ.get("RATTLER_AUTH_FILE") or Path("~/.rattler/credentials.json").expanduser()),
        "global_info": {
            "bin_dir": str(home.bin),
            "env_dir": str(home.environments),
            "manifest": str(home.manifest),
        },
        "project_info": None if workspace is None else _workspace_info(workspace, extended),
        "environments_info": [] if workspace is None else _environments_info(workspace, extended),
        "policy": services.policy.to_json(),
        "config_locations": [str(path) for path in services.config.locations],
    }


def _three_parts(package: VirtualPackage) -> str:
    return f"{package.name}={package.version or '0'}={package.build or '0'}"


def _workspace_info(workspace: Workspace, extended: bool) -> dict[str, Any]:
    updated = None
    if workspace.lock_path.is_file():
        stamp = datetime.fromtimestamp(workspace.lock_path.stat().st_mtime, tz=UTC)
        updated = stamp.strftime("%d-%m-%Y %H:%M:%S")
    return {
        "name": workspace.manifest.name,
        "manifest_path": str(workspace.manifest_path),
        "last_updated": updated,
        "pixi_folder_size": size_of(workspace.pixi_dir) if extended else None,
        "version": workspace.manifest.version,
    }


def _environments_info(workspace: Workspace, extended: bool) -> list[dict[str, Any]]:
    return [_environment_info(workspace, name, extended) for name in workspace.manifest.environments]


def _environment_info(workspace: Workspace, name: str, extended: bool) -> dict[str, Any]:
    from .installing import choose_platform

    environment = workspace.manifest.environment(workspace.environment_name(name))
    try:
        resolved = choose_platform(workspace, environment)
    except EnvironmentUnavailable:
        resolved = None
    shown = resolved or (environment.platforms[0] if environment.platforms else None)
    prefix = workspace.prefix(name)
    return {
        "name": environment.name,
        "features": [str(feature) for feature in environment.feature_names],
        "solve_group": environment.solve_group,
        "environment_size": size_of(prefix) if extended and prefix.is_dir() else None,
        "dependencies": [] if shown is None else sorted({spec.name or "" for spec in environment.conda_specs(shown)}),
        "pypi_dependencies": []
        if shown is None
        else sorted({str(r.name) for r in environment.pypi_requirements(shown)}),
        "platforms": [
            {
                "name": platform.name,
                "subdir": platform.subdir,
                "virtual_packages": [_three_parts(package) for package in platform.virtual_packages],
            }
            for platform in environment.platforms
        ],
        "resolved_platform": resolved.name if resolved else None,
        "minimum_supported_platform": None,
        "tasks": sorted(environment.tasks(shown)) if shown is not None else [],
        "channels": [str(entry.channel) for entry in environment.channels],
        "prefix": str(prefix),
    }


def size_of(folder: Path) -> int:
    """Bytes below a folder, every inode counted once (hard links into the cache are counted where they are met)."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for path, _, files in os.walk(folder):
        for name in files:
            try:
                found = os.lstat(os.path.join(path, name))
            except OSError:
                continue
            if (found.st_dev, found.st_ino) not in seen:
                seen.add((found.st_dev, found.st_ino))
                total += found.st_size
    return total
