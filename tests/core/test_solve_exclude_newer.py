"""Cut-offs by channel and package: the same answers as over channels from which somebody took the young by hand."""

from __future__ import annotations

from random import Random

import pytest

from pixi_core.errors import Unsatisfiable
from pixi_core.model.exclude_newer import ExcludeNewer
from pixi_core.model.record import RepoDataRecord
from pixi_core.solve import RecordSource, SolveRequest, solve
from pixi_core.solve.source import ChannelPriority

from .solve_support import FORGE, OTHER, record, specs

NAMES = ("a", "b", "c", "d")
TIMES = (None, 10, 20, 30, 40)
PRIORITIES: tuple[ChannelPriority, ...] = ("strict", "flexible", "disabled")
INSTANCES = 150


def some_channel(random: Random, channel: object) -> list[RepoDataRecord]:
    """Up to four versions of some of the names, of every age and of none."""
    return [
        record(
            f"{name} {version}",
            [f"{other} >={random.randint(1, 3)}" for other in NAMES if other > name and random.random() < 0.5],
            channel=FORGE if channel is FORGE else OTHER,
            timestamp=random.choice(TIMES),
        )
        for name in NAMES
        if random.random() < 0.8
        for version in range(1, random.randint(2, 5))
    ]


def some_rule(random: Random) -> ExcludeNewer:
    """A cut-off, and exceptions for some channels and packages; None lifts it."""
    return ExcludeNewer(
        random.choice(TIMES),
        channels={channel.url: random.choice(TIMES) for channel in (FORGE, OTHER) if random.random() < 0.5},
        packages={name: random.choice(TIMES) for name in NAMES if random.random() < 0.3},
    )


def old_enough(found: RepoDataRecord, rule: ExcludeNewer) -> bool:
    """The rule by hand: the package's cut-off, else the channel's, else the general one; no age is old enough."""
    cutoff = rule.cutoff
    if found.channel is not None and found.channel in rule.channels:
        cutoff = rule.channels[found.channel]
    if found.name in rule.packages:
        cutoff = rule.packages[found.name]
    return cutoff is None or found.timestamp is None or found.timestamp <= cutoff


def answer(request: SolveRequest, source: RecordSource) -> list[str] | None:
    """The packages with their channels; None where there is no solution."""
    try:
        return [f"{found} {found.channel}" for found in solve(request, source).records]
    except Unsatisfiable:
        return None


@pytest.mark.parametrize("priority", PRIORITIES)
def test_as_if_the_young_had_been_taken_out(priority: ChannelPriority) -> None:
    met = differing = 0
    for seed in range(INSTANCES):
        random = Random(seed)
        channels = [(FORGE, some_channel(random, FORGE)), (OTHER, some_channel(random, OTHER))]
        rule = some_rule(random)
        left = [(channel, [found for found in records if old_enough(found, rule)]) for channel, records in channels]
        if priority == "strict":
            # a channel that has a name only in young versions still is the one for that name
            forge_names = {found.name for found in channels[0][1]}
            left[1] = (OTHER, [found for found in left[1][1] if found.name not in forge_names])
        request = SolveRequest(specs=specs("a", "b"), channel_priority=priority)
        expected = answer(request, RecordSource(left))
        assert answer(request.replace(exclude_newer=rule), RecordSource(channels)) == expected, seed
        met += expected is not None
        differing += expected != answer(request, RecordSource(channels))
    assert met > INSTANCES // 4
    assert differing > INSTANCES // 4  # the rules do rule
