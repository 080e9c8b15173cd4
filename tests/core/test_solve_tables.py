"""Sets of candidates by binary search are the same as matching one by one."""

from __future__ import annotations

from random import Random

import pytest

from pixi_core.model.match_spec import parse_match_spec
from pixi_core.model.version import version_key
from pixi_core.model.version_spec import parse_version_spec
from pixi_core.solve.ranges import Versions, highest_first
from pixi_core.solve.source import table_of_records
from pixi_core.solve.table import compile_table, spec_key

from .solve_support import record

ATOMS = ("0", "1", "2", "10", "1a", "1a1", "2rc1", "0dev", "1post", "2026", "01", "b")
OPERATORS = ("", "==", "!=", "<", "<=", ">", ">=", "~=", "=")


def random_version(random: Random) -> str:
    text = ".".join(random.choice(ATOMS) for _ in range(random.randint(1, 4)))
    return random.choice(("", "", "", "1!")) + text + random.choice(("", "", "", "+1.2", "_1"))


def random_spec(random: Random) -> str:
    def single() -> str:
        operator = random.choice(OPERATORS)
        starred = ".*" if operator in ("", "!=", "=") and random.random() < 0.5 else ""
        return operator + random_version(random) + starred

    parts = [",".join(single() for _ in range(random.randint(1, 2))) for _ in range(random.randint(1, 2))]
    return "|".join(parts)


@pytest.mark.parametrize("seed", range(40))
def test_ranges_are_linear_matching(seed: int) -> None:
    random = Random(seed)
    by_key = {version_key(text): text for text in (random_version(random) for _ in range(60))}
    texts = highest_first(list(by_key.values()))
    versions = Versions(texts, [2 << index for index in range(len(texts))])
    for _ in range(60):
        spec = parse_version_spec(text := random_spec(random))
        linear = sum(2 << index for index, version in enumerate(texts) if spec.matches(version))
        assert versions.select(spec) == linear, text


RECORDS = [
    record(f"a {version} {build}_{number}", number=number)
    for version in ("1.0", "1.1", "2.0a1", "2.0")
    for build in ("py311h1", "py312h2", "cpu")
    for number in (0, 1)
]


@pytest.mark.parametrize(
    "rest",
    [
        "",
        "*",
        ">=1.1",
        "1.*",
        "=1",
        "1.1 py312h2_0",
        "* py311*",
        "* *_1",
        "* *h2*",
        "* py3*_0",
        "==1.1=cpu_1",
        ">=1,<2 *_0",
        ">=1, <2",
        "1.0|2.0",
        "* ^py31[12].*$",
        "@a[build_number='>0']",
        "@a >=2[build='py*']",
    ],
)
def test_texts_are_linear_matching(rest: str) -> None:
    table = table_of_records("a", [(0, r) for r in RECORDS])
    spec = parse_match_spec(rest[1:] if rest[:1] == "@" else f"a {rest}")
    linear = 0
    for index in range(table.count):
        found = table.record(index)
        assert found is not None
        linear |= 2 << index if spec.matches(found) else 0
    assert table.match(rest) == linear


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Foo", "foo"),
        ("foo >=1", "foo >=1"),
        ("  foo   >=1  py* ", "foo >=1  py*"),
        ("foo>=1", "foo @foo>=1"),
        ("forge::foo >=1", "foo @forge::foo >=1"),
        ("foo[version='>=1']", "foo @foo[version='>=1']"),
        ("_openmp_mutex * *_llvm", "_openmp_mutex * *_llvm"),
        ("__glibc >=2.17,<3.0.a0", "__glibc >=2.17,<3.0.a0"),
    ],
)
def test_spec_keys(text: str, key: str) -> None:
    assert spec_key(text) == key


def test_nothing_compiles_to_nothing() -> None:
    assert compile_table("a", []).run_starts == [0]
