"""From parsed version specs to sets of candidates: two binary searches for a range, never a second parser.

`Versions` holds the distinct versions of one name, highest first, with the domain of each and the running union of the
domains: the candidates of a range are the difference of two unions.
"""

from __future__ import annotations

from ..model.version import VersionKey, parse_version, version_key
from ..model.version_spec import And, AnyVersion, Exact, Or, Range, StrictRange, VersionSpec


class Versions:
    """Distinct versions of one name in descending order; `masks[i]` is the domain of `texts[i]`."""

    __slots__ = ("masks", "texts", "unions")

    def __init__(self, texts: list[str], masks: list[int]) -> None:
        self.texts = texts
        self.masks = masks
        union = 0
        self.unions = [0]
        for mask in masks:
            union |= mask
            self.unions.append(union)

    @property
    def everything(self) -> int:
        """The domain of all versions."""
        return self.unions[-1]

    def select(self, spec: VersionSpec) -> int:
        """The domain of the versions in `spec`."""
        kind = type(spec)
        if kind is AnyVersion:
            return self.everything
        if isinstance(spec, Range):
            return self._range(spec.operator, spec.version.key)
        if isinstance(spec, And):
            mask = self.everything
            for part in spec.parts:
                mask &= self.select(part)
            return mask
        if isinstance(spec, Or):
            mask = 0
            for part in spec.parts:
                mask |= self.select(part)
            return mask
        if isinstance(spec, Exact):
            key = spec.version.key
            same = self.unions[self._first_below(key)] ^ self.unions[self._first_not_above(key)]
            return same if spec.operator == "==" else self.everything ^ same
        if isinstance(spec, StrictRange):
            return self._strict(spec)
        return self._scan(spec, 0, len(self.texts))

    def _range(self, operator: str, key: VersionKey) -> int:
        if operator == ">=":
            return self.unions[self._first_below(key)]
        if operator == ">":
            return self.unions[self._first_not_above(key)]
        if operator == "<":
            return self.everything ^ self.unions[self._first_below(key)]
        return self.everything ^ self.unions[self._first_not_above(key)]

    def _strict(self, spec: StrictRange) -> int:
        if spec.operator == "~=":
            return self._scan(spec, 0, self._first_below(spec.version.key))
        prefix = spec.version
        text = str(prefix)
        inside = 0
        for index, version in enumerate(self.texts):
            # most versions are told apart by their text; the rest have letters, zeros or epochs
            plainly = version.startswith(text) and version[len(text) : len(text) + 1] in ("", ".")
            if plainly or (not _plainly_differs(version, text) and parse_version(version).starts_with(prefix)):
                inside |= self.masks[index]
        return inside if spec.operator == "=" else self.everything ^ inside

    def _scan(self, spec: VersionSpec, start: int, end: int) -> int:
        mask = 0
        for index in range(start, end):
            if spec.matches(self.texts[index]):
                mask |= self.masks[index]
        return mask

    def _first_below(self, key: VersionKey) -> int:
        """The index of the first version lower than `key`."""
        low, high = 0, len(self.texts)
        while low < high:
            middle = (low + high) >> 1
            if version_key(self.texts[middle]) < key:
                high = middle
            else:
                low = middle + 1
        return low

    def _first_not_above(self, key: VersionKey) -> int:
        """The index of the first version lower than `key` or equal to it."""
        low, high = 0, len(self.texts)
        while low < high:
            middle = (low + high) >> 1
            if version_key(self.texts[middle]) <= key:
                high = middle
            else:
                low = middle + 1
        return low


def _plainly_differs(version: str, prefix: str) -> bool:
    """Whether the first segments already differ as numbers without leading zeros (the usual case)."""
    head, _, _ = version.partition(".")
    other, _, _ = prefix.partition(".")
    return head != other and head.isdigit() and other.isdigit() and head[0] != "0" and other[0] != "0"


def highest_first(texts: list[str]) -> list[str]:
    """Versions in descending order."""
    return sorted(texts, key=version_key, reverse=True)
