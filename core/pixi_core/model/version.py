"""Conda versions: parsing, the total order, and what it takes to derive new bounds from an old version.

The format is conda's (`[epoch!]segments[+local]`, see the docstring of conda's `VersionOrder`): segments are separated
by `.`, `-` or `_`; each is a run of numbers and words, and starts with an implicit 0 where it starts with a word.
Missing segments and components count as 0, `dev` sorts before every word, words before numbers, `post` after every
number.

A version's `key` is one flat tuple that the interpreter compares by itself. To make "missing counts as 0" true without
padding, every zero is written as a token that says whether something below or above zero follows it:

====== =======================================================================
token  meaning
====== =======================================================================
0      `dev`
1, s   the word `s` (the only strings; both sides have one at the same place)
2      a zero inside a segment, followed by something below zero
3      a segment of zeros, the next other segment is below zero
4      end of a segment, or of the version
5      a segment of zeros, the next other segment is above zero
6      a zero inside a segment, followed by something above zero
n+10   the number n > 0; `post` is a number larger than all others
====== =======================================================================

Nothing here imports `re`: this module is on the start-up path of every command.
"""

from __future__ import annotations

from ..errors import SpecError

Component = int | str
Segment = tuple[Component, ...]
VersionKey = tuple[int | str, ...]

POST = "post"
DEV = "dev"
_POST_TOKEN = 1 << 80
_LARGEST = (1 << 64) - 1
_KEYS: dict[str, VersionKey] = {}
_VERSIONS: dict[str, Version] = {}
_CACHE_LIMIT = 1_000_000  # several times the versions of the largest channel; only a flood of invented ones reaches it


def version_key(text: str) -> VersionKey:
    """The key of a version string, cached. Raises `SpecError`."""
    key = _KEYS.get(text)
    if key is None:
        if len(_KEYS) >= _CACHE_LIMIT:
            _KEYS.clear()
        key = _KEYS[text] = _plain_key(text) or _general_key(parse_version(text))
    return key


def parse_version(text: str) -> Version:
    """`Version(text)`, cached. Raises `SpecError`."""
    version = _VERSIONS.get(text)
    if version is None:
        if len(_VERSIONS) >= _CACHE_LIMIT:
            _VERSIONS.clear()
        version = _VERSIONS[text] = Version(text)
    return version


class Version:
    """One conda version.

    `source` is the text as written; `str()` is the normalised form (lower case, numbers without leading zeros).
    Versions that mean the same (`1.0`, `1`, `1.00`) are equal and share one hash. Raises `SpecError`.
    """

    __slots__ = ("_key", "_parts", "source")

    def __init__(self, text: str) -> None:
        self.source = text
        self._key = _plain_key(text)
        # nine in ten have a plain key, which shows that they are sound; few of them are asked for more than that
        self._parts = None if self._key is not None else _parse(text)

    @property
    def key(self) -> VersionKey:
        """The flat tuple that orders versions."""
        if self._key is None:
            self._key = _general_key(self)
        return self._key

    def _parsed(self) -> tuple[int, tuple[Segment, ...], tuple[Segment, ...]]:
        if self._parts is None:
            self._parts = _parse(self.source)
        return self._parts

    @property
    def epoch(self) -> int:
        """The number before `!`, else 0."""
        return self._parsed()[0]

    @property
    def _segments(self) -> tuple[Segment, ...]:
        return self._parsed()[1]

    @property
    def _local(self) -> tuple[Segment, ...]:
        return self._parsed()[2]

    def segments(self) -> tuple[Segment, ...]:
        """Numbers and words per segment, implicit zeros included; the local part is apart."""
        return self._segments

    @property
    def local(self) -> tuple[Segment, ...]:
        """The segments behind `+`; empty where there are none."""
        return self._local

    @property
    def is_dev(self) -> bool:
        """Whether the word `dev` occurs."""
        return any(DEV in segment for segment in (*self._segments, *self._local))

    def starts_with(self, prefix: Version) -> bool:
        """Whether this version lies in `prefix.*`: equal segment by segment as far as the prefix goes.

        A segment may go on where the prefix's ends (`1.2a` lies in `1.2.*`), and zeros that are missing at the end
        are assumed (`1` lies in `1.0.*`). A local part matters only when the prefix has one.
        """
        if self.epoch != prefix.epoch:
            return False
        if not prefix._local:
            return _starts_with(self._segments, prefix._segments)
        return _starts_with(self._segments, prefix._segments) and _starts_with(self._local, prefix._local)

    def is_compatible_with(self, limit: Version) -> bool:
        """The operator `~=`: at least `limit`, and alike in all but its last segment."""
        if self.key < limit.key or self.epoch != limit.epoch:
            return False
        if limit._local and not _starts_with(self._local, limit._local):
            return False
        return _starts_with(self._segments, limit._segments[:-1])

    def truncate(self, count: int) -> Version:
        """The first `count` segments (all of them where there are fewer), without the local part."""
        return _build(self.epoch, _split_main(str(self))[: max(1, count)])

    def with_segments(self, count: int) -> Version:
        """Exactly `count` segments: cut, or filled up with zeros; without the local part."""
        pieces = _split_main(str(self))[: max(1, count)]
        pieces += [("." if pieces else "", "0")] * (count - len(pieces))
        return _build(self.epoch, pieces)

    def bump(self, index: int) -> Version:
        """One more in segment `index` (0-based, -1 is the last), and 0 in all segments behind it; without words and
        the local part: `1.2.3a` bumped at 0 is `2.0.0`. Missing segments are added.
        """
        numbers = [_leading_number(segment) for segment in self._segments]
        position = index if index >= 0 else len(numbers) + index
        numbers += [0] * (position + 1 - len(numbers))
        bumped = [*numbers[:position], numbers[position] + 1, *(0 for _ in numbers[position + 1 :])]
        return _build(self.epoch, [("." if i else "", str(n)) for i, n in enumerate(bumped)])

    def bump_last(self) -> Version:
        """One more in the last segment: the exclusive upper bound of `self.*`."""
        return self.bump(-1)

    def without_local(self) -> Version:
        """The same without `+…`."""
        return _build(self.epoch, _split_main(str(self))) if self._local else self

    def __str__(self) -> str:
        return _normalise(self.source)

    def __repr__(self) -> str:
        return f"Version({self.source!r})"

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return self.key == other.key if isinstance(other, Version) else NotImplemented

    def __lt__(self, other: Version) -> bool:
        return self.key < other.key

    def __le__(self, other: Version) -> bool:
        return self.key <= other.key

    def __gt__(self, other: Version) -> bool:
        return self.key > other.key

    def __ge__(self, other: Version) -> bool:
        return self.key >= other.key


