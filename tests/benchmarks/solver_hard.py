"""Pure search: sudoku as packages, ours and py-rattler's, in one process each way.

`python -m tests.benchmarks.solver_hard [--variants 7]` prints, per puzzle, the median times over its variants (digits
renamed, rows and bands exchanged, transposed: the same difficulty, another order of decisions) and their ratio. Each
cell is a package with nine versions, which are constrained not to be those of the 20 cells it sees; the givens are the
request.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import rattler

from pixi_core.model.channel import Channel
from pixi_core.model.match_spec import parse_match_spec
from pixi_core.model.platform import NOARCH
from pixi_core.model.record import RepoDataRecord
from pixi_core.solve import RecordSource, SolveRequest, solve

PUZZLES = {
    "easy": "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79",
    "hard": "8..........36......7..9.2...5...7.......457.....1...3...1....68..85...1..9....4..",
    "17 givens": "000000010400000000020000000000050407008000300001090000300400200050100000000806000",
}


def entries() -> dict[str, dict[str, object]]:
    """The index of all cells."""
    found: dict[str, dict[str, object]] = {}
    cells = [(row, column) for row in range(9) for column in range(9)]
    for row, column in cells:
        seen = [
            (r, c)
            for r, c in cells
            if (r, c) != (row, column) and (r == row or c == column or (r // 3, c // 3) == (row // 3, column // 3))
        ]
        for value in range(1, 10):
            found[f"cell-{row}-{column}-{value}-0.conda"] = {
                "name": f"cell-{row}-{column}",
                "version": str(value),
                "build": "0",
                "build_number": 0,
                "subdir": "noarch",
                "depends": [],
                "constrains": [f"cell-{r}-{c} !={value}" for r, c in seen],
                "sha256": f"{row}{column}{value}".rjust(64, "0"),
            }
    return found


def request(puzzle: str) -> list[str]:
    """The specs: every cell, the givens with their version."""
    return [f"cell-{at // 9}-{at % 9}" + ("" if given in ".0" else f" =={given}") for at, given in enumerate(puzzle)]


def ours(index: dict[str, dict[str, object]], wanted: list[str]) -> Callable[[], int]:
    """A solve of ours over fresh tables."""
    channel = Channel("https://channels.example/sudoku/", "sudoku")
    records = [
        RepoDataRecord(
            name=str(entry["name"]),
            version=str(entry["version"]),
            build="0",
            build_number=0,
            subdir=NOARCH,
            file_name=file_name,
            url=f"{channel.url}noarch/{file_name}",
            channel=channel.url,
            constrains=tuple(str(text) for text in entry["constrains"]),  # type: ignore[attr-defined]  # a list
        )
        for file_name, entry in index.items()
    ]
    specs = tuple(parse_match_spec(text) for text in wanted)
    return lambda: len(solve(SolveRequest(specs=specs), RecordSource([(channel, records)])).records)


def theirs(folder: Path, wanted: list[str]) -> Callable[[], int]:
    """A solve of the peer's over an index that it has in memory."""
    gateway = rattler.Gateway()
    specs = [rattler.MatchSpec(text) for text in wanted]

    async def run() -> int:
        return len(await rattler.solve([rattler.Channel(str(folder))], specs, gateway=gateway, platforms=["noarch"]))

    return lambda: asyncio.run(run())


def variant(puzzle: str, seed: int) -> str:
    """A puzzle that is the same to a human; seed 0 is the puzzle itself."""
    if not seed:
        return puzzle
    random = Random(seed)
    digits = random.sample("123456789", 9)
    renamed = "".join(digits[int(given) - 1] if given not in ".0" else "." for given in puzzle)
    order = [3 * band + row for band in random.sample(range(3), 3) for row in random.sample(range(3), 3)]
    rows = [renamed[9 * row : 9 * row + 9] for row in order]
    return "".join("".join(row) for row in zip(*rows, strict=True)) if random.random() < 0.5 else "".join(rows)


def best(work: Callable[[], int]) -> float:
    """Milliseconds, the best of three after one to warm up."""
    assert work() == 81
    times = []
    for _ in range(3):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times) * 1000


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--variants", type=int, default=7)
    variants = parser.parse_args().variants
    index = entries()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "noarch").mkdir()
        document = {"info": {"subdir": "noarch"}, "packages": {}, "packages.conda": index}
        (folder / "noarch" / "repodata.json").write_text(json.dumps(document))
        for title, puzzle in PUZZLES.items():
            puzzles = [request(variant(puzzle, seed)) for seed in range(variants)]
            pairs = [(best(ours(index, wanted)), best(theirs(folder, wanted))) for wanted in puzzles]
            mine, peer = (statistics.median(times) for times in zip(*pairs, strict=True))
            spread = f"{min(m / p for m, p in pairs):.2f} to {max(m / p for m, p in pairs):.2f}"
            print(
                f"{title:10} ours {mine:5.0f} ms   peer {peer:5.0f} ms   ratio {mine / peer:.2f} ({spread})", flush=True
            )


if __name__ == "__main__":
    main()
