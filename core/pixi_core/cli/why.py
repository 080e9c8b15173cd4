"""`pixi why`: which requirements of the manifest bring a package in."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

from .tree import graph_arguments, graph_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from ..ops.graph import Graph
    from .context import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which package."""
    parser.add_argument("name", metavar="NAME", help="a locked package")
    parser.add_argument("--json", action="store_true", help="print JSON")
    graph_arguments(parser)


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Print one chain a requirement; an unknown package is an error with near names."""
    graph = graph_of(arguments, context)
    package = graph.find(arguments.name)
    chains = [_steps(graph, chain) for chain in graph.paths_to(package.name)]
    data = {
        "name": package.name,
        "version": package.version,
        "kind": package.kind,
        "requested_spec": package.requested,
        "chains": chains,
    }
    context.result("why", data)
    if context.json_lines:
        return 0
    if arguments.json:
        print(json.dumps(data, indent=2))
        return 0
    from .terminal import safe

    print(safe(f"{package.name} {package.version} ({package.kind})"))
    for chain in chains:
        print(safe("  " + _sentence(chain)))
    if not chains:
        print("  nothing in the manifest needs it")
    return 0


def _steps(graph: Graph, chain: Sequence[str]) -> list[dict[str, Any]]:
    """Each package of a chain with the requirement that brings it in: the manifest's, then those of its forerunner."""
    steps = []
    for position, name in enumerate(chain):
        package = graph.packages[name]
        required = package.requested if position == 0 else graph.packages[chain[position - 1]].needs[name]
        steps.append({"name": name, "version": package.version, "kind": package.kind, "required_as": required})
    return steps


def _sentence(chain: Sequence[dict[str, Any]]) -> str:
    first = chain[0]
    words = f"the manifest asks for {first['name']} {first['required_as']}"
    for user, needed in itertools.pairwise(chain):
        words += f"\n    {user['name']} {user['version']} needs {needed['required_as']}"
    return words
