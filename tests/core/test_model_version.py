"""Conda's version order, prefixes, and bounds derived from versions."""

from __future__ import annotations

import itertools

import pytest

from pixi_core.errors import SpecError
from pixi_core.model.version import Version, parse_version, version_key

# every row ascends strictly
ASCENDING = [
    ["0.4.1.rc", "0.4.1", "0.5a1", "0.5b3", "0.5C1", "0.5", "0.9.6", "0.960923", "1.0", "1.1dev1", "1.1a1"],
    ["1.1a1", "1.1.0dev1", "1.1.a1", "1.1.0rc1", "1.1.0", "1.1.0post1", "1.1post1"],
    ["1996.07.12", "1!0.4.1", "1!3.1.1.6", "2!0.4.1"],
    ["1.0.1dev", "1.0.1_", "1.0.1a", "1.0.1b", "1.0.1"],
    ["1.0+a", "1.0", "1.0+1", "1.0+1.1", "1.0.0.1"],
    ["3.0dev0", "3.0a1.dev0", "3.0a1", "3.0b2.post2", "3.0rc1", "3.0", "3.0.post0dev0", "3.0.post0", "3.0.1"],
    ["1.0.a", "1.0.0", "1.0.1"],
    ["1.0a", "1.0a1", "1.0"],
]
EQUAL = [
    ["1", "1.0", "1.0.0", "1.00", "0!1"],
    ["2026.1.21", "2026.01.21", "2026.01.21.0"],
    ["1.0-1", "1.0_1", "1.0.1"],
    ["1RC1", "1rc1", "1rc01"],
    ["1.1a", "1.1a0", "1.1A"],
]
INVALID = [
    "",
    "1..0",
    "1.",
    ".1",
    "1!",
    "a!1",
    "1+",
    "1+a+b",
    "1.0-1_2",
    "1 0",
    "1*",
    "*",
    "1@",
    "é1",
    "1!1!1",
    "9" * 30,
]


@pytest.mark.parametrize("row", ASCENDING)
def test_order(row: list[str]) -> None:
    for (i, left), (j, right) in itertools.product(enumerate(row), repeat=2):
        assert (version_key(left) < version_key(right)) == (i < j), (left, right)
        assert (Version(left) < Version(right)) == (i < j)
        assert (Version(left) >= Version(right)) == (i >= j)


@pytest.mark.parametrize("row", EQUAL)
def test_equal_versions_share_their_hash(row: list[str]) -> None:
    assert len({Version(text) for text in row}) == 1
    assert len({version_key(text) for text in row}) == 1


@pytest.mark.parametrize("text", INVALID)
def test_what_is_not_a_version(text: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_version(text)
    assert caught.value.source == text
    assert repr(text)[1:-1] in str(caught.value) or text in str(caught.value)


@pytest.mark.parametrize(
    ("version", "prefix", "expected"),
    [
        ("1.2.3", "1.2", True),
        ("1.20", "1.2", False),
        ("1.2a", "1.2", True),
        ("1.2a1", "1.2a", True),
        ("1.2.dev0", "1.2", True),
        ("1", "1.0", True),
        ("1a.2", "1.2", False),
        ("1.2_3", "1.2.3", True),
        ("2026.01.21", "2026.1.21", True),
        ("1!1.2", "1.2", False),
        ("1.2+cuda", "1.2", True),
        ("1.2", "1.2+cuda", False),
        ("1.2", "1.2.3", False),
    ],
)
def test_prefixes(version: str, prefix: str, expected: bool) -> None:
    assert Version(version).starts_with(Version(prefix)) is expected


@pytest.mark.parametrize(
    ("version", "limit", "expected"),
    [("1.2.5", "1.2.3", True), ("1.3", "1.2.3", False), ("1.9", "1.2", True), ("2.0", "1.2", False), ("9", "1", True)],
)
def test_compatible_releases(version: str, limit: str, expected: bool) -> None:
    assert Version(version).is_compatible_with(Version(limit)) is expected


@pytest.mark.parametrize(
    ("version", "index", "expected"),
    [
        ("1.2.3", 0, "2.0.0"),
        ("1.2.3", 1, "1.3.0"),
        ("1.2.3", -1, "1.2.4"),
        ("1.2rc1", 1, "1.3"),
        ("1", 2, "1.0.1"),
        ("2024a", 0, "2025"),
        ("1!1.2", 0, "1!2.0"),
        ("1.2+cu12", -1, "1.3"),
    ],
)
def test_bumped(version: str, index: int, expected: str) -> None:
    assert str(Version(version).bump(index)) == expected


@pytest.mark.parametrize(
    ("version", "count", "cut", "filled"),
    [("1.2.3", 2, "1.2", "1.2"), ("1.2", 3, "1.2", "1.2.0"), ("1!1_2_3", 2, "1!1_2", "1!1_2")],
)
def test_a_number_of_segments(version: str, count: int, cut: str, filled: str) -> None:
    assert str(Version(version).truncate(count)) == cut
    assert str(Version(version).with_segments(count)) == filled


def test_parts() -> None:
    version = Version("1!2.rc3.DEV+cu12.1")
    assert version.epoch == 1
    assert version.segments() == ((2,), (0, "rc", 3), (0, "dev"))
    assert version.local == ((0, "cu", 12), (1,))
    assert version.is_dev
    assert str(version.without_local()) == "1!2.rc3.dev"
    assert version.source == "1!2.rc3.DEV+cu12.1"
