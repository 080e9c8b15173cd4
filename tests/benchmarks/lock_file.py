"""How long a lock file of three megabytes takes to load and to write: `python -m tests.benchmarks.lock_file [MB]`.

Made-up records with what real ones say, four platforms and three environments. Every round is a process of its own,
which reads and writes once, cold, as a command does. Prints medians in milliseconds: wall clock and CPU.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from random import Random

ROUNDS = 9
PLATFORMS = ("linux-64", "linux-aarch64", "osx-arm64", "win-64")
ONCE = """
import json, sys, time
from pathlib import Path
from pixi_core.lock.read import read_lock
from pixi_core.lock.write import write_lock
text = Path(sys.argv[1]).read_text(encoding="utf-8")
clock = lambda: (time.perf_counter(), time.process_time())
begun = clock(); lock = read_lock(text); loaded = clock(); again = write_lock(lock); written = clock()
assert again == text
print(json.dumps([1000 * (b - a) for a, b in zip((*begun, *loaded), (*loaded, *written))]))
"""


def record(random: Random, number: int, subdir: str) -> list[str]:
    """The lines of one conda record, about 700 bytes."""
    needs = {
        f"package-{random.randrange(2000)} >={random.randrange(9)}.{random.randrange(20)},<10.0a0" for _ in range(8)
    }
    stem = f"package-{number:04d}-1.{number % 30}.0-h{random.randrange(16**7):07x}_{number % 4}"
    return [
        f"- conda: https://conda.example/forge/{subdir}/{stem}.conda",
        f"  sha256: {random.randbytes(32).hex()}",
        f"  md5: {random.randbytes(16).hex()}",
        "  depends:",
        *(f"  - {need}" for need in sorted(needs)),
        "  license: BSD-3-Clause",
        "  license_family: BSD",
        *(["  purls:", f"  - pkg:pypi/package-{number}?source=hash-mapping"] if number % 3 else ["  purls: []"]),
        f"  size: {random.randrange(10**7)}",
        f"  timestamp: {1700000000000 + random.randrange(10**10)}",
    ]


def lock_text(megabytes: float) -> str:
    """A lock file of about that size, as we write it."""
    from pixi_core.lock.read import read_lock
    from pixi_core.lock.write import write_lock

    random = Random(0)
    count = int(megabytes * 1_000_000 / (len(PLATFORMS) * 750))
    packages = {subdir: [record(random, number, subdir) for number in range(count)] for subdir in PLATFORMS}
    lines = ["version: 7", "platforms:", *(f"- name: {subdir}" for subdir in PLATFORMS), "environments:"]
    for environment, part in (("default", 1), ("docs", 3), ("test", 2)):
        lines += [f"  {environment}:", "    channels:", "    - url: https://conda.example/forge/", "    packages:"]
        for subdir, records in packages.items():
            lines.append(f"      {subdir}:")
            lines += [f"      {one[0]}" for one in records[::part]]
    lines.append("packages:")
    lines += [line for records in packages.values() for one in records for line in one]
    return write_lock(read_lock("\n".join([*lines, ""])))


def main() -> None:
    """Measure and print."""
    text = lock_text(float(sys.argv[1]) if len(sys.argv) > 1 else 3.0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pixi.lock"
        path.write_text(text, encoding="utf-8")
        rounds = []
        for _ in range(ROUNDS):
            done = subprocess.run([sys.executable, "-c", ONCE, str(path)], check=True, capture_output=True, text=True)
            rounds.append(json.loads(done.stdout))
    load, load_cpu, write, write_cpu = (statistics.median(column) for column in zip(*rounds, strict=True))
    print(f"{len(text) / 1e6:.2f} MB, medians of {ROUNDS} processes")
    print(f"load   {load:7.1f} ms wall  {load_cpu:7.1f} ms CPU")
    print(f"write  {write:7.1f} ms wall  {write_cpu:7.1f} ms CPU")


if __name__ == "__main__":
    main()
