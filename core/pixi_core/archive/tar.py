"""A strict, streaming reader of tar archives as conda packages and sdists use them.

Understood: POSIX ustar, GNU long names, pax headers (POSIX.1-2001). Refused: everything about which readers are known
to disagree (sizes stated twice and differently as in CVE-2025-62518, names stated twice, data on entries that have
none, bytes after the end), and everything that is no regular file, folder or link.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NoReturn

from ..errors import ArchiveError
from .sink import Sink

BLOCK = 512
_ZERO = bytes(BLOCK)
_LONGEST = 1 << 16
_CHUNK = 1 << 20
_REFUSED_KEYS = ("GNU.sparse.", "SCHILY.realsize", "hdrcharset")


class TarReader:
    """Reads entries from `read`, which gives up to that many decompressed bytes and nothing at the end."""

    def __init__(self, read: Callable[[int], bytes], what: str) -> None:
        self._read = read
        self._what = what
        self._buffer: bytes = b""
        self._view = memoryview(b"")
        self._at = 0
        self._long_name: str | None = None
        self._long_link: str | None = None
        self._pax: dict[str, str] = {}
        self._stated = False

    def extract(self, sink: Sink, *, strip: Callable[[str], str] | None = None) -> None:
        """Every entry into the sink. `strip` may rewrite names (an sdist's first folder). Raises `ArchiveError`."""
        while True:
            header = self._block()
            if header == _ZERO:
                break
            self._entry(header, sink, strip)
        if self._stated:
            self._refuse("a name is announced for an entry that never comes")
        self._end()

    # ------------------------------------------------------------ bytes

    def _refuse(self, why: str) -> NoReturn:
        raise ArchiveError(f"{self._what} is not a sound tar archive: {why}")

    def _fill(self) -> bool:
        chunk = self._read(_CHUNK)
        if not chunk:
            return False
        rest = self._buffer[self._at :]
        self._buffer = rest + chunk if rest else chunk
        self._view = memoryview(self._buffer)
        self._at = 0
        return True

    def _take(self, size: int) -> bytes:
        """Exactly `size` bytes (small)."""
        while len(self._buffer) - self._at < size:
            if not self._fill():
                self._refuse("it ends early")
        start = self._at
        self._at = start + size
        return self._buffer[start : self._at]

    def _block(self) -> bytes:
        return self._take(BLOCK)

    def _data(self, size: int) -> Iterator[memoryview]:
        """The data of an entry, in pieces that are valid until the next one is asked for, then its padding."""
        left = size
        while left:
            here = len(self._buffer) - self._at
            if not here:
                if not self._fill():
                    self._refuse("it ends early")
                continue
            amount = min(here, left)
            start = self._at
            self._at = start + amount
            left -= amount
            yield self._view[start : self._at]
        if size % BLOCK:
            self._take(BLOCK - size % BLOCK)

    def _end(self) -> None:
        """After the first empty block there is a second one, then nothing but zeros."""
        if self._block() != _ZERO:
            self._refuse("there is something behind its end")
        while True:
            if any(self._buffer[self._at :]):
                self._refuse("there is something behind its end")
            self._at = len(self._buffer)
            if not self._fill():
                return

    # ------------------------------------------------------------ entries

    def _entry(self, header: bytes, sink: Sink, strip: Callable[[str], str] | None) -> None:
        kind = header[156:157]
        self._check_sum(header)
        size = self._number(header[124:136], "size")
        if kind in b"LKxg" and kind:
            self._announce(kind, size)
            return
        name, link = self._names(header)
        if size and kind in (b"1", b"2", b"5"):
            self._refuse(f"{name!r} carries data that an entry of its kind cannot have")
        stated = self._pax.get("size")
        if stated is not None and stated != str(size):
            self._refuse(f"the size of {name!r} is stated twice, differently")
        self._long_name = self._long_link = None
        self._pax = {}
        self._stated = False
        is_folder = kind == b"5"
        path = self._clean(name, is_folder=is_folder)
        if strip is not None:
            path = strip(path)
        if not path:
            if is_folder:
                return
            self._refuse(f"an entry has the name {name!r}")
        if kind in (b"0", b"\0"):
            executable = bool(self._number(header[100:108], "mode") & 0o111)
            modified = _time(header[136:148]) if path.endswith(".py") else None
            sink.file(path, self._data(size), size, executable=executable, modified=modified)
        elif is_folder:
            sink.folder(path)
        elif kind == b"2":
            sink.symbolic_link(path, link)
        elif kind == b"1":
            target = self._clean(link, is_folder=False)
            sink.hard_link(path, strip(target) if strip is not None else target)
        else:
            self._refuse(f"{name!r} is a device, a pipe or something else that no package needs (type {kind!r})")

    def _clean(self, name: str, *, is_folder: bool) -> str:
        """`./a/b` and, for folders, `a/b/` as `a/b`; `./` as nothing."""
        text = name
        if is_folder and text.endswith("/"):
            text = text[:-1]
        while text.startswith("./"):
            text = text[2:]
        return "" if text == "." else text

    def _check_sum(self, header: bytes) -> None:
        stated = self._number(header[148:156], "checksum")
        if stated != sum(header) - sum(header[148:156]) + 256:
            self._refuse("the checksum of a header is wrong")
        magic = header[257:265]
        if magic not in (b"ustar\x0000", b"ustar  \x00"):
            self._refuse(f"it is of an unknown kind ({magic!r})")

    def _number(self, field: bytes, what: str) -> int:
        """Octal text, or base 256 (GNU) for what octal cannot hold; never negative."""
        if field[0] & 0x80:
            if field[0] != 0x80:
                self._refuse(f"a {what} is negative or out of all bounds")
            return int.from_bytes(field[1:], "big")
        text = field.rstrip(b"\0 ").lstrip(b" ")
        if text.strip(b"01234567"):
            self._refuse(f"a {what} is {field!r}")
        return int(text, 8) if text else 0

    def _text(self, raw: bytes) -> str:
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            self._refuse(f"a name is not UTF-8: {raw[:80]!r}")

    def _names(self, header: bytes) -> tuple[str, str]:
        """Name and link target of an entry, each from the one place that states it."""
        raw = header[:100].split(b"\0", 1)[0]
        prefix = header[345:500].split(b"\0", 1)[0]
        if prefix:
            if header[257:263] != b"ustar\0":
                self._refuse("an entry in GNU format has a prefix")
            raw = prefix + b"/" + raw
        name = self._pax.get("path", self._long_name)
        link = self._pax.get("linkpath", self._long_link)
        if name is None:
            name = self._text(raw)
        if link is None:
            link = self._text(header[157:257].split(b"\0", 1)[0])
        return name, link

    def _announce(self, kind: bytes, size: int) -> None:
        """A header about the next entry: GNU long name or link, pax values."""
        if size > _LONGEST:
            self._refuse(f"a header has {size:,} bytes")
        data = b"".join(self._data(size))
        if kind in (b"L", b"K"):
            text = self._text(data[:-1] if data.endswith(b"\0") else data)
            known = self._long_name if kind == b"L" else self._long_link
            if known is not None or self._pax.keys() & {"path", "linkpath"} or "\0" in text or not text:
                self._refuse("a name is stated twice, or holds a NUL")
            if kind == b"L":
                self._long_name = text
            else:
                self._long_link = text
            self._stated = True
            return
        values = self._pax_values(data)
        if kind == b"g":
            if values.keys() & {"path", "linkpath", "size"}:
                self._refuse("a global header states names or sizes")
            return
        if self._pax or ((self._long_name or self._long_link) and values.keys() & {"path", "linkpath"}):
            self._refuse("an entry has two headers that state its name")
        self._pax = values
        self._stated = True

    def _pax_values(self, data: bytes) -> dict[str, str]:
        """Records of length, key and value."""
        values: dict[str, str] = {}
        at = 0
        while at < len(data):
            blank = data.find(b" ", at, at + 8)
            digits = data[at:blank] if blank > 0 else b""
            if not digits.isdigit() or digits.startswith(b"0"):
                self._refuse("a pax header is malformed")
            end = at + int(digits)
            key, equals, value = data[blank + 1 : end - 1].partition(b"=")
            if end > len(data) or end <= blank + 1 or data[end - 1 : end] != b"\n" or not equals:
                self._refuse("a pax header is malformed")
            at = end
            name = self._text(key)
            if name.startswith(_REFUSED_KEYS):
                self._refuse(f"it uses {name}")
            if name in ("path", "linkpath", "size"):
                text = self._text(value)
                if name in values or "\0" in text or not text:
                    self._refuse(f"a pax header states {name} twice, or holds a NUL")
                values[name] = text
        return values


def _time(field: bytes) -> int | None:
    """The time of change in seconds; None where it is not written as everybody writes it: nothing depends on it."""
    text = field.strip(b"\0 ")
    return int(text, 8) if text and not text.strip(b"01234567") else None
