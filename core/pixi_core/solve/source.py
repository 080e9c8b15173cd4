"""Where candidates come from: the protocol the solver asks, and one over records in memory."""

from __future__ import annotations

from .table import CandidateTable, Entry, compile_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from typing import Literal, Protocol

    from ..model.channel import Channel
    from ..model.record import RepoDataRecord

    ChannelPriority = Literal["strict", "flexible", "disabled"]
else:
    Protocol = object
    ChannelPriority = str


class CandidateSource(Protocol):
    """What the solver asks of the world. `channels` is in order of priority."""

    @property
    def channels(self) -> Sequence[Channel]:
        """The channels in order of priority (free)."""

    def table(self, name: str, priority: ChannelPriority, channel: Channel | None) -> CandidateTable | None:
        """The candidates of a name, from `channel` only if one is given; None when nobody has it.

        Cost: the first time, reading and compiling one name (0.1-5 ms from disk, a request over the network); a
        lookup afterwards. Tables are shared between solves and never change.
        """

    def expect(self, names: Iterable[str]) -> None:
        """These names will be asked for: a source over a network starts fetching them (returns at once)."""

    def settle(self) -> None:
        """The solve is over: a source may write down what it learned (returns soon)."""

    def names(self) -> Collection[str]:
        """Every name there is, for suggestions. Cost: milliseconds."""

    def channels_with(self, name: str) -> list[Channel]:
        """The channels that have a name. Cost: a lookup per channel."""


def first_with_name(holders: Sequence[int], priority: ChannelPriority, wanted: int | None) -> tuple[int, ...]:
    """Which channels (by rank) give candidates, of those that have a name: the first one, all, or the wanted one."""
    if wanted is not None:
        return (wanted,) if wanted in holders else ()
    return tuple(holders[:1]) if priority == "strict" else tuple(holders)


class RecordSource:
    """Candidates from records in memory: `channels[i]` has the records `records[i]` (all subdirs together)."""

    def __init__(self, channels: Sequence[tuple[Channel, Iterable[RepoDataRecord]]]) -> None:
        self.channels: tuple[Channel, ...] = tuple(channel for channel, _ in channels)
        self._records: list[dict[str, list[RepoDataRecord]]] = []
        for _, records in channels:
            by_name: dict[str, list[RepoDataRecord]] = {}
            for record in records:
                by_name.setdefault(record.name, []).append(record)
            self._records.append(by_name)
        self._tables: dict[tuple[str, tuple[int, ...], bool], CandidateTable] = {}

    def table(self, name: str, priority: ChannelPriority, channel: Channel | None) -> CandidateTable | None:
        """See `CandidateSource.table`."""
        holders = [rank for rank, records in enumerate(self._records) if name in records]
        wanted = None if channel is None else self.channels.index(channel)
        ranks = first_with_name(holders, priority, wanted)
        if not ranks:
            return None
        key = (name, ranks, priority == "flexible")
        table = self._tables.get(key)
        if table is None:
            chosen = [(rank, record) for rank in ranks for record in self._records[rank][name]]
            table = self._tables[key] = table_of_records(name, chosen, channels_first=priority == "flexible")
        return table

    def expect(self, names: Iterable[str]) -> None:
        """Everything is here already."""

    def settle(self) -> None:
        """Nothing to write down."""

    def names(self) -> Collection[str]:
        """Every name."""
        return {name for records in self._records for name in records}

    def channels_with(self, name: str) -> list[Channel]:
        """The channels that have a name."""
        return [channel for channel, records in zip(self.channels, self._records, strict=True) if name in records]


def table_of_records(
    name: str, records: Sequence[tuple[int, RepoDataRecord]], *, channels_first: bool = False
) -> CandidateTable:
    """A table over records, each with the rank of its channel. Of a package in both archive formats `.conda` stays."""
    modern = {(rank, record.identity) for rank, record in records if record.file_name.endswith(".conda")}
    kept = [
        (rank, record)
        for rank, record in records
        if record.file_name.endswith(".conda") or (rank, record.identity) not in modern
    ]
    entries = [
        Entry(
            record.version,
            record.build,
            record.build_number,
            record.timestamp or 0,
            bool(record.track_features),
            rank,
            record.depends,
            record.constrains,
            index,
        )
        for index, (rank, record) in enumerate(kept)
    ]
    compiled = compile_table(name, entries, channels_first=channels_first)
    return CandidateTable(name, compiled, lambda candidate: kept[compiled.order[candidate]][1])