# ---------------------------------------------------------------- parsing


def _parse(text: str) -> tuple[int, tuple[Segment, ...], tuple[Segment, ...]]:
    epoch_text, mark, rest = text.rpartition("!")
    epoch = 0
    if mark:
        if not _is_digits(epoch_text):
            raise _wrong(text, 0, f"the epoch '{epoch_text}' is not a number")
        epoch = _number(epoch_text, text, 0)
    main, plus, local = rest.partition("+")
    start = len(epoch_text) + len(mark)
    segments = _parse_segments(main, text, start)
    return epoch, segments, _parse_segments(local, text, start + len(main) + 1) if plus else ()


def _parse_segments(part: str, text: str, offset: int) -> tuple[Segment, ...]:
    """Segments of one part of `text`, which starts at `offset` there."""
    lowered = part.lower()
    if not lowered:
        raise _wrong(text, offset, "a number or a word is expected")
    if "-" in lowered and "_" in lowered:
        raise _wrong(text, offset, "`-` and `_` cannot both separate segments")
    trailing = lowered[-1] in "-_"
    segments: list[Segment] = []
    position = offset
    for piece in lowered[: len(lowered) - trailing].replace("-", ".").replace("_", ".").split("."):
        segments.append(_parse_segment(piece, text, position))
        position += len(piece) + 1
    if trailing:
        # openssl's `1.0.1_` is a version of its own, just below `1.0.1a`
        segments[-1] = (*segments[-1], "_")
    return tuple(segments)


def _parse_segment(piece: str, text: str, offset: int) -> Segment:
    if _is_digits(piece):
        return (_number(piece, text, offset),)
    if not piece:
        raise _wrong(text, offset, "a number or a word is expected")
    components: list[Component] = []
    start = 0
    for end in range(1, len(piece) + 1):
        digits = _is_digits(piece[start])
        if end < len(piece) and _is_digits(piece[end]) == digits and _is_word_character(piece[end]):
            continue
        run = piece[start:end]
        if digits:
            components.append(_number(run, text, offset + start))
        elif not _is_word_character(run[0]):
            raise _wrong(text, offset + start, f"'{run[0]}' cannot be part of a version")
        else:
            components.append(run)
        start = end
    # the implicit zero keeps `1.dev1` below `1.0`
    return tuple(components) if isinstance(components[0], int) else (0, *components)


def _is_digits(text: str) -> bool:
    return text.isdigit() and text.isascii()


