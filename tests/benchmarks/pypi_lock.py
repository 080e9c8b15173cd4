"""How long a lock takes: our resolution beside `uv pip compile`, whole processes, interleaved, cold and warm.

    python -m tests.benchmarks.pypi_lock [--runs 5] [requirement …]

Both ask the default index, for the Python that runs this script, wheels only. "cold" starts with an empty cache, "warm"
with the one that the run before left. Prints one line per run, then medians and ratios.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from uv import find_uv_bin

REQUIREMENTS = ("jupyterlab", "pandas", "scikit-learn", "matplotlib", "fastapi", "sqlalchemy", "polars")
ROOT = Path(__file__).resolve().parents[2]


def ours(cache: Path, requirements: Sequence[str]) -> list[str]:
    """The command of our side: this file in its role as the measured process."""
    return [sys.executable, "-m", "tests.benchmarks.pypi_lock", "--resolve", str(cache), *requirements]


def uv(cache: Path, requirements: Path) -> list[str]:
    """The command of the peer."""
    command = [find_uv_bin(), "pip", "compile", "-q", "--no-annotate", "--no-header", "--only-binary", ":all:"]
    command += ["--python", sys.executable, "--python-platform", "x86_64-manylinux_2_28"]
    return [*command, "--cache-dir", str(cache), str(requirements)]


def resolve_here(cache: Path, requirements: Sequence[str]) -> None:
    """The measured process: resolve, print pins."""
    from pixi_core.model.platform import Platform, Subdir
    from pixi_core.model.pypi_options import PypiOptions
    from pixi_core.model.pypi_requirement import parse_requirement
    from pixi_core.model.pypi_target import PypiTarget
    from pixi_core.net.client import Client
    from pixi_core.pypi.index import IndexClient
    from pixi_core.pypi.resolve import resolve

    options = PypiOptions(no_build=True)
    version = ".".join(map(str, sys.version_info[:3]))
    with Client() as client:
        records = resolve(
            [parse_requirement(text) for text in requirements],
            target=PypiTarget.for_platform(Platform.bare(Subdir("linux-64")), version),
            index=IndexClient(client, cache, options),
            options=options,
        )
    print("\n".join(f"{record.name}=={record.version}" for record in records))


def measured(command: Sequence[str], environ: Mapping[str, str]) -> tuple[float, float, set[str]]:
    """(wall seconds, CPU seconds, pins) of one process."""
    before = os.times()
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=dict(environ), check=True)
    wall = time.perf_counter() - start
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, cpu, set(done.stdout.split())


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--resolve", type=Path)
    parser.add_argument("requirements", nargs="*", default=list(REQUIREMENTS))
    chosen = parser.parse_args(arguments)
    if chosen.resolve is not None:
        resolve_here(chosen.resolve, chosen.requirements)
        return
    environ = {**os.environ, "PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": "", "PYTHONPATH": str(ROOT / "core")}
    times: dict[tuple[str, str], list[float]] = {}
    for run in range(chosen.runs):
        with tempfile.TemporaryDirectory() as folder:
            wanted = Path(folder) / "requirements.in"
            wanted.write_text("\n".join(chosen.requirements))
            sides = {"ours": ours(Path(folder) / "ours", chosen.requirements), "uv": uv(Path(folder) / "uv", wanted)}
            for state in ("cold", "warm"):
                pins: dict[str, set[str]] = {}
                for side in sorted(sides, reverse=bool(run % 2)):
                    wall, cpu, pins[side] = measured(sides[side], environ)
                    times.setdefault((state, side), []).append(wall)
                    print(f"run {run} {state} {side}: {wall:.2f} s wall, {cpu:.2f} s CPU, {len(pins[side])} pins")
                if pins["ours"] != pins["uv"]:
                    print("  pins differ:", sorted(pins["ours"] ^ pins["uv"]))
    for state in ("cold", "warm"):
        mine, theirs = (statistics.median(times[state, side]) for side in ("ours", "uv"))
        print(f"{state}: ours {mine:.2f} s, uv {theirs:.2f} s, ratio {mine / theirs:.2f}")


if __name__ == "__main__":
    main(sys.argv[1:])
