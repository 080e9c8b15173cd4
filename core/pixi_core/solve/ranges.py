"""From parsed version specs to sets of candidates: two binary searches for a range, never a second parser.

`Versions` holds the distinct versions of one name, highest first, with the domain of each and the running union of the
domains: the candidates of a range are the difference of two unions.
"""

from __future__ import annotations

from ..model.version import Version, VersionKey, parse_version, version_key
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
        # a shorter version is taken to go on with zeros (`1a` lies in `1.0.*`): zeros at the end do not bound anything
        segments = prefix.segments()
        bounding = len(segments)
        while bounding and not any(segments[bounding - 1]):
            bounding -= 1
        if prefix.local or not bounding:
            return self._scan(spec, 0, len(self.texts))
        block = prefix if bounding == len(segments) else prefix.truncate(bounding)
        # what begins with `block` is one stretch of the order, and `block` itself would stand inside
        middle = self._first_below(block.key)
        first, last = middle, middle
        while first > 0 and self._begins(first - 1, block):
            first -= 1
        while last < len(self.texts) and self._begins(last, block):
            last += 1
        if block is prefix:
            inside = self.unions[last] ^ self.unions[first]
        else:
            inside = 0
            for index in range(first, last):
                inside |= self.masks[index] if self._begins(index, prefix) else 0
        return inside if spec.operator == "=" else self.everything ^ inside

    def _begins(self, index: int, prefix: Version) -> bool:
        version, text = self.texts[index], prefix.source
        # most versions can be told by their text
        if version.startswith(text) and version[len(text) : len(text) + 1] in ("", "."):
            return True
        return parse_version(version).starts_with(prefix)

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


def highest_first(texts: list[str]) -> list[str]:
    """Versions in descending order."""
    return sorted(texts, key=version_key, reverse=True)
