"""PEP 508: dependency specifiers and environment markers, parsed once and evaluated often.

The grammar is that of the "Dependency specifiers" specification, read by hand: the hot path of a resolution parses
thousands of `Requires-Dist` lines, and a lock file wants them written back in one canonical form (single quotes,
`python_full_version` for `python_version`, ` ; ` before the marker), which is how `pixi.lock` spells them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Literal

from ..errors import SpecError
from ..names import PypiName, pypi_name
from ..suggest import hints
from ..value import Value

Environment = Mapping[str, str]
"""Marker variables and their values for one target (`sys_platform`, `python_full_version` …)."""

VARIABLES = frozenset(
    [
        "implementation_name",
        "implementation_version",
        "os_name",
        "platform_machine",
        "platform_python_implementation",
        "platform_release",
        "platform_system",
        "platform_version",
        "python_full_version",
        "python_version",
        "sys_platform",
        "extra",
        "extras",
        "dependency_groups",
    ]
)
_ALIASES = {
    "os.name": "os_name",
    "sys.platform": "sys_platform",
    "platform.version": "platform_version",
    "platform.machine": "platform_machine",
    "platform.python_implementation": "platform_python_implementation",
    "python_implementation": "platform_python_implementation",
}
_VERSION_VARIABLES = frozenset(["implementation_version", "python_full_version", "python_version", "platform_release"])
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


# ---------------------------------------------------------------- markers as data


class Compare(Value):
    """One comparison. `reversed` tells `'linux' in sys_platform` from `sys_platform in 'linux'`."""

    variable: str
    operator: str
    value: str
    reversed: bool = False

    def __str__(self) -> str:
        quote = "'" if "'" not in self.value else '"'
        value = f"{quote}{self.value}{quote}"
        if self.reversed:
            return f"{value} {self.operator} {self.variable}"
        return f"{self.variable} {self.operator} {value}"


class Combined(Value):
    """`and` or `or` over two or more terms."""

    operator: Literal["and", "or"]
    terms: tuple[Marker, ...]

    def __str__(self) -> str:
        return f" {self.operator} ".join(f"({t})" if isinstance(t, Combined) else str(t) for t in self.terms)


Marker = Compare | Combined


def evaluate(marker: Marker, environment: Environment, extras: frozenset[str] = frozenset()) -> bool:
    """Whether a marker holds for a target and a set of requested extras (normalised names)."""
    if isinstance(marker, Combined):
        results = (evaluate(term, environment, extras) for term in marker.terms)
        return all(results) if marker.operator == "and" else any(results)
    if marker.variable in ("extra", "extras", "dependency_groups"):
        wanted = _normalised(marker.value) in extras
        return not wanted if marker.operator in ("!=", "not in") else wanted
    return _compare(
        marker.variable, marker.operator, marker.value, marker.reversed, environment.get(marker.variable, "")
    )


@lru_cache(maxsize=8192)
def _compare(variable: str, operator: str, value: str, is_reversed: bool, actual: str) -> bool:
    """One comparison against the target's value: by version where both sides are versions, else by text."""
    if operator in ("in", "not in"):
        if variable in _VERSION_VARIABLES and not is_reversed:
            # `python_version in '3.8 3.9'` lists versions
            found = actual in re.split(r"[\s,|]+", value)
        else:
            found = (value in actual) if is_reversed else (actual in value)
        return found if operator == "in" else not found
    if is_reversed:
        operator = _MIRRORED.get(operator, operator)
    if variable in _VERSION_VARIABLES:
        from packaging.specifiers import InvalidSpecifier, SpecifierSet
        from packaging.version import InvalidVersion

        try:
            return SpecifierSet(operator + value).contains(actual, prereleases=True)
        except (InvalidSpecifier, InvalidVersion):
            pass
    return _compare_text(operator, actual, value)


def _compare_text(operator: str, left: str, right: str) -> bool:
    if operator in ("==", "==="):
        return left == right
    if operator == "!=":
        return left != right
    if operator == "<":
        return left < right
    if operator == "<=":
        return left <= right
    if operator == ">":
        return left > right
    return left >= right


def variables(marker: Marker) -> Iterator[str]:
    """The variables that a marker looks at, with repetition."""
    if isinstance(marker, Compare):
        yield marker.variable
    else:
        for term in marker.terms:
            yield from variables(term)


def without_extras(marker: Marker) -> Marker | None:
    """The marker with every comparison of `extra` taken as true; None where nothing is left to say."""
    if isinstance(marker, Compare):
        return None if marker.variable == "extra" else marker
    kept = [term for term in (without_extras(t) for t in marker.terms) if term is not None]
    if len(kept) < len(marker.terms) and marker.operator == "or":
        return None
    if not kept:
        return None
    return kept[0] if len(kept) == 1 else Combined(marker.operator, tuple(kept))


# ---------------------------------------------------------------- requirements as data


