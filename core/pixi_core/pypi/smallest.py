"""As few requirements as possible that cannot be met together: what the story of a failure should speak of.

The resolution is tried again without each of them in turn (the deletion by which minimal unsatisfiable cores are
found); what it does not need to fail is left out. What the first attempt has fetched is there already, so most attempts
take milliseconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from resolvelib import BaseReporter, ResolutionImpossible, ResolutionTooDeep
from resolvelib.resolvers import Resolution

from ..errors import Cancelled, PixiError
from .candidate import Candidate, Wanted

if TYPE_CHECKING:
    from resolvelib.structs import RequirementInformation

    from .provider import Provider

    Information = RequirementInformation[Wanted, Candidate]

SECONDS = 3.0
"""After which the story is told of what is left by then."""
ROUNDS = 2_000
"""After which a search for the sake of the story is given up."""

Stated = Sequence[Wanted]
"""One requirement of the manifest: its project, and each of the extras that it names."""


def smallest(
    provider: Provider,
    requirements: Sequence[Stated],
    causes: Collection[Information],
    *,
    now: Callable[[], float] = time.monotonic,
) -> tuple[list[Stated], Collection[Information]]:
    """Of requirements that failed with `causes` those that fail by themselves, and would not without any one of them;
    and their causes. Raises `Cancelled`.
    """
    until = now() + SECONDS
    kept = list(requirements)
    named = {cause.requirement.identifier for cause in causes}
    named |= {cause.parent.identifier for cause in causes if cause.parent is not None}
    near = [stated for stated in kept if any(not named.isdisjoint(reached(provider, one)) for one in stated)]
    # first all that cannot lead to the conflict, and mostly has nothing to do with it; then one after the other
    far = [stated for stated in kept if stated not in near]
    for left_out in (far, *([stated] for stated in requirements)):
        fewer = [stated for stated in kept if stated not in left_out]
        found = _causes(provider, fewer) if len(fewer) < len(kept) else None
        if found is not None:
            kept, causes = fewer, found
        if now() > until:
            break
    return kept, causes


def reached(provider: Provider, wanted: Wanted) -> dict[str, str | None]:
    """What a requirement may bring in, as far as packages were looked at: each with what needs it first."""
    found: dict[str, str | None] = {wanted.identifier: None}
    waiting = [wanted.identifier]
    for identifier in waiting:
        for needed in provider.needed_by(identifier):
            if needed not in found:
                found[needed] = identifier
                waiting.append(needed)
    return found


def _causes(provider: Provider, requirements: Sequence[Stated]) -> Collection[Information] | None:
    """Why the requirements cannot be met; None where they can, or where that takes too long to see."""
    # the search alone: whether there is an answer is all that is asked
    resolution: Resolution[Wanted, Candidate, str] = Resolution(provider, BaseReporter())
    try:
        resolution.resolve([one for stated in requirements for one in stated], max_rounds=ROUNDS)
    except ResolutionImpossible as impossible:
        return list(impossible.causes)
    except Cancelled:
        raise
    except (ResolutionTooDeep, PixiError):  # what would have to be fetched, and cannot be, proves nothing
        return None
    return None
