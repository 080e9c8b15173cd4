"""The forms of downloaded indexes, for msgspec: imported only when something new is read.

The entries of a `repodata.json` are found without being parsed.
"""

from __future__ import annotations

import msgspec

from ..errors import MALFORMED, NetworkError

_EMPTY_LIST = msgspec.Raw(b"\x90")


class Info(msgspec.Struct):
    """The part of `info` that matters: where the archives are, if not beside the index (CEP 15)."""

    base_url: str | None = None


class Repodata(msgspec.Struct):
    """A `repodata.json` whose entries are extents of the text."""

    info: Info | None = None
    packages: dict[str, msgspec.Raw] = msgspec.field(default_factory=dict)
    packages_conda: dict[str, msgspec.Raw] = msgspec.field(name="packages.conda", default_factory=dict)


class Shard(msgspec.Struct):
    """The entries of one name (CEP 16), as extents of the content."""

    packages: dict[str, msgspec.Raw] | None = None
    packages_conda: dict[str, msgspec.Raw] | None = msgspec.field(name="packages.conda", default=None)


class Row(msgspec.Struct, gc=False):
    """What solving needs of an entry; the lists of dependencies are extents, since many entries share them."""

    version: str
    build: str
    build_number: int | None = None
    timestamp: int | float | None = None
    track_features: str | list[str] | None = None
    depends: msgspec.Raw = _EMPTY_LIST
    constrains: msgspec.Raw = _EMPTY_LIST


def grouped_by_name(content: bytes, *, url: str) -> tuple[dict[str, list[bytes]], str]:
    """The JSON members `"file name": {entry}` of each name, and the base URL the index gives ("" for none).

    Raises `NetworkError` (with `url`) when `content` is not a repodata.json.
    """
    try:
        repodata = msgspec.json.decode(content, type=Repodata)
    except MALFORMED as error:
        raise NetworkError(
            f"{url} is not a repodata.json: {error}",
            url=url,
            hints=["if this is the right address, the file was damaged on its way; run the command again"],
        ) from None
    groups: dict[str, list[bytes]] = {}
    encode = msgspec.json.encode
    for section in (repodata.packages, repodata.packages_conda):
        for file_name, raw in section.items():
            name = file_name.rsplit("-", 2)[0].lower()
            member = encode(file_name) + b":" + bytes(raw)
            group = groups.get(name)
            if group is None:
                groups[name] = [member]
            else:
                group.append(member)
    return groups, (repodata.info.base_url if repodata.info else None) or ""
