"""Reading tables while collecting every mistake: what each parser of the manifest is given to hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import Issue, Location, ManifestError, SpecError
from ..suggest import did_you_mean
from ..value import Value

if TYPE_CHECKING:
    from .spans import KeyPath

T = TypeVar("T")


class Problems:
    """The mistakes found in one file; their positions are looked up when they are raised. `prefix` is where the tables
    that are read stand in it.
    """

    def __init__(self, path: Path | str, text: str, *, prefix: KeyPath = ()) -> None:
        self.path = path
        self.text = text
        self.prefix = prefix
        self.found: list[tuple[KeyPath, bool, str, str]] = []

    def add(self, path: KeyPath, message: str, *, hint: str = "", key: bool = False) -> None:
        """Note a mistake at a value (or at its key)."""
        self.found.append((path, key, message, hint))

    def raise_any(self) -> None:
        """Raise `ManifestError` with all of them, in the order of the file."""
        if not self.found:
            return
        from .spans import find_spans  # lazy: most manifests have no mistakes

        spans = find_spans(self.text)
        placed: list[tuple[int, Issue]] = []
        for path, key, message, hint in dict.fromkeys(self.found):
            offset = spans.find((*self.prefix, *path), key=key)
            placed.append((-1 if offset is None else offset, self.issue(message, offset, hint)))
        placed.sort(key=lambda pair: pair[0])
        count = len(placed)
        raise ManifestError(
            f"{count} mistake{'' if count == 1 else 's'} in {self.path}", issues=[issue for _, issue in placed]
        )

    def issue(self, message: str, offset: int | None, hint: str = "") -> Issue:
        """A mistake at an offset of the text."""
        if offset is None:
            return Issue(message, Location(self.path), "", hint)
        line = self.text.count("\n", 0, offset) + 1
        start = self.text.rfind("\n", 0, offset) + 1
        excerpt = self.text[start:].partition("\n")[0].rstrip("\r")
        return Issue(message, Location(self.path, line, offset - start + 1), excerpt.replace("\t", " "), hint)


def suggestion(word: str, known: Iterable[str], *, what: str = "") -> str:
    """`did you mean …?`, or the list of what is known."""
    names = sorted(known)
    return did_you_mean(word, names, f"known {what or 'keys'}: {', '.join(names)}" if names else "")


def _inside(value: object, source: str) -> KeyPath | None:
    """Where in a table a key or a value is what the error is about; empty for the value itself."""
    if isinstance(value, Mapping):
        entries: Iterable[tuple[str | int, object]] = value.items()
    elif isinstance(value, list):
        entries = enumerate(value)
    else:
        return () if str(value) == source else None
    for key, item in entries:
        if key == source:
            return (key,)
        inner = _inside(item, source)
        if inner is not None:
            return (key, *inner)
    return None


_KINDS = {bool: "true or false", int: "a number", str: "a string", list: "a list", dict: "a table"}


class Table(Value):
    """A table of the manifest, where it is, and where mistakes in it go. Getters return None (or empty) for what is
    missing or wrong; what is wrong has then been noted.
    """

    data: Mapping[str, Any]
    path: KeyPath
    problems: Problems

    def wrong(self, key: str, message: str, *, hint: str = "", at_key: bool = False) -> None:
        """Note a mistake at an entry."""
        self.problems.add((*self.path, key), message, hint=hint, key=at_key)

    def allow(self, known: Iterable[str], *, where: str) -> None:
        """Note every key that is not known."""
        names = set(known)
        for key in self.data:
            if key not in names:
                self.wrong(key, f"unknown key `{key}` in {where}", hint=suggestion(key, names), at_key=True)

    def get(self, key: str, kind: type[T]) -> T | None:
        """A value of one kind."""
        value = self.data.get(key)
        if value is None:
            return None
        if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
            return value
        self.wrong(key, f"`{key}` must be {_KINDS[kind]}")
        return None

    def texts(self, key: str) -> tuple[str, ...] | None:
        """A list of strings."""
        value = self.get(key, list)
        if value is None:
            return None
        for position, item in enumerate(value):
            if not isinstance(item, str):
                self.problems.add((*self.path, key, position), f"the items of `{key}` must be strings")
        return tuple(item for item in value if isinstance(item, str))

    def one_of(self, key: str, choices: tuple[str, ...]) -> Any:
        """One of a few words; typed by the caller."""
        value = self.get(key, str)
        if value is not None and value not in choices:
            self.wrong(key, f"'{value}' is not a value of `{key}`", hint=suggestion(value, choices, what="values"))
            return None
        return value

    def table(self, key: str) -> Table:
        """A table; empty where there is none."""
        return Table(self.get(key, dict) or {}, (*self.path, key), self.problems)

    def tables(self) -> Iterator[tuple[str, Table]]:
        """Every entry, each of which must be a table."""
        for key in self.data:
            value = self.get(key, dict)
            if value is not None:
                yield key, Table(value, (*self.path, key), self.problems)

    def convert(self, key: str, parse: Callable[[], T], *, at_key: bool = False) -> T | None:
        """What `parse` returns; its `SpecError` becomes a mistake of this entry."""
        try:
            return parse()
        except SpecError as error:
            path: KeyPath = (*self.path, key)
            inner = _inside(self.data.get(key), error.source) if error.source else None
            if inner:
                path, at_key = (*path, *inner), inner[-1] == error.source
            self.problems.add(path, error.message, hint="; ".join(error.hints), key=at_key)
            return None

    def __contains__(self, key: str) -> bool:
        return key in self.data
