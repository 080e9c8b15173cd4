"""Random little package indexes, resolved by us and by a peer: two indexes and their strategies, pre-releases, yanked
files, extras, markers, bounds on Python, links, cut-off dates, old versions first, constraints.

Whether there is an answer must be the same. Where the answers differ, ours must be one: the peer, told our pins as
constraints, returns them. The share of equal answers is bounded below, so that a drift is seen.

Left out are upper bounds in `Requires-Python`, which the peer ignores on purpose (we and pip do not), and, under
`unsafe-first-match`, pre-releases (whether they are necessary is asked there of each index, here of all together) and
files that cannot be used: the peer stops at the first index whose versions fit the bounds, even
where none of them can be used; we go on to the first that has one that can, as its documentation says.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from uv import find_uv_bin

from pixi_core.errors import Unsatisfiable
from pixi_core.model.pypi_options import FindLinks, PypiOptions
from tests.core.pypi_support import records, target
from tests.support.pypi_index import FakeIndex, serving

pytestmark = [pytest.mark.peer, pytest.mark.slow]

PYTHON = "3.12.4"
NAMES = ("ash", "birch", "cedar", "elm", "fir", "oak")
VERSIONS = ("1.0", "1.1", "2.0b1", "2.0", "2.1.post1", "3.0rc1")
MARKERS = ("", " ; sys_platform == 'linux'", " ; sys_platform == 'win32'", " ; python_version >= '3.12'")
BOUNDS = ("", "", ">=1.1", "<2", ">=2.0b1", "!=2.0", "~=1.0", "==2.0", ">=2,<3", ">=3")
CUTOFF = datetime(2024, 3, 1, tzinfo=UTC)
WORLDS = 12
"""Worlds of each variant."""


def requirement(chance: random.Random) -> str:
    """Something a wheel may need."""
    extra = chance.choice(("", "", "", "[more]"))
    return f"{chance.choice(NAMES)}{extra}{chance.choice(BOUNDS)}{chance.choice(MARKERS)}"


def fill(index: FakeIndex, chance: random.Random, *, spoilt: bool = True) -> None:
    """Wheels of a few versions of most projects; of a `spoilt` index some cannot be used."""
    for name in NAMES:
        for version in chance.sample(VERSIONS, chance.randint(0, 4)):
            needs = [requirement(chance) for _ in range(chance.choice((0, 0, 1, 1, 2)))]
            needs.append(f"{chance.choice(NAMES)}{chance.choice(BOUNDS)} ; extra == 'more'")
            index.wheel(
                name,
                version,
                *(need for need in needs if not need.startswith(name)),
                extras=["more"],
                requires_python=chance.choice((None, None, None, ">=3.8", ">=3.13" if spoilt else None)),
                yanked=chance.choice((None,) * 6 + ("broken" if spoilt else None,)),
                upload_time=f"2024-0{chance.randint(1, 5)}-01T00:00:00Z",
            )


VARIANTS: dict[str, tuple[PypiOptions, list[str], dict[str, Any]]] = {
    "plain": (PypiOptions(), [], {}),
    "first-match": (
        PypiOptions(index_strategy="unsafe-first-match", prerelease_mode="disallow"),
        ["--index-strategy", "unsafe-first-match", "--prerelease", "disallow"],
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
}  # fmt: skip


def peer(wanted: list[str], folder: Path, arguments: list[str], constraints: list[str]) -> set[str] | None:
    """The peer's pins, None where it finds no answer."""
    (folder / "constraints.txt").write_text("\n".join(constraints))
    command = [find_uv_bin(), "pip", "compile", "-q", "--no-annotate", "--no-header", "--only-binary", ":all:"]
    command += ["--python", sys.executable, "--python-version", PYTHON, "--python-platform", "x86_64-manylinux_2_28"]
    command += ["--no-cache", "--constraints", str(folder / "constraints.txt"), *arguments, "-"]
    environ = {**os.environ, "PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": "", "UV_NO_CONFIG": "1"}
    done = subprocess.run(command, input="\n".join(wanted), capture_output=True, text=True, env=environ)
    if done.returncode != 0:
        assert "No solution found" in done.stderr, done.stderr
        return None
    return set(done.stdout.split())


def links(folder: Path, chance: random.Random) -> FindLinks:
    """A folder with wheels of its own."""
    other = FakeIndex()
    fill(other, chance)
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


def resolved(seed: int, variant: str, folder: Path) -> Outcome:
    """One world, asked by both sides."""
    chance = random.Random(seed)
    options, arguments, more = VARIANTS[variant]
    main, extra = FakeIndex(announces=True), FakeIndex(base="https://extra.example", announces=True)
    fill(main, chance, spoilt=variant != "first-match")
    fill(extra, chance, spoilt=variant != "first-match")
    wanted = [f"{name}{chance.choice(BOUNDS)}" for name in chance.sample(NAMES, chance.randint(1, 3))]
    if variant == "links":
        options = options.replace(find_links=(links(folder / "links", chance),))
        arguments = ["--find-links", str(folder / "links")]
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


@pytest.mark.parametrize("variant", VARIANTS)
def test_small_worlds(variant: str, tmp_path: Path) -> None:
    differing = 0
    for seed in range(WORLDS):
        folder = tmp_path / str(seed)
        folder.mkdir()
        outcome = resolved(seed, variant, folder)
        assert (outcome.mine is None) == (outcome.theirs is None), f"world {seed}: {outcome}"
        assert outcome.confirmed == outcome.mine, f"world {seed}: {outcome}"
        differing += outcome.mine != outcome.theirs
    assert differing <= WORLDS // 10
