"""Plain `repodata.json`, cut into names once per download.

The scan does not parse entries: it finds the extent of each (`msgspec.Raw`), groups them by the name that the file name
begins with, and writes them name by name into a `.pack` file, with a digest each. After that a name costs a
binary search and the parsing of its own entries.

Layout: magic, offset of the table of names (8 bytes), JSON objects `{file name: entry}`, the table (`name_table`): for
each name where its object begins and ends, and the digest of it; the base URL is the table's note.
"""

from __future__ import annotations

import os
import struct

from ..errors import MALFORMED
from .digest import digest
from .name_table import NameTable, name_table
from .subdirs import RawRecords

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..model.platform import Subdir

MAGIC = b"pxpack02"
_FIRST = len(MAGIC) + 8
_PLACE = struct.Struct("<QQ16s")  # where the entries of a name begin and end, their digest


def pack(content: bytes, path: str, *, url: str) -> None:
    """Write the pack of a `repodata.json`. Raises `NetworkError` (with `url`) when it is not one, `OSError`."""
    from .scan import grouped_by_name

    groups, base_url = grouped_by_name(content, url=url)
    _write(path, groups, base_url)


def _write(path: str, groups: dict[str, list[bytes]], base_url: str) -> None:
    from ..fs import replacing

    places: dict[str, bytes] = {}
    position = _FIRST
    with replacing(path, os.path.dirname(path)) as file:
        file.write(MAGIC + bytes(8))
        for name in sorted(groups):
            payload = b"{" + b",".join(groups[name]) + b"}"
            file.write(payload)
            places[name] = _PLACE.pack(position, position + len(payload), digest(payload, 16))
            position += len(payload)
        file.write(name_table(places, note=base_url))
        file.seek(len(MAGIC))
        file.write(position.to_bytes(8, "little"))


class PackedSubdir:
    """A subdir whose whole index lies in a pack. Raises `OSError`, `ValueError` when the file is not one."""

    is_remote = False

    def __init__(self, path: str, subdir: Subdir, url: str) -> None:
        import mmap

        self.subdir = subdir
        with open(path, "rb") as file:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if content[: len(MAGIC)] != MAGIC:
            raise ValueError(f"{path} is not a pack")
        self._table = NameTable(content, int.from_bytes(content[len(MAGIC) : _FIRST], "little"))
        self._view = memoryview(content)
        self.base_url = joined(url, self._table.note)

    def names(self) -> Sequence[str]:
        """Every name, sorted."""
        return self._table.names()

    def digest(self, name: str) -> bytes | None:
        """The digest of the JSON text of a name's entries."""
        place = self._table.get(name)
        return None if place is None else place[-16:]

    def raw(self, name: str) -> RawRecords:
        """The entries of a name."""
        import msgspec

        from .entries import packed

        place = self._table.get(name)
        if place is None:
            return []
        start, end, _ = _PLACE.unpack(place)
        content = self._view[start:end]
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
