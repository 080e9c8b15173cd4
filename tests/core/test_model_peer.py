"""Every distinct version, version spec and match spec of real channels, read as py-rattler reads them.

The peer runs in a process of its own (its threads may crash at exit) and answers in JSON lines.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from pixi_core.errors import SpecError
from pixi_core.model.match_spec import parse_match_spec
from pixi_core.model.version import Version
from pixi_core.model.version_spec import parse_version_spec

pytestmark = [pytest.mark.peer, pytest.mark.corpus]

PEER = """
import json, os, sys
import rattler

def attempt(parse, text):
    try:
        return parse(text)
    except Exception:
        return None

request = json.load(sys.stdin)
versions = {text: attempt(rattler.Version, text) for text in request["versions"]}
ordered = []
for left, right in request["pairs"]:
    a, b = versions[left], versions[right]
    ordered.append([a < b, a == b, a.starts_with(b), a.compatible_with(b)])
specs = {text: attempt(rattler.VersionSpec, text) for text in request["specs"]}
matched = [specs[spec] is not None and specs[spec].matches(versions[version]) for spec, version in request["matches"]]
answer = {
    "versions": {text: version and str(version) for text, version in versions.items()},
    "ordered": ordered,
    "specs": {text: spec and str(spec) for text, spec in specs.items()},
    "matched": matched,
    "match_specs": {text: str(attempt(rattler.MatchSpec, text) or "") for text in request["match_specs"]},
}
json.dump(answer, sys.stdout)
sys.stdout.flush()
os._exit(0)
"""


def corpus_strings(root: Path) -> tuple[list[str], list[str]]:
    """Distinct versions and distinct match specs of all channels and problems."""
    import zstandard

    versions: set[str] = set()
    match_specs: set[str] = set()
    for path in sorted(root.rglob("repodata.json.zst")):
        with path.open("rb") as file:
            data = json.loads(zstandard.ZstdDecompressor().stream_reader(file).read())
        for section in ("packages", "packages.conda"):
            for record in data.get(section, {}).values():
                versions.add(record["version"])
                match_specs.update(record.get("depends", ()), record.get("constrains", ()))
    with (root / "problems.jsonl.zst").open("rb") as file:
        for line in zstandard.ZstdDecompressor().stream_reader(file).read().splitlines():
            match_specs.update(json.loads(line)["specs"])
    return sorted(versions), sorted(match_specs)


def test_the_whole_corpus() -> None:
    root = os.environ.get("PIXI_TEST_CORPUS")
    if not root:
        pytest.skip("PIXI_TEST_CORPUS names no folder")
    versions, match_specs = corpus_strings(Path(root))
    chance = random.Random(20260101)
    ascending = sorted((Version(text) for text in versions), key=lambda version: version.key)
    pairs = [(a.source, b.source) for a, b in itertools.pairwise(ascending)]
    pairs += [(chance.choice(versions), chance.choice(versions)) for _ in range(50_000)]
    specs = sorted({str(spec.version) for spec in map(parse_match_spec, match_specs) if spec.version is not None})
    specs += sorted({text.split()[1] for text in match_specs if len(text.split()) > 1})
    matches = [(spec, chance.choice(versions)) for spec in specs for _ in range(10)]
    for spec in specs:
        # versions around the spec's own bounds decide what random ones rarely touch
        bounds = [piece.strip("<>=!~.*()") for piece in spec.replace("|", ",").split(",")]
        matches += [(spec, bound) for bound in bounds if bound in set(bounds) & set(versions)]
    request = {"versions": versions, "pairs": pairs, "specs": specs, "matches": matches, "match_specs": match_specs}
    outcome = subprocess.run(
        [sys.executable, "-c", PEER], input=json.dumps(request), capture_output=True, text=True, timeout=240
    )
    peer = json.loads(outcome.stdout)

    differences = [
        f"version {text}: {shown}" for text, shown in peer["versions"].items() if str(Version(text)) != shown
    ]
    for (left, right), expected in zip(pairs, peer["ordered"], strict=True):
        a, b = Version(left), Version(right)
        ours = [a < b, a == b, a.starts_with(b), a.is_compatible_with(b)]
        if ours != expected:
            differences.append(f"{left} ? {right}: ours {ours}, peer {expected}")
    differences += [f"spec {text}: {shown}" for text, shown in peer["specs"].items() if spec_text(text) != shown]
    for (spec, version), wanted in zip(matches, peer["matched"], strict=True):
        if spec_text(spec) is not None and parse_version_spec(spec).matches(version) != wanted:
            differences.append(f"{spec} has {version}: peer {wanted}")
    for text, shown in peer["match_specs"].items():
        spec_found = parse_match_spec(text)
        if str(spec_found) != shown or parse_match_spec(str(spec_found)) != spec_found:
            differences.append(f"match spec {text}: ours {spec_found}, peer {shown}")
    assert differences == []


def spec_text(text: str) -> str | None:
    try:
        return str(parse_version_spec(text))
    except SpecError:
        return None
