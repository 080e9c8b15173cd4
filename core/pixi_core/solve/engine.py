"""The search: conflict-driven clause learning over finite-domain variables.

Every package name is one variable. Its domain is one integer: bit 0 means "not installed", bit i+1 is candidate i
of its table, best first. A dependency is a rule "a in P => n in M" (P, M are such sets); at-most-one is implicit, the
best candidate is the lowest bit, a conflict is an empty domain. One `&` thus stands for hundreds of literals.

Clauses are flat tuples `(n, T, m, U, ...)`: "n in T, or m in U, or …". Learned clauses are found by resolution up
to the first unique implication point and watched by two of their literals.

The search starts lazily: only what chosen candidates need is looked at, and dependencies are checked just before a
decision. At the first conflict it returns to the start and registers every rule of the loaded tables (eagerly), which
prunes far better. Problems without conflicts, the majority, never pay for that.

This module imports nothing but the standard library and knows nothing of versions or records: tables do.
"""

from __future__ import annotations

from heapq import heappop, heappush

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Literal, Protocol

    Strategy = Literal["highest", "lowest", "lowest-direct"]
else:
    Protocol = object
    Strategy = str

Clause = tuple[int, ...]

LATE = "?"
"""Names that begin with it are decided after all others."""


class Table(Protocol):
    """The candidates of one name, best first.

    `rule_masks[i]` is the set of candidates that carry rule `rule_specs[i]`: `name rest` for a requirement, with a
    leading `!` for a constraint. Masks are domains: candidate k is bit k + 1, bit 0 is never set in them.
    """

    count: int
    rule_masks: Sequence[int]
    rule_specs: Sequence[str]

    def match(self, rest: str) -> int:
        """The candidates that the part of a spec after its name allows."""

    def lowest(self, domain: int) -> int:
        """The candidates of `domain` that share its lowest version (best tier only)."""

    def group(self, candidate: int) -> tuple[int, int]:
        """The range [start, end) of candidates that tie with `candidate` in version and build number."""

    def version_rank(self, candidate: int) -> int:
        """The position of the candidate's version, 0 = the highest; candidates of a later tier rank lower."""


class NoSolution(Exception):
    """The clauses contradict each other; `core` holds the unlearned clauses that a proof needs."""

    def __init__(self, core: tuple[Clause, ...]) -> None:
        super().__init__("no solution")
        self.core = core


class OutOfBudget(Exception):
    """More conflicts than allowed."""


class Stopped(Exception):
    """`should_stop` said so."""


