"""What one file costs when a prefix gets 1,000 or 200,000 of them: `python -m tests.benchmarks.many_files [COUNT…]`.

One extracted package of COUNT small files in folders of 50 is laid out, linked, and unlinked again, in a process of its
own that also tells its peak memory. Printed are microseconds of CPU time (user and system) per file, which other work
changes less than the clock's; the counts take turns, and of each the cheapest of some rounds stands. They should not
grow with COUNT.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from pixi_core.install.link import Linker, LinkOptions
from pixi_core.install.paths import conda_layout
from pixi_core.model.platform import Subdir
from pixi_core.model.record import RepoDataRecord

COUNTS = (1_000, 10_000, 50_000, 200_000)
ROUNDS = 3
IN_A_FOLDER = 50


def made_package(folder: Path, count: int) -> None:
    """An extracted package of empty files: what they hold is not linked, only their names are."""
    entries = []
    for number in range(count):
        path = f"share/many/{number // IN_A_FOLDER:05}/{number:06}.txt"
        if number % IN_A_FOLDER == 0:
            (folder / path).parent.mkdir(parents=True)
        os.close(os.open(folder / path, os.O_CREAT | os.O_WRONLY, 0o644))
        entries.append({"_path": path, "path_type": "hardlink", "sha256": "0" * 64, "size_in_bytes": 0})
    (folder / "info").mkdir()
    (folder / "info" / "paths.json").write_text(json.dumps({"paths": entries, "paths_version": 1}))


def measured(count: int) -> dict[str, float]:
    """Microseconds per file of each step, and the peak memory in MB."""
    record = RepoDataRecord(
        name="many", version="1", build="0", build_number=0, subdir=Subdir("noarch"), file_name="many-1-0.conda", url=""
    )
    with tempfile.TemporaryDirectory() as text:
        package, prefix = Path(text, "package"), Path(text, "prefix")
        package.mkdir()
        prefix.mkdir()
        made_package(package, count)
        os.sync()
        times = [time.process_time()]
        layout = conda_layout(record, package, None, prefix=str(prefix))
        times.append(time.process_time())
        with Linker(prefix, Subdir("linux-64"), LinkOptions()) as linker:
            linker.link(layout)
            times.append(time.process_time())
            linker.remove(layout.targets)
            times.append(time.process_time())
        steps = [(after - before) / count * 1e6 for before, after in pairwise(times)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {**dict(zip(("layout", "link", "remove"), steps, strict=True)), "peak": peak}


def in_a_process(count: int) -> dict[str, float]:
    """What a new process measures."""
    words = [sys.executable, "-m", "tests.benchmarks.many_files", "--one", str(count)]
    found: dict[str, float] = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    return found


def main() -> None:
    """One process for each count."""
    if len(sys.argv) == 3 and sys.argv[1] == "--one":
        print(json.dumps(measured(int(sys.argv[2]))))
        return
    counts = [int(word) for word in sys.argv[1:]] or COUNTS
    rounds = [{count: in_a_process(count) for count in counts} for _ in range(ROUNDS)]
    print(f"{'files':>8}{'layout':>10}{'link':>10}{'remove':>10}   CPU microseconds per file{'peak':>6} MB")
    for count in counts:
        found = {step: min(each[count][step] for each in rounds) for step in rounds[0][count]}
        print(
            f"{count:>8}{found['layout']:>10.1f}{found['link']:>10.1f}{found['remove']:>10.1f}{found['peak']:>34.0f} MB"
        )


if __name__ == "__main__":
    main()
