"""How the cost of a solve grows with the channel: `python -m tests.benchmarks.solver_growth SMALL LARGE PROBLEMS`.

SMALL is a channel (the corpus's conda-forge), LARGE the same inflated. Per problem the best time of whole processes
with warm caches, and of solves in one process; prints the medians of the ratios.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

from pixi_core.cache.layout import CacheDirs
from pixi_core.repodata.gateway import Gateway
from tests.core.repodata_support import PlainClient

from .solver_cold import chosen, wall
from .solver_warm import best, ours


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("small", type=Path)
    parser.add_argument("large", type=Path)
    parser.add_argument("problems", type=Path)
    parser.add_argument("--problems", dest="count", type=int, default=15)
    options = parser.parse_args()
    channels = (options.small.resolve(), options.large.resolve())
    processes: list[float] = []
    inside: list[float] = []
    with tempfile.TemporaryDirectory() as name, Gateway(PlainClient(), CacheDirs.below(Path(name))) as door:
        for problem in chosen(options.problems, options.count):
            specs = problem["specs"]
            walls: list[list[float]] = [[], []]
            for repeat in range(5):
                for times, channel in zip(walls, channels, strict=True):
                    spent, _ = wall("solve_once.py", channel.as_uri() + "/", f"{name}/{channel.name}", *specs)
                    if repeat:
                        times.append(spent)
            processes.append(min(walls[1]) / min(walls[0]))
            small, large = (best(ours(door, channel, specs), 5) for channel in channels)
            inside.append(large / small)
            print(f"{problem['id'][:60]:60} process {processes[-1]:.2f}   in one process {inside[-1]:.2f}", flush=True)
    print(
        f"median growth: processes {statistics.median(processes):.2f}, in one process {statistics.median(inside):.2f}"
    )


if __name__ == "__main__":
    main()