def _is_word_character(character: str) -> bool:
    return "a" <= character <= "z" or "0" <= character <= "9"


def _number(digits: str, text: str, offset: int) -> int:
    if len(digits) > 40 or int(digits) > _LARGEST:
        raise _wrong(text, offset, f"the number {digits[:24]}… is too large")
    return int(digits)


def _wrong(text: str, offset: int, reason: str) -> SpecError:
    return SpecError(f"'{text}' is not a valid version: {reason}", source=text, offset=offset)


def _normalise(text: str) -> str:
    """Lower case, and no leading zeros in runs of digits."""
    if text.isascii() and "0" not in text and text.islower() | text.replace(".", "").isdigit():
        return text
    shown: list[str] = []
    digits = ""
    for character in (*text.lower(), ""):
        if character and _is_digits(character):
            digits += character
            continue
        if digits:
            shown.append(digits.lstrip("0") or "0")
            digits = ""
        shown.append(character)
    return "".join(shown)


def _split_main(normalised: str) -> list[tuple[str, str]]:
    """(separator before, text) of each segment, without epoch and local part."""
    main = normalised.rpartition("!")[2].partition("+")[0]
    pieces: list[tuple[str, str]] = []
    separator, current = "", ""
    for index, character in enumerate(main):
        if character in ".-_" and index < len(main) - 1:
            pieces.append((separator, current))
            separator, current = character, ""
        else:
            current += character
    return [*pieces, (separator, current)]


def _build(epoch: int, pieces: list[tuple[str, str]]) -> Version:
    return Version((f"{epoch}!" if epoch else "") + "".join(separator + text for separator, text in pieces))


def _leading_number(segment: Segment) -> int:
    first = segment[0]
    return first if isinstance(first, int) else 0


def _starts_with(segments: tuple[Segment, ...], prefix: tuple[Segment, ...]) -> bool:
    common = min(len(segments), len(prefix))
    if any(segment != (0,) for segment in prefix[common:]):
        return False
    for index in range(common):
        have, wanted = segments[index], prefix[index]
        if have == wanted:
            continue
        have += (0,) * (len(wanted) - len(have))
        # only the last segment they share may go on: `1.2a` lies in `1.2.*`, `1a.2` does not
        if have[: len(wanted)] != wanted or (index < common - 1 and any(have[len(wanted) :])):
            return False
    return True


# ---------------------------------------------------------------- keys


def _plain_key(text: str) -> VersionKey | None:
    """The key of digits and dots only (nine versions in ten); None for anything else."""
    if not text.isascii() or not text.replace(".", "").isdigit():
        return None
    parts = text.split(".")
    if "" in parts or len(text) > 40:
        return None
    numbers = [int(part) for part in parts]
    if max(numbers) > _LARGEST:
        return None
    while numbers and not numbers[-1]:
        numbers.pop()
    tokens = [0]
    for number in numbers:
        if number:
            tokens += (number + 10, 4)
        else:
            tokens.append(5)
    tokens += (4, 4)
    return tuple(tokens)


def _general_key(version: Version) -> VersionKey:
    return (version.epoch, *_tokens(version.segments()), *_tokens(version.local))


def _tokens(segments: tuple[Segment, ...]) -> list[int | str]:
    """The tokens of one part, see the module's table."""
    stripped = [_strip(segment) for segment in segments]
    while stripped and not stripped[-1]:
        stripped.pop()
    following = 0
    below = [False] * len(stripped)
    for index in range(len(stripped) - 1, -1, -1):
        if stripped[index]:
            following = _sign(stripped[index])
        below[index] = following < 0
    tokens: list[int | str] = []
    for segment, negative in zip(stripped, below, strict=True):
        if not segment:
            tokens.append(3 if negative else 5)
            continue
        for index, component in enumerate(segment):
            tokens += _token(component, segment[index + 1 :])
        tokens.append(4)
    tokens.append(4)
    return tokens


def _token(component: Component, rest: Segment) -> tuple[int | str, ...]:
    if component == 0:
        return (2 if _sign(rest) < 0 else 6,)
    if isinstance(component, int):
        return (component + 10,)
    if component == DEV:
        return (0,)
    return (_POST_TOKEN,) if component == POST else (1, component)


def _strip(segment: Segment) -> Segment:
    end = len(segment)
    while end and segment[end - 1] == 0:
        end -= 1
    return segment[:end]


def _sign(segment: Segment) -> int:
    """Whether the first component that is not 0 lies below (-1) or above (1) zero; 0 where there is none."""
    for component in segment:
        if component != 0:
            return -1 if isinstance(component, str) and component != POST else 1
    return 0
