"""Plain `repodata.json`, cut into names once per download.

The scan does not parse entries: it finds the extent of each (`msgspec.Raw`), groups them by the name that the file name
begins with, and writes them name by name into a `.pack` file, with a digest each. After that a name costs a
binary search and the parsing of its own entries.

Layout: magic, offset and length of the table of contents (8 bytes each), JSON objects `{file name: entry}`, the
table of contents (`marshal`: names joined by newlines, end offsets of 8 bytes, digests of 16 bytes, base URL).
"""

from __future__ import annotations

import marshal
import os
from bisect import bisect_left

from ..errors import MALFORMED
from .digest import digest
from .subdirs import RawRecords

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..model.platform import Subdir

MAGIC = b"pxpack01"
_DIGEST = 16


def pack(content: bytes, path: str, *, url: str) -> None:
    """Write the pack of a `repodata.json`. Raises `NetworkError` (with `url`) when it is not one, `OSError`."""
    from .scan import grouped_by_name

    groups, base_url = grouped_by_name(content, url=url)
    _write(path, groups, base_url)


def _write(path: str, groups: dict[str, list[bytes]], base_url: str) -> None:
    from ..fs import replacing

    names = sorted(groups)
    ends = bytearray()
    digests = bytearray()
    position = len(MAGIC) + 16
    with replacing(path, os.path.dirname(path)) as file:
        file.write(MAGIC + bytes(16))
        for name in names:
            payload = b"{" + b",".join(groups[name]) + b"}"
            file.write(payload)
            position += len(payload)
            ends += position.to_bytes(8, "little")
            digests += digest(payload, _DIGEST)
        contents = marshal.dumps(("\n".join(names), bytes(ends), bytes(digests), base_url), 4)
        file.write(contents)
        file.seek(len(MAGIC))
        file.write(position.to_bytes(8, "little") + len(contents).to_bytes(8, "little"))


class PackedSubdir:
    """A subdir whose whole index lies in a pack. Raises `OSError`, `ValueError` when the file is not one."""

    is_remote = False

    def __init__(self, path: str, subdir: Subdir, url: str) -> None:
        import mmap

        self.subdir = subdir
        with open(path, "rb") as file:
            self._view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        if self._view[: len(MAGIC)] != MAGIC:
            raise ValueError(f"{path} is not a pack")
        start = int.from_bytes(self._view[8:16], "little")
        length = int.from_bytes(self._view[16:24], "little")
        names, self._ends, self._digests, base_url = marshal.loads(self._view[start : start + length])  # noqa: S302 - our own file
        self._names: list[str] = names.split("\n") if names else []
        self.base_url = joined(url, base_url)

    def names(self) -> Sequence[str]:
        """Every name, sorted."""
        return self._names

    def digest(self, name: str) -> bytes | None:
        """The digest of the JSON text of a name's entries."""
        index = self._index(name)
        return None if index < 0 else bytes(self._digests[_DIGEST * index : _DIGEST * (index + 1)])

    def raw(self, name: str) -> RawRecords:
        """The entries of a name."""
        import msgspec

        from .entries import packed

        index = self._index(name)
        start = self._end(index - 1) if index else len(MAGIC) + 16
        content = self._view[start : self._end(index)]
        try:
            entries = msgspec.json.decode(content, type=dict[str, dict[str, object]])
        except MALFORMED:  # an entry that cannot be read costs that entry
            entries = {
                file_name: entry
                for file_name, raw in msgspec.json.decode(content, type=dict[str, msgspec.Raw]).items()
                if (entry := _entry(raw)) is not None
            }
        kept = ((file_name, packed(entry)) for file_name, entry in entries.items())
        return [(file_name, entry) for file_name, entry in kept if entry is not None]

    def expect(self, name: str) -> None:
        """Everything is here."""

    def _index(self, name: str) -> int:
        index = bisect_left(self._names, name)
        return index if index < len(self._names) and self._names[index] == name else -1

    def _end(self, index: int) -> int:
        return int.from_bytes(self._ends[8 * index : 8 * index + 8], "little")


def _entry(raw: bytes) -> dict[str, object] | None:
    """One entry of a name; None for what is none."""
    import msgspec

    try:
        return msgspec.json.decode(raw, type=dict[str, object])
    except MALFORMED:
        return None


def joined(url: str, relative: str) -> str:
    """A base URL from an index, which may be relative to the index, absolute or absent; with a trailing `/`."""
    if relative in ("", ".", "./"):
        return url
    if "://" in relative:
        return relative.rstrip("/") + "/"
    if relative[:1] != "/" and ".." not in relative:
        return url + relative.removeprefix("./").rstrip("/") + "/"
    from urllib.parse import urljoin

    # urljoin resolves `..` and absolute paths for the schemes it knows
    return urljoin(url, relative).rstrip("/") + "/"
