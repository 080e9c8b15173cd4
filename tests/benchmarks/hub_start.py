"""What a class on a JupyterHub waits for: `python -m tests.benchmarks.hub_start CHANNEL`.

CHANNEL is a folder that `python -m tests.support.channel CHANNEL` made. The Hub is real, with two users (two uids where it
is run by root), and everything is on loopback.

| figure | what is measured |
|---|---|
| first start | a user's server in a workspace whose environment nobody has made: until the Hub says ready |
| later start | the same for the second user |
| kernel | from asking for a session to the answer of its first cell, by turns ours and stock ipykernel's, on the second user's server; medians, and the ratio pair by pair |
| written | bytes of new and changed files for the second user's start and first kernel: home, store, class folders |
"""  # noqa: E501 - a table

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path

from tests.support.hub_class import (
    Class,
    bytes_since,
    places_of,
    running_class,
    snapshot,
    start_kernel,
    stop_kernel,
    unmade_workspace,
)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="Figures of a class on a JupyterHub.")
    parser.add_argument("channel", type=Path)
    parser.add_argument("--rounds", type=int, default=9)
    chosen = parser.parse_args()
    os.environ.setdefault("PIXI_TEST_CACHE", str(Path("~/.cache/pixi-jupyter-tests").expanduser()))
    with running_class(chosen.channel.absolute().as_uri(), os.environ) as school:
        unmade_workspace(school, "calculus")
        options = {"workspace": "calculus"}
        print(f"first start   {_spawned(school, 'ada', options):6.2f} s")
        before = snapshot(*places_of(school, "bob"))
        print(f"later start   {_spawned(school, 'bob', options):6.2f} s")
        _, first = start_kernel(school, "bob")
        print(f"first kernel  {first:6.2f} s")
        print(f"written       {bytes_since(before, *places_of(school, 'bob')):,} bytes")
        pairs = [
            (_kernel(school, "pixi", number), _kernel(school, "python3", number)) for number in range(chosen.rounds)
        ]
        ours, stock = (statistics.median(times) for times in zip(*pairs, strict=True))
        ratio = statistics.median(one / other for one, other in pairs)
        print(f"kernel        {ours:6.2f} s, stock {stock:.2f} s, ratio {ratio:.2f}")
        print("pairs         " + "  ".join(f"{one:.2f}/{other:.2f}" for one, other in pairs))


def _spawned(school: Class, user: str, options: dict[str, str]) -> float:
    began = time.perf_counter()
    events = school.hub.spawn(user, options)
    assert events[-1].get("ready"), events
    return time.perf_counter() - began


def _kernel(school: Class, name: str, number: int) -> float:
    identifier, taken = start_kernel(school, "bob", f"{name}-{number}.ipynb", name)
    stop_kernel(school, "bob", identifier)
    return taken


if __name__ == "__main__":
    main()
