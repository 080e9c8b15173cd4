"""Installing the wheels of a lock file against `uv pip sync`: whole processes, in turns, the same files and disk.

    python -m tests.benchmarks.wheels_peer [--rounds 9] [--wheels FOLDER] [--only warm cold nothing] [requirement …]

The requirements are locked once by us; pip downloads the locked wheels (once where `--wheels` names a folder to keep
them in), and a server on loopback offers them to both tools as an index. Cases: `warm` (an environment without
packages, everything cached; uv is told `--offline`, so that it does not ask the index again), `cold` (no cache either),
`nothing` (the environment is as locked). uv finds a virtual environment that is there, ours makes it; both use hard
links. Each round runs both tools, alternating who begins; printed are medians of wall and of CPU time (user and
system), the ratio of each pair, and each tool's peak of memory (Linux tells at least that of this script).
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from uv import find_uv_bin

from pixi_core.lock.read import read_lock
from pixi_core.model.record import PypiRecord
from tests.benchmarks.pypi_lock import REQUIREMENTS
from tests.support.channel.served import served
from tests.support.command import pixi

numbers = itertools.count()
CASES = ("warm", "cold", "nothing")
SYNC = ("pip", "sync", "-q", "--no-config", "--link-mode", "hardlink")


class Cost(NamedTuple):
    """Of one process: seconds by the clock, seconds of computing, bytes at the peak."""

    wall: float
    cpu: float
    peak: int


@dataclass(frozen=True)
class Bench:
    """A workspace of ours, a virtual environment of theirs, and a cache for each."""

    root: Path
    url: str

    @property
    def ours(self) -> Path:
        """The workspace."""
        return self.root / "ours"

    @property
    def environments(self) -> dict[str, Path]:
        """What installing fills."""
        return {"ours": self.ours / ".pixi" / "envs" / "default", "uv": self.root / "theirs"}

    def command(self, tool: str, *, offline: bool) -> list[str]:
        """What users type. A look at nothing but its caches is what ours does without being told."""
        if tool == "ours":
            program = Path(sys.executable).with_name("pixi")
            return [str(program), "-m", str(self.ours), "install", "--frozen"]
        words = [find_uv_bin(), *SYNC, "--python", str(self.environments["uv"] / "bin" / "python")]
        words += ["--index-url", f"{self.url}/simple", "--cache-dir", str(self.root / "uv-cache")]
        return [*words, *(["--offline"] if offline else []), str(self.root / "requirements.txt")]

    def install(self, tool: str, *, offline: bool = True) -> Cost:
        """Run a tool to its end."""
        words = self.command(tool, offline=offline)
        begin = time.perf_counter()
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, env=environ(self.root))
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(words)} ended with {process.returncode}")
        return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)

    def empty_environment(self, tool: str) -> None:
        """No packages: uv needs an interpreter to install for, ours makes the environment itself. The old one is put
        out of the way and removed at the very end: ext4 looks at every inode that was freed a moment ago before it
        gives out one, which would be measured too.
        """
        self._drop(self.environments[tool])
        if tool == "uv":
            words = [find_uv_bin(), "venv", "-q", "--no-config", "--python", sys.executable]
            subprocess.run([*words, str(self.environments[tool])], check=True, env=environ(self.root))

    def empty_cache(self, tool: str) -> None:
        """Nothing downloaded, nothing unpacked."""
        self._drop(self.root / f"{tool}-cache")

    def _drop(self, path: Path) -> None:
        if path.exists():
            path.rename(self.root / f"away-{next(numbers)}")


def environ(root: Path) -> dict[str, str]:
    """No settings of this machine, and our caches in the bench."""
    told = {"PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": "", "PIP_INDEX_URL": "", "UV_CONCURRENT_DOWNLOADS": "8"}
    told |= {"PIXI_CACHE_DIR": str(root / "ours-cache"), "PIXI_HOME": str(root / "home")}
    return {name: value for name, value in (os.environ | told).items() if name != "PYTHONDONTWRITEBYTECODE"}


# ---------------------------------------------------------------- the index


def locked(root: Path, requirements: Sequence[str]) -> Sequence[PypiRecord]:
    """What the default index gives for the requirements."""
    write_manifest(root / "first", requirements)
    pixi("lock", cwd=root / "first", environ=environ(root), timeout=600).succeeded()
    return read_lock((root / "first" / "pixi.lock").read_text()).for_platform("default", "linux-64")[1]


def download(records: Sequence[PypiRecord], wheels: Path) -> None:
    """The wheels that are not there yet, with pip."""
    wheels.mkdir(exist_ok=True)
    urls = [record.location for record in records if not (wheels / record.file_name).exists()]
    if urls:
        words = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(wheels), *urls]
        subprocess.run(words, check=True)


def make_index(root: Path, wheels: Sequence[Path]) -> None:
    """Pages of the simple index, and the wheels beside them, each with its metadata."""
    import hashlib
    import zipfile

    from packaging.utils import parse_wheel_filename

    pages: dict[str, list[str]] = {}
    (root / "files").mkdir()
    for wheel in wheels:
        (root / "files" / wheel.name).symlink_to(wheel.absolute())
        with zipfile.ZipFile(wheel) as archive:
            [member] = [
                name for name in archive.namelist() if name.endswith(".dist-info/METADATA") and name.count("/") == 1
            ]
            (root / "files" / f"{wheel.name}.metadata").write_bytes(archive.read(member))
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        line = f'<a href="/files/{wheel.name}#sha256={digest}" data-core-metadata="true">{wheel.name}</a>'
        pages.setdefault(parse_wheel_filename(wheel.name)[0], []).append(line)
    for name, lines in pages.items():
        (root / "simple" / name).mkdir(parents=True)
        (root / "simple" / name / "index.html").write_text("<!DOCTYPE html><html><body>\n" + "\n".join(lines))


def write_manifest(folder: Path, requirements: Sequence[str], index: str = "") -> None:
    """A workspace of the host kind."""
    folder.mkdir()
    lines = ["[workspace]", 'name = "bench"', "channels = []", 'platforms = ["linux-64"]']
    lines += [
        "[pypi-options]",
        "no-build = true",
        *([f'index-url = "{index}"'] if index else []),
        "[pypi-dependencies]",
    ]
    for requirement in requirements:
        name, _, version = requirement.partition("==")
        lines.append(f'{name} = "{f"=={version}" if version else "*"}"')
    (folder / "pixi.toml").write_text("\n".join(lines) + "\n")


# ---------------------------------------------------------------- measuring


def measure(bench: Bench, case: str, tool: str) -> Cost:
    """One run of one tool, from the state that the case wants."""
    if case == "nothing":
        bench.install(tool)
        return bench.install(tool)
    bench.empty_environment(tool)
    if case == "cold":
        bench.empty_cache(tool)
    os.sync()
    return bench.install(tool, offline=case == "warm")


def measure_pairs(bench: Bench, case: str, rounds: int) -> dict[str, list[Cost]]:
    """What both tools cost, round by round; a first round is not counted."""
    found: dict[str, list[Cost]] = {"ours": [], "uv": []}
    for number in range(rounds + 1):
        for tool in ("ours", "uv") if number % 2 else ("uv", "ours"):
            found[tool].append(measure(bench, case, tool))
    return {tool: costs[1:] for tool, costs in found.items()}


def report(case: str, found: dict[str, list[Cost]]) -> None:
    """A line for each tool, and one of ratios."""
    for tool, costs in found.items():
        wall, cpu = (statistics.median(cost[part] for cost in costs) * 1000 for part in (0, 1))
        print(f"{case:<8} {tool:<5} wall {wall:6.0f} ms  CPU {cpu:6.0f} ms  peak {max(c.peak for c in costs) >> 20} MB")
    pairs = list(zip(found["ours"], found["uv"], strict=True))
    ratios = [mine.wall / other.wall for mine, other in pairs]
    computing = statistics.median(mine.cpu / other.cpu for mine, other in pairs)
    listed = " ".join(f"{ratio:.2f}" for ratio in sorted(ratios))
    print(f"{case:<8} ratio {statistics.median(ratios):.2f}  CPU {computing:.2f}  ({listed})", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.wheels_peer")
    parser.add_argument("requirements", nargs="*", default=list(REQUIREMENTS))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--wheels", type=Path, help="where the wheels are kept for the next time")
    parser.add_argument("--only", nargs="*", choices=CASES, default=list(CASES))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        wheels = arguments.wheels or root / "wheels"
        records = locked(root, arguments.requirements)
        wanted = [f"{record.name}=={record.version}" for record in records]
        download(records, wheels)
        site = root / "site"
        site.mkdir()
        make_index(site, [wheels / record.file_name for record in records])
        with served(site) as url:
            bench = Bench(root, url)
            write_manifest(bench.ours, wanted, f"{url}/simple")
            pixi("lock", cwd=bench.ours, environ=environ(root), timeout=600).succeeded()
            (root / "requirements.txt").write_text("\n".join(wanted))
            for tool in ("ours", "uv"):
                bench.empty_environment(tool)
                bench.install(tool, offline=False)
            for case in arguments.only:
                report(case, measure_pairs(bench, case, arguments.rounds))


if __name__ == "__main__":
    main()
