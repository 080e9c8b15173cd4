"""`pixi lock` from manifest to `pixi.lock`, as a whole process, against the peer's bare solve (sharded, from its disk
cache): `python -m tests.benchmarks.lock_cold CHANNEL PROBLEMS.jsonl.zst`, interleaved, caches warm.

One environment, one platform (linux-64), the channel served from loopback.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path

from pixi_core.model.match_spec import parse_match_spec

from .solver_cold import Files, chosen, wall


def manifest(url: str, specs: list[str]) -> str:
    """A `pixi.toml` that asks for the specs; of two for one name the last counts."""
    wanted: dict[str, str] = {}
    for spec in map(parse_match_spec, specs):
        fields = {"version": str(spec.version) if spec.version is not None else "*"}
        if spec.build is not None:
            fields["build"] = str(spec.build)
        wanted[spec.name or ""] = "{ " + ", ".join(f"{key} = {json.dumps(text)}" for key, text in fields.items()) + " }"
    lines = [f"{json.dumps(name)} = {value}" for name, value in wanted.items()]
    return "\n".join(
        ["[workspace]", 'name = "bench"', f'channels = ["{url}"]', 'platforms = ["linux-64"]', "[dependencies]", *lines]
    )


def lock(folder: Path, cache: Path) -> tuple[float, bool]:
    """Seconds of one `pixi lock` without an old lock file, and whether it succeeded."""
    (folder / "pixi.lock").unlink(missing_ok=True)
    environ = {**os.environ, "PIXI_CACHE_DIR": str(cache), "HOME": str(cache)}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    program = [str(Path(sys.executable).with_name("pixi")), "lock"]
    start = time.perf_counter()
    outcome = subprocess.run(program, cwd=folder, env=environ, capture_output=True)
    return time.perf_counter() - start, outcome.returncode == 0


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
    ratios: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        for problem in chosen(options.problems, options.count):
            folder = work / f"workspace-{len(ratios)}"
            folder.mkdir(exist_ok=True)
            (folder / "pixi.toml").write_text(manifest(url, problem["specs"]))
            pairs = [
                (
                    lock(folder, work / "ours")[0],
                    wall("peer_once.py", "sharded", url, str(work / "peer"), *problem["specs"])[0],
                )
                for _ in range(options.repeats + 1)
            ][1:]  # the first fills caches
            solved = (folder / "pixi.lock").exists()
            mine, peer = (statistics.median(times) * 1000 for times in zip(*pairs, strict=True))
            print(
                f"{problem['id'][:60]:60} ours {mine:6.0f} ms   peer {peer:6.0f} ms   {'' if solved else 'no solution'}"
            )
            if solved:
                ratios.append(mine / peer)
    server.shutdown()
    print(f"{len(ratios)} locks: median {statistics.median(ratios):.3f}, {min(ratios):.3f} - {max(ratios):.3f}")


if __name__ == "__main__":
    main()