class Engine:
    """One search. `load(name)` gives `(table, allowed, favoured)`: domains to restrict to and to prefer.

    `eager=None` is the adaptive mode described above; True and False force one way (for tests). `budget` is the
    number of conflicts after which `OutOfBudget` is raised; `should_stop` is asked every few decisions.
    """

    def __init__(
        self,
        load: Callable[[str], tuple[Table, int, int]],
        *,
        eager: bool | None = None,
        strategy: Strategy = "highest",
        budget: int = 20_000,
        should_stop: Callable[[], bool] | None = None,
    ) -> None:
        self.loader = load
        self.adaptive = eager is None
        self.eager = bool(eager)
        self.strategy = strategy
        self.budget = budget
        self.should_stop = should_stop
        self.conflicts = 0
        self.decisions = 0
        # by name
        self.ids: dict[str, int] = {}
        self.names: list[str] = []
        self.tables: list[Table | None] = []
        self.domains: list[int] = []  # -1: not loaded
        self.full: list[int] = []
        self.favoured: list[int] = []
        self.is_root: list[bool] = []
        self.activity: list[float] = []
        self.old_domains: list[list[int]] = []
        self.old_levels: list[list[int]] = []
        self.rule_masks: list[Sequence[int]] = []
        self.rule_keys: list[Sequence[str]] = []
        self.rule_specs: list[list[int]] = []  # spec id, or -1 while it was not looked at
        self.watching: list[list[int]] = []  # registered specs on a name
        self.waiting: list[list[int]] = []  # names whose constraints wait for this one to be loaded
        self.learned_watch: list[list[int]] = []
        self.queued: list[bool] = []
        self.tie_orders: list[dict[int, list[int]]] = []
        # by spec
        self.spec_ids: dict[str, int] = {}
        self.spec_keys: list[str] = []
        self.spec_names: list[int] = []
        self.spec_masks: list[int] = []  # -1: not computed
        self.spec_parents: list[list[tuple[int, int]]] = []
        self.spec_registered: list[bool] = []
        # the trail
        self.trail: list[int] = []
        self.reasons: list[Clause | None] = []
        self.level_starts: list[int] = [0]
        self.required: list[int] = []
        self.required_starts: list[int] = [0]
        self.queue: list[int] = []
        self.late: dict[int, None] = {}  # names whose rules must be applied again after every backjump
        self.dead_rules: list[tuple[int, int, int, int]] = []
        self.learned: list[Clause] = []
        self.learned_positions: list[list[int]] = []
        self.learned_from: dict[Clause, list[Clause]] = {}
        self.increment = 1.0
        self.heap: list[tuple[int, float, int, int]] = []

    # ------------------------------------------------------------ names and specs

    def name_id(self, name: str) -> int:
        """The variable of a name; made, not loaded, when it is new."""
        found = self.ids.get(name, -1)
        if found < 0:
            found = len(self.names)
            self.ids[name] = found
            self.names.append(name)
            self.tables.append(None)
            self.domains.append(-1)
            self.full.append(-1)
            self.favoured.append(0)
            self.is_root.append(False)
            self.activity.append(0.0)
            self.old_domains.append([])
            self.old_levels.append([])
            self.rule_masks.append(())
            self.rule_keys.append(())
            self.rule_specs.append([])
            self.watching.append([])
            self.waiting.append([])
            self.learned_watch.append([])
            self.queued.append(False)
            self.tie_orders.append({})
        return found

    def spec_id(self, key: str) -> int:
        """The number of a spec `name rest` or `!name rest`."""
        found = self.spec_ids.get(key, -1)
        if found < 0:
            found = len(self.spec_keys)
            self.spec_ids[key] = found
            self.spec_keys.append(key)
            blank = key.find(" ")
            start = 1 if key[0] == "!" else 0
            self.spec_names.append(self.name_id(key[start:] if blank < 0 else key[start:blank]))
            self.spec_masks.append(-1)
            self.spec_parents.append([])
            self.spec_registered.append(False)
        return found

    def mask(self, spec: int) -> int:
        """The domain a spec leaves to its (loaded) name."""
        found = self.spec_masks[spec]
        if found < 0:
            key = self.spec_keys[spec]
            table = self.table(self.spec_names[spec])
            blank = key.find(" ")
            found = table.match("" if blank < 0 else key[blank + 1 :])
            if key[0] == "!":
                found |= 1
            self.spec_masks[spec] = found
        return found

    def table(self, name: int) -> Table:
        """The table of a loaded name."""
        table = self.tables[name]
        if table is None:
            self.load(name)
            table = self.tables[name]
        assert table is not None
        return table

    # ------------------------------------------------------------ loading

    def load(self, name: int) -> None:
        """Fetch the table of a name and give it its full domain."""
        table, allowed, favoured = self.loader(self.names[name])
        self.tables[name] = table
        full = ((1 << (table.count + 1)) - 1) & (allowed | 1)
        self.full[name] = full
        self.domains[name] = full
        self.favoured[name] = favoured & full
        self.rule_masks[name] = table.rule_masks
        self.rule_keys[name] = table.rule_specs
        self.rule_specs[name] = [-1] * len(table.rule_masks)
        if self.eager:
            self.load_rules(name)
        for parent in self.waiting[name]:
            self.enqueue(parent)
            if len(self.level_starts) > 1:
                self.late[parent] = None

    def load_rules(self, name: int) -> None:
        """Register every rule of a loaded name, and note those which no candidate can satisfy any more."""
        specs: list[int] = []
        keys = self.rule_keys[name]
        domains = self.domains
        for position, candidates in enumerate(self.rule_masks[name]):
            key = keys[position]
            spec = self.spec_ids.get(key, -1)
            if spec < 0:
                spec = self.spec_id(key)
            specs.append(spec)
            target = self.spec_names[spec]
            self.spec_parents[spec].append((name, candidates))
            if not self.spec_registered[spec]:
                self.spec_registered[spec] = True
                self.watching[target].append(spec)
            if domains[target] >= 0:
                allowed = self.spec_masks[spec]
                if allowed < 0:
                    allowed = self.mask(spec)
                if not domains[target] & allowed and domains[name] & candidates:
                    self.dead_rules.append((name, candidates, target, spec))
        self.rule_specs[name] = specs
        for spec in self.watching[name]:
            if self.spec_masks[spec] < 0 and not domains[name] & self.mask(spec):
                self.dead_rules += [(parent, candidates, name, spec) for parent, candidates in self.spec_parents[spec]]

    def apply_dead_rules(self) -> bool:
        """Take away candidates whose requirement has become impossible. True on conflict."""
        dead = self.dead_rules
        while dead:
            name, candidates, target, spec = dead.pop()
            if len(self.level_starts) > 1:
                self.late[target] = None
            allowed = self.spec_masks[spec]
            if (
                self.domains[name] & candidates
                and not self.domains[target] & allowed
                and self.restrict(name, ~candidates, (name, ~candidates, target, allowed))
            ):
                dead.clear()
                return True
        return False

    def register(self, spec: int, parent: int, candidates: int) -> None:
        """Watch one rule from now on."""
        parents = self.spec_parents[spec]
        if (parent, candidates) not in parents:
            parents.append((parent, candidates))
            if not self.spec_registered[spec]:
                self.spec_registered[spec] = True
                self.watching[self.spec_names[spec]].append(spec)

    def become_eager(self) -> None:
        """Start again with every rule of what is loaded."""
        self.backjump(0)
        self.eager = True
        for name in range(len(self.names)):
            if self.tables[name] is not None:
                self.load_rules(name)
                self.enqueue(name)

    # ------------------------------------------------------------ propagation

    def enqueue(self, name: int) -> None:
        """Have the rules of a name applied."""
        if not self.queued[name]:
            self.queued[name] = True
            self.queue.append(name)

    def restrict(self, name: int, allowed: int, reason: Clause | None) -> bool:
        """Narrow a domain, remembering why. True on conflict (nothing left)."""
        old = self.domains[name]
        new = old & allowed
        self.old_domains[name].append(old)
        self.old_levels[name].append(len(self.level_starts) - 1)
        self.trail.append(name)
        self.reasons.append(reason)
        self.domains[name] = new
        if not self.queued[name]:
            self.queued[name] = True
            self.queue.append(name)
        if not new & 1:
            if old & 1:
                self.required.append(name)
            if new & (new - 1):
                self.push(name, new)
        return new == 0

    def push(self, name: int, domain: int) -> None:
        """Offer a name for decision: roots first, the late last, then the most active, then the fewest candidates."""
        turn = 2 if self.names[name][0] == LATE else 0 if self.is_root[name] else 1
        heappush(self.heap, (turn, -self.activity[name], domain.bit_count(), name))

    def propagate(self) -> bool:
        """Apply rules until nothing changes. True on conflict: the last entry of the trail is empty."""
        queue = self.queue
        domains = self.domains
        while queue:
            name = queue.pop()
            self.queued[name] = False
            domain = domains[name]
            for spec in self.watching[name]:
                allowed = self.spec_masks[spec]
                if not domain & allowed:
                    for parent, candidates in self.spec_parents[spec]:
                        if domains[parent] & candidates and self.restrict(
                            parent, ~candidates, (parent, ~candidates, name, allowed)
                        ):
                            return True
            if self.learned_watch[name]:
                if self.propagate_learned(name):
                    return True
                domain = domains[name]
            # forward only from decided names: others would mostly restrict to what everything allows
            if not domain & 1 and not domain & (domain - 1) and self.propagate_choice(name, domain):
                return True
        return False

    def propagate_choice(self, name: int, domain: int) -> bool:
        """Apply the rules of the one candidate that is left. True on conflict."""
        specs = self.rule_specs[name]
        domains = self.domains
        for position, candidates in enumerate(self.rule_masks[name]):
            if domain & ~candidates:
                continue
            spec = specs[position]
            if spec < 0:
                spec = specs[position] = self.spec_id(self.rule_keys[name][position])
            target = self.spec_names[spec]
            if domains[target] < 0:
                if self.spec_keys[spec][0] == "!":
                    self.waiting[target].append(name)
                    continue
                self.load(target)
                if self.dead_rules and self.apply_dead_rules():
                    return True
            allowed = self.spec_masks[spec]
            if allowed < 0:
                allowed = self.mask(spec)
            if domains[target] & ~allowed and self.restrict(target, allowed, (target, allowed, name, ~candidates)):
                return True
        return False

    def propagate_learned(self, name: int) -> bool:
        """Visit the learned clauses watched by a name whose domain shrank. True on conflict."""
        domains = self.domains
        watch = self.learned_watch[name]
        kept = 0
        for index in range(len(watch)):
            number = watch[index]
            clause = self.learned[number]
            positions = self.learned_positions[number]
            mine = 0 if clause[2 * positions[0]] == name else 1
            other = positions[1 - mine]
            other_name = clause[2 * other]
            other_allowed = clause[2 * other + 1]
            still_watched = domains[name] & clause[2 * positions[mine] + 1] or not domains[other_name] & ~other_allowed
            if not still_watched and self.move_watch(number, clause, positions, mine):
                continue
            watch[kept] = number
            kept += 1
            if not still_watched and self.restrict(other_name, other_allowed, clause):
                rest = watch[index + 1 :]
                watch[kept:] = rest
                return True
        del watch[kept:]
        return False

    def move_watch(self, number: int, clause: Clause, positions: list[int], mine: int) -> bool:
        """Watch another literal that can still be true, if there is one."""
        for position in range(len(clause) >> 1):
            if position in positions:
                continue
            name = clause[2 * position]
            if self.domains[name] & clause[2 * position + 1]:
                positions[mine] = position
                self.learned_watch[name].append(number)
                return True
        return False

    def backjump(self, level: int) -> None:
        """Undo everything above a level."""
        start = self.level_starts[level + 1] if level + 1 < len(self.level_starts) else len(self.trail)
        for index in range(len(self.trail) - 1, start - 1, -1):
            name = self.trail[index]
            domain = self.old_domains[name].pop()
            self.domains[name] = domain
            self.old_levels[name].pop()
            if not domain & 1 and domain & (domain - 1):
                self.push(name, domain)
        del self.trail[start:]
        del self.reasons[start:]
        if level + 1 < len(self.level_starts):
            del self.required[self.required_starts[level + 1] :]
        del self.level_starts[level + 1 :]
        del self.required_starts[level + 1 :]
        for name in self.queue:
            self.queued[name] = False
        self.queue.clear()
        for name in self.late:
            self.enqueue(name)

    # ------------------------------------------------------------ learning

    def entry_level(self, name: int, excluded: int, cursors: dict[int, int]) -> int:
        """The level at which the domain of a name became a subset of `excluded`'s complement's complement."""
        history = self.old_domains[name]
        index = cursors.get(name, len(history)) - 1
        while index >= 0:
            if history[index] & ~excluded:
                return self.old_levels[name][index]
            index -= 1
        return 0

    def resolve(self, known: dict[int, int], name: int, clause: Clause, used: list[Clause]) -> None:
        """Resolve the set of facts `known` (name in set) with the reason that narrowed `name`."""
        used.append(clause)
        for position in range(0, len(clause), 2):
            other, allowed = clause[position], clause[position + 1]
            if other == name:
                wider = known[name] | ~allowed
                if self.full[name] & ~wider:
                    known[name] = wider
                else:
                    del known[name]
            else:
                known[other] = known.get(other, -1) & ~allowed

    def step_back(self, known: dict[int, int], index: int, cursors: dict[int, int]) -> tuple[int, bool]:
        """Move one entry down the trail; whether that entry made one of the `known` facts true."""
        name = self.trail[index]
        cursor = cursors.get(name, len(self.old_domains[name])) - 1
        cursors[name] = cursor
        fact = known.get(name)
        return name, fact is not None and bool(self.old_domains[name][cursor] & ~fact)

    def analyse(self) -> None:
        """The last entry of the trail is empty: learn a clause, jump back, assert it. Raises `NoSolution`."""
        while True:
            self.conflicts += 1
            if self.conflicts > self.budget:
                raise OutOfBudget
            index = len(self.trail) - 1
            name = self.trail[index]
            known = {name: 0}
            cursors = {name: len(self.old_domains[name]) - 1}
            used: list[Clause] = []
            self.resolve(known, name, self.reason(index), used)
            level = max((self.entry_level(n, known[n], cursors) for n in known), default=0)
            if level == 0:
                self.prove(known, used, index, cursors)
            self.first_implication_point(known, used, index, cursors, level)
            clause, level = self.learn(known, used, cursors, level)
            self.backjump(level)
            asserted, allowed = clause[0], clause[1]
            if not self.domains[asserted] & ~allowed or not self.restrict(asserted, allowed, clause):
                return

    def reason(self, index: int) -> Clause:
        """Why an entry of the trail was made; decisions are never asked."""
        clause = self.reasons[index]
        assert clause is not None
        return clause

    def first_implication_point(
        self, known: dict[int, int], used: list[Clause], index: int, cursors: dict[int, int], level: int
    ) -> None:
        """Resolve until a single fact of the conflict's level is left."""
        while sum(self.entry_level(n, known[n], cursors) == level for n in known) > 1:
            while True:
                index -= 1
                name, relevant = self.step_back(known, index, cursors)
                if relevant:
                    break
            self.resolve(known, name, self.reason(index), used)

    def learn(
        self, known: dict[int, int], used: list[Clause], cursors: dict[int, int], level: int
    ) -> tuple[Clause, int]:
        """Store the clause that forbids the facts; the clause and the level to jump back to."""
        levels = {name: self.entry_level(name, known[name], cursors) for name in known}
        asserting = next(name for name in known if levels[name] == level)
        for name in known:
            self.activity[name] += self.increment
        self.increment *= 1.05
        if self.increment > 1e100:
            self.activity = [value * 1e-100 for value in self.activity]
            self.increment *= 1e-100
        others = sorted((-levels[name], name) for name in known if name != asserting)
        literals = [asserting, ~known[asserting]]
        for _, name in others:
            literals += (name, ~known[name])
        clause = tuple(literals)
        number = len(self.learned)
        self.learned.append(clause)
        self.learned_from[clause] = used
        self.learned_positions.append([0, 1] if others else [0, 0])
        if others:
            self.learned_watch[clause[0]].append(number)
            self.learned_watch[clause[2]].append(number)
        back = -others[0][0] if others else 0
        return clause, min(back, level - 1)

    def prove(self, known: dict[int, int], used: list[Clause], index: int, cursors: dict[int, int]) -> None:
        """A conflict without any decision: collect the unlearned clauses it rests on and raise `NoSolution`."""
        while index > 0 and known:
            index -= 1
            name, relevant = self.step_back(known, index, cursors)
            if relevant:
                self.resolve(known, name, self.reason(index), used)
        seen: set[Clause] = set()
        pending = list(used)
        core: list[Clause] = []
        while pending:
            clause = pending.pop()
            if clause in seen:
                continue
            seen.add(clause)
            parents = self.learned_from.get(clause)
            if parents is None:
                core.append(clause)
            else:
                pending += parents
        raise NoSolution(tuple(core))

    # ------------------------------------------------------------ decisions

    def pick(self) -> int:
        """The name to decide next, -1 when every required name is decided."""
        heap = self.heap
        while heap:
            entry = heappop(heap)
            name = entry[3]
            domain = self.domains[name]
            if domain & 1 or not domain & (domain - 1):
                continue
            count = domain.bit_count()
            if count == entry[2] and entry[1] == -self.activity[name]:
                heappush(heap, entry)  # it stays until it is decided
                return name
            heappush(heap, (entry[0], -self.activity[name], count, name))
        return -1

    def choose(self, name: int) -> int:
        """The best candidate left, as a domain of one."""
        domain = self.domains[name]
        preferred = domain & self.favoured[name]
        if preferred:
            return preferred & -preferred
        table = self.table(name)
        if self.strategy == "lowest" or (self.strategy == "lowest-direct" and self.is_root[name]):
            domain = table.lowest(domain)
        first = domain & -domain
        candidate = first.bit_length() - 2
        start, end = table.group(candidate)
        tied = (domain >> (candidate + 1)) & ((1 << (end - candidate)) - 1)
        if not tied & (tied - 1):
            return first
        order = self.tie_orders[name].get(start)
        if order is None:
            order = self.tie_orders[name][start] = self.order_ties(table, start, end)
        for candidate in order:
            if domain >> (candidate + 1) & 1:
                return 1 << (candidate + 1)
        return first

    def order_ties(self, table: Table, start: int, end: int) -> list[int]:
        """Candidates of one version and build number: those first whose shared dependencies allow higher versions,
        names compared in alphabetical order; then those that rule out fewer other names; then as the table has them
        (newest first).
        """
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

    def count_forbidden(self, table: Table, everyone: int, start: int, size: int) -> list[int]:
        """For each tied candidate, how many names its constraints rule out altogether (such as `icu <0.0a0`)."""
        counts = [0] * size
        for candidates, key in zip(table.rule_masks, table.rule_specs, strict=True):
            tied = candidates & everyone
            if key[0] != "!" or not tied or tied == everyone:
                continue
            name, _, rest = key[1:].partition(" ")
            target = self.name_id(name)
            if self.domains[target] < 0:
                self.load(target)
            if not self.table(target).match(rest):
                for index in range(size):
                    counts[index] += tied >> (start + 1 + index) & 1
        return counts

    def dependency_ranks(self, name: str, rules: list[tuple[int, str]], start: int, size: int) -> list[int]:
        """For each of `size` candidates, the rank of the highest version of `name` that it allows."""
        target = self.name_id(name)
        if self.domains[target] < 0:
            self.load(target)
        table = self.table(target)
        best = [-1] * size
        for candidates, rest in rules:
            allowed = table.match(rest) & self.full[target] & ~1
            rank = table.version_rank((allowed & -allowed).bit_length() - 2) if allowed else 1 << 40
            shifted = candidates >> (start + 1)
            for index in range(size):
                if shifted >> index & 1 and rank > best[index]:
                    best[index] = rank
        return best

    def check(self, name: int, bit: int) -> Literal["fine", "removed", "conflict"]:
        """Whether the requirements of a candidate can still be met; if not, it is taken away at once."""
        specs = self.rule_specs[name]
        domains = self.domains
        for position, candidates in enumerate(self.rule_masks[name]):
            if not candidates & bit:
                continue
            spec = specs[position]
            if spec < 0:
                spec = specs[position] = self.spec_id(self.rule_keys[name][position])
            target = self.spec_names[spec]
            if domains[target] < 0:
                if self.spec_keys[spec][0] == "!":
                    continue
                self.load(target)
                if self.dead_rules and self.apply_dead_rules():
                    return "conflict"
                if not domains[name] & bit:
                    return "removed"
            allowed = self.spec_masks[spec]
            if allowed < 0:
                allowed = self.mask(spec)
            if not domains[target] & allowed:
                self.register(spec, name, candidates)
                empty = self.restrict(name, ~candidates, (name, ~candidates, target, allowed))
                return "conflict" if empty else "removed"
        return "fine"

    # ------------------------------------------------------------ the loop

    def add_unit(self, key: str) -> None:
        """A root (`name rest`) or a constraint of the request (`!name rest`). Raises `NoSolution`."""
        spec = self.spec_id(key)
        name = self.spec_names[spec]
        if key[0] != "!":
            self.is_root[name] = True
        if self.domains[name] < 0:
            self.load(name)
        allowed = self.mask(spec)
        if self.domains[name] & ~allowed and self.restrict(name, allowed, (name, allowed)):
            self.analyse()

    def on_conflict(self) -> None:
        """Become eager at the first conflict above the ground, learn from every other."""
        if self.adaptive and not self.eager and len(self.level_starts) > 1:
            self.conflicts += 1
            self.dead_rules.clear()
            self.become_eager()
        else:
            self.analyse()

    def solve(self, roots: Sequence[str], constraints: Sequence[str] = ()) -> dict[str, int]:
        """The chosen candidate number of every required name.

        `roots` and `constraints` are texts `name rest`. Raises `NoSolution`, `OutOfBudget`, `Stopped`.
        """
        for root in roots:
            self.add_unit(root)
        for constraint in constraints:
            self.add_unit("!" + constraint)
        steps = 0
        while True:
            steps += 1
            if self.should_stop is not None and not steps & 15 and self.should_stop():
                raise Stopped
            if (self.dead_rules and self.apply_dead_rules()) or self.propagate():
                self.on_conflict()
                continue
            if self.dead_rules or self.queue:
                continue
            name = self.pick()
            if name < 0:
                break
            bit = self.choose(name)
            outcome = self.check(name, bit)
            if outcome == "conflict":
                self.on_conflict()
            elif outcome == "fine" and not self.dead_rules and not self.queue:
                self.decisions += 1
                self.level_starts.append(len(self.trail))
                self.required_starts.append(len(self.required))
                self.restrict(name, bit, None)
        return {self.names[name]: self.domains[name].bit_length() - 2 for name in self.required}
