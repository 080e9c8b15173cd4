r"""Conda version specs: `>=1.2,<2|3.1.*`, as data, with matching and a canonical text.

The grammar: `|` is or, `,` is and (it binds tighter), parentheses group, blanks around operators do not matter. A
single constraint is `*`, an operator with a version (`== != < <= > >= ~= =`), a version, a version with `.*`, a glob
(`1.*.3`) or a regular expression (`^1\.(2|3)$`). What sloppy repodata contains is read the way the resolvers in use
read it: a `*` behind an ordering operator is dropped (`>=1.2.*` is `>=1.2`, but `>1.2.*` is `>=1.2` too), `1.2*` is
`1.2.*`, and a bare version is exact. `strict=True` refuses these instead.

`str()` of a spec parses to an equal spec.
"""

from __future__ import annotations

from functools import lru_cache

from ..errors import SpecError
from ..value import Value
from .version import Version, parse_version

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .regex import RegularExpression

_SPECS: dict[str, VersionSpec] = {}
_CACHE_LIMIT = 200_000
_OPERATORS = "<>=!~"
_PATTERN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-+!*")
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._<>=,*")
_ORDERINGS: dict[str, Callable[[Version, Version], bool]] = {
    "<": lambda version, limit: version.key < limit.key,
    "<=": lambda version, limit: version.key <= limit.key,
    ">": lambda version, limit: version.key > limit.key,
    ">=": lambda version, limit: version.key >= limit.key,
}


class VersionSpec(Value):
    """A set of versions. The kinds of specs are subclasses, compared by value."""

    def matches(self, version: Version | str) -> bool:
        """Whether `version` is in the set. Raises `SpecError` for a text that is no version."""
        return self._has(parse_version(version) if isinstance(version, str) else version)

    def _has(self, version: Version) -> bool:
        return version is not None

    def selected(self, versions: Sequence[Version]) -> int:
        """The versions of the set as a bit mask over `versions`, which must ascend: bit i stands for `versions[i]`.

        Takes two binary searches per ordering constraint instead of a comparison per version.
        """
        mask = 0
        for index, version in enumerate(versions):
            if self._has(version):
                mask |= 1 << index
        return mask


class AnyVersion(VersionSpec):
    """`*`: every version."""

    def selected(self, versions: Sequence[Version]) -> int:
        return (1 << len(versions)) - 1

    def __str__(self) -> str:
        return "*"


class Range(VersionSpec):
    """`<`, `<=`, `>` or `>=` a version."""

    operator: str
    version: Version

    def _has(self, version: Version) -> bool:
        return _ORDERINGS[self.operator](version, self.version)

    def selected(self, versions: Sequence[Version]) -> int:
        upwards = self.operator[0] == ">"
        count = _count_below(versions, self.version, equal=self.operator in (">", "<="))
        below = (1 << count) - 1
        return ((1 << len(versions)) - 1) ^ below if upwards else below

    def __str__(self) -> str:
        return f"{self.operator}{self.version}"


class Exact(VersionSpec):
    """`==` or `!=` a version (equal in order: `==1.0` has `1`)."""

    operator: str
    version: Version

    def _has(self, version: Version) -> bool:
        return (version.key == self.version.key) is (self.operator == "==")

    def selected(self, versions: Sequence[Version]) -> int:
        low = _count_below(versions, self.version, equal=False)
        high = _count_below(versions, self.version, equal=True)
        mask = (1 << high) - (1 << low)
        return mask if self.operator == "==" else ((1 << len(versions)) - 1) ^ mask

    def __str__(self) -> str:
        return f"{self.operator}{self.version}"


class StrictRange(VersionSpec):
    """The operators that look at segments: `=` (`1.2.*`), `!=` (`!=1.2.*`) and `~=` (compatible release)."""

    operator: str
    version: Version

    def _has(self, version: Version) -> bool:
        if self.operator == "~=":
            return version.is_compatible_with(self.version)
        return version.starts_with(self.version) is (self.operator == "=")

    def __str__(self) -> str:
        if self.operator == "~=":
            return f"~={self.version}"
        return f"{'' if self.operator == '=' else '!='}{self.version}.*"


class Glob(VersionSpec):
    """A pattern with `*` in other places than the end, matched with the text of the version."""

    pattern: str

    def _has(self, version: Version) -> bool:
        return glob_matches(self.pattern, version.source.lower())

    def __str__(self) -> str:
        return self.pattern


