"""Solves in one process that has its tables in memory, ours and py-rattler's with its records in memory:
`python -m tests.benchmarks.solver_warm CHANNEL PROBLEMS.jsonl.zst`, e.g. over an inflated channel.

Prints the ratio of the best times of each problem: median, 90th percentile, worst.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import rattler
from rattler.exceptions import SolverError

from pixi_core.cache.layout import CacheDirs
from pixi_core.errors import PixiError
from pixi_core.model.channel import Channel, file_url
from pixi_core.model.match_spec import parse_match_spec
from pixi_core.model.platform import NOARCH, Subdir, VirtualPackage
from pixi_core.repodata.gateway import Gateway
from pixi_core.solve import SolveRequest, solve
from tests.benchmarks.solver_cold import chosen
from tests.core.repodata_support import PlainClient

VIRTUAL = ("__unix=0=0", "__linux=4.18=0", "__glibc=2.28=0", "__archspec=1=x86_64")


def ours(door: Gateway, channel: Path, specs: list[str]) -> Callable[[], object]:
    """A solve of ours."""
    source = door.source([Channel(file_url(channel) + "/", "forge")], [Subdir("linux-64"), NOARCH])
    request = SolveRequest(
        specs=tuple(parse_match_spec(spec) for spec in specs),
        virtual_packages=tuple(VirtualPackage.parse(text) for text in VIRTUAL),
    )

    def run() -> object:
        try:
            return solve(request, source)
        except PixiError:
            return None

    return run


def theirs(gateway: rattler.Gateway, channel: Path, specs: list[str]) -> Callable[[], object]:
    """A solve of the peer's."""
    wanted = [rattler.MatchSpec(spec, strict=False) for spec in specs]
    virtual = [
        rattler.GenericVirtualPackage(rattler.PackageName(name), rattler.Version(version), rattler.BuildString(build))
        for name, version, build in (text.split("=") for text in VIRTUAL)
    ]

    async def solved() -> object:
        try:
            return await rattler.solve(
                [rattler.Channel(channel.as_uri())],
                wanted,
                gateway=gateway,
                platforms=["linux-64", "noarch"],
                virtual_packages=virtual,
            )
        except SolverError:
            return None

    return lambda: asyncio.run(solved())


def best(work: Callable[[], object], repeats: int) -> float:
    """Milliseconds; the first time warms up."""
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times) * 1000


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("channel", type=Path)
    parser.add_argument("problems", type=Path)
    parser.add_argument("--problems", dest="count", type=int, default=30)
    options = parser.parse_args()
    channel = options.channel.resolve()
    ratios: list[float] = []
    gateway = rattler.Gateway()
    with tempfile.TemporaryDirectory() as name, Gateway(PlainClient(), CacheDirs.below(Path(name))) as door:
        for problem in chosen(options.problems, options.count):
            mine = best(ours(door, channel, problem["specs"]), 5)
            peer = best(theirs(gateway, channel, problem["specs"]), 2)
            ratios.append(mine / peer)
            print(f"{problem['id'][:60]:60} ours {mine:7.2f} ms   peer {peer:7.1f} ms   {ratios[-1]:.3f}", flush=True)
    ratios.sort()
    tenth = ratios[int(0.9 * len(ratios))]
    print(f"median {statistics.median(ratios):.3f}, 90th percentile {tenth:.3f}, worst {ratios[-1]:.3f}")


if __name__ == "__main__":
    main()
