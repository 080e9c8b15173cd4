"""The solver's source of candidates over the subdirs of several channels."""

from __future__ import annotations

import threading

from ..errors import MALFORMED, SpecError
from ..model.record import record_from_repodata
from ..solve.source import first_with_name
from ..solve.table import CandidateTable, compile_table
from .digest import digest
from .entries import EntryReader, unpacked
from .subdirs import newest_formats, readable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from ..model.channel import Channel
    from ..model.record import RepoDataRecord
    from ..solve.source import ChannelPriority
    from ..solve.table import Entry
    from .subdirs import SubdirIndex
    from .tables import StoredTable, TableCache

Parts = tuple[tuple[int, "SubdirIndex", bytes], ...]
"""The subdirs that a table is made from, each with the rank of its channel and the digest of what it has."""

_UNQUOTED = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-!+~=,@")
_AHEAD_CANDIDATES = 6
"""So many of the best candidates of a name have their dependencies fetched ahead."""
_RECORDS = 2048
"""So many records are remembered: a few times what one environment has."""


class Loaded:
    """What the sources of one gateway have read, for all of them: most names are in the `noarch` subdir alone, and so
    are the same on every platform. `records` holds those that were chosen lately, the oldest first.
    """

    def __init__(self) -> None:
        self.tables: dict[tuple[str, Parts, bool], CandidateTable] = {}
        self.records: dict[tuple[StoredTable, int], RepoDataRecord] = {}
        self.lock = threading.Lock()

    def keep(self, stored: StoredTable, candidate: int, record: RepoDataRecord) -> RepoDataRecord:
        """Remember a record for the next who asks, and forget the oldest where there are many."""
        with self.lock:
            if len(self.records) >= _RECORDS:
                del self.records[next(iter(self.records))]
            self.records[stored, candidate] = record
        return record


class ChannelSource:
    """`CandidateSource` over `indexes[i]`, the subdirs of `channels[i]`; `loaded` is common to several of them."""

    def __init__(
        self,
        channels: Sequence[Channel],
        indexes: Sequence[Sequence[SubdirIndex]],
        tables: TableCache,
        loaded: Loaded,
    ) -> None:
        self.channels = tuple(channels)
        self._indexes = [tuple(of_channel) for of_channel in indexes]
        self._tables = tables
        self._loaded = loaded
        self._found: dict[str, Parts] = {}
        self._expected: set[str] = set()

    def table(self, name: str, priority: ChannelPriority, channel: Channel | None) -> CandidateTable | None:
        """See `CandidateSource.table`. Raises `NetworkError`, `HashMismatch`, `SpecError` (an unreadable entry)."""
        holders = self._holders(name)
        wanted = None if channel is None else self.channels.index(channel)
        ranks = first_with_name(list(dict.fromkeys(rank for rank, _, _ in holders)), priority, wanted)
        if not ranks:
            return None
        parts = tuple(part for part in holders if part[0] in ranks)
        key = (name, parts, priority == "flexible")
        table = self._loaded.tables.get(key)
        if table is None:
            table = self._loaded.tables[key] = self._load(name, parts, channels_first=priority == "flexible")
        return table

    def expect(self, names: Iterable[str]) -> None:
        """Start fetching what is far away."""
        for name in names:
            if name not in self._expected:
                self._expected.add(name)
                holders = self._holders(name)
                for rank, index, _ in holders:
                    if rank == holders[0][0]:
                        index.expect(name)

    def settle(self) -> None:
        """Write down what was compiled."""
        self._tables.flush()

    def names(self) -> Collection[str]:
        """Every name of every channel."""
        return {name for indexes in self._indexes for index in indexes for name in index.names()}

    def channels_with(self, name: str) -> list[Channel]:
        """The channels that have a name."""
        return [self.channels[rank] for rank in dict.fromkeys(rank for rank, _, _ in self._holders(name))]

    def records(self, name: str) -> list[RepoDataRecord]:
        """Every record of a name, from every channel in order of priority, best first within each."""
        found: list[RepoDataRecord] = []
        for channel in self.channels_with(name):
            table = self.table(name, "disabled", channel)
            if table is not None:
                found += [record for i in range(table.count) if (record := table.record(i)) is not None]
        return found

    # ------------------------------------------------------------ one table

    def _holders(self, name: str) -> Parts:
        """The subdirs that have a name, in order of priority. Asked several times of every name."""
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = tuple(
                (rank, index, digest)
                for rank, indexes in enumerate(self._indexes)
                for index in indexes
                if (digest := index.digest(name)) is not None
            )
        return found

    def _load(self, name: str, parts: Parts, *, channels_first: bool) -> CandidateTable:
        key = self._key(name, parts, channels_first=channels_first)
        stored = self._tables.get(key)
        if stored is None:
            stored = self._compile(key, name, parts, channels_first=channels_first)
        if any(index.is_remote for _, index, _ in parts):
            self._expect_dependencies(stored)
        return CandidateTable(name, stored.compiled, lambda candidate: self._record(stored, parts, candidate))

    @staticmethod
    def _key(name: str, parts: Parts, *, channels_first: bool) -> bytes:
        """A digest of all that makes the table: contents, their order and ranks, and how channels are mixed."""
        first = parts[0][0]
        text = b"".join(bytes([rank - first, len(content)]) + content for rank, _, content in parts)
        return digest(text + name.encode() + bytes([channels_first, first]), 32)

    def _compile(self, key: bytes, name: str, parts: Parts, *, channels_first: bool) -> StoredTable:
        records: list[tuple[int, str, bytes]] = []
        entries: list[Entry] = []
        read = EntryReader().read
        for number, (rank, index, _) in enumerate(parts):
            for file_name, raw in newest_formats(index.raw(name)):
                entry = read(raw, rank, len(records))
                if entry is not None and "\n" not in file_name:
                    entries.append(entry)
                    records.append((number, file_name, raw))
        compiled = compile_table(name, entries, channels_first=channels_first)
        return self._tables.add(key, compiled, [records[source] for source in compiled.order])

    def _record(self, stored: StoredTable, parts: Parts, candidate: int) -> RepoDataRecord:
        """The whole of a chosen candidate. Raises `SpecError` where a part that solving does not look at is damaged."""
        known = self._loaded.records.get((stored, candidate))
        if known is not None:
            return known
        number, file_name, entry = stored.record(candidate)
        rank, index, _ = parts[number]
        try:
            record = record_from_repodata(
                readable(unpacked(entry)),
                file_name=file_name,
                url=index.base_url + _quoted(file_name),
                channel=self.channels[rank].url,
                subdir=index.subdir,
            )
        except MALFORMED as error:
            raise SpecError(
                f"the entry of {file_name} in the index of {self.channels[rank].name} cannot be read: {error}",
                source=file_name,
                hints=["ask for another version of it, and tell the owner of the channel"],
            ) from None
        return self._loaded.keep(stored, candidate, record)

    def _expect_dependencies(self, stored: StoredTable) -> None:
        best = (2 << _AHEAD_CANDIDATES) - 2
        compiled = stored.compiled
        self.expect(
            {
                spec.partition(" ")[0]
                for mask, spec in zip(compiled.rule_masks, compiled.rule_specs, strict=True)
                if mask & best and not spec.startswith(("!", "__"))
            }
        )


def _quoted(file_name: str) -> str:
    """A file name as the end of a URL; names in old indexes are encoded already."""
    if _UNQUOTED.issuperset(file_name) or "%" in file_name:
        return file_name
    from urllib.parse import quote

    return quote(file_name, safe="!+~=,@")
