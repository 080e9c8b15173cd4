"""Conditional dependencies (`when`, repodata v3) in the terms of the engine.

"a needs n >=1 when m <2 is there" has three parties, and a rule of the engine two. So the dependency becomes a
variable of its own, which a needs: each of its candidates but the last stands for one way in which the condition fails
("m is not there, or is not <2"), and the last for the dependency itself. Such variables are decided after all others
(`engine.LATE`), when it is known which packages there are, so that a condition follows the solution and does not
shape it. A condition on a virtual package is settled at once: the platform has it or not.

The name of the variable is the text of the dependency, blanks replaced, behind a mark.
"""

from __future__ import annotations

from itertools import product

from ..errors import SpecError
from ..model.match_spec import AllOf, AnyOf, HasPackage, parse_match_spec
from .engine import LATE
from .table import CandidateTable, Entry, compile_table, conditional_text, expanded, spec_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..model.match_spec import Condition, MatchSpec

Way = tuple[str, ...]
"""What must be kept for a condition to fail: constraints in the engine's texts."""


def conditional_table(name: str, has: Callable[[MatchSpec], bool]) -> CandidateTable:
    """The candidates of the variable of a conditional dependency. `has` tells whether the platform has a virtual
    package. Raises `SpecError` for a condition on a name with a pattern.
    """
    text = conditional_text(name)
    sign = "!" if name.startswith(f"{LATE}!") else ""
    spec = parse_match_spec(text)
    assert spec.when is not None
    ways = ways_to_fail(spec.when, has)
    ways.append(tuple(sign + key for key in expanded(spec_key(str(spec.replace(when=None))))))
    rules: dict[str, int] = {}
    for candidate, way in enumerate(ways):
        for key in way:
            rules[key] = rules.get(key, 0) | 2 << candidate
    # one version, so that "lowest" has no say; build numbers put them in order
    entries = [Entry("0", "0", -candidate, 0, False, 0, (), (), 0) for candidate in range(len(ways))]
    compiled = compile_table(name, entries).replace(rule_masks=list(rules.values()), rule_specs=list(rules))
    return CandidateTable(name, compiled, lambda _: None)


def ways_to_fail(condition: Condition, has: Callable[[MatchSpec], bool]) -> list[Way]:
    """Every way in which a condition may fail; none where it cannot."""
    if isinstance(condition, AllOf):
        return [way for part in condition.parts for way in ways_to_fail(part, has)]
    if isinstance(condition, AnyOf):
        parts = [ways_to_fail(part, has) for part in condition.parts]
        return [tuple(key for way in ways for key in way) for ways in product(*parts)]
    assert isinstance(condition, HasPackage)
    spec = condition.spec
    if not spec.has_exact_name:
        raise SpecError(f"the condition '{condition}' does not name one package", source=str(condition))
    if (spec.name or "").startswith("__"):
        return [] if has(spec) else [()]
    name, _, rest = spec_key(str(spec)).partition(" ")
    return [(f"!{name} -{rest}",)]
