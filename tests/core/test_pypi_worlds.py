"""Random little package indexes, resolved by us and by a peer: two indexes and their strategies, pre-releases, yanked
files, files of other platforms, extras, markers, bounds on Python, links, cut-off dates, old versions first and
constraints.

Whether there is an answer must be the same. Where the answers differ, ours must be one: the peer, told our pins as
constraints, returns them. The share of equal answers is bounded below, so that a drift is seen.

Left out are upper bounds in `Requires-Python`, which the peer ignores on purpose (we and pip do not), and,
with `find-links`, wheels of platforms: among the files of an index and of a folder the peer chooses by tags before it
asks whether they are for this Python, and may end up with none; we take the one that can be used.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest

from pixi_core.errors import Unsatisfiable
from pixi_core.model.pypi_options import FindLinks, IndexStrategy, PrereleaseMode, PypiOptions
from tests.core.pypi_support import records, target
from tests.support.pypi_index import FakeIndex, serving
from tests.support.uv_compile import uv_compile

pytestmark = [pytest.mark.peer, pytest.mark.slow]

PYTHON = "3.12.4"
NAMES = ("ash", "birch", "cedar", "elm", "fir", "oak")
VERSIONS = ("1.0", "1.1", "2.0b1", "2.0", "2.1.post1", "3.0rc1")
MARKERS = ("", " ; sys_platform == 'linux'", " ; sys_platform == 'win32'", " ; python_version >= '3.12'")
BOUNDS = ("", "", ">=1.1", "<2", ">=2.0b1", "!=2.0", "~=1.0", "==2.0", ">=2,<3", ">=3")
CUTOFF = datetime(2024, 3, 1, tzinfo=UTC)
TAGS = ("py3-none-any",) * 5 + (
    "cp312-cp312-manylinux_2_17_x86_64",
    "py3-none-win_amd64",
    "cp313-cp313-manylinux_2_17_x86_64",
)
WORLDS = 12
"""Worlds of each variant."""
MANY_WORLDS = 200
"""Worlds of each combination in the exhaustive lane."""


def requirement(chance: random.Random) -> str:
    """Something a wheel may need."""
    extra = chance.choice(("", "", "", "[more]"))
    return f"{chance.choice(NAMES)}{extra}{chance.choice(BOUNDS)}{chance.choice(MARKERS)}"


def fill(index: FakeIndex, chance: random.Random, tags: Sequence[str] = TAGS) -> None:
    """Wheels of a few versions of most projects, some of which cannot be used."""
    for name in NAMES:
        for version in chance.sample(VERSIONS, chance.randint(0, 4)):
            needs = [requirement(chance) for _ in range(chance.choice((0, 0, 1, 1, 2)))]
            needs.append(f"{chance.choice(NAMES)}{chance.choice(BOUNDS)} ; extra == 'more'")
            index.wheel(
                name,
                version,
                *(need for need in needs if not need.startswith(name)),
                tags=chance.choice(tags),
                extras=["more"],
                requires_python=chance.choice((None, None, None, ">=3.8", ">=3.13")),
                yanked=chance.choice((None,) * 6 + ("broken",)),
                upload_time=f"2024-0{chance.randint(1, 5)}-01T00:00:00Z",
            )


Variant = tuple[PypiOptions, list[str], dict[str, Any]]
"""Our options, the peer's, and what else our side is told."""
VARIANTS: dict[str, Variant] = {
    "plain": (PypiOptions(), [], {}),
    "first-match": (
        PypiOptions(index_strategy="unsafe-first-match"),
        ["--index-strategy", "unsafe-first-match"],
        {},
    ),
    "best-match": (PypiOptions(index_strategy="unsafe-best-match"), ["--index-strategy", "unsafe-best-match"], {}),
    "pre-releases": (PypiOptions(prerelease_mode="allow"), ["--prerelease", "allow"], {}),
    "no pre-releases": (PypiOptions(prerelease_mode="disallow"), ["--prerelease", "disallow"], {}),
    "explicit": (PypiOptions(prerelease_mode="explicit"), ["--prerelease", "explicit"], {}),
    "if-necessary": (PypiOptions(prerelease_mode="if-necessary"), ["--prerelease", "if-necessary"], {}),
    "cut-off": (PypiOptions(exclude_newer=CUTOFF), ["--exclude-newer", CUTOFF.isoformat()], {}),
    "lowest": (PypiOptions(), ["--resolution", "lowest"], {"strategy": "lowest"}),
    "lowest-direct": (PypiOptions(), ["--resolution", "lowest-direct"], {"strategy": "lowest-direct"}),
    "constraints": (PypiOptions(), [], {"constraints": ["ash<2", "elm>=1.1"]}),
    "links": (PypiOptions(), [], {}),
    "first-match, lowest": (
        PypiOptions(index_strategy="unsafe-first-match"),
        ["--index-strategy", "unsafe-first-match", "--resolution", "lowest"],
        {"strategy": "lowest"},
    ),
    "first-match, links": (
        PypiOptions(index_strategy="unsafe-first-match"),
        ["--index-strategy", "unsafe-first-match"],
        {},
    ),
}  # fmt: skip


