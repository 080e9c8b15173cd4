r"""Regular expressions in specs, matched in bounded time.

Specs come from channels and manifests of strangers, and a search that backtracks (Python's `re`) can take longer than
anybody lives: `^(a+)+$` on forty letters. Here, every part of an expression is asked once for each position of a text
where it may end when it begins there, and the answer, a set of positions as bits, is remembered: the cost is at most
the length of the expression times the third power of that of the text, in practice a few microseconds a letter.

The dialect is what Python's and Rust's have in common, and an expression is looked for anywhere in the text, as
rattler does: literals, `.`, classes (`[a-z_]`, `\d`, `\w`, `\s`), groups, `|`, `* + ? {m,n}` (lazy or not makes no
difference to whether there is a match), `^ $ \A \z \b`, looking ahead and behind, and `(?i)` in front. What needs to
know how a part matched (back references, possessive and atomic groups) is refused.
"""

from __future__ import annotations

from ..errors import SpecError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Ends = Callable[["_Text", int], int]
    """Where a part may end (bit i: before character i) when it begins at a position."""
    Test = Callable[[str], bool]

LONGEST = 1000
"""Characters of an expression, and the largest count in braces."""

_DEEPEST = 50
_KINDS: dict[str, Test] = {
    "d": str.isdecimal,
    "w": lambda character: character.isalnum() or character == "_",
    "s": str.isspace,
}
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}
_NAME_ENDS = ("(?P<", "(?<")


class RegularExpression:
    """One expression. Raises `ValueError`, with the reason, for one that cannot be used."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        if len(pattern) > LONGEST:
            raise ValueError(f"it is longer than {LONGEST} characters")
        self._folded = pattern.startswith(("(?i)", "^(?i)"))
        self._ends = _Parser(pattern.replace("(?i)", "", 1) if self._folded else pattern, folded=self._folded).parse()

    def found_in(self, text: str) -> bool:
        """Whether some part of `text` fits."""
        looked_at = _Text(text.lower() if self._folded else text)
        return any(self._ends(looked_at, position) for position in range(len(text) + 1))


def asked_for(pattern: str) -> RegularExpression:
    """What a user gave as an expression. Raises `SpecError`."""
    try:
        return RegularExpression(pattern)
    except ValueError as error:
        raise SpecError(f"'{pattern}' is not a regular expression: {error}", source=pattern) from None


class _Text:
    """A text, and what is known of it: the answer of each part that was asked, by position."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.known: dict[tuple[Ends, int], int] = {}


# ---------------------------------------------------------------- the parts


def _remembered(ends: Ends) -> Ends:
    """The same, asked once for each position of a text."""

    def answer(text: _Text, position: int) -> int:
        found = text.known.get((ends, position))
        if found is None:
            found = text.known[ends, position] = ends(text, position)
        return found

    return answer


def _bits(positions: int) -> list[int]:
    found = []
    while positions:
        lowest = positions & -positions
        found.append(lowest.bit_length() - 1)
        positions ^= lowest
    return found


def _after(part: Ends, text: _Text, positions: int) -> int:
    """Where a part may end that begins at one of several positions."""
    found = 0
    for position in _bits(positions):
        found |= part(text, position)
    return found


def _one(test: Test) -> Ends:
    def ends(text: _Text, position: int) -> int:
        return 2 << position if position < len(text.text) and test(text.text[position]) else 0

    return ends


def _where(condition: Callable[[_Text, int], bool]) -> Ends:
    """A part that takes nothing, and is possible at some positions only."""
    return lambda text, position: 1 << position if condition(text, position) else 0


def _sequence(parts: list[Ends]) -> Ends:
    def ends(text: _Text, position: int) -> int:
        found = 1 << position
        for part in parts:
            found = _after(part, text, found)
            if not found:
                break
        return found

    return parts[0] if len(parts) == 1 else _remembered(ends)


def _any_of(parts: list[Ends]) -> Ends:
    def ends(text: _Text, position: int) -> int:
        found = 0
        for part in parts:
            found |= part(text, position)
        return found

    return parts[0] if len(parts) == 1 else _remembered(ends)


