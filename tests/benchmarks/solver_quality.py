"""How our answers compare with the peer's recorded ones: `python -m tests.benchmarks.solver_quality CORPUS`.

Counts verdicts and identical sets over every problem of the corpus and judges each difference by the stated criteria
(`solve.preference`): names in the order in which the search was asked for them, the request's own first, and per name
tier, version, build number. The first name in which the answers differ decides: "better", "worse", or "tie" where they
differ in nothing that the criteria order (other builds of one number, other packages beneath equal ones). Ends with
exit code 1 if anything is worse.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import zstandard

from pixi_core.cache.layout import CacheDirs
from pixi_core.model.channel import Channel, file_url
from pixi_core.model.match_spec import parse_match_spec
from pixi_core.model.platform import NOARCH, Subdir, VirtualPackage
from pixi_core.repodata.gateway import Gateway
from pixi_core.solve import SolveRequest
from pixi_core.solve.engine import NoSolution
from pixi_core.solve.problem import Problem
from tests.core.repodata_support import PlainClient


def judged(problem: Problem, order: list[str], ours: dict[str, str], theirs: dict[str, str]) -> tuple[str, str]:
    """The verdict on two answers (file names by package name), and the difference that made it."""
    wanted = {text.partition(" ")[0] for text in problem.roots}
    for name in order:
        if ours.get(name) == theirs.get(name) or name not in ours or name not in theirs:
            continue
        table = problem.load(name)[0]
        places: dict[str, int] = {}
        for candidate in range(table.count):
            record = table.record(candidate)
            if record is not None and record.file_name in (ours[name], theirs[name]):
                places[record.file_name] = table.group(candidate)[0]
        if len(places) < 2 or places[ours[name]] == places[theirs[name]]:
            continue  # a file that the order knows nothing of, or two builds of one number
        kind = "direct" if name in wanted else "further"
        verdict = "better" if places[ours[name]] < places[theirs[name]] else "worse"
        return verdict, f"{kind} dependency {name}: {ours[name]} for {theirs[name]}"
    return "tie", f"{len(ours)} packages for {len(theirs)}, {len(ours.keys() ^ theirs.keys())} names differ"


def compare(door: Gateway, corpus: Path, row: dict[str, Any]) -> tuple[str, str]:
    """The outcome of one problem: same, better, tie, worse or wrong, and why."""
    request = SolveRequest(
        specs=tuple(parse_match_spec(spec) for spec in row["specs"]),
        virtual_packages=tuple(VirtualPackage.parse(text) for text in row["virtual_packages"]),
    )
    channels = [Channel(file_url(corpus / name) + "/", name) for name in row["channels"]]
    problem = Problem(request, door.source(channels, [Subdir(row["platform"]), NOARCH]))
    engine = problem.engine()
    try:
        chosen = engine.solve(problem.roots, problem.constraints)
    except NoSolution:
        return ("same", "") if row["expected"]["status"] == "unsat" else ("wrong", "we find no solution")
    if row["expected"]["status"] == "unsat":
        return "wrong", "the peer finds no solution"
    records = [r for name, candidate in chosen.items() if (r := problem.record(name, candidate)) is not None]
    root = file_url(corpus) + "/"
    if sorted(r.url.removeprefix(root) for r in records) == sorted(row["solution"]):
        return "same", ""
    theirs = {path.rpartition("/")[2].rsplit("-", 2)[0]: path.rpartition("/")[2] for path in row["solution"]}
    order = [engine.names[name] for name in engine.required]
    return judged(problem, order, {r.name: r.file_name for r in records}, theirs)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("corpus", type=Path)
    corpus = parser.parse_args().corpus.resolve()
    content = (corpus / "problems.jsonl.zst").read_bytes()
    rows = [json.loads(row) for row in zstandard.ZstdDecompressor().stream_reader(content).read().splitlines()]
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name, Gateway(PlainClient(), CacheDirs.below(Path(name))) as door:
        for row in rows:
            outcome, reason = compare(door, corpus, row)
            outcomes[outcome] += 1
            if outcome != "same":
                print(f"{outcome:7} {row['id']}: {reason}")
    solvable = sum(row["expected"]["status"] == "sat" for row in rows)
    identical = outcomes["same"] - (len(rows) - solvable)
    print(f"{len(rows)} problems: {outcomes['wrong']} wrong verdicts")
    print(f"{identical} of {solvable} sets identical ({identical / solvable:.1%})", end="; ")
    print(f"{outcomes['better']} better, {outcomes['tie']} ties, {outcomes['worse']} worse")
    sys.exit(bool(outcomes["worse"] or outcomes["wrong"]))


if __name__ == "__main__":
    main()
