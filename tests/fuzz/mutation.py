"""Damage: what editors, disks and people who mean harm do to a sound input, as edits drawn from any source of numbers
(hypothesis, or a generator with a seed).
"""

from __future__ import annotations

import re
from collections.abc import Callable

Draw = Callable[[int], int]
"""`draw(n)`: a number from 0 to n - 1."""

TOKEN = re.compile(rb"\s+|[A-Za-z_]+|\d+|\"[^\"\n]*\"|'[^'\n]*'|[^\sA-Za-z_0-9]")
VALUES = (
    b"null", b"true", b"[]", b"{}", b"[[]]", b'""', b"-1", b"0", b"1.5", b"1e999", b"NaN", b"9" * 30, b"9" * 5000,
    b'"../../x"', b'"/etc/passwd"', b'"\\u0000"', b'"\\ud800"', b"\xff", b"\x00", b"\xed\xa0\x80", b"\xef\xbb\xbf",
    b"\r", b"\xe2\x80\xa8", "\u0130".encode(), "\u0663".encode(), "\u00b2".encode(), b"1979-05-27", b"!!x", b"*a",
    b"&a", b"<<:", b"---\n", b"%", b"'", b'"', b"\\", b"\n",
)  # fmt: skip
"""What stands in the place of a sound value: other types, numbers without end, paths, and odd letters."""
BRACKETS = (b"[", b"{", b"(", b'{"a":', b"- ", b"'", b'"', b"$(", b"[[", b"a.", b"not ")
PIECES = (b"1.", b">=1,", b"a|", b",", b"a ", b"\\", b"<a>", b"<!--", b"&a;", b"\n", b" ", b"a: ", b"!", b"~")
LONG = 20_000


def damaged(content: bytes, draw: Draw) -> bytes:
    """The content after one to four edits."""
    for _ in range(1 + draw(4)):
        content = EDITS[draw(len(EDITS))](content, draw)
    return content


def _exchange_value(content: bytes, draw: Draw) -> bytes:
    tokens = TOKEN.findall(content)
    if not tokens:
        return VALUES[draw(len(VALUES))]
    tokens[draw(len(tokens))] = VALUES[draw(len(VALUES))]
    return b"".join(tokens)


def _exchange_byte(content: bytes, draw: Draw) -> bytes:
    place = draw(len(content) + 1)
    return content[:place] + bytes([draw(256)]) + content[place + 1 :]


def _remove(content: bytes, draw: Draw) -> bytes:
    place = draw(len(content) + 1)
    return content[:place] + content[place + 1 + draw(30) :]


def _repeat(content: bytes, draw: Draw) -> bytes:
    place = draw(len(content) + 1)
    piece = content[place : place + 1 + draw(30)]
    return content[:place] + piece * (2 + draw(20)) + content[place:]


def _move_token(content: bytes, draw: Draw) -> bytes:
    tokens = TOKEN.findall(content)
    if tokens:
        tokens.insert(draw(len(tokens)), tokens[draw(len(tokens))])
    return b"".join(tokens)


def _cut(content: bytes, draw: Draw) -> bytes:
    return content[: draw(len(content) + 1)]


def _nest(content: bytes, draw: Draw) -> bytes:
    place = draw(len(content) + 1)
    return content[:place] + BRACKETS[draw(len(BRACKETS))] * (1 << draw(13)) + content[place:]


EDITS = (_exchange_value, _exchange_value, _exchange_byte, _remove, _repeat, _move_token, _cut, _nest)


def drawn_out(seed: bytes) -> list[bytes]:
    """Inputs that are long in one way each: every token of the seed, and every bracket, over and over in its place.
    What reads them in more than linear time takes minutes.
    """
    tokens = TOKEN.findall(seed)
    first = {token: number for number, token in reversed(list(enumerate(tokens)))}
    found = [
        b"".join([*tokens[:number], _long(token), *tokens[number + 1 :]]) for token, number in list(first.items())[:60]
    ]
    for piece in (*BRACKETS, *PIECES):
        found += [_long(piece), seed + _long(piece)]
    return found


def _long(piece: bytes) -> bytes:
    return piece * (LONG // len(piece))