class Regex(VersionSpec):
    """A regular expression `^…$`, matched with the text of the version."""

    pattern: str

    def _has(self, version: Version) -> bool:
        return regex_matches(self.pattern, version.source)

    def __str__(self) -> str:
        return self.pattern


class And(VersionSpec):
    """All of the parts hold (at least two, none of them an `And`)."""

    parts: tuple[VersionSpec, ...]

    def _has(self, version: Version) -> bool:
        return all(part._has(version) for part in self.parts)

    def selected(self, versions: Sequence[Version]) -> int:
        mask = (1 << len(versions)) - 1
        for part in self.parts:
            mask &= part.selected(versions)
        return mask

    def __str__(self) -> str:
        return ",".join(f"({part})" if isinstance(part, Or) else str(part) for part in self.parts)


class Or(VersionSpec):
    """One of the parts holds (at least two, none of them an `Or`)."""

    parts: tuple[VersionSpec, ...]

    def _has(self, version: Version) -> bool:
        return any(part._has(version) for part in self.parts)

    def selected(self, versions: Sequence[Version]) -> int:
        mask = 0
        for part in self.parts:
            mask |= part.selected(versions)
        return mask

    def __str__(self) -> str:
        return "|".join(str(part) for part in self.parts)


ANY_VERSION = AnyVersion()


def all_of(parts: Sequence[VersionSpec]) -> VersionSpec:
    """The specs joined by and; `*` for none. Nested `And`s are flattened."""
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, And) else (part,))]
    return ANY_VERSION if not flat else flat[0] if len(flat) == 1 else And(tuple(flat))


def any_of(parts: Sequence[VersionSpec]) -> VersionSpec:
    """The specs joined by or (at least one). Nested `Or`s are flattened."""
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, Or) else (part,))]
    return flat[0] if len(flat) == 1 else Or(tuple(flat))


def parse_version_spec(text: str, *, strict: bool = False) -> VersionSpec:
    """Parse a version spec (lenient results are cached). Raises `SpecError` with the offset of the mistake."""
    if strict:
        return _Parser(text, strict=True).parse()
    spec = _SPECS.get(text)
    if spec is None:
        if len(_SPECS) >= _CACHE_LIMIT:
            _SPECS.clear()
        spec = _SPECS[text] = _plain_bounds(text) or _Parser(text, strict=False).parse()
    return spec


def _plain_bounds(text: str) -> VersionSpec | None:
    """A list like `>=1.2,<2.0a0` or `3.12.*`, which nearly every spec in a channel is; None for anything else, and for
    mistakes, which the parser can explain.
    """
    if not _PLAIN.issuperset(text):
        return None
    parts: list[VersionSpec] = []
    for part in text.split(","):
        operator = part[:2] if part[1:2] == "=" else part[:1] if part[:1] in ("<", ">") else ""
        operand = part[len(operator) :]
        bare = operand.removesuffix(".*")
        if operator not in ("", "==", "<", "<=", ">", ">=") or (operator and bare != operand) or not bare.isascii():
            return None
        try:
            version = parse_version(bare)
        except SpecError:
            return None
        parts.append(StrictRange("=", version) if bare != operand else _plain(operator, version))
    return all_of(parts)


