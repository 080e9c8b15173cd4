"""A reader for exactly the YAML that lock files are written in: block style, one scalar per line, every value text.

It knows no anchors, tags, flow collections (but empty ones), folded lines or comments: it declines a text that has
any (`Declined`), and PyYAML reads it instead, ten times slower. The result of both is the same: mappings, lists, text,
and None for `null`.
"""

from __future__ import annotations

from typing import Any

Value = Any
_SPECIAL = frozenset("'\"[]{}&*!|>%@`,#~")
_NOT_KEYS = frozenset([*_SPECIAL, " ", "-", "?", ":", ""])
_NULLS = frozenset(["null", "~", "Null", "NULL"])


class Declined(Exception):
    """The text has something this reader does not know; nothing is said about whether it is valid."""


def parse(text: str) -> dict[str, Value]:
    """The document. Raises `Declined`."""
    if "\t" in text or "\r" in text or " #" in text or "\n#" in text or (not text.isprintable() and _has_odd(text)):
        raise Declined
    head, mark, tail = text.partition("\npackages:\n")
    lines = head.split("\n")
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        raise Declined
    document, end = _mapping(lines, 0, 0)
    if end != len(lines):
        raise Declined
    if mark:
        if "packages" in document:
            raise Declined
        document["packages"] = _packages(tail)
    return document


def _has_odd(text: str) -> bool:
    return not text.replace("\n", "").isprintable()


def _scalar(text: str) -> Value:
    if not text:
        raise Declined
    first = text[0]
    if first in _SPECIAL:
        if first == "'" and len(text) > 1 and text[-1] == "'":
            inner = text[1:-1]
            if "'" in inner:
                if "'" in inner.replace("''", ""):
                    raise Declined
                return inner.replace("''", "'")
            return inner
        if text == "[]":
            return []
        if text == "{}":
            return {}
        if text == "~":
            return None
        raise Declined
    if ": " in text or text[-1] in ": " or first == " ":
        raise Declined
    if first in "-?:" and (len(text) == 1 or text[1] == " "):
        raise Declined
    return None if text in _NULLS else text


def _packages(tail: str) -> list[dict[str, Value]]:
    """The flat list of records, which is nearly all of the file."""
    seen: dict[str, Value] = {}  # the same requirements come again and again
    if tail[:2] != "- ":
        raise Declined
    records: list[dict[str, Value]] = []
    for text in tail[2:].rstrip("\n").split("\n- "):
        record = _flat_record(text, seen)
        records += [record] if record is not None else _nested_records(f"- {text}")
    return records


def _flat_record(text: str, seen: dict[str, Value]) -> dict[str, Value] | None:
    """A record of scalars and lists of scalars, as nearly all are; None where it may be another."""
    pieces = text.split("\n  ")
    if text.count("\n") != len(pieces) - 1:
        return None
    record: dict[str, Value] = {}
    items: list[Value] | None = None
    for piece in pieces:
        if piece[:2] == "- ":
            if items is None:
                return None
            known = seen.get(piece)
            if known is None:
                if ": " in piece or piece[-1] == ":":
                    return None
                known = seen[piece] = _scalar(piece[2:])
            items.append(known)
            continue
        key, separator, value = piece.partition(": ")
        if items == [] or key in record or key[:1] in _NOT_KEYS:
            return None
        if separator:
            items = None
            # digests and numbers need no look at what is special
            record[key] = value if value.isalnum() and value not in _NULLS else _scalar(value)
        elif key[-1] == ":" and key[:-1] not in record:
            record[key[:-1]] = items = []
        else:
            return None
    return None if items == [] else record


def _nested_records(text: str) -> list[dict[str, Value]]:
    """A record with mappings in it, line by line."""
    lines = text.split("\n")
    records: list[dict[str, Value]] = []
    record: dict[str, Value] = {}
    items: list[Value] | None = None
    scalar = _scalar
    position, count = 0, len(lines)
    while position < count:
        line = lines[position]
        if line[:4] == "  - " and items is not None:
            items.append(scalar(line[4:]))
        elif line[:2] == "- ":
            if line.startswith("- conda_source: "):
                record, position = _item(lines, position, 0)
                records.append(record)
                items = None
                continue
            record = {}
            records.append(record)
            items = None
            key, separator, value = line[2:].partition(": ")
            if not separator:
                raise Declined
            record[key] = scalar(value)
        elif line[:2] == "  " and line[2:3] not in (" ", "-", ""):
            key, separator, value = line[2:].partition(": ")
            if separator:
                items = None
                if key in record:
                    raise Declined
                record[key] = scalar(value)
            else:
                position = _opened(lines, position, record)
                items = record.get(line[2:-1])
                if not isinstance(items, list):
                    items = None
        else:
            raise Declined
        position += 1
    return records


