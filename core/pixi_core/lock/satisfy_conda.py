"""The conda half of satisfiability: from the requirements over `depends` to every record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from ..errors import SpecError
from ..model.exclude_newer import ExcludeNewer
from ..model.match_spec import AllOf, AnyOf, Condition, HasPackage, MatchSpec, parse_match_spec
from ..model.platform import Platform
from ..model.record import RepoDataRecord


@lru_cache(maxsize=65536)
def _parsed(text: str) -> MatchSpec:
    return parse_match_spec(text)


class CondaWalk:
    """One environment on one platform. After `run`, `used` holds the names of the records that are needed."""

    def __init__(self, records: Sequence[RepoDataRecord], platform: Platform) -> None:
        self.records: dict[str, RepoDataRecord] = {}
        self.duplicates: list[str] = []
        for record in records:
            if record.name in self.records:
                self.duplicates.append(record.name)
            self.records[record.name] = record
        self.platform = platform
        self.virtual = {package.name: package for package in platform.virtual_packages}
        self.used: set[str] = set()

    def run(
        self, specs: Iterable[MatchSpec], constraints: Iterable[MatchSpec], cutoffs: ExcludeNewer | None
    ) -> list[str]:
        """What is not met, in words."""
        texts = [f"'{name}' is locked twice" for name in self.duplicates]
        waiting: list[tuple[MatchSpec, str]] = [(spec, "the manifest") for spec in specs]
        seen: set[tuple[str, tuple[str, ...]]] = set()
        while waiting:
            spec, origin = waiting.pop()
            if spec.when is not None and not self._holds(spec.when):
                continue
            problem, record = self._problem(spec, origin)
            if problem:
                texts.append(problem)
            if record is None or (record.name, spec.extras) in seen:
                continue
            first = record.name not in self.used
            seen.add((record.name, spec.extras))
            self.used.add(record.name)
            needed = list(record.depends) if first else []
            needed += [text for extra in spec.extras for text in record.extra_depends.get(extra, ())]
            waiting += [(self._read(text), str(record)) for text in needed]
        texts += self._constraint_problems(constraints)
        if cutoffs is not None:
            texts += [
                f"{record} is newer than `exclude-newer` allows"
                for record in self.records.values()
                if not cutoffs.allows(record.name, record.channel, record.timestamp)
            ]
        return sorted(dict.fromkeys(texts))

    def _read(self, text: str) -> MatchSpec:
        try:
            return _parsed(text)
        except SpecError:
            # what an index wrote and no one can read: by its name alone
            return MatchSpec(name=text.split(maxsplit=1)[0].lower())

    def _problem(self, spec: MatchSpec, origin: str) -> tuple[str | None, RepoDataRecord | None]:
        if spec.name is not None and spec.name.startswith("__"):
            return (None if self._has_virtual(spec) else f"{origin} requires '{spec}', which the platform lacks"), None
        if spec.has_exact_name:
            record = self.records.get(spec.name or "")
            if record is None:
                return f"{origin} requires '{spec}', and no such package is locked", None
            if not spec.matches(record):
                return f"{origin} requires '{spec}', but {record} is locked", record
            return None, record
        found = next((record for record in self.records.values() if spec.matches(record)), None)
        return (None if found else f"{origin} requires '{spec}', and no locked package is one"), found

    def _has_virtual(self, spec: MatchSpec) -> bool:
        package = self.virtual.get(spec.name or "")
        return (
            package is not None
            and (spec.version is None or spec.version.matches(package.version or "0"))
            and (spec.build is None or spec.build.matches(package.build or "0"))
        )

    def _holds(self, condition: Condition) -> bool:
        if isinstance(condition, AllOf):
            return all(self._holds(part) for part in condition.parts)
        if isinstance(condition, AnyOf):
            return any(self._holds(part) for part in condition.parts)
        if isinstance(condition, HasPackage):
            spec = condition.spec
            if spec.name is not None and spec.name.startswith("__"):
                return self._has_virtual(spec)
            return any(spec.matches(record) for record in self.records.values())
        return True

    def _constraint_problems(self, constraints: Iterable[MatchSpec]) -> list[str]:
        texts: list[str] = []
        for spec in constraints:
            record = self.records.get(spec.name or "")
            if record is not None and not spec.matches(record):
                texts.append(f"the manifest constrains '{spec}', but {record} is locked")
        for owner in self.records.values():
            for text in owner.constrains:
                spec = self._read(text)
                record = self.records.get(spec.name or "")
                if record is not None and not spec.matches(record):
                    texts.append(f"{owner} constrains '{text}', but {record} is locked")
        return texts
