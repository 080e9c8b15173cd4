"""What `pixi run` costs over a bare start of Python, in a prepared environment without packages.

    python -m tests.benchmarks.run_latency [ROUNDS]

Prints a table in milliseconds: median and least of each command, and what it costs over `python -c pass`.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.support.channel import build
from tests.support.command import pixi

CHAIN = 1000


def main(rounds: int = 15) -> None:
    """Make a workspace with a slow activation script and a chain of tasks, and measure."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = prepared(Path(folder))
        command = [sys.executable, "-m", "pixi_core.cli.main"]
        bare = measured([sys.executable, "-c", "pass"], workspace, rounds)
        print(f"{'command':<34}{'median':>8}{'least':>8}{'over bare':>11}")
        print(f"{'python -c pass':<34}{bare[0]:8.1f}{bare[1]:8.1f}")
        for words in (["true"], ["/bin/true"], ["-e", "default", "/bin/true"], ["task"], ["--dry-run", "last"]):
            found = measured([*command, "run", *words], workspace, rounds)
            shown = f"pixi run {' '.join(words)}"
            print(f"{shown:<34}{found[0]:8.1f}{found[1]:8.1f}{found[0] - bare[0]:11.1f}")
        print(f"\n{'until the first output of':<34}{'median':>8}{'least':>8}")
        for words in (["echo", "a"], ["first"], ["last"]):
            found = measured([*command, "run", *words], workspace, rounds, first=True)
            print(f"{'pixi run ' + ' '.join(words):<34}{found[0]:8.1f}{found[1]:8.1f}")


def prepared(folder: Path) -> Path:
    """A workspace that is locked and installed, and has run once."""
    channel = build.small_channel(folder / "channel").path
    workspace = folder / "workspace"
    pixi("init", str(workspace), "-c", channel.as_uri(), cwd=folder).succeeded()
    (workspace / "slow.sh").write_text("sleep 1\nexport SLOW=1\n")
    chain = [f'n{number} = {{ cmd = "true", depends-on = ["n{number - 1}"] }}' for number in range(1, CHAIN)]
    text = (workspace / "pixi.toml").read_text().replace("[tasks]\n", "")
    tasks = [
        "[tasks]",
        'task = "true"',
        'first = "echo a"',
        'n0 = "echo a"',
        *chain,
        f'last = {{ depends-on = ["n{CHAIN - 1}"] }}',
    ]
    text += "\n" + "\n".join([*tasks, "[activation]", 'scripts = ["slow.sh"]', ""])
    (workspace / "pixi.toml").write_text(text)
    pixi("run", "--", "/bin/true", cwd=workspace).succeeded()
    pixi("run", "task", cwd=workspace).succeeded()
    return workspace


def measured(argv: Sequence[str], folder: Path, rounds: int, *, first: bool = False) -> tuple[float, float]:
    """Median and least time of a command in milliseconds: until it ends, or until its first line of output."""
    times = []
    # byte code is written, as it is where the command is installed
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for _ in range(rounds):
        start = time.perf_counter()
        with subprocess.Popen(
            argv, cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            assert process.stdout is not None
            process.stdout.readline() if first else process.stdout.read()
            if not first:
                process.wait()
            times.append((time.perf_counter() - start) * 1000)
            process.stdout.read()
        assert process.returncode == 0
    return statistics.median(times), min(times)


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:2]))
