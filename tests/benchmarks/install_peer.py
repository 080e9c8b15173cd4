"""Installing from a lock file against py-rattler: whole processes, in turns, the same archives and disk.

    python -m tests.support.channel CHANNEL --hundred
    python -m tests.benchmarks.install_peer CHANNEL [--rounds 5] [--change six=1.16] SPEC…

Four cases: `warm` (no environment, everything cached), `cold` (no environment, no cache, archives over HTTP on
loopback), `change` (one package to another version and back: `--change`), `nothing` (the environment is as locked).
Each round runs both tools, alternating who begins; printed are medians, and the ratio of each pair.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.channel.served import served
from tests.support.command import pixi

numbers = itertools.count()
PEER = Path(__file__).with_name("peer_install.py")


@dataclass(frozen=True)
class Bench:
    """Two workspaces that differ in the lock file, and a prefix and a cache for each tool."""

    root: Path

    @property
    def ours(self) -> Path:
        """The workspace we install in."""
        return self.root / "ours"

    def lock(self, which: str) -> Path:
        """One of the two lock files."""
        return self.root / which / "pixi.lock"

    def install_ours(self, which: str) -> None:
        """`pixi install --frozen` with one of the lock files."""
        for name in ("pixi.toml", "pixi.lock"):
            shutil.copyfile(self.root / which / name, self.ours / name)
        self._run([str(Path(sys.executable).with_name("pixi")), "-m", str(self.ours), "install", "--frozen"])

    def install_theirs(self, which: str) -> None:
        """The peer, with the same lock file."""
        prefix, cache = self.root / "theirs", self.root / "their-cache"
        self._run([sys.executable, str(PEER), str(self.lock(which)), str(prefix), str(cache)])

    def _run(self, words: Sequence[str]) -> None:
        environ = {**os.environ, "PIXI_CACHE_DIR": str(self.root / "our-cache")}
        subprocess.run(words, check=True, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def drop(self, *names: str) -> None:
        """Put environments or caches out of the way, and let the disk come to rest. They are removed at the very end:
        ext4 looks at every inode that was freed a moment ago before it gives out one, which would be measured too.
        """
        for name in names:
            if (self.root / name).exists():
                (self.root / name).rename(self.root / f"away-{next(numbers)}")
        os.sync()


ENVIRONMENTS = ("ours/.pixi", "theirs")
CACHES = ("our-cache", "their-cache")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.install_peer")
    parser.add_argument("channel", type=Path)
    parser.add_argument("specs", nargs="+")
    parser.add_argument("--change", help="a spec that takes the place of the one of that name, for the other lock file")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where to work (default: the folder for temporary files)")
    parser.add_argument("--only", nargs="*", default=["warm", "cold", "change", "nothing"])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder, served(arguments.channel) as url:
        bench = Bench(Path(folder))
        os.environ["PIXI_CACHE_DIR"] = str(bench.root / "our-cache")
        os.environ["PIXI_HOME"] = str(bench.root / "home")
        make_locks(bench, url, arguments.specs, arguments.change)
        for name in arguments.only:
            report(name, *measured(bench, CASES[name], arguments.rounds))


def make_locks(bench: Bench, url: str, specs: Sequence[str], change: str | None) -> None:
    """Two workspaces with lock files, and the one we work in."""
    other = [change if change and change.split("=")[0] == spec.split("=")[0] else spec for spec in specs]
    for which, wanted in (("a", specs), ("b", other)):
        pixi("init", which, "-c", url, cwd=bench.root).succeeded()
        pixi("add", "--no-install", *wanted, cwd=bench.root / which, timeout=600).succeeded()
    shutil.copytree(bench.root / "a", bench.ours)


Case = Callable[[Bench, Callable[[str], None], str], float]


def timed(work: Callable[[], None]) -> float:
    """Seconds."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def cold(bench: Bench, install: Callable[[str], None], tool: str) -> float:
    """Neither environment nor cache."""
    bench.drop(ENVIRONMENTS[tool == "theirs"], CACHES[tool == "theirs"])
    return timed(lambda: install("a"))


def warm(bench: Bench, install: Callable[[str], None], tool: str) -> float:
    """No environment."""
    install("a")
    bench.drop(ENVIRONMENTS[tool == "theirs"])
    return timed(lambda: install("a"))


def change(bench: Bench, install: Callable[[str], None], tool: str) -> float:
    """One package, there and back: the mean of both ways."""
    install("b")
    install("a")
    os.sync()
    return (timed(lambda: install("b")) + timed(lambda: install("a"))) / 2


def nothing(bench: Bench, install: Callable[[str], None], tool: str) -> float:
    """The environment is there."""
    install("a")
    return timed(lambda: install("a"))


CASES: dict[str, Case] = {"warm": warm, "cold": cold, "change": change, "nothing": nothing}


def measured(bench: Bench, case: Case, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of ours and theirs, round by round; a first round is not counted."""
    found: dict[str, list[float]] = {"ours": [], "theirs": []}
    for number in range(rounds + 1):
        for tool in ("ours", "theirs") if number % 2 else ("theirs", "ours"):
            install = bench.install_ours if tool == "ours" else bench.install_theirs
            found[tool].append(case(bench, install, tool))
    return found["ours"][1:], found["theirs"][1:]


def report(name: str, ours: Sequence[float], theirs: Sequence[float]) -> None:
    """A line of milliseconds and ratios."""
    ratios = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    pairs = " ".join(f"{ratio:.2f}" for ratio in ratios)
    print(
        f"{name:<8} ours {statistics.median(ours) * 1000:7.0f} ms  theirs {statistics.median(theirs) * 1000:7.0f} ms  "
        f"ratio {statistics.median(ratios):.2f}  ({pairs})",
        flush=True,
    )


if __name__ == "__main__":
    main()
