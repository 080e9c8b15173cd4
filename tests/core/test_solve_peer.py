"""Solutions of real problems, checked dependency by dependency with py-rattler's own match specs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pixi_core.cache.layout import CacheDirs
from pixi_core.errors import Unsatisfiable
from pixi_core.model.match_spec import parse_match_spec
from pixi_core.model.platform import VirtualPackage
from pixi_core.repodata.gateway import Gateway

from .repodata_support import PlainClient
from .test_solve_corpus import CORPUS, attempt, problems

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.peer,
    pytest.mark.skipif(not CORPUS, reason="PIXI_TEST_CORPUS names no folder"),
    pytest.mark.timeout(1200),
]

# the peer's answers to [[spec, name, version, build, build number], …]; its threads may outlive it, hence os._exit
ORACLE = """
import json, os, sys
from rattler import BuildString, MatchSpec, PackageRecord
wrong = []
for text, name, version, build, number in json.load(sys.stdin):
    record = PackageRecord(name, version, BuildString(build), number, "noarch")
    if not MatchSpec(text, strict=False).matches(record):
        wrong.append([text, name, version, build])
print(json.dumps(wrong), flush=True)
os._exit(0)
"""


def test_every_dependency_holds_for_the_peer(tmp_path: Path) -> None:
    met: set[tuple[str, str, str, str, int]] = set()
    with Gateway(PlainClient(), CacheDirs.below(tmp_path)) as gateway:
        for problem in problems():
            answer = attempt(gateway, problem)
            if isinstance(answer, Unsatisfiable):
                continue
            chosen = {r.name: (r.name, r.version, r.build, r.build_number) for r in answer}
            for text in problem["virtual_packages"]:
                package = VirtualPackage.parse(text)
                chosen[package.name] = (package.name, package.version or "0", package.build or "0", 0)
            for text in (text for r in answer for text in r.depends):
                met.add((text, *chosen[parse_match_spec(text).name or ""]))
            for text in (text for r in answer for text in r.constrains):
                if (name := parse_match_spec(text).name or "") in chosen:
                    met.add((text, *chosen[name]))
    outcome = subprocess.run(
        [sys.executable, "-c", ORACLE], input=json.dumps(sorted(met)), capture_output=True, text=True, timeout=600
    )
    assert outcome.returncode == 0, outcome.stderr
    assert len(met) > 10_000
    assert json.loads(outcome.stdout) == []
