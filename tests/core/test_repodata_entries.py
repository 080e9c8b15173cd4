"""Entries of an index that nobody could install: the rest of the channel is not lost for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pixi_core.cache.layout import CacheDirs
from pixi_core.errors import SpecError
from pixi_core.model.channel import Channel, file_url
from pixi_core.model.platform import NOARCH, Subdir
from pixi_core.repodata.entries import EntryReader, unpacked
from pixi_core.repodata.gateway import Gateway
from pixi_core.solve import SolveRequest, solve

from .repodata_support import PlainClient
from .solve_support import shown, specs

SOUND: dict[str, Any] = {"name": "a", "version": "1", "build": "0", "build_number": 0, "depends": []}


@pytest.mark.parametrize(
    "broken",
    [
        {"version": "not a version!!"},
        {"version": None},
        {"build_number": "many"},
        {"timestamp": "yesterday"},
        {"depends": [3]},
        {"depends": {"b": 1}, "constrains": 4},
        {"size": 1 << 70},
    ],
    ids=lambda broken: f"{broken}",
)
def test_an_unreadable_entry_is_left_out(tmp_path: Path, broken: dict[str, Any]) -> None:
    entries = {"a-1-0.conda": SOUND, "a-2-0.conda": {**SOUND, "version": "2", **broken}}
    (tmp_path / "forge" / "linux-64").mkdir(parents=True)
    (tmp_path / "forge" / "linux-64" / "repodata.json").write_text(json.dumps({"packages.conda": entries}))
    with Gateway(PlainClient(), CacheDirs.below(tmp_path / "cache")) as door:
        source = door.source([Channel(file_url(tmp_path / "forge") + "/", "forge")], [Subdir("linux-64"), NOARCH])
        assert shown(solve(SolveRequest(specs=specs("a")), source)) == ["a 1 0"]


@pytest.mark.parametrize("damage", [{"purls": 3}, {"run_exports": "x"}, {"extra_depends": [1]}], ids=str)
def test_damage_that_solving_does_not_see_is_named(tmp_path: Path, damage: dict[str, Any]) -> None:
    (tmp_path / "forge" / "linux-64").mkdir(parents=True)
    index = {"packages.conda": {"a-1-0.conda": {**SOUND, **damage}}}
    (tmp_path / "forge" / "linux-64" / "repodata.json").write_text(json.dumps(index))
    with Gateway(PlainClient(), CacheDirs.below(tmp_path / "cache")) as door:
        source = door.source([Channel(file_url(tmp_path / "forge") + "/", "forge")], [Subdir("linux-64"), NOARCH])
        with pytest.raises(SpecError, match=r"a-1-0\.conda in the index of forge"):
            solve(SolveRequest(specs=specs("a")), source)


@pytest.mark.parametrize(
    "unusual",
    [
        {"version": 2},
        {"build_number": "3"},
        {"build_number": None},
        {"timestamp": 1_700_000_000_000.5},
        {"depends": None, "constrains": None},
        {"track_features": []},
    ],
    ids=lambda unusual: f"{unusual}",
)
def test_an_entry_with_unusual_types_is_read(unusual: dict[str, Any]) -> None:
    entry = EntryReader().read(msgspec.msgpack.encode({**SOUND, "version": "2", **unusual}), 0, 7)
    assert entry is not None
    expected = ("2", "0", int(unusual.get("build_number") or 0), 7, (), False)
    assert (
        entry.version,
        entry.build,
        entry.build_number,
        entry.source,
        entry.depends,
        entry.tracks_features,
    ) == expected


def test_equal_lists_are_one_object() -> None:
    read = EntryReader().read
    raw = [msgspec.msgpack.encode({**SOUND, "build": build, "depends": ["b >1", "c"]}) for build in ("x", "y")]
    first, second = (read(content, 0, 0) for content in raw)
    assert first is not None
    assert second is not None
    assert first.depends is second.depends
    assert first.depends == ("b >1", "c")


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(), inner, max_size=20),
    max_leaves=40,
)


@given(VALUES)
@example("x" * 300)
@example("x" * 70_000)
@example(["y"] * 70_000)
@example({str(number): b"z" * 300 for number in range(20)})
@example(dict.fromkeys(map(str, range(70_000))))
@settings(deadline=None, max_examples=60)
def test_kept_entries_are_read_as_msgspec_reads_them(value: Any) -> None:
    content = msgspec.msgpack.encode(value)
    assert unpacked(content) == msgspec.msgpack.decode(content) == value
    for end in {0, 1, len(content) // 2, len(content) - 1} - {len(content)}:
        with pytest.raises(ValueError, match=r"does not end|codec"):
            unpacked(content[:end])


def test_other_bytes_are_no_entry() -> None:
    with pytest.raises(ValueError, match="0xc1"):
        unpacked(b"\xc1")
