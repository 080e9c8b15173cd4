"""Which candidate of a name is the best: the criteria, in the order in which they count.

1. What is favoured (locked before), where nothing speaks against it.
2. The table's order: ordinary builds before those that track features (and channel before channel where priority is
   flexible), then the highest version (or the lowest, as the strategy says), then the highest build number.
3. Of candidates that tie in these: the one whose dependencies allow the higher versions, names compared in alphabetical
   order; then the one that rules out fewer other names; then the newest.

Together with the order in which names are decided (see `engine`) they make the answer: no direct dependency could be
better without making one before it worse.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal

    from .engine import Engine
    from .table import CandidateTable

    Strategy = Literal["highest", "lowest", "lowest-direct"]
else:
    Strategy = str

_NOTHING_ALLOWED = 1 << 40
"""The rank of a dependency that no candidate can meet: behind every version."""


class Preference:
    """The choice among the candidates of a name, for one search; `choose` is what the engine asks. `load(name)` gives
    the table of a name, the domain that may be used, and the domain that is preferred.
    """

    def __init__(self, load: Callable[[str], tuple[CandidateTable, int, int]], strategy: Strategy) -> None:
        self.load = load
        self.strategy = strategy
        self.tie_orders: dict[tuple[int, int], list[int]] = {}

    def choose(self, engine: Engine, name: int) -> int:
        """The best candidate left, as a domain of one."""
        domain = engine.domains[name]
        table, _, favoured = self.load(engine.names[name])
        preferred = domain & favoured
        if preferred:
            return preferred & -preferred
        if self.strategy == "lowest" or (self.strategy == "lowest-direct" and engine.is_root[name]):
            domain = table.lowest(domain)
        first = domain & -domain
        start, end = table.group(first.bit_length() - 2)
        tied = domain >> (start + 1) & ((1 << (end - start)) - 1)
        if not tied & (tied - 1):
            return first
        order = self.tie_orders.get((name, start))
        if order is None:
            order = self.tie_orders[name, start] = self.order_ties(table, start, end)
        return next(2 << candidate for candidate in order if domain >> (candidate + 1) & 1)

    def order_ties(self, table: CandidateTable, start: int, end: int) -> list[int]:
        """The candidates [start, end) of a table, which share version and build number, best first."""
        size = end - start
        everyone = ((1 << size) - 1) << (start + 1)
        rules: dict[str, list[tuple[int, str]]] = {}
        for candidates, key in zip(table.rule_masks, table.rule_specs, strict=True):
            if candidates & everyone and key[0] != "!":
                name, _, rest = key.partition(" ")
                rules.setdefault(name, []).append((candidates & everyone, rest))
        ranks: list[list[int]] = [[] for _ in range(size)]
        for name in sorted(rules):
            covered = differing = 0
            for candidates, _ in rules[name]:
                covered |= candidates
                differing |= everyone & ~candidates
            if not differing or everyone & ~covered:
                continue
            best = self.dependency_ranks(name, rules[name], start, size)
            for index in range(size):
                ranks[index].append(best[index])
        forbidding = self.count_forbidden(table, everyone, start, size)
        return sorted(
            range(start, end),
            key=lambda candidate: (ranks[candidate - start], forbidding[candidate - start], candidate),
        )

    def count_forbidden(self, table: CandidateTable, everyone: int, start: int, size: int) -> list[int]:
        """For each tied candidate, how many names its constraints rule out altogether (such as `icu <0.0a0`)."""
        counts = [0] * size
        for candidates, key in zip(table.rule_masks, table.rule_specs, strict=True):
            tied = candidates & everyone
            if key[0] != "!" or not tied or tied == everyone:
                continue
            name, _, rest = key[1:].partition(" ")
            if not self.load(name)[0].match(rest):
                for index in range(size):
                    counts[index] += tied >> (start + 1 + index) & 1
        return counts

    def dependency_ranks(self, name: str, rules: list[tuple[int, str]], start: int, size: int) -> list[int]:
        """For each of `size` candidates, the rank of the highest version of `name` that it allows."""
        table, usable, _ = self.load(name)
        best = [-1] * size
        for candidates, rest in rules:
            allowed = table.match(rest) & usable
            rank = table.version_rank((allowed & -allowed).bit_length() - 2) if allowed else _NOTHING_ALLOWED
            shifted = candidates >> (start + 1)
            for index in range(size):
                if shifted >> index & 1 and rank > best[index]:
                    best[index] = rank
        return best
