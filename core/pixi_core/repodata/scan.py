"""The forms of downloaded indexes, for msgspec: imported only when something new is read.

The entries of a `repodata.json` are found without being parsed.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ..errors import MALFORMED, NetworkError


class Info(msgspec.Struct):
    """The part of `info` that matters: where the archives are, if not beside the index (CEP 15)."""

    base_url: str | None = None


class Repodata(msgspec.Struct):
    """A `repodata.json` whose entries are extents of the text."""

    info: Info | None = None
    packages: dict[str, msgspec.Raw] = msgspec.field(default_factory=dict)
    packages_conda: dict[str, msgspec.Raw] = msgspec.field(name="packages.conda", default_factory=dict)


class Shard(msgspec.Struct):
    """The entries of one name (CEP 16)."""

    packages: dict[str, dict[str, Any]] | None = None
    packages_conda: dict[str, dict[str, Any]] | None = msgspec.field(name="packages.conda", default=None)


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
