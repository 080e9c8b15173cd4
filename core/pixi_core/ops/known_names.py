"""Names of packages by how they begin, from what the caches hold: for Tab, which must never wait for the network."""

from __future__ import annotations

from bisect import bisect_left
from contextlib import suppress
from typing import TYPE_CHECKING

from ..errors import PixiError
from ..model.platform import NOARCH
from ..virtual import host_subdir

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ..manifest.merge import Environment
    from ..workspace import Services, Workspace

MOST = 200
"""More than anybody reads."""


def known_names(workspace: Workspace, part: str, *, pypi: bool = False, environment: str | None = None) -> list[str]:
    """Names that begin with `part`, sorted, at most `MOST`: of the environment's channels, or with `pypi` (and in a
    workspace without channels) of its index. What was never fetched is left out. The workspace is offline from now on.
    """
    workspace.configure(offline=True)
    chosen = workspace.manifest.environment(workspace.environment_name(environment))
    if pypi or workspace.manifest.is_host_kind:
        return beginning_with(_compared(part), _of_index(workspace.services, workspace.root, chosen))
    return beginning_with(part.lower(), _of_channels(workspace.services, chosen))


def hints_of_the_other_kind(
    workspace: Workspace, names: Iterable[str], environment: Environment, *, pypi: bool
) -> list[str]:
    """What to say of packages that could not be added to an environment (with `pypi` or without): that what has this
    name is of the other kind. From the caches: a command that has failed waits for nothing.
    """
    if workspace.manifest.is_host_kind:
        return []
    services = workspace.services.unconnected()
    services.offline = True
    try:
        conda = _of_channels(services, environment)
        index = set() if pypi else _of_index(services, workspace.root, environment)
    finally:
        services.close()
    if pypi:
        return [f"`{name}` is a conda package, too: `pixi add {name}`" for name in names if name in conda]
    unknown = [name for name in names if name not in conda]
    found = [name for name in unknown if _compared(name) in index]
    if unknown and not index:
        return [f"if it is a package of the PyPI index: `pixi add --pypi {' '.join(unknown)}`"]
    return [f"`{name}` is a package of the PyPI index: `pixi add --pypi {name}`" for name in found]


def beginning_with(part: str, names: Iterable[str]) -> list[str]:
    """The first `MOST` of them, in order."""
    ordered = sorted(names)
    first = bisect_left(ordered, part)
    return [name for name in ordered[first : first + MOST] if name.startswith(part)]


def _of_channels(services: Services, environment: Environment) -> set[str]:
    subdirs = [host_subdir(services.environ), NOARCH]
    found: set[str] = set()
    for entry in environment.channels:
        with suppress(PixiError):  # one that is not in the cache
            found.update(services.gateway.names([entry.channel], subdirs))
    return found


def _of_index(services: Services, root: Path, environment: Environment) -> set[str]:
    index = services.index(environment.pypi_options)
    index.anchor(root)
    with suppress(PixiError):  # not in the cache, or one that lists no names
        return {_compared(name) for name in index.names()}
    return set()


def _compared(part: str) -> str:
    """As PyPI compares names; a part of one may end with a sign."""
    return part.lower().replace("_", "-").replace(".", "-")
