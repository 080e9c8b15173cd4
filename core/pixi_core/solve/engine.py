"""The search: conflict-driven clause learning over finite-domain variables.

Every package name is one variable. Its domain is one integer: bit 0 means "not installed", bit i+1 is candidate i
of its table, best first. A dependency is a rule "a in P => n in M" (P, M are such sets); at-most-one is implicit, the
best candidate is the lowest bit, a conflict is an empty domain. One `&` thus stands for hundreds of literals.

Clauses are flat tuples `(n, T, m, U, ...)`: "n in T, or m in U, or …". Learned clauses are found by resolution up
to the first unique implication point and watched by two of their literals.

The search starts lazily: only what chosen candidates need is looked at, and dependencies are checked just before a
decision. At the first conflict it returns to the start and registers every rule of the loaded tables (eagerly), which
prunes far better. Problems without conflicts, the majority, never pay for that.

Names are decided in the order in which they were first asked for: the request's own in its order, then those that
chosen candidates need. Which candidate of a name is the best is not known here: `choose` says it. A search that has
met `PATIENCE` conflicts is no ordinary problem; from then on the names with the fewest candidates left come first.

This module imports nothing but the standard library and knows nothing of versions or records: tables do (what is asked
of them stands in `contract`). mypyc compiles it as it is (`tests/benchmarks/solver_compiled`).
"""

from __future__ import annotations

from heapq import heappop, heappush

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Literal

    from .contract import Table

Clause = tuple[int, ...]

LATE = "?"
"""Names that begin with it are decided after all others."""

PATIENCE = 64
"""So many conflicts are met in the ordinary order of decisions; no real problem known has half as many."""


class NoSolution(Exception):
    """The clauses contradict each other; `core` holds the unlearned clauses that a proof needs."""

    def __init__(self, core: tuple[Clause, ...]) -> None:
        super().__init__("no solution")
        self.core = core


class OutOfBudget(Exception):
    """More conflicts than allowed."""


class Stopped(Exception):
    """`should_stop` said so."""


class Conflict:
    """What is known of a conflict while it is traced back: `facts` (name in set) that together are impossible, the
    level at which each came true, the clauses that were used, and how far back the trail was followed (`index`, and
    for each name on the way the length of its history there).
    """

    __slots__ = ("cursors", "facts", "index", "levels", "used")

    def __init__(self, index: int) -> None:
        self.index = index
        self.facts: dict[int, int] = {}
        self.levels: dict[int, int] = {}
        self.cursors: dict[int, int] = {}
        self.used: list[Clause] = []