def _opened(lines: list[str], position: int, record: dict[str, Value]) -> int:
    """A key with its value on the following lines. A list of scalars is only begun; everything else is read here.
    Returns the last line that was consumed.
    """
    line = lines[position]
    key = line[2:-1]
    if line[-1] != ":" or key in record or position + 1 >= len(lines):
        raise Declined
    following = lines[position + 1]
    if following.startswith("  - "):
        if ": " in following and following[4] != "'":
            record[key], end = _sequence(lines, position + 1, 2)
            return end - 1
        record[key] = []
        return position
    if not following.startswith("    "):
        raise Declined
    record[key], end = _mapping(lines, position + 1, 4)
    return end - 1


# ---------------------------------------------------------------- anything, by indentation


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _mapping(lines: list[str], position: int, indent: int) -> tuple[dict[str, Value], int]:
    """Consecutive `key: value` lines at this indentation."""
    found: dict[str, Value] = {}
    while position < len(lines):
        line = lines[position]
        here = _indent(line)
        if here < indent or line[indent : indent + 2] == "- ":
            break
        if here > indent or indent > 40:
            raise Declined
        position = _entry(lines, position, indent, line[indent:], found)
    return found, position


def _entry(lines: list[str], position: int, indent: int, body: str, found: dict[str, Value]) -> int:
    """One `key: value` or `key:` with its block; returns the next line."""
    written, separator, value = body.partition(": ")
    if separator:
        key = _key(written)
        if key in found:
            raise Declined
        found[key] = _scalar(value)
        return position + 1
    if body[-1:] != ":":
        raise Declined
    key = _key(body[:-1])
    if key in found or position + 1 >= len(lines):
        raise Declined
    following = lines[position + 1]
    inner = _indent(following)
    if following[inner : inner + 2] == "- " and inner >= indent:
        found[key], position = _sequence(lines, position + 1, inner)
    elif inner > indent:
        found[key], position = _mapping(lines, position + 1, inner)
    else:
        raise Declined
    return position


def _key(written: str) -> str:
    key = _scalar(written)
    if not isinstance(key, str):
        raise Declined
    return key


def _sequence(lines: list[str], position: int, indent: int) -> tuple[list[Value], int]:
    """Consecutive `- item` lines at this indentation."""
    found: list[Value] = []
    while position < len(lines):
        line = lines[position]
        here = _indent(line)
        if here < indent or line[here : here + 2] != "- ":
            break
        if here > indent:
            raise Declined
        body = line[indent + 2 :]
        key, separator, value = body.partition(": ")
        if separator and key.isalpha() and _ends_item(lines, position + 1, indent):
            found.append({key: _scalar(value)})
            position += 1
        elif body[:1] != "'" and (": " in body or body[-1:] == ":"):
            item, position = _item(lines, position, indent)
            found.append(item)
        else:
            found.append(_scalar(body))
            position += 1
    return found, position


def _ends_item(lines: list[str], position: int, indent: int) -> bool:
    """Whether the item before this line has no more keys: what follows is the next one, or stands further left."""
    return (
        position >= len(lines)
        or lines[position][indent : indent + 2] in ("- ", "")
        or _indent(lines[position]) < indent
    )


def _item(lines: list[str], position: int, indent: int) -> tuple[dict[str, Value], int]:
    """A mapping that is an item of a sequence: its first key stands behind the dash."""
    found: dict[str, Value] = {}
    position = _entry(lines, position, indent + 2, lines[position][indent + 2 :], found)
    while (
        position < len(lines)
        and _indent(lines[position]) == indent + 2
        and lines[position][indent + 2 : indent + 4] != "- "
    ):
        position = _entry(lines, position, indent + 2, lines[position][indent + 2 :], found)
    if position < len(lines) and _indent(lines[position]) > indent + 2:
        raise Declined
    return found, position