def _repeated(part: Ends, least: int, most: int | None) -> Ends:
    """`part` so many times in a row. What can be reached stays the same, or is nothing, after as many steps as the text
    has characters: no count is followed further than that.
    """

    def ends(text: _Text, position: int) -> int:
        found = 1 << position
        for _ in range(least):
            reached = _after(part, text, found)
            if reached == found:
                break
            found = reached
        fresh, left = found, most
        while fresh and (left is None or left > least):
            fresh = _after(part, text, fresh) & ~found
            found |= fresh
            left = None if left is None else left - 1
        return found

    return _remembered(ends)


def _ahead(part: Ends) -> Ends:
    return _where(lambda text, position: part(text, position) != 0)


def _behind(part: Ends) -> Ends:
    return _where(lambda text, position: any(part(text, start) >> position & 1 for start in range(position + 1)))


def _unless(part: Ends) -> Ends:
    """Where a part that takes nothing is not possible."""
    return _where(lambda text, position: not part(text, position))


def _at_word_edge(text: _Text, position: int) -> bool:
    is_word = _KINDS["w"]
    before = position > 0 and is_word(text.text[position - 1])
    return before != (position < len(text.text) and is_word(text.text[position]))


_PLACES: dict[str, Ends] = {
    "^": _where(lambda _, position: position == 0),
    "$": _where(lambda text, position: position == len(text.text)),
    "b": _where(_at_word_edge),
    "B": _unless(_where(_at_word_edge)),
}
_PLACES |= {"A": _PLACES["^"], "z": _PLACES["$"], "Z": _PLACES["$"]}


# ---------------------------------------------------------------- reading


