"""`pixi install --only|--skip|--skip-with-deps`: which packages of a locked environment an installation is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..errors import LockFileError
from ..value import Value
from .graph import Graph


class Subset(Value, kw_only=True):
    """The names that were given, in conda's or PyPI's spelling.

    Installed is what can be reached from `only` (none given: from what the manifest asks for). The way there ends at a
    package of `skip_with_deps` and leads on through one of `skip`; neither is installed itself.
    """

    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    skip_with_deps: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.only or self.skip or self.skip_with_deps)

    def left_out(self, graph: Graph) -> frozenset[str]:
        """The names of the packages that are not to be installed."""
        barred = _known(graph, self.skip_with_deps)
        roots = sorted(_known(graph, self.only)) if self.only else _roots(graph)
        needs = {name: () if name in barred else tuple(each.needs) for name, each in graph.packages.items()}
        left_out = barred | _known(graph, self.skip)
        kept = _reached(roots, needs) - left_out
        if any(graph.packages[name].kind == "pypi" for name in kept) and "python" in graph.packages:
            # no wheel can be put in place without it
            needs["python"] = tuple(graph.packages["python"].needs)
            kept |= {"python"} | (_reached(["python"], needs) - left_out)
        return frozenset(graph.packages) - kept

    def warnings(self, graphs: Sequence[Graph]) -> list[str]:
        """What to say of names to skip that no environment has. Raises `LockFileError` for such a one in `only`."""
        everything = Graph({name: package for graph in graphs for name, package in graph.packages.items()})
        for name in self.only:
            everything.find(name)
        found = []
        for name in (*self.skip, *self.skip_with_deps):
            try:
                everything.find(name)
            except LockFileError as error:
                found.append("; ".join([f"nothing is skipped for '{name}': {error.message}", *error.hints]))
        return found


def _known(graph: Graph, names: Sequence[str]) -> frozenset[str]:
    found = set()
    for name in names:
        try:
            found.add(graph.find(name).name)
        except LockFileError:
            continue
    return frozenset(found)


def _roots(graph: Graph) -> list[str]:
    """What the manifest asks for, and what nothing of that needs (a lock file that was taken as it is)."""
    needs = {name: tuple(package.needs) for name, package in graph.packages.items()}
    reached = _reached(graph.explicit, needs)
    return [*graph.explicit, *(name for name in needs if name not in reached)]


def _reached(roots: Iterable[str], needs: Mapping[str, Sequence[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += needs[name]
    return found
