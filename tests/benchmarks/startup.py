"""How much longer than a bare interpreter the short commands take: `python tests/benchmarks/startup.py [WORKSPACE]`.

Runs `python -c pass` and each command in turn, round after round, and prints the medians in milliseconds, the
difference and the ratio. Taking turns lets a machine that is busy slow down all of them alike.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

COMMANDS = (("--help",), ("--version",), ("info",), ("list", "--frozen"))
ROUNDS = 15
BARE = ("-c", "pass")


def milliseconds(words: tuple[str, ...], folder: Path) -> float:
    """One run. Raises `CalledProcessError` where the command fails."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, *words], cwd=folder, check=True, capture_output=True, timeout=120)
    return (time.perf_counter() - begun) * 1000


def main() -> None:
    """Measure in the given folder, else in the current one."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    runs: dict[tuple[str, ...], list[float]] = {BARE: []}
    runs |= {("-m", "pixi_core.cli.main", *command): [] for command in COMMANDS}
    for _ in range(ROUNDS):
        for words, times in runs.items():
            times.append(milliseconds(words, folder))
    bare = statistics.median(runs[BARE])
    print(f"{'python -c pass':<24}{bare:8.1f} ms")
    for words, times in list(runs.items())[1:]:
        median = statistics.median(times)
        print(f"pixi {' '.join(words[2:]):<19}{median:8.1f} ms  {median - bare:+7.1f} ms  {median / bare:5.2f} x")


if __name__ == "__main__":
    main()
