"""A Dask worker in the Python of a locked environment, started by a nanny of another (`dask.EnvironmentProcess`).

Run as a script by Python 3.9 and later with nothing of ours beside it. The order is one line of JSON on standard input,
whose end ends the worker: so it never outlives its nanny. The answer is one line on what was standard output; from then
on whatever prints goes to standard error.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from typing import Any


async def serve(order: dict[str, Any], answers: Any) -> None:
    """Be a worker until standard input ends."""
    from distributed import Worker
    from distributed.security import Security

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    worker = Worker(security=Security(**order["security"]), **order["worker"])
    await worker
    print(json.dumps({"address": worker.address, "directory": worker.local_directory}), file=answers, flush=True)

    def wait_for_the_end() -> None:
        sys.stdin.read()
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    ended = asyncio.ensure_future(worker.finished())
    await asyncio.wait([ended, asyncio.ensure_future(stop.wait())], return_when=asyncio.FIRST_COMPLETED)
    if not ended.done():
        await worker.close(nanny=False, timeout=2, reason="pixi-nanny-close")


def main() -> None:
    """Read the order, serve, and tell what went wrong before that."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    try:
        asyncio.run(serve(json.loads(sys.stdin.readline()), answers))
    except Exception as error:
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}), file=answers, flush=True)
        raise


if __name__ == "__main__":
    # the folder of this file has a module `dask`, which is not the one that is meant
    del sys.path[0]
    main()