class _Parser:
    """Recursive descent over one text."""

    def __init__(self, text: str, *, strict: bool) -> None:
        self.text = text
        self.strict = strict
        self.position = 0

    def parse(self) -> VersionSpec:
        spec = self.alternatives(0)
        if self.position < len(self.text):
            raise self.wrong(f"unexpected '{self.text[self.position]}'")
        return spec

    def alternatives(self, depth: int) -> VersionSpec:
        parts = [self.conjunction(depth)]
        while self.take("|"):
            parts.append(self.conjunction(depth))
        return any_of(parts)

    def conjunction(self, depth: int) -> VersionSpec:
        parts = [self.single(depth)]
        while self.take(","):
            parts.append(self.single(depth))
        return all_of(parts)

    def single(self, depth: int) -> VersionSpec:
        if self.take("("):
            if depth >= 50:
                raise self.wrong("too many parentheses")
            inner = self.alternatives(depth + 1)
            if not self.take(")"):
                raise self.wrong("`)` is missing")
            return inner
        start = self.position
        if self.text.startswith("^", start):
            return self.regex()
        while self.position < len(self.text) and self.text[self.position] not in ",|()":
            self.position += 1
        constraint = self.text[start : self.position].strip()
        operator = constraint[: len(constraint) - len(constraint.lstrip(_OPERATORS))]
        return self.constraint(operator, constraint[len(operator) :].lstrip(), start)

    def regex(self) -> VersionSpec:
        """From `^` to the next `$` that ends a constraint."""
        start = self.position
        end = self.text.find("$", start)
        while end >= 0 and self.text[end + 1 :].lstrip()[:1] not in ("", ",", "|", ")"):
            end = self.text.find("$", end + 1)
        if end < 0:
            raise self.wrong("a regular expression must end in `$`")
        self.position = end + 1
        pattern = self.text[start : self.position]
        try:
            compiled(pattern)
        except ValueError as error:
            raise self.wrong(f"the regular expression {pattern} cannot be used: {error}") from None
        return Regex(pattern)

    def constraint(self, operator: str, operand: str, start: int) -> VersionSpec:
        if operator not in ("", "=", "==", "!=", "<", "<=", ">", ">=", "~="):
            raise self.wrong(f"'{operator}' is not an operator", start)
        if not operand:
            raise self.wrong("a version is missing", start)
        bare = operand
        while bare.endswith("*"):
            bare = bare[:-1].removesuffix(".")
        starred = bare != operand
        if not bare:
            return self.star(operator, start)
        if "*" in bare:
            if operator:
                raise self.wrong(f"a pattern cannot follow '{operator}'", start)
            if not _PATTERN.issuperset(bare.lower()):
                raise self.wrong(f"'{operand}' is not a pattern of versions", start)
            return Glob(operand.lower())
        version = self.version(bare, start)
        if starred:
            return self.starred(operator, version, start)
        if operator == "" and self.strict:
            raise self.wrong(f"did you mean `=={bare}` or `{bare}.*`?", start)
        return _plain(operator, version)

    def star(self, operator: str, start: int) -> VersionSpec:
        if operator in ("!=", "<", ">") or (operator and self.strict):
            raise self.wrong(f"'*' cannot follow '{operator}'", start)
        return ANY_VERSION

    def starred(self, operator: str, version: Version, start: int) -> VersionSpec:
        """A version with `.*` or `*` at its end."""
        if self.strict and operator not in ("", "!="):
            raise self.wrong(f"'*' cannot follow '{operator}'", start)
        if operator in ("", "="):
            return StrictRange("=", version)
        if operator == "!=":
            return StrictRange("!=", version)
        return _plain(">=" if operator == ">" else operator, version)

    def version(self, text: str, start: int) -> Version:
        try:
            return parse_version(text)
        except SpecError as error:
            inner = self.text.find(text, start)
            raise SpecError(
                f"'{self.text}' is not a valid version spec: {error.message}",
                source=self.text,
                offset=max(inner, 0) + error.offset,
                hints=["separate several constraints by `,`"] if " " in text else (),
            ) from None

    def take(self, character: str) -> bool:
        """Skip blanks, then `character` if it comes next, then blanks."""
        self.blanks()
        if not self.text.startswith(character, self.position):
            return False
        self.position += 1
        self.blanks()
        return True

    def blanks(self) -> None:
        while self.position < len(self.text) and self.text[self.position].isspace():
            self.position += 1

    def wrong(self, reason: str, offset: int | None = None) -> SpecError:
        return SpecError(
            f"'{self.text}' is not a valid version spec: {reason}",
            source=self.text,
            offset=self.position if offset is None else offset,
        )


def _plain(operator: str, version: Version) -> VersionSpec:
    if operator in ("", "==", "!="):
        return Exact(operator or "==", version)
    return StrictRange(operator, version) if operator in ("=", "~=") else Range(operator, version)


def _count_below(versions: Sequence[Version], limit: Version, *, equal: bool) -> int:
    """How many of the ascending `versions` are below `limit` (or equal to it)."""
    key = limit.key
    low, high = 0, len(versions)
    while low < high:
        middle = (low + high) // 2
        other = versions[middle].key
        if other < key or (equal and other == key):
            low = middle + 1
        else:
            high = middle
    return low


def glob_matches(pattern: str, text: str) -> bool:
    """Whether the whole `text` fits a pattern in which `*` stands for anything (no other wildcards)."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    last = rest.pop()
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    position, end = len(first), len(text) - len(last)
    for piece in rest:
        found = text.find(piece, position, end)
        if found < 0:
            return False
        position = found + len(piece)
    return True


def regex_matches(pattern: str, text: str) -> bool:
    """Whether a regular expression is found in `text` (`regex` tells which dialect). Raises `ValueError`."""
    return compiled(pattern).found_in(text)


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> RegularExpression:
    """A regular expression of a spec. Raises `ValueError`."""
    from .regex import RegularExpression

    return RegularExpression(pattern)