class _Parser:
    """Recursive descent over one expression."""

    def __init__(self, pattern: str, *, folded: bool) -> None:
        self.pattern = pattern
        self.folded = folded
        self.position = 0

    def parse(self) -> Ends:
        found = self.alternatives(0)
        if self.position < len(self.pattern):
            raise ValueError(f"`)` at {self.position} closes nothing")
        return found

    def take(self, text: str) -> bool:
        if not self.pattern.startswith(text, self.position):
            return False
        self.position += len(text)
        return True

    def next(self) -> str:
        if self.position >= len(self.pattern):
            raise ValueError("it ends too early")
        self.position += 1
        return self.pattern[self.position - 1]

    def alternatives(self, depth: int) -> Ends:
        if depth > _DEEPEST:
            raise ValueError("it has too many parentheses")
        parts = [self.sequence(depth)]
        while self.take("|"):
            parts.append(self.sequence(depth))
        return _any_of(parts)

    def sequence(self, depth: int) -> Ends:
        parts = [_where(lambda *_: True)]
        while self.pattern[self.position : self.position + 1] not in ("", "|", ")"):
            parts.append(self.counted(self.atom(depth)))
        return _sequence(parts[1:] or parts)

    def counted(self, part: Ends) -> Ends:
        """What stands before, as often as is said behind."""
        least, most = 1, 1
        if self.take("*"):
            least, unbounded = 0, True
        elif self.take("+"):
            unbounded = True
        elif self.take("?"):
            least, unbounded = 0, False
        else:
            braces = self.braces()
            if braces is None:
                return part
            least, most, unbounded = braces
        if self.take("+"):
            raise ValueError(f"the possessive `+` at {self.position - 1} is not supported")
        self.take("?")
        if self.pattern[self.position : self.position + 1] in ("*", "+", "?"):
            raise ValueError(f"there is nothing to repeat at {self.position}")
        return _repeated(part, least, None if unbounded else most)

    def braces(self) -> tuple[int, int, bool] | None:
        """`{m}`, `{m,}`, `{,n}` or `{m,n}` as the least count, the most, and whether there is no most; None if a brace
        is just that.
        """
        end = self.pattern.find("}", self.position)
        if self.pattern[self.position : self.position + 1] != "{" or end < 0:
            return None
        low, comma, high = self.pattern[self.position + 1 : end].partition(",")
        if not all(text == "" or (text.isdecimal() and text.isascii()) for text in (low, high)) or not low + high:
            return None
        self.position = end + 1
        least = int(low or 0)
        most = int(high or 0) if comma else least
        unbounded = bool(comma) and not high
        if max(least, most) > LONGEST or (most < least and not unbounded):
            raise ValueError(f"a count of {{{low}{comma}{high}}} makes no sense or is over {LONGEST}")
        return least, most, unbounded

    def atom(self, depth: int) -> Ends:
        character = self.next()
        if character == "(":
            return self.group(depth)
        if character == "[":
            return _one(self.bracket())
        if character == ".":
            return _one(lambda found: found != "\n")
        if character in "^$":
            return _PLACES[character]
        if character in "*+?":
            raise ValueError(f"there is nothing to repeat at {self.position - 1}")
        if character != "\\":
            return _one(self.literal(character))
        letter = self.next()
        return _PLACES[letter] if letter in _PLACES else _one(self.escape(letter))

    def group(self, depth: int) -> Ends:
        start = self.position - 1
        wrap: list[Callable[[Ends], Ends]] = []
        if self.take("?"):
            if self.take("<=") or self.take("<!"):
                wrap.append(_behind)
            elif self.take("=") or self.take("!"):
                wrap.append(_ahead)
            elif self.pattern.startswith(_NAME_ENDS, start):
                self.position = self.pattern.find(">", start) + 1
                if not self.position:
                    raise ValueError(f"the name of the group at {start} does not end")
            elif not self.take(":"):
                raise ValueError(f"the group `{self.pattern[start : start + 3]}…` at {start} is not supported")
            if wrap and self.pattern[self.position - 1] == "!":
                wrap.append(_unless)
        inner = self.alternatives(depth + 1)
        if not self.take(")"):
            raise ValueError(f"the `(` at {start} is not closed")
        for kind in wrap:
            inner = kind(inner)
        return inner

    def literal(self, character: str) -> Test:
        wanted = character.lower() if self.folded else character
        return lambda found: found == wanted

    def escape(self, letter: str) -> Test:
        if letter.lower() in _KINDS:
            kind = _KINDS[letter.lower()]
            return kind if letter.islower() else lambda found: not kind(found)
        return self.literal(self.escaped(letter))

    def escaped(self, letter: str) -> str:
        """The character that a backslash and a letter mean."""
        if letter in _CONTROLS:
            return _CONTROLS[letter]
        if letter.isascii() and letter.isalnum():
            what = "a back reference" if letter.isdigit() else "an escape"
            raise ValueError(f"`\\{letter}` at {self.position - 2} is {what} that is not supported")
        return letter

    def bracket(self) -> Test:
        """`[…]`, after its opening bracket."""
        start = self.position - 1
        negated = self.take("^")
        tests: list[Test] = []
        first = True
        while first or not self.take("]"):
            first = False
            low = self.next()
            if low == "[" and self.pattern[self.position : self.position + 1] == ":":
                raise ValueError(f"the class `[:` at {self.position - 1} is not supported")
            if low == "\\":
                low = self.next()
                if low.lower() in _KINDS:
                    tests.append(self.escape(low))
                    continue
                low = self.escaped(low)
            tests.append(self.span(low, start))
        return lambda found: any(test(found) for test in tests) is not negated

    def span(self, low: str, start: int) -> Test:
        """One character of a class, or a range that begins with it."""
        if self.pattern[self.position : self.position + 1] != "-" or self.pattern.startswith("-]", self.position):
            return self.literal(low)
        self.position += 1
        high = self.next()
        if high == "\\":
            high = self.escaped(self.next())
        if high < low:
            raise ValueError(f"the range {low}-{high} in the class at {start} is empty")
        if self.folded:
            return lambda found: low <= found <= high or low <= found.upper() <= high
        return lambda found: low <= found <= high
