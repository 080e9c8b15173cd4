"""One subdir of a channel, whatever form its index has."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Protocol

    from ..model.platform import Subdir
else:
    Protocol = object

RawRecords = list[tuple[str, bytes]]
"""File names and their index entries, in msgpack; digests are in hex or, from shards, bytes (see `readable`)."""


class SubdirIndex(Protocol):
    """The names of one subdir, and the entries of each. Lookups are cheap; `raw` may read or fetch."""

    subdir: Subdir
    base_url: str
    is_remote: bool

    def names(self) -> Sequence[str]:
        """Every name, sorted."""

    def digest(self, name: str) -> bytes | None:
        """A digest of everything known of a name; None when the name is not there."""

    def raw(self, name: str) -> RawRecords:
        """The entries of a name that is there."""

    def expect(self, name: str) -> None:
        """The entries will be asked for: start fetching them if they are far away."""


class EmptySubdir:
    """A subdir that the channel does not have."""

    is_remote = False

    def __init__(self, subdir: Subdir, base_url: str) -> None:
        self.subdir = subdir
        self.base_url = base_url

    def names(self) -> Sequence[str]:
        """None."""
        return ()

    def digest(self, name: str) -> bytes | None:  # noqa: ARG002 - the protocol's
        """None."""
        return None

    def raw(self, name: str) -> RawRecords:  # noqa: ARG002 - the protocol's
        """None."""
        return []

    def expect(self, name: str) -> None:
        """Nothing to do."""


def newest_formats(records: RawRecords) -> RawRecords:
    """Without the `.tar.bz2` archives of packages that are there as `.conda` too."""
    old = [file_name for file_name, _ in records if not file_name.endswith(".conda")]
    names = {file_name for file_name, _ in records} if old else ()
    replaced = {file_name for file_name in old if file_name.removesuffix(".tar.bz2") + ".conda" in names}
    return [record for record in records if record[0] not in replaced] if replaced else records


def readable(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry with its digests in hex, wherever it is from."""
    return {key: value.hex() if isinstance(value, bytes) else value for key, value in entry.items()}
