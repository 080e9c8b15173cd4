"""Why there is no solution: a minimal, readable story made from the solver's proof.

The proof is a set of rules "these candidates need those". Roots are dropped one by one as long as the rest still
contradicts itself (each try is one more solve, about a millisecond), then the rules of the last proof are written as
sentences about ranges of versions, from the roots downwards.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..errors import Unsatisfiable
from .engine import LATE, Clause, Engine, NoSolution, OutOfBudget
from .problem import Problem
from .table import RICH, conditional_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ..model.match_spec import MatchSpec
    from .table import CandidateTable

_MOST_LINES = 40


@dataclass(frozen=True, slots=True)
class Line:
    """One fact: `package` in `versions` (compressed) requires, or is constrained to, `target` `wanted`.

    `kind`: "root" (asked for), "limit" (a constraint of the request), "requires" or "constrains"; `note` says why
    nothing fits.
    """

    kind: str
    package: str
    versions: str
    target: str
    wanted: str
    note: str = ""

    def __str__(self) -> str:
        what = f"{self.target} {self.wanted}".strip()
        if self.kind == "root":
            return f"you ask for {what}{self.note}"
        if self.kind == "limit":
            return f"you allow only {what}{self.note}"
        verb = "requires" if self.kind == "requires" else "works only with"
        return f"{self.package} {self.versions} {verb} {what}{self.note}".replace("  ", " ")


@dataclass(frozen=True, slots=True)
class Story:
    """The explanation as data. `roots` are the specs that cannot be had together; taking any one away would do."""

    roots: tuple[MatchSpec, ...]
    lines: tuple[Line, ...]
    hints: tuple[str, ...] = field(default=())

    def text(self) -> tuple[str, ...]:
        """One sentence a line, indented by depth."""
        return tuple(f"  {'•' if line.kind in ('root', 'limit') else '└─'} {line}" for line in self.lines)

    def as_error(self) -> Unsatisfiable:
        """The error to raise."""
        names = " and ".join(str(spec) for spec in self.roots)
        verb = "cannot be installed together" if len(self.roots) > 1 else "cannot be installed"
        error = Unsatisfiable(f"{names or 'the request'} {verb}", story=self.text(), hints=self.hints)
        error.__cause__ = None
        return error


def explain(
    problem: Problem, engine: Engine, core: Sequence[Clause], *, should_stop: Callable[[], bool] | None = None
) -> Story:
    """The story of a failed search."""
    smaller, engine, core = _minimise(problem, engine, core, should_stop)
    lines, unknown = _lines(smaller, engine, core)
    roots = tuple(dict.fromkeys(smaller.specs_of_roots[text] for text in smaller.roots))
    return Story(roots, tuple(lines[:_MOST_LINES]), tuple(_hints(smaller, roots, unknown)))


# ---------------------------------------------------------------- fewer roots


def _minimise(
    problem: Problem, engine: Engine, core: Sequence[Clause], should_stop: Callable[[], bool] | None
) -> tuple[Problem, Engine, Sequence[Clause]]:
    """Drop every root without which there is still no solution."""
    used = _roots_of(problem, engine, core)
    problem = _with_roots(problem, used)
    index = 0
    while index < len(problem.roots) and len(problem.roots) > 1:
        if should_stop is not None and should_stop():
            break
        attempt = _with_roots(problem, [*problem.roots[:index], *problem.roots[index + 1 :]])
        other = attempt.engine(should_stop=should_stop)
        try:
            other.solve(attempt.roots, attempt.constraints)
        except NoSolution as proof:
            engine, core = other, proof.core
            problem = _with_roots(attempt, _roots_of(attempt, engine, core))
            index = min(index, len(problem.roots))
        except OutOfBudget:
            index += 1
        else:
            index += 1
    return problem, engine, core


def _roots_of(problem: Problem, engine: Engine, core: Iterable[Clause]) -> list[str]:
    """The roots that a proof speaks of; all of them when it speaks of none."""
    units = {clause for clause in core if len(clause) == 2}
    used = [
        text
        for text in problem.roots
        if text in engine.spec_ids and (_spec_clause(engine, engine.spec_ids[text])) in units
    ]
    return used or problem.roots


def _spec_clause(engine: Engine, spec: int) -> Clause:
    return (engine.spec_names[spec], engine.spec_masks[spec])


def _with_roots(problem: Problem, roots: Sequence[str]) -> Problem:
    """The same problem, asking for less."""
    specs = tuple(dict.fromkeys(problem.specs_of_roots[text] for text in roots))
    return Problem(problem.request.replace(specs=specs), problem.source, shared=problem)


# ---------------------------------------------------------------- lines


def _lines(problem: Problem, engine: Engine, core: Sequence[Clause]) -> tuple[list[Line], list[str]]:
    """The facts of a proof in reading order, and the names that nobody has."""
    rules: dict[tuple[str, str], int] = {}
    for clause in core:
        if len(clause) == 4:
            for name, key, candidates in _rules_of(engine, clause):
                rules[name, key] = rules.get((name, key), 0) | candidates
    by_package: dict[str, list[tuple[str, int]]] = {}
    for (name, key), candidates in rules.items():
        by_package.setdefault(name, []).append((key, candidates))
    unknown: list[str] = []
    lines: list[Line] = []
    queue: list[str] = []
    for text in problem.roots:
        lines.append(_line(problem, "", 0, text, "root", unknown))
        queue.append(text.partition(" ")[0])
    for text in problem.constraints:
        spec = engine.spec_ids.get("!" + text, -1)
        if spec >= 0 and _spec_clause(engine, spec) in core:
            lines.append(_line(problem, "", 0, text, "limit", unknown))
    seen: set[str] = set()
    while queue or set(by_package) - seen:
        name = queue.pop(0) if queue else min(set(by_package) - seen)
        if name in seen:
            continue
        seen.add(name)
        for key, candidates in sorted(by_package.get(name, ())):
            kind = "constrains" if key[0] == "!" else "requires"
            lines.append(_line(problem, name, candidates, key.lstrip("!"), kind, unknown))
            queue.append(key.lstrip("!").partition(" ")[0])
    return list(dict.fromkeys(lines)), unknown


def _rules_of(engine: Engine, clause: Clause) -> Iterable[tuple[str, str, int]]:
    """The rules (package, spec, candidates) a clause of two literals can stand for."""
    for parent, kept, target, allowed in (clause, (clause[2], clause[3], clause[0], clause[1])):
        table = engine.tables[parent]
        if kept >= 0 or table is None:
            continue
        for candidates, key in zip(engine.rule_masks[parent], engine.rule_keys[parent], strict=True):
            if candidates != ~kept:
                continue
            spec = engine.spec_ids.get(key, -1)
            if spec >= 0 and engine.spec_names[spec] == target and engine.spec_masks[spec] == allowed:
                yield engine.names[parent], key, candidates
                return


def _line(problem: Problem, package: str, candidates: int, text: str, kind: str, unknown: list[str]) -> Line:
    target, _, wanted = text.partition(" ")
    versions = ""
    if package:
        table, allowed, _ = problem.load(package)
        versions = compress(table, candidates & allowed or candidates)
    if target[0] == LATE:
        target = conditional_text(target)
    if package[:1] == LATE:
        package, versions = conditional_text(package), ""
    negated, wanted = wanted[:1] == "-", wanted.removeprefix("-")
    if wanted[:1] == RICH:
        wanted = wanted[1:].removeprefix(target).strip()
    if wanted[:1] == "#":
        wanted = ""
    if negated:
        wanted = f"other than {wanted or '*'}"
    note = "" if kind == "constrains" else _missing(problem, target, text, unknown)
    return Line(kind, package, versions, target, wanted, note)


def _missing(problem: Problem, name: str, text: str, unknown: list[str]) -> str:
    """Why nothing fits a requirement; empty when something does."""
    table, allowed, _ = problem.load(name)
    rest = text.partition(" ")[2]
    domain = table.match(rest)
    if domain & allowed:
        return ""
    if name.startswith("__"):
        if table.count:
            return f", but the platform has {name} {table.version(0)}"
        return f", but the platform has no {name}"
    channels = ", ".join(channel.name for channel in problem.source.channels) or "any channel"
    if not table.count:
        unknown.append(name)
        return f", but no package of that name is in {channels}"
    if domain and not domain & allowed:
        if name in problem.pinned:
            return f", but {name} is pinned to {problem.pinned[name].version}"
        return ", but what fits is newer than exclude-newer allows"
    wanted = problem.wanted_channels.get(name)
    holders = [wanted] if wanted is not None else problem.source.channels_with(name)
    place = f" in {holders[0].name}" if holders else ""
    return f", but{place} there is only {compress(table, table.versions.everything)}"


def compress(table: CandidateTable, candidates: int) -> str:
    """The versions of a set of candidates as text: one, a short list, or ranges over the name's history.

    All candidates together give the empty text; where only some builds of a single version are meant, the build is
    shown.
    """
    if not candidates & ~1 or not table.versions.everything & ~candidates:
        versions = table.versions.texts
        return versions[0] if len(versions) == 1 else f"{versions[-1]} … {versions[0]}" if versions else ""
    parts: list[str] = []
    run: list[str] = []
    for text, mask in zip(table.versions.texts, table.versions.masks, strict=True):
        if mask & candidates:
            run.append(text)
        elif run:
            parts.append(_run_text(run))
            run = []
    if run:
        parts.append(_run_text(run))
    if len(parts) > 4:
        return f"{parts[0]}, {parts[1]}, … {parts[-1]} ({len(table.versions_of(candidates))} versions)"
    return ", ".join(parts)


def _run_text(run: Sequence[str]) -> str:
    """A stretch of neighbouring versions, highest first in `run`."""
    return run[0] if len(run) == 1 else f"{run[-1]} … {run[0]}"


# ---------------------------------------------------------------- hints


def _hints(problem: Problem, roots: Sequence[MatchSpec], unknown: Sequence[str]) -> Iterable[str]:
    """What would help: names that are nearly right, the channel that has it, what to loosen."""
    from difflib import get_close_matches

    for name in dict.fromkeys(unknown):
        near = get_close_matches(name, problem.source.names(), n=3, cutoff=0.75)
        if near:
            yield f"did you mean {' or '.join(f'`{other}`' for other in near)} instead of `{name}`?"
        else:
            yield f"check the spelling of `{name}`, or look for it with `pixi search '*{name}*'`"
    for name, channel in problem.wanted_channels.items():
        others = [other.name for other in problem.source.channels_with(name) if other != channel]
        if name in unknown and others:
            yield f"`{name}` is in {', '.join(others)}"
    loose = [spec for spec in roots if spec.version is not None or spec.build is not None]
    if not unknown and loose:
        yield f"loosen or remove one of: {', '.join(str(spec) for spec in loose)}"
