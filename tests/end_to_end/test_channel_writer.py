"""The test channel's own code: the same bytes each time, an index that agrees with itself and with the archives."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import msgpack
import pytest
import zstandard
from packaging.specifiers import SpecifierSet

from tests.support.channel.build import small_channel as build_small_channel
from tests.support.channel.index import index_channel, read_package
from tests.support.channel.subdirs import host_subdir
from tests.support.channel.wheel_converter import conda_version_spec
from tests.support.channel.wheels import read_pins


@pytest.mark.parametrize(
    ("specifiers", "expected"),
    [
        ("~=1.4.2", ">=1.4.2,1.4.*"),
        (">=1,<2,!=1.5.*", "!=1.5.*,<2,>=1"),
        ("==1.*", "1.*"),
        ("===1.0", "==1.0"),
        ("", ""),
    ],
)
def test_specifiers_in_condas_words(specifiers: str, expected: str) -> None:
    assert conda_version_spec(SpecifierSet(specifiers)) == expected


@pytest.mark.parametrize("archive", [".conda", ".tar.bz2"])
def test_reading_an_archive_gives_its_line_of_the_index(small_channel: Path, archive: str) -> None:
    path = small_channel / host_subdir() / f"both-archives-1.0-h1a2b3c4_0{archive}"
    table = "packages.conda" if archive == ".conda" else "packages"
    repodata = json.loads((path.parent / "repodata.json").read_text())
    assert read_package(path).entry == repodata[table][path.name]


@pytest.mark.channel
def test_the_wheels_are_the_pinned_ones(real_wheels: list[Path]) -> None:
    for wheel in real_wheels:
        assert hashlib.sha256(wheel.read_bytes()).hexdigest() == wheel.parent.name


def test_a_channel_can_be_indexed_again(small_channel: Path, tmp_path: Path) -> None:
    again = tmp_path / "channel"
    shutil.copytree(small_channel, again)
    index_channel(again, forms=("json",))
    written = sorted(path.name for path in (again / "noarch").glob("*re*.json*"))
    assert written == ["repodata.json"]
    assert (again / "noarch/repodata.json").read_text() == (small_channel / "noarch/repodata.json").read_text()


def test_the_small_channel_is_the_same_each_time(tmp_path: Path) -> None:
    first, second = (build_small_channel(tmp_path / name) for name in ("first", "second"))
    assert [p.entry["sha256"] for p in first.packages] == [p.entry["sha256"] for p in second.packages]


def test_every_index_says_the_same(small_channel: Path) -> None:
    def unpacked(path: Path) -> bytes:
        return zstandard.ZstdDecompressor().stream_reader(path.read_bytes()).read()

    folder = small_channel / host_subdir()
    plain = json.loads((folder / "repodata.json").read_text())
    assert json.loads(unpacked(folder / "repodata.json.zst")) == plain
    index = msgpack.unpackb(unpacked(folder / "repodata_shards.msgpack.zst"))
    sharded: dict[str, Any] = {"packages": {}, "packages.conda": {}}
    for digest in index["shards"].values():
        shard = msgpack.unpackb(unpacked(folder / "shards" / f"{digest.hex()}.msgpack.zst"))
        for table in sharded:
            sharded[table] |= shard[table]
    for table, entries in sharded.items():
        assert {name: entry["sha256"].hex() for name, entry in entries.items()} == {
            name: entry["sha256"] for name, entry in plain[table].items()
        }


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_wheels_are_pinned(python: str) -> None:
    pins = read_pins("base", f"cp{python.replace('.', '')}")
    assert {"numpy", "ipykernel", "pip"} <= {pin.project for pin in pins}
    assert sorted(pin.project for pin in pins).count("numpy") == 2
