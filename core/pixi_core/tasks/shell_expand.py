"""Words to arguments: tilde, variables, substitution, splitting, braces and file name patterns."""

from __future__ import annotations

import glob
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ..errors import TaskError
from .shell_tree import Braces, Part, Script, Substitution, Text, Tilde, Variable, Word

_MAGIC = frozenset("*?[")
_MOST_WORDS = 65_536


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What expansion needs to know: variables, the last exit code, the folder, how to capture a command, options."""

    variables: Mapping[str, str]
    last: int
    folder: str
    capture: Callable[[Script], str]
    options: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Field:
    """One argument in the making: `pattern` is the text with everything quoted made harmless for `glob`."""

    text: str = ""
    pattern: str = ""
    magic: bool = False
    present: bool = False


def arguments(words: Sequence[Word], around: Surroundings) -> list[str]:
    """The arguments that words stand for. Raises `TaskError` (a pattern without match under `failglob`)."""
    return [argument for word in words for plain in without_braces(word) for argument in _arguments(plain, around)]


def one(word: Word, around: Surroundings) -> str:
    """A word in a place for exactly one value (an assignment): nothing is split, no pattern applied."""
    return "".join(_value(part, around) for part in word)


def without_braces(word: Word) -> list[Word]:
    """`a{b,c}` as `ab` and `ac`. Raises `TaskError` where that would be tens of thousands of words."""
    results: list[tuple[Part, ...]] = [()]
    for part in word:
        if isinstance(part, Braces):
            endings = [ending for alternative in part.alternatives for ending in without_braces(alternative)]
            if len(results) * len(endings) > _MOST_WORDS:
                raise TaskError("braces in the command stand for too many words")
            results = [(*start, *ending) for start in results for ending in endings]
        else:
            results = [(*start, part) for start in results]
    return results


def _value(part: Part, around: Surroundings) -> str:
    match part:
        case Text(value):
            return value
        case Variable("?"):
            return str(around.last)
        case Variable(name):
            return around.variables.get(name, "")
        case Substitution(script):
            return around.capture(script).rstrip("\r\n")
        case Tilde():
            return around.variables.get("HOME") or around.variables.get("USERPROFILE") or "~"
        case Braces(alternatives):
            return "{" + ",".join(one(alternative, around) for alternative in alternatives) + "}"


def _arguments(word: Word, around: Surroundings) -> list[str]:
    fields = [_Field()]
    for part in word:
        value = _value(part, around)
        if isinstance(part, (Variable, Substitution)) and not part.quoted:
            pieces = value.split()
            if value[:1].isspace() and fields[-1].present:
                fields.append(_Field())
            for index, piece in enumerate(pieces):
                if index:
                    fields.append(_Field())
                _append(fields[-1], piece, literal=True)
            if pieces and value[-1:].isspace():
                fields.append(_Field())
        else:
            _append(fields[-1], value, literal=not (isinstance(part, Text) and not part.quoted))
    return [argument for field in fields if field.present for argument in _matched(field, around)]


def _append(field: _Field, text: str, *, literal: bool) -> None:
    field.present = True
    field.text += text
    field.pattern += glob.escape(text) if literal else text
    field.magic = field.magic or (not literal and not _MAGIC.isdisjoint(text))


def _matched(field: _Field, around: Surroundings) -> list[str]:
    """The files that a pattern matches, sorted; the pattern itself where there is none."""
    if not field.magic:
        return [field.text]
    recursive = "noglobstar" not in around.options
    found = sorted(glob.glob(field.pattern, root_dir=around.folder, recursive=recursive))
    if found:
        return found
    if "failglob" in around.options:
        raise TaskError(f"no files match the pattern '{field.text}'")
    return [] if "nullglob" in around.options else [field.text]