class Engine:
    """One search. `load(name)` gives a table and the domain that may be used of it; `choose(engine, name)` the best
    candidate of what is left of a name, as a domain of one.

    `eager=None` is the adaptive mode described above; True and False force one way (for tests). `budget` is the
    number of conflicts after which `OutOfBudget` is raised; `should_stop` is asked every few decisions.
    """

    def __init__(
        self,
        load: Callable[[str], tuple[Table, int]],
        choose: Callable[[Engine, int], int],
        *,
        eager: bool | None = None,
        budget: int = 20_000,
        should_stop: Callable[[], bool] | None = None,
    ) -> None:
        self.loader = load
        self.choose = choose
        self.adaptive = eager is None
        self.eager = bool(eager)
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
        self.is_root: list[bool] = []
        self.turns: list[int] = []  # the order of decisions; -1: never asked for
        self.offered: list[bool] = []
        self.activity: list[float] = []
        self.old_domains: list[list[int]] = []
        self.old_levels: list[list[int]] = []
        self.rule_masks: list[Sequence[int]] = []
        self.rule_keys: list[Sequence[str]] = []
        self.rule_specs: list[list[int]] = []  # spec id, or -1 while it was not looked at
        self.rules_of_choice: list[dict[int, list[tuple[int, int, int]]]] = []  # by domain of one
        self.watching: list[list[int]] = []  # registered specs on a name
        self.waiting: list[list[int]] = []  # names whose constraints wait for this one to be loaded
        self.learned_watch: list[list[int]] = []
        self.queued: list[bool] = []
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
        self.heap: list[tuple[int, int]] = []
        self.asked = 0
        self.impatient = False

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
            self.is_root.append(False)
            self.turns.append(-1)
            self.offered.append(False)
            self.activity.append(0.0)
            self.old_domains.append([])
            self.old_levels.append([])
            self.rule_masks.append(())
            self.rule_keys.append(())
            self.rule_specs.append([])
            self.rules_of_choice.append({})
            self.watching.append([])
            self.waiting.append([])
            self.learned_watch.append([])
            self.queued.append(False)
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
        table, allowed = self.loader(self.names[name])
        self.tables[name] = table
        full = ((1 << (table.count + 1)) - 1) & (allowed | 1)
        self.full[name] = full
        self.domains[name] = full
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
            if new & (new - 1) and not self.offered[name]:
                self.offer(name)
        return new == 0

    def offer(self, name: int) -> None:
        """Put a required name up for decision: roots first, the late last, otherwise as they were asked for."""
        turn = self.turns[name]
        if turn < 0:
            turn = 2 if self.names[name][0] == LATE else 0 if self.is_root[name] else 1
            self.asked += 1
            turn = self.turns[name] = (turn << 40) + self.asked
        self.offered[name] = True
        heappush(self.heap, (turn, name))

    def propagate(self) -> bool:
        """Apply rules until nothing changes. True on conflict: the last entry of the trail is empty."""
        queue, domains, masks = self.queue, self.domains, self.spec_masks
        while queue:
            name = queue.pop()
            self.queued[name] = False
            domain = domains[name]
            for spec in self.watching[name]:
                allowed = masks[spec]
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
        rules = self.rules_of_choice[name].get(domain)
        if rules is None:
            rules = self.collect_rules(name, domain)
            if rules is None:
                return True
        domains = self.domains
        for target, allowed, candidates in rules:
            if domains[target] & ~allowed and self.restrict(target, allowed, (target, allowed, name, ~candidates)):
                return True
        return False

    def collect_rules(self, name: int, domain: int) -> list[tuple[int, int, int]] | None:
        """The rules of one candidate: name, what is allowed of it, the candidates that share the rule. Names that are
        required are loaded, which may show a conflict (None); rules on names not loaded wait.
        """
        specs = self.rule_specs[name]
        found: list[tuple[int, int, int]] = []
        complete = True
        for position, candidates in enumerate(self.rule_masks[name]):
            if domain & ~candidates:
                continue
            spec = specs[position]
            if spec < 0:
                spec = specs[position] = self.spec_id(self.rule_keys[name][position])
            target = self.spec_names[spec]
            if self.domains[target] < 0:
                if self.spec_keys[spec][0] == "!":
                    self.waiting[target].append(name)
                    complete = False
                    continue
                self.load(target)
                if self.dead_rules and self.apply_dead_rules():
                    return None
            allowed = self.spec_masks[spec]
            found.append((target, self.mask(spec) if allowed < 0 else allowed, candidates))
        if complete:
            self.rules_of_choice[name][domain] = found
        return found

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
            if not domain & 1 and domain & (domain - 1) and not self.offered[name]:
                self.offer(name)
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

    def entry_level(self, name: int, fact: int, cursors: dict[int, int]) -> int:
        """The level at which the domain of a name came to lie inside `fact`."""
        history = self.old_domains[name]
        index = cursors.get(name, len(history)) - 1
        while index >= 0:
            if history[index] & ~fact:
                return self.old_levels[name][index]
            index -= 1
        return 0

    def resolve(self, conflict: Conflict, name: int, clause: Clause) -> None:
        """Replace the fact about `name` by the facts for which `clause` narrowed it."""
        conflict.used.append(clause)
        facts, levels = conflict.facts, conflict.levels
        mine = 0
        for position in range(0, len(clause), 2):
            other, allowed = clause[position], clause[position + 1]
            if other == name:
                mine |= allowed  # twice where a package has a rule on its own name
                continue
            fact = facts.get(other, -1)
            if fact & allowed:
                fact &= ~allowed
                if self.full[other] & ~fact:  # else it holds always
                    facts[other] = fact
                    levels[other] = self.entry_level(other, fact, conflict.cursors)
        facts[name] = fact = facts[name] | ~mine
        if self.full[name] & ~fact:
            levels[name] = self.entry_level(name, fact, conflict.cursors)
        else:
            del facts[name], levels[name]

    def step_back(self, conflict: Conflict) -> int:
        """Go down the trail to the entry that made one of the facts true; the name it narrowed."""
        cursors = conflict.cursors
        while True:
            conflict.index -= 1
            name = self.trail[conflict.index]
            cursor = cursors.get(name, len(self.old_domains[name])) - 1
            cursors[name] = cursor
            fact = conflict.facts.get(name)
            if fact is not None and self.old_domains[name][cursor] & ~fact:
                return name

    def analyse(self) -> None:
        """The last entry of the trail is empty: learn a clause, jump back, assert it. Raises `NoSolution`."""
        while True:
            self.conflicts += 1
            if self.conflicts > self.budget:
                raise OutOfBudget
            conflict = Conflict(len(self.trail) - 1)
            name = self.trail[conflict.index]
            conflict.facts[name] = conflict.levels[name] = 0
            conflict.cursors[name] = len(self.old_domains[name]) - 1
            self.resolve(conflict, name, self.reason(conflict.index))
            level = max(conflict.levels.values(), default=0)
            if level == 0:
                self.prove(conflict)
            while list(conflict.levels.values()).count(level) > 1:
                name = self.step_back(conflict)
                self.resolve(conflict, name, self.reason(conflict.index))
            clause, level = self.learn(conflict, level)
            self.backjump(level)
            asserted, allowed = clause[0], clause[1]
            if not self.domains[asserted] & ~allowed or not self.restrict(asserted, allowed, clause):
                return

    def reason(self, index: int) -> Clause:
        """Why an entry of the trail was made; decisions are never asked."""
        clause = self.reasons[index]
        assert clause is not None
        return clause

    def learn(self, conflict: Conflict, level: int) -> tuple[Clause, int]:
        """Store the clause that forbids the facts; the clause and the level to jump back to."""
        known, levels = conflict.facts, conflict.levels
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
        self.learned_from[clause] = conflict.used
        self.learned_positions.append([0, 1] if others else [0, 0])
        if others:
            self.learned_watch[clause[0]].append(number)
            self.learned_watch[clause[2]].append(number)
        back = -others[0][0] if others else 0
        return clause, min(back, level - 1)

    def prove(self, conflict: Conflict) -> None:
        """A conflict without any decision: collect the unlearned clauses it rests on and raise `NoSolution`."""
        while conflict.facts:
            name = self.step_back(conflict)
            self.resolve(conflict, name, self.reason(conflict.index))
        seen: set[Clause] = set()
        pending = list(conflict.used)
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
        if self.impatient:
            return self.most_urgent()
        heap = self.heap
        while heap:
            name = heap[0][1]
            domain = self.domains[name]
            if not domain & 1 and domain & (domain - 1):
                return name
            heappop(heap)
            self.offered[name] = False
        return -1

    def most_urgent(self) -> int:
        """The undecided name with the fewest candidates left, of such the one most often part of a conflict."""
        best, least = -1, (3, 0, 0.0)
        for name in self.required:
            domain = self.domains[name]
            if domain & (domain - 1):
                late = self.turns[name] >> 40
                if late <= least[0]:
                    urgency = (late, domain.bit_count(), -self.activity[name])
                    if urgency < least:
                        best, least = name, urgency
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
        """Become eager at the first conflict above the ground, learn from every other, lose patience once."""
        if self.adaptive and not self.eager and len(self.level_starts) > 1:
            self.conflicts += 1
            self.dead_rules.clear()
            self.become_eager()
            return
        self.analyse()
        if self.conflicts > PATIENCE and not self.impatient:
            self.impatient = True
            self.backjump(0)  # what was learned stays: begin again in the other order

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
            bit = self.choose(self, name)
            outcome = self.check(name, bit)
            if outcome == "conflict":
                self.on_conflict()
            elif outcome == "fine" and not self.dead_rules and not self.queue:
                self.decisions += 1
                self.level_starts.append(len(self.trail))
                self.required_starts.append(len(self.required))
                self.restrict(name, bit, None)
        return {self.names[name]: self.domains[name].bit_length() - 2 for name in self.required}
