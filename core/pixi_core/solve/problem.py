"""A request in the engine's terms: root texts, and the table, limits and preferences of every name.

Names that are not packages of a channel are made here: virtual packages, and `name[extra]`, the variable that stands
for "name with this extra" (its candidates are the name's own, each requiring exactly that one and the extra's
dependencies).
"""

from __future__ import annotations

from ..errors import SpecError
from .engine import LATE, Engine
from .preference import Preference
from .source import table_of_records
from .table import RICH, CandidateTable, Compiled, Entry, compile_table, expanded, spec_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..model.channel import Channel
    from ..model.match_spec import MatchSpec
    from ..model.record import RepoDataRecord
    from .request import SolveRequest
    from .source import CandidateSource

_NOTHING = Compiled([], [0], [], [], [], [], [], [], [], [], [])


class Problem:
    """One request over one source. `roots` and `constraints` are the engine's texts `name rest`; `without(…)` gives the
    same problem with fewer specs, which shares all tables.
    """

    def __init__(self, request: SolveRequest, source: CandidateSource, *, shared: Problem | None = None) -> None:
        self.request = request
        self.source = source
        self.tables: dict[str, tuple[CandidateTable, int, int]] = {} if shared is None else shared.tables
        self.wanted_channels: dict[str, Channel] = self._wanted_channels() if shared is None else shared.wanted_channels
        self.virtual = {package.name: package for package in request.virtual_packages}
        self.specs_of_roots: dict[str, MatchSpec] = {}
        for spec in request.specs:
            for text in self._root_texts(spec):
                self.specs_of_roots.setdefault(text, spec)
        self.roots = list(self.specs_of_roots)
        self.constraints = [
            text for spec in request.constraints if spec.when is None for text in self._root_texts(spec)
        ]
        for spec in request.constraints:
            if spec.when is not None:
                self.roots.append(f"{LATE}!{spec_key(str(spec))[1:]}")
        if shared is None:
            self.locked = {record.name: record for record in request.locked}
            self.pinned = {record.name: record for record in request.pinned}
        else:
            self.locked, self.pinned = shared.locked, shared.pinned

    def engine(self, *, should_stop: Callable[[], bool] | None = None, eager: bool | None = None) -> Engine:
        """A fresh search over this problem; `eager` forces one way of searching (for tests)."""
        return Engine(
            lambda name: self.load(name)[:2],
            Preference(self.load, self.request.strategy).choose,
            eager=eager,
            budget=self.request.conflict_budget,
            should_stop=should_stop,
        )

    def record(self, name: str, candidate: int) -> RepoDataRecord | None:
        """The record of a chosen candidate; None for virtual packages, extras and conditions."""
        return None if "[" in name else self.load(name)[0].record(candidate)

    # ------------------------------------------------------------ tables

    def load(self, name: str) -> tuple[CandidateTable, int, int]:
        """The table of a name, the candidates that may be used, and those that are preferred."""
        found = self.tables.get(name)
        if found is None:
            found = self.tables[name] = self._load(name)
        return found

    def _load(self, name: str) -> tuple[CandidateTable, int, int]:
        if name.startswith("__"):
            table = self._virtual_table(name)
            return table, table.versions.everything, 0
        if name[0] == LATE:
            from .conditions import conditional_table

            table = conditional_table(name, self._has_virtual)
            return table, table.versions.everything, 0
        if name.endswith("]"):
            return self._extra_table(name)
        table = self.raw_table(name) or CandidateTable(name, _NOTHING, lambda _: None)
        pinned = self.pinned.get(name)
        if pinned is not None:
            if not table.identical(pinned):
                table = table_of_records(name, [(0, pinned)])
            return table, table.identical(pinned), 0
        locked = self.locked.get(name)
        return table, self._allowed(table), 0 if locked is None else table.identical(locked)

    def raw_table(self, name: str) -> CandidateTable | None:
        """What the source has, before anything is excluded."""
        return self.source.table(name, self.request.channel_priority, self.wanted_channels.get(name))

    def _allowed(self, table: CandidateTable) -> int:
        rule = self.request.exclude_newer
        if rule is None:
            return table.versions.everything
        allowed = 0
        channels = self.source.channels
        limits = {rank: rule.limit(table.name, channels[rank].url) for rank in set(table.compiled.channels)}
        for limit in set(limits.values()):
            of_limit = 0
            for index, rank in enumerate(table.compiled.channels):
                if limits[rank] == limit:
                    of_limit |= 2 << index
            allowed |= of_limit & table.older_than(limit)
        return allowed

    def _virtual_table(self, name: str) -> CandidateTable:
        package = self.virtual.get(name)
        if package is None:
            return CandidateTable(name, _NOTHING, lambda _: None)
        entry = Entry(package.version or "0", package.build or "0", 0, 0, False, 0, (), (), 0)
        return CandidateTable(name, compile_table(name, [entry]), lambda _: None)

    def _has_virtual(self, spec: MatchSpec) -> bool:
        name, _, rest = spec_key(str(spec)).partition(" ")
        return bool(self.load(name)[0].match(rest))

    def _extra_table(self, name: str) -> tuple[CandidateTable, int, int]:
        base, _, extra = name[:-1].partition("[")
        table, allowed, favoured = self.load(base)
        rules: dict[str, int] = {}
        for candidate in range(table.count):
            bit = 2 << candidate
            rules[f"{base} #{bit:x}"] = bit
            record = table.record(candidate)
            for text in () if record is None else record.extra_depends.get(extra, ()):
                for key in expanded(spec_key(text)):
                    rules[key] = rules.get(key, 0) | bit
        compiled = table.compiled.replace(rule_masks=list(rules.values()), rule_specs=list(rules))
        return CandidateTable(name, compiled, table.record), allowed, favoured

    # ------------------------------------------------------------ specs of the request

    def _root_texts(self, spec: MatchSpec) -> Iterable[str]:
        """The engine's texts for a spec of the request: one for the package, one for each extra."""
        if not spec.has_exact_name:
            raise SpecError(
                f"'{spec}' does not name one package", source=str(spec), hints=["`pixi search` understands patterns"]
            )
        if spec.channel is not None:
            spec = spec.replace(channel=None)
        name = spec.name or ""
        if spec.when is not None:
            return [spec_key(str(spec))]
        if spec.version is None and spec.is_simple and spec.build is None:
            return [name]
        if spec.is_simple and spec.version is not None:
            return [f"{name} {spec.version}" + (f" {spec.build}" if spec.build is not None else "")]
        return expanded(f"{name} {RICH}{spec}")

    def _wanted_channels(self) -> dict[str, Channel]:
        """The channel that a spec of the request asks for, by package name."""
        wanted: dict[str, Channel] = {}
        for spec in (*self.request.specs, *self.request.constraints):
            if spec.channel is not None and spec.name is not None:
                wanted[spec.name] = self._channel(spec)
        return wanted

    def _channel(self, spec: MatchSpec) -> Channel:
        asked = (spec.channel or "").rstrip("/")
        for channel in self.source.channels:
            if asked in (channel.name, channel.url.rstrip("/"), channel.url.rstrip("/").rpartition("/")[2]):
                return channel
        raise SpecError(
            f"'{spec}' asks for the channel {asked}, which is not among: "
            + ", ".join(channel.name for channel in self.source.channels),
            source=str(spec),
            hints=[f"run `pixi workspace channel add {asked}`"],
        )
