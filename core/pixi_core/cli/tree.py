"""`pixi tree`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .arguments import environment_argument, lock_arguments, lock_mode, workspace_arguments
from .script import script_argument, workspace_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence

    from ..ops.graph import Graph
    from .context import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which packages, which way round."""
    parser.add_argument("regex", nargs="?", metavar="REGEX", help="only the trees of packages whose name matches")
    parser.add_argument("-i", "--invert", action="store_true", help="below each package, those that need it")
    graph_arguments(parser)


def graph_arguments(parser: argparse.ArgumentParser) -> None:
    """What `tree` and `why` share."""
    workspace_arguments(parser)
    script_argument(parser)
    environment_argument(parser)
    parser.add_argument("-p", "--platform", metavar="PLATFORM", help="another platform than this machine's")
    lock_arguments(parser)


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Draw it; nothing found is exit code 1."""
    return draw(graph_of(arguments, context), arguments.regex, context, invert=arguments.invert)


def draw(graph: Graph, regex: str | None, context: Context, *, invert: bool) -> int:
    """Print the trees of the packages that are asked for by name, or match. Returns the exit code."""
    edges: Mapping[str, Sequence[str]] = {name: tuple(package.needs) for name, package in graph.packages.items()}
    if invert:
        edges = {name: tuple(users) for name, users in graph.needed_by().items()}
    everything = sorted(graph.packages) if invert else graph.explicit
    roots = everything if regex is None else graph.matching(regex)
    drawn = list(lines(graph, roots, edges))
    context.result("tree", {"lines": drawn, "packages": drawn_packages(graph, roots, edges)})
    if not context.json_lines:
        from .terminal import safe

        for line in drawn:
            print(safe(line))
    if not roots:
        context.reporter.warning("no packages found")
        return 1
    return 0


def drawn_packages(graph: Graph, roots: Sequence[str], edges: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Each package of the drawing once, with the names that are drawn `below` it: what `%pixi tree --graph` draws."""
    found = list(dict.fromkeys(roots))
    seen = set(found)
    for name in found:  # the list grows while it is walked
        new = [other for other in edges[name] if other not in seen]
        seen.update(new)
        found += new
    return [
        {
            "name": name,
            "version": graph.packages[name].version,
            "kind": graph.packages[name].kind,
            "below": list(edges[name]),
        }
        for name in found
    ]


def graph_of(arguments: argparse.Namespace, context: Context) -> Graph:
    """The packages that the arguments choose."""
    from ..ops.graph import locked_graph

    with workspace_of(arguments, context) as workspace:
        return locked_graph(
            workspace,
            arguments.environment,
            platform=arguments.platform,
            mode=lock_mode(arguments),
            reporter=context.reporter,
        )


def lines(graph: Graph, roots: Sequence[str], edges: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """The roots with what hangs below them; what was drawn before is marked `(*)` and not drawn again."""
    drawn: set[str] = set()
    # names still to draw with their indentation, the next one last: deep graphs must not meet the recursion limit
    waiting = [(root, "", position == len(roots) - 1) for position, root in enumerate(roots)][::-1]
    while waiting:
        name, indent, is_last = waiting.pop()
        package = graph.packages[name]
        below = edges[name]
        repeated = name in drawn and bool(below)
        yield (
            f"{indent}{'└── ' if is_last else '├── '}{name} {package.version}"
            f"{' [pypi]' if package.kind == 'pypi' else ''}{' (*)' if repeated else ''}"
        )
        if repeated:
            continue
        drawn.add(name)
        deeper = indent + ("    " if is_last else "│   ")
        waiting += [(other, deeper, position == len(below) - 1) for position, other in enumerate(below)][::-1]
