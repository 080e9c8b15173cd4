"""What compiling the engine would bring: `python -m tests.benchmarks.solver_compiled CORPUS` (needs a C compiler).

Builds exactly `pixi_core/solve/engine.py` with mypyc in a temporary folder, solves the corpus's problems on linux-64
with it and without, each in a process of its own, and prints the ratio of the times spent solving and the number of
answers that differ (which must be 0). Nothing of it is installed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

CORE = Path(__file__).parents[2] / "core"

PROGRAM = """
import json, sys, time
from pathlib import Path
from pixi_core.cache.layout import CacheDirs
from pixi_core.errors import Unsatisfiable
from pixi_core.model.channel import Channel, file_url
from pixi_core.model.match_spec import parse_match_spec
from pixi_core.model.platform import NOARCH, Subdir, VirtualPackage
from pixi_core.repodata.gateway import Gateway
from pixi_core.solve import SolveRequest, engine, solve
import zstandard

corpus, cache = map(Path, sys.argv[1:])
content = zstandard.ZstdDecompressor().stream_reader((corpus / "problems.jsonl.zst").read_bytes()).read()
rows = [row for row in map(json.loads, content.splitlines()) if row["platform"] == "linux-64"]
door = Gateway(None, CacheDirs.below(cache))
answers, spent = [], 0.0
for repeat in range(3):
    for row in rows:
        channels = [Channel(file_url(corpus / name) + "/", name) for name in row["channels"]]
        source = door.source(channels, [Subdir("linux-64"), NOARCH])
        request = SolveRequest(
            specs=tuple(map(parse_match_spec, row["specs"])),
            virtual_packages=tuple(map(VirtualPackage.parse, row["virtual_packages"])),
        )
        start = time.perf_counter()
        try:
            answer = [record.url for record in solve(request, source).records]
        except Unsatisfiable as error:
            answer = str(error)
        if repeat:  # the first time fills the tables
            spent += time.perf_counter() - start
        answers.append(answer)
door.close()
print(json.dumps([engine.__file__, spent / 2, answers]))
"""


def measured(packages: Path, corpus: Path, cache: Path) -> Any:
    """The engine's file, seconds, and answers of one process."""
    environ = {**os.environ, "PYTHONPATH": str(packages)}
    outcome = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(corpus), str(cache)],
        capture_output=True,
        text=True,
        env=environ,
        check=True,
    )
    return json.loads(outcome.stdout)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("corpus", type=Path)
    corpus = parser.parse_args().corpus.resolve()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        compiled = work / "compiled"
        shutil.copytree(CORE, compiled, ignore=shutil.ignore_patterns("__pycache__"))
        engine = "pixi_core/solve/engine.py"
        subprocess.run([sys.executable, "-m", "mypyc", engine], cwd=compiled, check=True, capture_output=True)
        _, plain_seconds, plain = measured(CORE, corpus, work / "cache")
        file, fast_seconds, fast = measured(compiled, corpus, work / "cache")
        assert not file.endswith(".py"), "the compiled engine was not imported"
        differing = sum(a != b for a, b in zip(plain, fast, strict=True))
        print(f"{len(plain)} answers, {differing} differ; {plain_seconds:.2f} s plain, {fast_seconds:.2f} s compiled")
        print(f"compiled / plain: {fast_seconds / plain_seconds:.2f}")
        sys.exit(bool(differing))


if __name__ == "__main__":
    main()
