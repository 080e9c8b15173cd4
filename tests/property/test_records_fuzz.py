"""Records of a prefix that were damaged in any way: an error of ours or a record, never anything else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pixi_core.errors import PixiError
from pixi_core.install.conda_meta import read_paths, read_record
from pixi_core.install.prefix import read_prefix
from pixi_core.install.verify import verify
from pixi_core.lock.read import read_lock

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner))
ENTRY = {"_path": "share/x", "path_type": "hardlink", "sha256": "0" * 64, "size_in_bytes": 1}
RECORD = {
    "name": "x", "version": "1", "build": "0", "build_number": 0, "subdir": "linux-64", "fn": "x-1-0.conda",
    "url": "https://channel.example/linux-64/x-1-0.conda", "channel": "https://channel.example/", "depends": [],
    "files": ["share/x"], "paths_data": {"paths_version": 1, "paths": [ENTRY]}, "requested_specs": ["x"],
}  # fmt: skip
FEW = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A record with some values exchanged, or some bytes."""
    record = {**RECORD, **draw(st.dictionaries(st.sampled_from(sorted(RECORD)), VALUES, max_size=2))}
    if draw(st.booleans()):
        entry = {**ENTRY, **draw(st.dictionaries(st.sampled_from(sorted(ENTRY)), VALUES, max_size=2))}
        record["paths_data"] = {"paths_version": 1, "paths": [entry]}
    content = bytearray(json.dumps(record).encode())
    for place in draw(st.lists(st.integers(0, len(content) - 1), max_size=2)):
        content[place] = draw(st.integers(0, 255))
    return bytes(content[: draw(st.sampled_from([len(content), len(content) // 2]))])


@FEW
@given(content=damaged())
def test_damaged_records(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    prefix = tmp_path_factory.mktemp("prefix")
    (prefix / "conda-meta").mkdir()
    place: Path = prefix / "conda-meta" / "x-1-0.json"
    place.write_bytes(content)
    for read in (read_record, read_paths):
        try:
            read(place)
        except PixiError as error:
            assert "x-1-0.json" in str(error)  # noqa: PT017 - many changes make no error
    read_prefix(prefix)
    verify(prefix)


LOCK = """\
version: 7
platforms:
- name: linux-64
environments:
  default:
    channels: []
    packages: {}
packages: []
"""


@FEW
@given(
    places=st.lists(st.integers(0, len(LOCK) - 1), max_size=3),
    letters=st.text(min_size=3, max_size=3),
    cut=st.booleans(),
)
def test_damaged_locks(places: list[int], letters: str, cut: bool) -> None:
    text = LOCK
    for place, letter in zip(places, letters, strict=False):
        text = text[:place] + letter + text[place + 1 :]
    try:
        read_lock(text[: len(text) // 2] if cut else text)
    except PixiError as error:
        assert "pixi.lock" in str(error)  # noqa: PT017 - most changes make no error
