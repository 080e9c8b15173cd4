"""Where things stand in a TOML text. Run only when there is an error to show, on text that has been parsed already.

A small scanner: it follows table headers, dotted keys, strings, arrays and inline tables and notes the offset of every
key and value. It does not check anything.
"""

from __future__ import annotations

from contextlib import suppress

KeyPath = tuple[str | int, ...]
_BARE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


class Spans:
    """Offsets of keys and of values by path; list items have their index in the path."""

    def __init__(self) -> None:
        self.keys: dict[KeyPath, int] = {}
        self.values: dict[KeyPath, int] = {}

    def find(self, path: KeyPath, *, key: bool) -> int | None:
        """The offset of a key or value, else of the nearest thing around it that is known."""
        tables = (self.keys, self.values) if key else (self.values, self.keys)
        while path:
            for table in tables:
                if path in table:
                    return table[path]
            path = path[:-1]
        return None


def find_spans(text: str) -> Spans:
    """Every key and value of a TOML document. Text that cannot be followed ends the search quietly."""
    scanner = _Scanner(text)
    with suppress(IndexError):
        scanner.document()
    return scanner.spans


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text + "\n"
        self.at = 0
        self.spans = Spans()
        self.counts: dict[KeyPath, int] = {}

    def document(self) -> None:
        prefix: KeyPath = ()
        while True:
            self.skip(lines=True)
            if self.at >= len(self.text):
                return
            if self.text[self.at] == "[":
                prefix = self.header()
            else:
                self.pair(prefix)

    def skip(self, *, lines: bool) -> None:
        while self.at < len(self.text):
            character = self.text[self.at]
            if character == "#":
                while self.text[self.at] != "\n":
                    self.at += 1
            elif character in " \t" or (lines and character in "\r\n"):
                self.at += 1
            else:
                return

    def header(self) -> KeyPath:
        start = self.at
        many = self.text.startswith("[[", start)
        self.at += 2 if many else 1
        self.skip(lines=False)
        path = self.resolved(self.key())
        self.at += 2 if many else 1
        if many:
            number = self.counts.get(path, -1) + 1
            self.counts[path] = number
            path = (*path, number)
        self.spans.keys.setdefault(path, start)
        for length in range(1, len(path)):
            self.spans.keys.setdefault(path[:length], start)
        return path

    def resolved(self, names: list[tuple[str, int]]) -> KeyPath:
        """A header's path, through the last items of arrays of tables."""
        path: KeyPath = ()
        for position, (name, _) in enumerate(names):
            path = (*path, name)
            if path in self.counts and position < len(names) - 1:
                path = (*path, self.counts[path])
        return path

    def key(self) -> list[tuple[str, int]]:
        names: list[tuple[str, int]] = []
        while True:
            start = self.at
            if self.text[start] in "\"'":
                names.append((self.string(), start))
            else:
                while self.text[self.at] in _BARE:
                    self.at += 1
                names.append((self.text[start : self.at], start))
            self.skip(lines=False)
            if self.text[self.at] != ".":
                return names
            self.at += 1
            self.skip(lines=False)

    def pair(self, prefix: KeyPath) -> None:
        path = prefix
        for name, start in self.key():
            path = (*path, name)
            self.spans.keys.setdefault(path, start)
        if self.text[self.at] != "=":
            raise IndexError
        self.at += 1
        self.skip(lines=False)
        self.value(path)

    def value(self, path: KeyPath) -> None:
        self.spans.values[path] = self.at
        character = self.text[self.at]
        if character in "\"'":
            self.string()
        elif character == "[":
            self.array(path)
        elif character == "{":
            self.inline_table(path)
        else:
            while self.text[self.at] not in ",]}\n#":
                self.at += 1

    def array(self, path: KeyPath) -> None:
        self.at += 1
        number = 0
        while True:
            self.skip(lines=True)
            if self.text[self.at] == "]":
                self.at += 1
                return
            if self.text[self.at] == ",":
                self.at += 1
                continue
            self.value((*path, number))
            number += 1

    def inline_table(self, path: KeyPath) -> None:
        self.at += 1
        while True:
            self.skip(lines=True)
            if self.text[self.at] == "}":
                self.at += 1
                return
            if self.text[self.at] == ",":
                self.at += 1
                continue
            self.pair(path)

    def string(self) -> str:
        quote = self.text[self.at]
        triple = self.text.startswith(quote * 3, self.at)
        end = quote * 3 if triple else quote
        self.at += len(end)
        start = self.at
        while not self.text.startswith(end, self.at):
            if self.text[self.at] == "\n" and not triple:
                raise IndexError
            self.at += 2 if self.text[self.at] == "\\" and quote == '"' else 1
        found = self.text[start : self.at]
        self.at += len(end)
        while triple and self.text[self.at] == quote:
            self.at += 1
        return found