class Requirement(Value):
    """A PEP 508 dependency specifier. `specifier` is PEP 440 text (empty: any version), `url` a direct reference;
    `extras` are normalised and sorted. `name` is in compared form, `written` as it was spelled.
    """

    name: PypiName
    written: str
    extras: tuple[str, ...] = ()
    specifier: str = ""
    url: str | None = None
    marker: Marker | None = None

    def __str__(self) -> str:
        """The canonical spelling of lock files."""
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        what = f" @ {self.url}" if self.url is not None else self.specifier
        marker = f" ; {self.marker}" if self.marker is not None else ""
        return f"{self.name}{extras}{what}{marker}"


# ---------------------------------------------------------------- parsing

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<open>\() | (?P<close>\)) |
        (?P<operator>===|==|~=|!=|<=|>=|<|>|not\s+in\b|in\b) |
        (?P<join>and\b|or\b) |
        (?P<text>'[^']*'|"[^"]*") |
        (?P<name>[A-Za-z_][A-Za-z0-9_.]*)
    )""",
    re.VERBOSE,
)
_BLANK = re.compile(r"\s*\Z")
_DEEPEST = 100
"""Levels of parentheses that a marker may have."""
_HEAD = re.compile(
    r"\s*(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[(?P<extras>[^\]]*)\])?\s*", re.ASCII
)
_CLAUSE = re.compile(r"\s*(?P<operator>===|==|~=|!=|<=|>=|<|>)\s*(?P<version>[^\s,;)]+)\s*")


def _normalised(text: str) -> str:
    return re.sub(r"[-_.]+", "-", text).lower()


class _MarkerReader:
    """Recursive descent over the tokens of one marker."""

    def __init__(self, source: str, offset: int) -> None:
        self.source = source
        self.position = offset
        self.kind = ""
        self.text = ""
        self.start = offset
        self.depth = 0
        self.next()

    def next(self) -> None:
        """Move to the next token; kind `end` after the last one."""
        if _BLANK.match(self.source, self.position):
            self.kind, self.text, self.start = "end", "", len(self.source)
            return
        match = _TOKEN.match(self.source, self.position)
        if match is None or match.lastgroup is None:
            raise self.error("unexpected character in the marker", self.position)
        self.kind, self.text = match.lastgroup, match[match.lastgroup]
        self.start, self.position = match.start(match.lastgroup), match.end()

    def error(self, message: str, offset: int | None = None) -> SpecError:
        """The error to raise for what stands at the present token."""
        at = self.start if offset is None else offset
        return SpecError(f"{message}: '{self.source.strip()}' (character {at + 1})", source=self.source, offset=at)

    def either(self) -> Marker:
        """A marker: terms joined by `or`."""
        return self._joined("or")

    def _joined(self, word: Literal["and", "or"]) -> Marker:
        terms = [self._joined("and") if word == "or" else self._atom()]
        while self.kind == "join" and self.text == word:
            self.next()
            terms.append(self._joined("and") if word == "or" else self._atom())
        if len(terms) == 1:
            return terms[0]
        flat: list[Marker] = []
        for term in terms:
            flat.extend(term.terms if isinstance(term, Combined) and term.operator == word else (term,))
        return Combined(word, tuple(flat))

    def _atom(self) -> Marker:
        if self.kind == "open":
            self.depth += 1
            if self.depth > _DEEPEST:
                raise self.error(f"the marker has more than {_DEEPEST} levels of parentheses")
            self.next()
            inner = self.either()
            if self.kind != "close":
                raise self.error("a `)` is missing in the marker")
            self.depth -= 1
            self.next()
            return inner
        left_kind, left = self._operand()
        if self.kind != "operator":
            raise self.error("a comparison is missing in the marker")
        operator = " ".join(self.text.split())
        self.next()
        right_kind, right = self._operand()
        if left_kind == right_kind:
            raise self.error("a marker compares a variable with a quoted text")
        return _comparison(left, operator, right, is_reversed=left_kind == "text")

    def _operand(self) -> tuple[str, str]:
        kind, text = self.kind, self.text
        if kind == "text":
            self.next()
            return kind, text[1:-1]
        name = _ALIASES.get(text, text)
        if kind != "name" or name not in VARIABLES:
            found = self.error(f"'{text}' is not a marker variable" if text else "the marker ends too early")
            found.hints = tuple(hints(text, VARIABLES))
            raise found
        self.next()
        return kind, name


def _comparison(left: str, operator: str, right: str, *, is_reversed: bool) -> Compare:
    variable, value = (right, left) if is_reversed else (left, right)
    if is_reversed and operator not in ("in", "not in"):
        operator, is_reversed = _MIRRORED.get(operator, operator), False
    if variable == "extra":
        value = _normalised(value)
    if variable == "python_version" and operator not in ("in", "not in"):
        return _full_version(operator, value)
    return Compare(variable, operator, value, is_reversed)


def _full_version(operator: str, value: str) -> Compare:
    """`python_version` says only X.Y; the same fact about the full version, as lock files write it.

    `== '3.9'` is `== '3.9.*'`, `> '3.9'` is `>= '3.10'`, `<= '3.9'` is `< '3.10'`; other lengths stay as they are.
    """
    parts = value.split(".")
    if len(parts) == 2 and all(part.isdecimal() and len(part) <= 40 for part in parts):
        following = f"{parts[0]}.{int(parts[1]) + 1}"
        if operator in ("==", "!="):
            return Compare("python_full_version", operator, f"{value}.*")
        if operator == ">":
            return Compare("python_full_version", ">=", following)
        if operator == "<=":
            return Compare("python_full_version", "<", following)
        if operator in ("<", ">="):
            return Compare("python_full_version", operator, value)
    if len(parts) == 1 and value.isdecimal() and operator in ("<", ">="):
        return Compare("python_full_version", operator, value)
    return Compare("python_version", operator, value)


@lru_cache(maxsize=8192)
def parse_marker(text: str) -> Marker:
    """Parse an environment marker. Raises `SpecError` with the character where it went wrong."""
    return _read_marker(text, 0)


def _read_marker(source: str, offset: int) -> Marker:
    reader = _MarkerReader(source, offset)
    marker = reader.either()
    if reader.kind != "end":
        raise reader.error("something follows the marker")
    return marker


def normalised_specifier(text: str) -> str:
    """A PEP 440 specifier with blanks and parentheses removed, clauses in the order written. Raises `SpecError`."""
    specifier, end = _specifier(text, 0)
    if text[end:].strip():
        raise _bad_specifier(text, end)
    return specifier


def _bad_specifier(source: str, offset: int) -> SpecError:
    rest = source[offset:].strip()
    hints = [f"write `=={rest}` for this version, `>={rest}` for at least it"] if rest[:1].isdigit() else []
    return SpecError(f"'{source.strip()}' is not a version specifier", source=source, offset=offset, hints=hints)


def _specifier(source: str, position: int) -> tuple[str, int]:
    """The specifier at a position (maybe in parentheses), and where it ends."""
    while source[position : position + 1].isspace():
        position += 1
    enclosed = source[position : position + 1] == "("
    if enclosed:
        position += 1
    clauses: list[str] = []
    while match := _CLAUSE.match(source, position):
        clauses.append(_clause(source, match["operator"], match["version"], match.start("version")))
        position = match.end()
        if source[position : position + 1] != ",":
            break
        position += 1
    if enclosed:
        if source[position : position + 1] != ")":
            raise _bad_specifier(source, position)
        position += 1
    return ",".join(clauses), position


_PLAIN_VERSION = re.compile(r"v?\d+(?:\.\d+)*(?:\.\*)?\Z", re.ASCII)


def _clause(source: str, operator: str, version: str, offset: int) -> str:
    """One checked clause. Very old metadata writes `>=1.*`, whose star means nothing and is dropped."""
    if version.endswith(".*") and operator not in ("==", "!="):
        version = version[:-2]
    if _PLAIN_VERSION.match(version) and not (operator == "~=" and "." not in version):
        return operator + version
    from packaging.specifiers import InvalidSpecifier, Specifier

    try:
        return str(Specifier(operator + version))
    except InvalidSpecifier:
        raise _bad_specifier(source, offset) from None


@lru_cache(maxsize=32768)
def parse(text: str) -> Requirement:
    """Parse one dependency specifier (`name[extra]>=1 ; marker`, `name @ URL ; marker`).

    Raises `SpecError`.
    """
    head = _HEAD.match(text)
    if head is None:
        raise SpecError(f"'{text.strip()}' does not start with a project name", source=text)
    extras = tuple(sorted({str(pypi_name(e.strip())) for e in (head["extras"] or "").split(",") if e.strip()}))
    position, specifier, url = head.end(), "", None
    if text[position : position + 1] == "@":
        url, position = _url(text, position + 1)
    else:
        specifier, position = _specifier(text, position)
    rest = text[position:].lstrip()
    marker = None
    if rest.startswith(";"):
        marker = _read_marker(text, text.index(";", position) + 1)
    elif rest:
        raise _bad_specifier(text, position)
    return Requirement(pypi_name(head["name"]), head["name"], extras, specifier, url, marker)


def _url(text: str, position: int) -> tuple[str, int]:
    """A direct reference: up to white space followed by `;`, or the end."""
    start = position + (len(text[position:]) - len(text[position:].lstrip()))
    match = re.compile(r"\s+;|\s*$").search(text, start)
    end = match.start() if match else len(text)
    url = text[start:end]
    if not url or any(c.isspace() for c in url):
        raise SpecError(f"'{text.strip()}' has no URL after `@`", source=text, offset=start)
    return url, end
