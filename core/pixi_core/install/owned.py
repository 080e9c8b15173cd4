"""Which paths an installed package owns, decoded from its record without the rest: planning one change reads the
records of every package that stays, and needs no digests of them.
"""

from __future__ import annotations

import os

import msgspec

from ..errors import PixiError


class OwnedPath(msgspec.Struct, frozen=True, gc=False):
    """A path of a record; `original_path` is where it would lie if another package did not win there."""

    path: str = msgspec.field(name="_path")
    path_type: str | None = "hardlink"
    original_path: str | None = None


class _PathsData(msgspec.Struct):
    paths: tuple[OwnedPath, ...] | None = None


class _Record(msgspec.Struct):
    files: tuple[str, ...] | None = None
    paths_data: _PathsData | None = None


_DECODER = msgspec.json.Decoder(_Record)


def read_owned(file: str | os.PathLike[str]) -> tuple[OwnedPath, ...]:
    """The paths in the record `file`. Raises `OSError`, and `PixiError` for a record that is not as expected."""
    with open(file, "rb") as opened:
        content = opened.read()
    try:
        record = _DECODER.decode(content)
    except msgspec.DecodeError as error:
        raise PixiError(f"{file}: {error}") from None
    if record.paths_data is not None and record.paths_data.paths is not None:
        return record.paths_data.paths
    return tuple(OwnedPath(path=path) for path in record.files or ())
