"""How long a warm Dask cluster takes to change its environment: `python -m tests.benchmarks.dask_switch [WORKERS]`.

A scheduler and workers in this Python, an environment with Dask locked from the package index and in the store already:
five changes there and back, each until every worker has answered. `restart` is what `Client.restart` takes, the same
workers started again by their nannies as they are, in the same run.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from distributed import Client

from pixi_core.distributed.dask import switch, switch_back
from pixi_core.lock.read import read_lock
from tests.end_to_end.test_workers import join, process
from tests.support.command import pixi

ROUNDS = 5


def main(count: int) -> None:
    """Print the medians."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        pixi("init", ".", "--host", cwd=folder).succeeded()
        pixi("add", "distributed", "--no-install", cwd=folder).succeeded()
        pixi("materialize", cwd=folder, environ={"PIXI_STORE": str(folder / "store")}).succeeded()
        path = folder / "pixi.lock"
        lock = read_lock(path.read_text(), path=path)
        words = ("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        said = stack.enter_context(process(*words, folder=folder, environ={}, say="Scheduler at:"))
        for number in range(count):
            join(stack, said.split()[-1], f"worker-{number}", folder)
        client = stack.enter_context(Client(said.split()[-1], set_as_default=False))
        taken: dict[str, list[float]] = {"there": [], "back": [], "restart": []}
        for _ in range(ROUNDS):
            for what, change in (
                ("there", lambda: switch(client, lock, "default", store=folder / "store")),
                ("back", lambda: switch_back(client)),
                ("restart", client.restart),
            ):
                begin = time.perf_counter()
                change()
                client.wait_for_workers(count)
                assert len(client.run(int)) == count
                taken[what].append(time.perf_counter() - begin)
        for what, seconds in taken.items():
            print(f"{what:8} {statistics.median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f})")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
