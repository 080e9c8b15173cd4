"""The table of names in which lookups cost no reading."""

from __future__ import annotations

import mmap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixi_core.repodata.name_table import NameTable, name_table

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(st.dictionaries(NAMES, st.binary(min_size=5, max_size=5), max_size=60), st.lists(NAMES, max_size=20), NAMES)
def test_what_was_put_in_is_found(values: dict[str, bytes], others: list[str], note: str) -> None:
    table = NameTable(b"before" + name_table(values, note=note), 6)
    for name in (*values, *others):
        assert table.get(name) == values.get(name)
    assert list(table.names()) == sorted(values)
    assert table.note == note


def test_a_file_is_looked_into_through_a_mapping(tmp_path: Path) -> None:
    names = {f"package-{number}": number.to_bytes(32, "little") for number in range(20_000)}
    path = tmp_path / "table"
    path.write_bytes(name_table(names, note="https://channel.example/"))
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        table = NameTable(content)
        assert table.get("package-12345") == (12345).to_bytes(32, "little")
        assert table.get("package-20000") is None
        assert len(table.names()) == 20_000


@pytest.mark.parametrize("cut", [0, 4, 20, 40, -1, -8])
def test_a_torn_file_is_refused(cut: int) -> None:
    whole = name_table({"python": b"12345678", "numpy": b"87654321"}, note="a note")
    with pytest.raises(ValueError, match="not a table of names"):
        NameTable(whole[:cut])


def test_a_file_that_lost_its_end_is_refused() -> None:
    whole = name_table({"python": b"12345678"})
    with pytest.raises(ValueError, match="not the whole of it"):
        NameTable(whole[:-6] + bytes(6))


def test_values_have_one_size() -> None:
    with pytest.raises(ValueError, match="several sizes"):
        name_table({"python": b"1", "numpy": b"22"})
