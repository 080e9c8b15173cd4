"""Every real problem: the expected verdict, a valid solution, mostly the same one, and readable stories."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pixi_core.cache.layout import CacheDirs
from pixi_core.errors import Unsatisfiable
from pixi_core.model.channel import Channel, file_url
from pixi_core.model.match_spec import parse_match_spec
from pixi_core.model.platform import NOARCH, Subdir, VirtualPackage
from pixi_core.model.record import RepoDataRecord
from pixi_core.repodata.gateway import Gateway
from pixi_core.solve import SolveRequest, solve

from .repodata_support import PlainClient

CORPUS = os.environ.get("PIXI_TEST_CORPUS", "")
pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPUS, reason="PIXI_TEST_CORPUS names no folder"),
    pytest.mark.timeout(1200),
]


@cache
def problems() -> list[dict[str, Any]]:
    import zstandard

    content = (Path(CORPUS) / "problems.jsonl.zst").read_bytes()
    text = zstandard.ZstdDecompressor().stream_reader(content).read()
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folders = CacheDirs.below(tmp_path_factory.mktemp("repodata"))
    with Gateway(PlainClient(), folders) as door:
        yield door


def attempt(door: Gateway, problem: dict[str, Any]) -> tuple[RepoDataRecord, ...] | Unsatisfiable:
    channels = [Channel(file_url(Path(CORPUS) / name) + "/", name) for name in problem["channels"]]
    request = SolveRequest(
        specs=tuple(parse_match_spec(spec) for spec in problem["specs"]),
        virtual_packages=tuple(VirtualPackage.parse(text) for text in problem["virtual_packages"]),
    )
    try:
        return solve(request, door.source(channels, [Subdir(problem["platform"]), NOARCH])).records
    except Unsatisfiable as error:
        return error


def test_verdicts_and_solutions(gateway: Gateway) -> None:
    wrong: list[str] = []
    same = solvable = 0
    stories: list[int] = []
    for problem in problems():
        answer = attempt(gateway, problem)
        if isinstance(answer, Unsatisfiable):
            stories.append(len(answer.story))
            if problem["expected"]["status"] != "unsat":
                wrong.append(f"{problem['id']}: {answer}")
            continue
        if problem["expected"]["status"] != "sat":
            wrong.append(f"{problem['id']}: a solution where none is expected")
        wrong += [f"{problem['id']}: {fault}" for fault in faults(problem, answer)]
        solvable += 1
        root = file_url(Path(CORPUS)) + "/"
        same += sorted(r.url.removeprefix(root) for r in answer) == sorted(problem["solution"])
    print(f"{len(problems())} problems, {len(stories)} without a solution; {same} of {solvable} solutions are the same")
    assert wrong == []
    assert same >= 0.85 * solvable
    assert sorted(stories)[int(0.9 * len(stories))] <= 15


def faults(problem: dict[str, Any], answer: tuple[RepoDataRecord, ...]) -> Iterator[str]:
    """Everything that is wrong with a solution."""
    by_name = {r.name: r for r in answer}
    if len(by_name) != len(answer):
        yield "a name occurs twice"
    for text in problem["virtual_packages"]:
        package = VirtualPackage.parse(text)
        by_name[package.name] = RepoDataRecord(
            name=package.name,
            version=package.version or "0",
            build=package.build or "0",
            build_number=0,
            subdir=NOARCH,
            file_name="",
            url="",
        )
    for spec in map(parse_match_spec, problem["specs"]):
        found = by_name.get(spec.name or "")
        if found is None or not (spec.channel or spec.matches(found)):
            yield f"{spec} is not met"
    for record in answer:
        for spec in map(parse_match_spec, record.depends):
            if spec.name not in by_name or not spec.matches(by_name[spec.name]):
                yield f"{record} needs {spec}"
        for spec in map(parse_match_spec, record.constrains):
            if spec.name in by_name and not spec.matches(by_name[spec.name]):
                yield f"{record} works only with {spec}"


def test_stories_are_minimal(gateway: Gateway) -> None:
    """Without any one of the named roots there is a solution."""
    for problem in problems():
        if problem["expected"]["status"] != "unsat":
            continue
        answer = attempt(gateway, problem)
        assert isinstance(answer, Unsatisfiable)
        roots = [line.split("you ask for ")[1].split(", but")[0] for line in answer.story if "you ask for" in line]
        for left_out in roots:
            fewer = [root for root in roots if root != left_out]
            assert not fewer or not isinstance(attempt(gateway, {**problem, "specs": fewer}), Unsatisfiable), roots
