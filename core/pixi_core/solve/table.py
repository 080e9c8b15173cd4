"""Candidate tables: everything the search needs to know of one package name, as sets.

`compile_table` turns records (in a reduced form, `Entry`) into a `Compiled` tuple of plain lists, strings and integers,
which can be stored as it is (`marshal`) and opened again without work; `CandidateTable` answers the questions of
the engine about it. Candidates are sorted once, best first: tier, version, build number, age.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from operator import itemgetter

from ..errors import SpecError
from ..model.version import version_key
from ..model.version_spec import glob_matches, parse_version_spec, regex_matches
from ..value import Value
from .engine import LATE
from .ranges import Versions, highest_first

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ..model.match_spec import MatchSpec
    from ..model.record import RepoDataRecord
    from ..model.version import VersionKey

COMPILED_VERSION = 5
"""Changes whenever `Compiled`, the order of candidates or what is kept of records changes: stored tables of another
version are void.
"""

RICH = "@"
"""Marks a spec text that only the full parser understands: `@` and the whole match spec follow."""

_first = itemgetter(0)
_FREE_THREADED_NAMES = ("python", "python_abi")
_BLANK = "\x1f"  # for a blank, inside a name
_OPERATOR_ENDS = "<>=!~,|( "


class Entry:
    """What sorting and solving need of one record. `channel` is its channel's rank, `timestamp` is in ms or 0,
    `source` says to its maker where the whole record is.
    """

    __slots__ = (
        "build",
        "build_number",
        "channel",
        "constrains",
        "depends",
        "source",
        "timestamp",
        "tracks_features",
        "version",
    )

    def __init__(
        self,
        version: str,
        build: str,
        build_number: int,
        timestamp: int,
        tracks_features: bool,
        channel: int,
        depends: Sequence[str],
        constrains: Sequence[str],
        source: int,
    ) -> None:
        self.version = version
        self.build = build
        self.build_number = build_number
        self.timestamp = timestamp
        self.tracks_features = tracks_features
        self.channel = channel
        self.depends = depends
        self.constrains = constrains
        self.source = source


class Compiled(Value):
    """One name's candidates, best first.

    A *run* is a stretch of one version: `run_starts` holds where each begins, and the count at its end. A *tier* is
    a stretch of runs that is wholly preferred to what follows (ordinary builds before those that track features;
    channel before channel where priority is flexible); `tiers` holds each tier's first run. `groups` holds the
    start of each stretch of one version and build number. `order` maps candidates to `Entry.source`.
    """

    run_versions: list[str]
    run_starts: list[int]
    tiers: list[int]
    groups: list[int]
    builds: list[str]
    build_numbers: list[int]
    timestamps: list[int]
    channels: list[int]
    rule_masks: list[int]
    rule_specs: list[str]
    order: list[int]


def compile_table(name: str, entries: Iterable[Entry], *, channels_first: bool = False) -> Compiled:
    """Sort and condense the entries of one name. `channels_first` puts every candidate of a channel before those of
    the next (flexible priority); otherwise the channel decides only between equals.
    """
    found = list(entries)
    special = name in _FREE_THREADED_NAMES
    order = [(version_key(e.version), e.build_number, e.timestamp, -e.channel, -i) for i, e in enumerate(found)]
    order.sort(reverse=True)
    ranked = [(0, row[0], found[-row[4]]) for row in order]
    if channels_first or special or any(entry.tracks_features for entry in found):
        for index, (_, version, entry) in enumerate(ranked):
            unusual = entry.tracks_features or (special and is_free_threaded(entry.build))
            ranked[index] = (2 * entry.channel * channels_first + unusual, version, entry)
        ranked.sort(key=_first)
    table = Compiled([], [], [], [], [], [], [], [], [], [], [])
    last: tuple[int, VersionKey, Entry] | None = None
    for index, (rank, version, entry) in enumerate(ranked):
        if last is None or last[0] != rank:
            table.tiers.append(len(table.run_versions))
            last = None
        if last is None or last[2].version != entry.version:
            table.run_versions.append(entry.version)
            table.run_starts.append(index)
        if last is None or last[1] != version or last[2].build_number != entry.build_number:
            table.groups.append(index)
        last = (rank, version, entry)
    table.builds.extend([entry.build for _, _, entry in ranked])
    table.build_numbers.extend([entry.build_number for _, _, entry in ranked])
    table.timestamps.extend([entry.timestamp for _, _, entry in ranked])
    table.channels.extend([entry.channel for _, _, entry in ranked])
    table.order.extend([entry.source for _, _, entry in ranked])
    table.run_starts.append(len(ranked))
    rules = _rules([entry for _, _, entry in ranked])
    for text, mask in rules.items():
        # a constraint asks for no extras: they matter to whoever needs the package
        for key in [_constraint_key(text[1:])] if text[0] == "!" else expanded(spec_key(text)):
            table.rule_specs.append(key)
            table.rule_masks.append(mask)
    return table


def _rules(ranked: Sequence[Entry]) -> dict[str, int]:
    """Who has each dependency, and (behind a `!`) each constraint; in the order in which they come up first. Entries
    that share a list, as most do in a channel, are put together before it is looked into.
    """
    lists: dict[tuple[str, int], tuple[str, Sequence[str]]] = {}
    holders: dict[tuple[str, int], int] = {}
    for index, entry in enumerate(ranked):
        for sign, texts in (("", entry.depends), ("!", entry.constrains)):
            if texts:
                key = (sign, id(texts))
                lists[key] = (sign, texts)
                holders[key] = holders.get(key, 0) | 2 << index
    rules: dict[str, int] = {}
    for key, (sign, texts) in lists.items():
        mask = holders[key]
        for text in texts:
            rules[sign + text] = rules.get(sign + text, 0) | mask
    return rules


def is_free_threaded(build: str) -> bool:
    """Whether a build of python or python_abi is for the interpreter without a global lock (`…_cp314t`)."""
    head, found, tag = build.rpartition("_cp")
    return bool(found or head) and tag.endswith("t") and tag[:-1].isdigit()


@lru_cache(maxsize=1 << 15)
def spec_key(text: str) -> str:
    """A dependency text as `name rest`, the form in which the engine keeps specs.

    Texts that are more than a name, a version and a build become `name @text`, for the full parser; those with a
    condition become a name of their own (see `conditions`).
    """
    text = text.strip()
    name, _, rest = text.partition(" ")
    if name.replace("-", "").replace("_", "").replace(".", "").isalnum() and "[" not in rest:
        name = name.lower()
        return f"{name} {rest.strip()}" if rest else name
    from ..model.match_spec import parse_match_spec

    try:
        spec = parse_match_spec(text)
    except SpecError:
        return f"{name.partition('[')[0] or text} {RICH}{text}"  # `match` will find that nobody can meet it
    if spec.when is not None:
        return LATE + text.replace(" ", _BLANK)
    return f"{spec.name} {RICH}{text}"


@lru_cache(maxsize=1 << 15)
def _constraint_key(text: str) -> str:
    key = spec_key(text)
    return f"{LATE}!{key[1:]}" if key[0] == LATE else f"!{key}"


def conditional_text(name: str) -> str:
    """The dependency that a variable for a conditional one stands for."""
    return name[1:].removeprefix("!").replace(_BLANK, " ")


def expanded(key: str) -> list[str]:
    """A spec text and one more text for each extra it asks for."""
    name, _, rest = key.partition(" ")
    if not rest.startswith(RICH) or "extras" not in rest:
        return [key]
    from ..model.match_spec import parse_match_spec

    return [key, *(f"{name}[{extra}] {rest}" for extra in parse_match_spec(rest[1:]).extras)]


class CandidateTable:
    """The candidates of one name, best first (`engine.Table`).

    `record(i)` materialises one record, which may read a file: ask for chosen candidates only.
    """

    __slots__ = (
        "_builds",
        "_by_build",
        "_matches",
        "compiled",
        "count",
        "name",
        "record",
        "rule_masks",
        "rule_specs",
        "unreadable",
        "versions",
    )

    def __init__(self, name: str, compiled: Compiled, record: Callable[[int], RepoDataRecord | None]) -> None:
        self.name = name
        self.compiled = compiled
        self.record = record
        self.count = len(compiled.builds)
        self.rule_masks: Sequence[int] = compiled.rule_masks
        self.rule_specs: Sequence[str] = compiled.rule_specs
        self._builds: dict[str, int] = {}
        self._by_build: dict[str, int] = {}
        self._matches: dict[str, int] = {}
        self.unreadable: set[str] = set()
        starts = compiled.run_starts
        masks = [((1 << (starts[i + 1] - start)) - 1) << (start + 1) for i, start in enumerate(starts[:-1])]
        if len(compiled.tiers) < 2:
            self.versions = Versions(compiled.run_versions, masks)
        else:
            merged: dict[str, int] = {}
            for version, mask in zip(compiled.run_versions, masks, strict=True):
                merged[version] = merged.get(version, 0) | mask
            ordered = highest_first(list(merged))
            self.versions = Versions(ordered, [merged[version] for version in ordered])

    # ------------------------------------------------------------ what the engine asks

    def match(self, rest: str) -> int:
        """The domain that the text after the name of a spec allows: `version [build]`, or `@` and a match spec;
        `#` and a domain is that domain, `-` and any of these everything else.

        A text that cannot be read allows nothing: one mistake in a channel costs the packages that have it, not the
        channel. Such texts are kept in `unreadable`.
        """
        found = self._matches.get(rest)
        if found is None:
            try:
                found = self._match(rest)
            except SpecError:
                self.unreadable.add(rest)
                found = 0
            self._matches[rest] = found
        return found

    def lowest(self, domain: int) -> int:
        """The candidates of `domain` that share its lowest version, in the best tier that has any."""
        compiled = self.compiled
        starts = compiled.run_starts
        bounds = [*compiled.tiers, len(compiled.run_versions)]
        for tier, first in enumerate(compiled.tiers):
            for run in range(bounds[tier + 1] - 1, first - 1, -1):
                mask = ((1 << (starts[run + 1] - starts[run])) - 1) << (starts[run] + 1)
                if domain & mask:
                    return domain & mask
        return domain

    def group(self, candidate: int) -> tuple[int, int]:
        """The range [start, end) of candidates that tie with `candidate` in tier, version and build number."""
        groups = self.compiled.groups
        position = bisect_right(groups, candidate)
        return groups[position - 1], groups[position] if position < len(groups) else self.count

    def version_rank(self, candidate: int) -> int:
        """0 for the best version; candidates of a later tier rank behind their equals of the first."""
        bit = 2 << candidate
        unions = self.versions.unions
        low, high = 0, len(self.versions.texts)
        while low < high:
            middle = (low + high) >> 1
            if unions[middle + 1] & bit:
                high = middle
            else:
                low = middle + 1
        tiers = self.compiled.tiers
        late = len(tiers) > 1 and candidate >= self.compiled.run_starts[tiers[1]]
        return 2 * low + late

    # ------------------------------------------------------------ what others ask

    def version(self, candidate: int) -> str:
        """The version of a candidate."""
        run = bisect_right(self.compiled.run_starts, candidate) - 1
        return self.compiled.run_versions[run]

    def select(self, spec: MatchSpec) -> int:
        """The domain of a match spec (its name is not looked at)."""
        domain = self.versions.everything
        if spec.version is not None:
            domain &= self.versions.select(spec.version)
        if spec.build is not None:
            domain &= self._with_build(spec.build.pattern)
        if spec.build_number is not None:
            numbers, wanted = self.compiled.build_numbers, spec.build_number
            domain &= self._where(domain, lambda i: wanted.matches(numbers[i]))
        if _needs_record(spec):
            domain &= self._where(domain, lambda i: self._record_matches(i, spec))
        return domain

    def older_than(self, limit: int | None) -> int:
        """The candidates not newer than a time in ms; those of unknown age are among them."""
        if limit is None:
            return self.versions.everything
        mask = 0
        for index, timestamp in enumerate(self.compiled.timestamps):
            if timestamp <= limit:
                mask |= 2 << index
        return mask

    def identical(self, record: RepoDataRecord) -> int:
        """The candidates with the version and build of a record."""
        domain = self.versions.everything
        builds = self.compiled.builds
        return self._where(domain, lambda i: builds[i] == record.build and self.version(i) == record.version)

    def versions_of(self, domain: int) -> list[str]:
        """The distinct versions in a domain, highest first."""
        return [text for text, mask in zip(self.versions.texts, self.versions.masks, strict=True) if mask & domain]

    # ------------------------------------------------------------ matching

    def _match(self, rest: str) -> int:
        if not rest or rest == "*":
            return self.versions.everything
        if rest[0] == "#":
            return int(rest[1:], 16)
        if rest[0] == "-":
            return self.versions.everything ^ self.match(rest[1:])
        if rest[0] != RICH and _is_plain(rest):
            version, _, build = rest.partition(" ")
            domain = self.versions.select(parse_version_spec(version))
            build = build.strip()
            return domain & self._with_build(build) if build and build != "*" else domain
        from ..model.match_spec import parse_match_spec

        return self.select(parse_match_spec(rest[1:] if rest[0] == RICH else f"{self.name} {rest}"))

    def _with_build(self, pattern: str) -> int:
        """The candidates whose build fits an exact text, a glob or a regular expression."""
        found = self._builds.get(pattern)
        if found is None:
            found = self._builds[pattern] = self._find_build(pattern)
        return found

    def _find_build(self, pattern: str) -> int:
        if not self._by_build:
            for index, build in enumerate(self.compiled.builds):
                self._by_build[build] = self._by_build.get(build, 0) | 2 << index
        by_build = self._by_build
        if pattern[0] == "^":
            return _union(mask for build, mask in by_build.items() if regex_matches(pattern, build))
        if "*" not in pattern:
            return by_build.get(pattern, 0)
        inner = pattern[1:-1]
        if pattern[0] == "*" and "*" not in pattern[1:]:
            return _union(mask for build, mask in by_build.items() if build.endswith(pattern[1:]))
        if pattern[-1] == "*" and "*" not in pattern[:-1]:
            return _union(mask for build, mask in by_build.items() if build.startswith(pattern[:-1]))
        if pattern[0] == pattern[-1] == "*" and "*" not in inner:
            return _union(mask for build, mask in by_build.items() if inner in build)
        return _union(mask for build, mask in by_build.items() if glob_matches(pattern, build))

    def _where(self, domain: int, condition: Callable[[int], bool]) -> int:
        mask = 0
        for index in range(self.count):
            if domain >> (index + 1) & 1 and condition(index):
                mask |= 2 << index
        return mask

    def _record_matches(self, candidate: int, spec: MatchSpec) -> bool:
        record = self.record(candidate)
        return record is None or spec.matches(record)


def _union(masks: Iterable[int]) -> int:
    """All candidates of several domains."""
    union = 0
    for mask in masks:
        union |= mask
    return union


def _is_plain(rest: str) -> bool:
    """Whether a text is `version` or `version build`, without blanks, keys or `=build` in the version."""
    version, _, build = rest.partition(" ")
    if "[" in rest or (
        build and (version[-1] in _OPERATOR_ENDS or build.lstrip()[:1] in ("<", ">", "=", "!", "~", ",", "|"))
    ):
        return False
    if " " in build.strip() or "|" in build or "=" in build:
        return False
    position = version.find("=", 1)
    while position > 0:
        if version[position - 1] not in _OPERATOR_ENDS:
            return False
        position = version.find("=", position + 1)
    return True


def _needs_record(spec: MatchSpec) -> bool:
    """Whether more than version, build and build number is asked for."""
    return any(
        getattr(spec, field)
        for field in (
            "subdir",
            "file_name",
            "url",
            "md5",
            "sha256",
            "flags",
            "license",
            "license_family",
            "track_features",
        )
    )