def peer(wanted: list[str], folder: Path, arguments: list[str], constraints: list[str]) -> set[str] | None:
    """The peer's pins, None where it finds no answer."""
    arguments = ["--python-platform", "x86_64-manylinux_2_28", "--no-cache", *arguments]
    lines = uv_compile(wanted, *arguments, python=PYTHON, folder=folder, constraints=constraints)
    return None if lines is None else set(lines)


def links(folder: Path, chance: random.Random) -> FindLinks:
    """A folder with wheels of its own."""
    other = FakeIndex()
    fill(other, chance, TAGS[:1])
    folder.mkdir()
    for files in other.projects.values():
        for file in files:
            (folder / file.filename).write_bytes(file.content)
    return FindLinks(path=str(folder))


@dataclass(frozen=True, slots=True)
class Outcome:
    """Pins of both sides, None where one finds no answer; `confirmed` is what the peer makes of ours."""

    mine: set[str] | None
    theirs: set[str] | None
    confirmed: set[str] | None


def resolved(seed: int, variant: Variant, folder: Path, *, with_links: bool = False) -> Outcome:
    """One world, asked by both sides."""
    chance = random.Random(seed)
    options, arguments, more = variant
    main, extra = FakeIndex(announces=True), FakeIndex(base="https://extra.example", announces=True)
    tags = TAGS[:1] if with_links else TAGS
    fill(main, chance, tags)
    fill(extra, chance, tags)
    wanted = [f"{name}{chance.choice(BOUNDS)}" for name in chance.sample(NAMES, chance.randint(1, 3))]
    if with_links:
        options = options.replace(find_links=(links(folder / "links", chance),))
        arguments = [*arguments, "--find-links", str(folder / "links")]
    stated: list[str] = more.get("constraints", [])
    with serving(main), serving(extra):
        urls = ["--default-index", main.url, "--index", extra.url, *arguments]
        try:
            found = records([main, extra], folder / "cache", wanted, options=options, on=target(python=PYTHON), **more)
        except Unsatisfiable:
            return Outcome(None, peer(wanted, folder, urls, stated), None)
        mine = {f"{record.name}=={record.version}" for record in found}
        theirs = peer(wanted, folder, urls, stated)
        same = mine == theirs
        return Outcome(mine, theirs, mine if same else peer(wanted, folder, urls, [*stated, *sorted(mine)]))


def unexplained(seeds: range, variants: Sequence[Variant], folder: Path, *, with_links: bool = False) -> list[str]:
    """Every world with one of the variants, in turns: those of which only one side has an answer, or whose answer of
    ours is none to the peer; and whether too many differ at all.
    """
    differing = 0
    found: list[str] = []
    for seed in seeds:
        place = folder / str(seed)
        place.mkdir()
        outcome = resolved(seed, variants[seed % len(variants)], place, with_links=with_links)
        if (outcome.mine is None) != (outcome.theirs is None) or outcome.confirmed != outcome.mine:
            found.append(f"world {seed}: {outcome}")
        differing += outcome.mine != outcome.theirs
    if differing > len(seeds) // 10:
        found.append(f"{differing} of {len(seeds)} answers differ")
    return found


@pytest.mark.parametrize("name", VARIANTS)
def test_small_worlds(name: str, tmp_path: Path) -> None:
    assert unexplained(range(WORLDS), [VARIANTS[name]], tmp_path, with_links="links" in name) == []


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("resolution", ["highest", "lowest", "lowest-direct"])
@pytest.mark.parametrize("strategy", get_args(IndexStrategy))
def test_many_worlds(strategy: IndexStrategy, resolution: str, tmp_path: Path) -> None:
    """Every strategy with every order of versions; the modes of pre-releases take turns."""
    arguments = ["--index-strategy", strategy, "--resolution", resolution, "--prerelease"]
    variants: list[Variant] = [
        (PypiOptions(index_strategy=strategy, prerelease_mode=mode), [*arguments, mode], {"strategy": resolution})
        for mode in get_args(PrereleaseMode)
    ]
    assert unexplained(range(WORLDS, WORLDS + MANY_WORLDS), variants, tmp_path) == []
