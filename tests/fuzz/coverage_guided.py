"""Fuzzing that looks for new paths through the code (atheris, which has wheels for CPython 3.11 to 3.13 on Linux).

    python -m tests.fuzz.coverage_guided TARGET [SECONDS]      `all` walks through every target

Inputs are mutated bytes, starting from the target's seeds and from what was found before; one that ends in anything but
a value or an error of ours is written to `tests/fuzz/findings/TARGET/`, where `test_fuzz` runs it from then on.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

FINDINGS = Path(__file__).parent / "findings"
LONGEST, MEGABYTES = 16_384, 2048


def explore(name: str, seconds: int) -> None:
    """Run one target; does not return (the library ends the process)."""
    import atheris  # optional: nothing else needs it

    with atheris.instrument_imports(include=["pixi_core"]):
        from .targets import TARGETS, empty  # here, so that what they import is watched
    target = TARGETS[name]
    place = Path(tempfile.mkdtemp(prefix="pixi-fuzz-"))
    corpus = place / "corpus"
    corpus.mkdir()
    for content in (*target.seeds, *(path.read_bytes() for path in (FINDINGS / name).glob("*"))):
        (corpus / hashlib.sha256(content).hexdigest()).write_bytes(content)

    def one(content: bytes) -> None:
        try:
            target.run(content, empty(place / "x"))
        except Exception:
            (FINDINGS / name).mkdir(parents=True, exist_ok=True)
            (FINDINGS / name / hashlib.sha256(content).hexdigest()[:16]).write_bytes(content)
            raise

    limits = [
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST}",
        "-timeout=10",
        f"-rss_limit_mb={MEGABYTES}",
    ]
    atheris.Setup([sys.argv[0], str(corpus), *limits, "-print_final_stats=1"], one)
    atheris.Fuzz()


def main(words: list[str]) -> int:
    """One target in this process, or all in processes of their own."""
    name, seconds = words[0], int(words[1]) if len(words) > 1 else 60
    if name != "all":
        explore(name, seconds)
        return 0
    from .targets import TARGETS

    failed = []
    for each in TARGETS:
        command = [sys.executable, "-m", "tests.fuzz.coverage_guided", each, str(seconds)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))
        units = [line.split()[-1] for line in done.stderr.splitlines() if "number_of_executed_units" in line]
        print(f"{each}: {units[0] if units else '?'} executions, exit code {done.returncode}", flush=True)
        if done.returncode:
            failed.append(each)
            print("\n".join(done.stderr.splitlines()[-12:]))
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
