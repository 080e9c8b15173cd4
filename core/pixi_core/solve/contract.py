"""What the engine asks of a table; `table.CandidateTable` is the one there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


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
