"""`pixi size`: what weighs how much in an installed environment, and what would go with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import EnvironmentUnavailable
from ..progress import SILENT, Reporter
from .graph import locked_graph

if TYPE_CHECKING:
    from ..workspace import Workspace
    from .graph import Graph, Package


@dataclass(frozen=True, slots=True)
class Weight:
    """A package with the bytes of its own files, and those of all that is there for its sake alone, itself included
    (`companions` names the others). None where the package is locked and not installed.
    """

    package: Package
    own_bytes: int | None
    freed_bytes: int | None
    companions: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """A row of `pixi size --json`."""
        return {
            "name": self.package.name,
            "version": self.package.version,
            "kind": self.package.kind,
            "is_explicit": self.package.requested is not None,
            "installed_bytes": self.own_bytes,
            "freed_bytes": self.freed_bytes,
            "companions": list(self.companions),
        }


@dataclass(frozen=True, slots=True)
class Sizes:
    """The packages of one environment, those first that would free most."""

    environment: str
    weights: tuple[Weight, ...]

    @property
    def total_bytes(self) -> int:
        """All packages together."""
        return sum(weight.own_bytes or 0 for weight in self.weights)

    def to_json(self) -> dict[str, Any]:
        """For `pixi size --json` and the kernel."""
        return {
            "environment": self.environment,
            "total_bytes": self.total_bytes,
            "packages": [weight.to_json() for weight in self.weights],
        }


def sizes(
    workspace: Workspace, environment: str | None = None, *, mode: str = "auto", reporter: Reporter = SILENT
) -> Sizes:
    """The installed sizes of an environment's locked packages.

    Raises `EnvironmentUnavailable` where nothing is installed, and whatever locking raises.
    """
    from ..install.prefix import installed_bytes, read_prefix

    name = workspace.environment_name(environment)
    graph = locked_graph(workspace, name, mode=mode, reporter=reporter)
    prefix = workspace.prefix(name)
    if not prefix.is_dir():
        raise EnvironmentUnavailable(
            f"environment '{name}' is not installed, so there is nothing to weigh",
            hints=[f"run `pixi install -e {name}`"],
        )
    return weigh(name, graph, installed_bytes(read_prefix(prefix)))


def weigh(environment: str, graph: Graph, installed: Mapping[str, int]) -> Sizes:
    """`installed` maps the names of the graph to bytes; what is not in it is not installed."""
    weights = []
    for name, package in graph.packages.items():
        alone = only_through(graph, name)
        own = installed.get(name)
        freed = None if own is None else own + sum(installed.get(other, 0) for other in alone)
        weights.append(Weight(package, own, freed, tuple(sorted(alone))))
    return Sizes(environment, tuple(sorted(weights, key=lambda w: (-(w.freed_bytes or 0), w.package.name))))


def only_through(graph: Graph, name: str) -> set[str]:
    """The other packages that the manifest's packages reach through `name` only: without it nothing needs them."""
    explicit = graph.explicit
    return _reached(graph, explicit, None) - _reached(graph, explicit, name) - {name}


def _reached(graph: Graph, roots: Iterable[str], without: str | None) -> set[str]:
    reached: set[str] = set()
    waiting = [root for root in roots if root != without]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += [other for other in graph.packages[name].needs if other != without]
    return reached
