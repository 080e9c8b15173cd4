"""What the options of a solve do, against py-rattler: random small channels, every option, the same answer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pixi_core.cache.layout import CacheDirs
from pixi_core.errors import Unsatisfiable
from pixi_core.model.channel import Channel, file_url
from pixi_core.model.exclude_newer import ExcludeNewer
from pixi_core.model.match_spec import parse_match_spec
from pixi_core.model.platform import NOARCH, Subdir
from pixi_core.repodata.gateway import Gateway
from pixi_core.solve import SolveRequest, solve

from .repodata_support import PlainClient

pytestmark = [pytest.mark.peer, pytest.mark.timeout(300)]

# [{channels, specs, priority, strategy, before}] → [file names, or null where there is no solution]
ORACLE = """
import asyncio, datetime, json, os, sys
import rattler
from rattler.exceptions import SolverError

async def answer(problem, gateway):
    before = problem["before"]
    try:
        records = await rattler.solve(
            [rattler.Channel(url) for url in problem["channels"]],
            [rattler.MatchSpec(spec) for spec in problem["specs"]],
            gateway=gateway,
            platforms=["linux-64", "noarch"],
            virtual_packages=[],
            channel_priority=getattr(rattler.ChannelPriority, problem["priority"].capitalize()),
            strategy=problem["strategy"],
            exclude_newer=before and datetime.datetime.fromtimestamp(before / 1000, datetime.timezone.utc),
        )
    except SolverError:
        return None
    return sorted(f"{record.channel.rstrip('/').rpartition('/')[2]}/{record.file_name}" for record in records)

async def main():
    gateway = rattler.Gateway()
    print(json.dumps([await answer(problem, gateway) for problem in json.load(sys.stdin)]), flush=True)

asyncio.run(main())
os._exit(0)
"""

START = 1_600_000_000_000  # ms; an hour between two builds


def entry(random: Random, name: str, depends: list[str], constrains: list[str]) -> tuple[str, dict[str, Any]]:
    """One record, unlike any other of its name."""
    version = random.choice(("1.0", "1.1", "2.0", "2.0rc1", "10.0"))
    number = random.randint(0, 2)
    build = f"h{random.randint(0, 10**9):09d}_{number}"
    found: dict[str, Any] = {
        "name": name,
        "version": version,
        "build": build,
        "build_number": number,
        "depends": depends,
        "constrains": constrains,
        "timestamp": START + random.randint(0, 1000) * 3_600_000,
        "subdir": "linux-64",
        "sha256": f"{random.getrandbits(256):064x}",
    }
    if random.random() < 0.2:
        found["track_features"] = "special"
    return f"{name}-{version}-{build}.conda", found


def channel(random: Random, folder: Path, names: list[str]) -> str:
    """Write a channel that has some of the names; its URL."""
    entries: dict[str, dict[str, Any]] = {}
    for name in names:
        if random.random() < 0.25:
            continue
        others = [other for other in names if other > name]  # what depends on nothing is chosen alone
        for _ in range(random.randint(1, 6)):
            depends = [spec(random, other) for other in others if random.random() < 0.3]
            constrains = [spec(random, other) for other in others if random.random() < 0.15]
            file_name, record = entry(random, name, depends, constrains)
            entries[file_name] = record
    for subdir, found in (("linux-64", entries), ("noarch", {})):
        (folder / subdir).mkdir(parents=True)
        document = {"info": {"subdir": subdir}, "packages": {}, "packages.conda": found}
        (folder / subdir / "repodata.json").write_text(json.dumps(document))
    return file_url(folder) + "/"


def spec(random: Random, name: str) -> str:
    return name + random.choice(("", " >=1.1", " <2", " 1.*", " 2.0.*", " !=10.0", " >=2.0rc1"))


def problems(folder: Path, count: int, *, names: list[str]) -> list[dict[str, Any]]:
    """Random problems, each over two channels of its own."""
    found = []
    for seed in range(count):
        random = Random(seed)
        channels = [channel(random, folder / f"{seed}" / name, names) for name in ("first", "second")]
        priority = random.choice(("strict", "disabled"))
        # the peer lets a direct dependency with a version pass by strict priority (docs/differences.md)
        wanted = [name if priority == "strict" else spec(random, name) for name in names if random.random() < 0.5]
        wanted = wanted or [names[0]]
        if random.random() < 0.2:
            wanted[0] = f"{channels[1].rstrip('/')}::{wanted[0]}"
        found.append(
            {
                "channels": channels,
                "specs": wanted,
                "priority": priority,
                "strategy": random.choice(("highest", "lowest", "lowest-direct")),
                "before": random.choice((None, None, START + 500 * 3_600_000)),
            }
        )
    return found


def peer_answers(wanted: list[dict[str, Any]]) -> list[list[str] | None]:
    outcome = subprocess.run(
        [sys.executable, "-c", ORACLE], input=json.dumps(wanted), capture_output=True, text=True, timeout=240
    )
    assert outcome.returncode == 0, outcome.stderr
    answers: list[list[str] | None] = json.loads(outcome.stdout)
    return answers


def our_answer(door: Gateway, problem: dict[str, Any]) -> list[str] | None:
    channels = [Channel(url, url.rstrip("/").rpartition("/")[2]) for url in problem["channels"]]
    request = SolveRequest(
        specs=tuple(map(parse_match_spec, problem["specs"])),
        channel_priority=problem["priority"],
        strategy=problem["strategy"],
        exclude_newer=None if problem["before"] is None else ExcludeNewer(problem["before"]),
    )
    try:
        records = solve(request, door.source(channels, [Subdir("linux-64"), NOARCH])).records
    except Unsatisfiable:
        return None
    return sorted(f"{(r.channel or '').rstrip('/').rpartition('/')[2]}/{r.file_name}" for r in records)


@pytest.mark.parametrize("names", [["a"], ["a", "b", "c"]], ids=["one name", "three names"])
def test_the_same_choice_as_the_peer(tmp_path: Path, names: list[str]) -> None:
    """One name: the same record in every case. Three: the same verdict in every case, the same set in nearly all; what
    differs is the order in which names are decided after a conflict.
    """
    wanted = problems(tmp_path / "channels", 250, names=names)
    with Gateway(PlainClient(), CacheDirs.below(tmp_path / "cache")) as door:
        pairs = list(zip(wanted, (our_answer(door, problem) for problem in wanted), peer_answers(wanted), strict=True))
    verdicts = [(problem, ours, theirs) for problem, ours, theirs in pairs if (ours is None) != (theirs is None)]
    assert verdicts == []
    differing = [(problem, ours, theirs) for problem, ours, theirs in pairs if ours != theirs]
    assert sum(ours is not None for _, ours, _ in pairs) > 100
    assert len(differing) <= (0 if len(names) == 1 else 0.02 * len(pairs)), differing[:5]
