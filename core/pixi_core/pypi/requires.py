"""What a distribution needs on a target: its `Requires-Dist`, with markers decided."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import SpecError
from ..model.pep508 import Requirement, evaluate, parse
from ..model.pypi_target import PypiTarget
from ..model.record import PypiRecord


def active(requires_dist: Iterable[str], target: PypiTarget, extras: frozenset[str] = frozenset()) -> list[Requirement]:
    """The requirements that hold on a target with these extras (normalised). Lines that cannot be read are left out:
    installers agree to treat broken metadata of old releases so.
    """
    found: list[Requirement] = []
    for line in requires_dist:
        try:
            requirement = parse(line)
        except SpecError:
            continue
        if requirement.marker is None or evaluate(requirement.marker, target.environment, extras):
            found.append(requirement)
    return found


def requirements_of(record: PypiRecord, extras: frozenset[str], target: PypiTarget) -> list[Requirement]:
    """What a locked distribution asks for on a target, for these extras and by itself."""
    return active(record.requires_dist, target, extras)


def canonical(requires_dist: Iterable[str]) -> tuple[str, ...]:
    """`Requires-Dist` lines as lock files spell them; lines that cannot be read stay as they are."""
    return tuple(_canonical_line(line) for line in requires_dist)


def _canonical_line(line: str) -> str:
    try:
        return str(parse(line))
    except SpecError:
        return line
