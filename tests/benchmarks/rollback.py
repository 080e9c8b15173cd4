"""Going back on an environment of a hundred packages: `pixi rollback` as whole processes, and what the history costs.

    python -m tests.support.channel CHANNEL --hundred
    python -m tests.benchmarks.rollback CHANNEL [--rounds 7] SPEC…

Rollbacks: `one package` (`--change`, there and back), `loaded` (`--loaded`, while a Python of the environment has
imported it, computes, and must go on computing), `whole` (the environment is gone; manifest and lock file, too, are
those of another generation). Each is the median of its rounds, wall and CPU time, and the longest. Then what
remembering costs: the milliseconds of a record in an environment of this size, and the bytes that a history of `KEEP`
generations takes.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pixi_core.install.history import KEEP, History
from tests.support.channel.served import served
from tests.support.command import pixi

COMPUTES = """
import sys, numpy
for line in sys.stdin:
    matrix = numpy.arange(2500.0).reshape(50, 50) + numpy.eye(50) * 1e4
    print(numpy.allclose(matrix @ numpy.linalg.inv(matrix), numpy.eye(50)), flush=True)
"""


def main() -> None:
    """Make the generations, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.rollback")
    parser.add_argument("channel", type=Path)
    parser.add_argument("specs", nargs="*", default=["jupyterlab", "pandas", "scikit-learn", "matplotlib", "requests"])
    parser.add_argument("--change", nargs=2, default=["six==1.17.0", "six==1.16.0"])
    parser.add_argument("--loaded", nargs=2, default=["numpy==2.4.6", "numpy==2.3.5"])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--folder", type=Path, help="where to work (default: the folder for temporary files)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder, served(arguments.channel) as url:
        root = Path(folder)
        os.environ["PIXI_CACHE_DIR"], os.environ["PIXI_HOME"] = str(root / "cache"), str(root / "home")
        pixi("init", "demo", "-c", url, cwd=root).succeeded()
        workspace = root / "demo"
        newer, older = arguments.change
        first, second = arguments.loaded
        for specs in ([*arguments.specs, newer, first], [older], [second]):
            pixi("add", *specs, cwd=workspace, timeout=900).succeeded()
        count = len(list((workspace / ".pixi/envs/default/conda-meta").glob("*.json")))
        print(f"{count} packages; generations: 1 both newer, 2 {older}, 3 {older} and {second}")
        report("one package", measured(workspace, lambda: (1, 2), lambda: None, arguments.rounds))
        with computing(workspace) as compute:
            report("loaded", measured(workspace, lambda: (3, 2), compute, arguments.rounds))
        report("whole", measured(workspace, lambda: put_away(workspace), lambda: None, arguments.rounds))
        remembering(workspace)


def measured(
    workspace: Path, before: Callable[[], tuple[int, ...]], after: Callable[[], object], rounds: int
) -> list[tuple[float, float]]:
    """Seconds of wall and CPU time of rollbacks to the generations that `before` gives; one round is not counted."""
    found = []
    for number in range(rounds + 1):
        for generation in before():
            os.sync()
            used, begin = cpu(), time.perf_counter()
            rollback(workspace, generation)
            if number:
                found.append((time.perf_counter() - begin, cpu() - used))
            after()
    return found


def rollback(workspace: Path, generation: int) -> None:
    """The command, as a user starts it."""
    words = [str(Path(sys.executable).with_name("pixi")), "-m", str(workspace), "rollback", str(generation)]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def cpu() -> float:
    """Seconds of processor that the commands so far have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def put_away(workspace: Path) -> tuple[int, ...]:
    """No environment. It is renamed, since a file system may be busy for a while with what was just removed."""
    number = len(list(workspace.parent.glob("away-*")))
    rollback(workspace, 2)
    (workspace / ".pixi/envs/default").rename(workspace.parent / f"away-{number}")
    return (1,)


@contextmanager
def computing(workspace: Path) -> Iterator[Callable[[], None]]:
    """A Python of the environment that has loaded numpy; gives what makes it compute, and fails where it cannot."""
    python = workspace / ".pixi/envs/default/bin/python"
    with subprocess.Popen([python, "-c", COMPUTES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as live:
        asking, told = live.stdin, live.stdout
        assert asking is not None
        assert told is not None

        def compute() -> None:
            asking.write("\n")
            asking.flush()
            if told.readline() != "True\n":
                raise SystemExit("the Python that had loaded numpy computes no more")

        compute()
        yield compute
        asking.close()


def report(name: str, times: list[tuple[float, float]]) -> None:
    """A line of milliseconds."""
    wall, used = zip(*times, strict=True)
    print(
        f"{name:<12} {statistics.median(wall) * 1000:6.0f} ms  CPU {statistics.median(used) * 1000:6.0f} ms  "
        f"longest {max(wall) * 1000:6.0f} ms  ({len(times)} rollbacks)",
        flush=True,
    )


def remembering(workspace: Path) -> None:
    """What generations cost that change one package each, up to the bound and beyond it."""
    manifest, lock = (workspace / "pixi.toml").read_bytes(), (workspace / "pixi.lock").read_bytes()
    with tempfile.TemporaryDirectory(dir=workspace) as folder:
        history = History(Path(folder))
        source = History(workspace / ".pixi")
        packages = dict(source.packages(source.generations("default")[-1]))
        times = []
        for number in range(KEEP * 2):
            packages["six"] = (f"1.{number}", "0", f"{number:064}")
            begin = time.perf_counter()
            history.add(
                "default",
                at=number,
                command="pixi add six",
                manifest=manifest + b"# %d\n" % number,
                lock=lock + b"# %d\n" % number,
                packages=packages,
            )
            times.append(time.perf_counter() - begin)
        held = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
        listed = len(json.loads((history.folder / "default.json").read_bytes())["generations"])
    print(
        f"remembering  {statistics.median(times[:KEEP]) * 1000:6.1f} ms a command, "
        f"{statistics.median(times[KEEP:]) * 1000:.1f} ms where the oldest is forgotten; "
        f"{listed} generations: {held:,} bytes ({held // listed:,} each)"
    )
    pins = {path.name: path for path in (source.folder / "pins").iterdir()}
    with tempfile.TemporaryDirectory(dir=workspace) as folder:
        begin = time.perf_counter()
        History(Path(folder)).pin(pins)
        print(
            f"pins         {(time.perf_counter() - begin) * 1000:6.1f} ms for the {len(pins)} packages that come first"
        )


if __name__ == "__main__":
    main()
