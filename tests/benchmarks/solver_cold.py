"""Whole processes, ours and py-rattler's, interleaved, over an inflated channel served from loopback.

`python -m tests.benchmarks.solver_cold CHANNEL PROBLEMS.jsonl.zst --problems 30 --repeats 3` prints, per problem, the
median wall time of: ours with warm caches, ours with shards on disk but nothing compiled (the first run after an
update), the peer with sharded repodata from its disk cache, the peer with `repodata.json`; then the ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import zstandard

HERE = Path(__file__).parent


class Files(SimpleHTTPRequestHandler):
    """A folder, with answers that stay fresh for a day."""

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "public, max-age=86400")
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        pass


def wall(program: str, *arguments: str) -> tuple[float, str]:
    """Seconds of a whole process, and the last line it printed."""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join((str(HERE.parents[1]), str(HERE.parents[1] / "core")))}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    start = time.perf_counter()
    outcome = subprocess.run(
        [sys.executable, str(HERE / program), *arguments], capture_output=True, text=True, env=environ
    )
    seconds = time.perf_counter() - start
    return seconds, outcome.stdout.strip() if outcome.returncode == 0 else "no solution"


def without_tables(cache: Path) -> None:
    """Forget what was compiled; what was downloaded stays."""
    for path in cache.glob("tables-*"):
        path.unlink()


def chosen(path: Path, count: int) -> list[dict[str, Any]]:
    """Problems on linux-64 with conda-forge alone, evenly taken."""
    text = zstandard.ZstdDecompressor().stream_reader(path.read_bytes()).read()
    found = [json.loads(line) for line in text.splitlines()]
    found = [p for p in found if p["platform"] == "linux-64" and p["channels"] == ["conda-forge"]]
    found = [p for p in found if not any("::" in spec for spec in p["specs"])]
    return found[:: max(1, len(found) // count)][:count]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("channel", type=Path)
    parser.add_argument("problems", type=Path)
    parser.add_argument("--problems", dest="count", type=int, default=30)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, directory=str(options.channel)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/"
    work = Path(tempfile.mkdtemp())
    kinds = ("warm", "uncompiled", "peer sharded", "peer json")
    ratios: dict[str, list[float]] = {kind: [] for kind in kinds[2:]}
    first_run: list[float] = []
    try:
        for problem in chosen(options.problems, options.count):
            times: dict[str, list[float]] = {kind: [] for kind in kinds}
            answers: dict[str, str] = {}
            for repeat in range(options.repeats + 1):
                for kind in kinds:
                    cache = work / kind
                    if kind == "uncompiled":
                        without_tables(cache)
                    if kind.startswith("peer"):
                        form = kind.split()[1]
                        place = url if form == "sharded" else options.channel.resolve().as_uri()
                        seconds, answers[kind] = wall("peer_once.py", form, place, str(cache), *problem["specs"])
                    else:
                        seconds, answers[kind] = wall("solve_once.py", url, str(cache), *problem["specs"])
                    if repeat:  # the first one fills caches
                        times[kind].append(seconds)
            middle = {kind: statistics.median(times[kind]) for kind in kinds}
            for kind, values in ratios.items():
                values.append(middle["warm"] / middle[kind])
            first_run.append(middle["uncompiled"] / middle["peer sharded"])
            figures = "  ".join(f"{kind} {middle[kind] * 1000:.0f} ({answers[kind]})" for kind in kinds)
            print(f"{problem['id'][:50]:50} {figures}", flush=True)
    finally:
        server.shutdown()
        shutil.rmtree(work)
    for kind, values in ratios.items():
        print(f"warm / {kind}: median {statistics.median(values):.3f}, {min(values):.3f} - {max(values):.3f}")
    print(f"uncompiled / peer sharded: median {statistics.median(first_run):.3f}, worst {max(first_run):.3f}")


if __name__ == "__main__":
    main()
