"""Why there is no solution: a minimal, readable story made from the solver's proof.

The proof is a set of rules "these candidates need those". Roots are dropped one by one as long as the rest still
contradicts itself (each try is one more solve, about a millisecond), then the rules of the last proof are written as
sentences about ranges of versions, from the roots downwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..model.match_spec import parse_match_spec
from ..suggest import near
from .engine import LATE, Clause, Engine, NoSolution, OutOfBudget, Stopped
from .problem import Problem
from .story import Line, Story
from .table import RICH, conditional_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ..model.match_spec import MatchSpec
    from .table import CandidateTable

_MOST_LINES = 40
_MOST_TRIED = 4
"""So many of the roots are tried without their versions, each with one more solve."""


def explain(
    problem: Problem, engine: Engine, core: Sequence[Clause], *, should_stop: Callable[[], bool] | None = None
) -> Story:
    """The story of a failed search."""
    smaller, engine, core = _minimise(problem, engine, core, should_stop)
    lines, unknown = _lines(smaller, engine, core)
    roots = tuple(dict.fromkeys(smaller.specs_of_roots[text] for text in smaller.roots))
    loosened = [] if unknown else list(_loosened(smaller, roots, should_stop))
    hints = tuple(_hints(smaller, unknown, loosened))
    return Story(roots, tuple(lines[:_MOST_LINES]), tuple(spec for spec, _ in loosened), hints)


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
        except Stopped:
            break  # the verdict stands; it is only told at greater length
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
    by_package: dict[str, dict[str, int]] = {}
    for clause in core:
        if len(clause) == 4:
            for name, key, candidates in _rules_of(engine, clause):
                rules = by_package.setdefault(name, {})
                rules[key] = rules.get(key, 0) | candidates
    unknown: list[str] = []
    lines: list[Line] = []
    queue: list[str] = []
    for text in problem.roots:
        lines += _facts(problem, "", {text: 0}, unknown, kind="root")
        queue.append(text.partition(" ")[0])
    for text in problem.constraints:
        spec = engine.spec_ids.get("!" + text, -1)
        if spec >= 0 and _spec_clause(engine, spec) in core:
            lines += _facts(problem, "", {text: 0}, unknown, kind="limit")
    seen: set[str] = set()
    while queue or set(by_package) - seen:
        name = queue.pop(0) if queue else min(set(by_package) - seen)
        if name in seen:
            continue
        seen.add(name)
        rules = dict(sorted(by_package.get(name, {}).items()))
        lines += _facts(problem, name, rules, unknown)
        queue += [key.lstrip("!").partition(" ")[0] for key in rules]
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


def _facts(
    problem: Problem, package: str, rules: Mapping[str, int], unknown: list[str], *, kind: str = ""
) -> list[Line]:
    """The rules of a package (key to candidates) as lines: what it asks of one other name is one line, unless it fails
    for different reasons.
    """
    merged: dict[tuple[str, str, str], tuple[list[str], int]] = {}
    for key, candidates in rules.items():
        text = key.lstrip("!")
        what = kind or ("constrains" if key[0] == "!" else "requires")
        target = text.partition(" ")[0]
        note = "" if what == "constrains" else _missing(problem, target, text, unknown)
        wanted, union = merged.get((what, target, note), ([], 0))
        merged[what, target, note] = ([*wanted, _wanted(text)], union | candidates)
    versions = {key: _versions(problem, package, candidates) for key, (_, candidates) in merged.items()}
    shown = conditional_text(package) if package[:1] == LATE else package
    return [
        Line(what, shown, versions[what, target, note], readable_name(target), tuple(dict.fromkeys(wanted)), note)
        for (what, target, note), (wanted, _) in merged.items()
    ]


def _versions(problem: Problem, package: str, candidates: int) -> str:
    """The versions of those candidates that the request leaves."""
    if not package or package[0] == LATE:
        return ""
    table, allowed, _ = problem.load(package)
    for text in problem.roots:
        name, _, rest = text.partition(" ")
        if name == package:
            allowed &= table.match(rest)
    return compress(table, candidates & allowed or candidates)


def readable_name(target: str) -> str:
    """A name as people write it; a conditional dependency whole."""
    return conditional_text(target) if target[0] == LATE else target


def _wanted(text: str) -> str:
    """What a spec asks of its name, as people write it."""
    target, _, wanted = text.partition(" ")
    negated, wanted = wanted[:1] == "-", wanted.removeprefix("-")
    if wanted[:1] == RICH and target[-1] == "]":  # the extra stands in the name
        spec = parse_match_spec(wanted[1:]).replace(extras=())
        wanted = str(spec).removeprefix(spec.name or "").strip()
    elif wanted[:1] == RICH:
        wanted = wanted[1:].removeprefix(target).strip()
    if wanted[:1] == "#":
        wanted = ""
    return f"other than {wanted or '*'}" if negated else wanted


def _missing(problem: Problem, name: str, text: str, unknown: list[str]) -> str:
    """Why nothing fits a requirement; empty when something does."""
    table, allowed, _ = problem.load(name)
    rest = text.partition(" ")[2]
    domain = table.match(rest)
    if domain & allowed:
        return ""
    if rest in table.unreadable:
        return ", which cannot be read"
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


def _loosened(
    problem: Problem, roots: Sequence[MatchSpec], should_stop: Callable[[], bool] | None
) -> Iterable[tuple[MatchSpec, str]]:
    """The roots of which any version would do, each with the version that would then be chosen."""
    restricted = [spec for spec in roots if spec.version is not None or spec.build is not None]
    for spec in restricted[:_MOST_TRIED]:
        free = spec.replace(version=None, build=None)
        specs = tuple(free if other == spec else other for other in roots)
        attempt = Problem(problem.request.replace(specs=specs), problem.source, shared=problem)
        try:
            chosen = attempt.engine(should_stop=should_stop).solve(attempt.roots, attempt.constraints)
        except (NoSolution, OutOfBudget, Stopped):
            continue
        name = spec.name or ""
        yield spec, attempt.load(name)[0].version(chosen[name])


def _hints(problem: Problem, unknown: Sequence[str], loosened: Sequence[tuple[MatchSpec, str]]) -> Iterable[str]:
    """What would help: names that are nearly right, the channel that has it, what to loosen."""
    for name in dict.fromkeys(unknown):
        meant = near(name, problem.source.names(), nearness=0.75)
        if meant:
            yield f"did you mean {' or '.join(f'`{other}`' for other in meant)} instead of `{name}`?"
        else:
            yield f"check the spelling of `{name}`, or look for it with `pixi search '*{name}*'`"
    for name, channel in problem.wanted_channels.items():
        others = [other.name for other in problem.source.channels_with(name) if other != channel]
        if name in unknown and others:
            yield f"`{name}` is in {', '.join(others)}"
    if loosened:
        shown = ", ".join(f"{spec} ({spec.name} {version} would do)" for spec, version in loosened)
        yield f"loosen {'one of: ' if len(loosened) > 1 else ''}{shown}"
