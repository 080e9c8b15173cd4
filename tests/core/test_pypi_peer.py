"""The same answer as uv: sets of requirements × platforms under one cut-off date, wheels only.

Where pins differ, ours must be an answer, too (the peer accepts them as constraints and returns them), and the set must
be listed with the reason: several answers are right where something has to give way, and engines choose differently.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pixi_core.errors import NetworkError, Unsatisfiable
from pixi_core.model.platform import Platform, Subdir
from pixi_core.model.pypi_options import PypiOptions
from pixi_core.model.pypi_requirement import parse_requirement
from pixi_core.model.pypi_target import PypiTarget
from pixi_core.names import pypi_name
from pixi_core.pypi.index import IndexClient
from pixi_core.pypi.resolve import resolve
from tests.support.plain_fetcher import PlainFetcher
from tests.support.uv_compile import uv_compile

pytestmark = [pytest.mark.peer, pytest.mark.network, pytest.mark.slow]

CUTOFF = datetime(2026, 9, 1, tzinfo=UTC)
PYTHON = "3.12.4"
PLATFORMS = {
    "linux-64": "x86_64-manylinux_2_28",
    "osx-arm64": "aarch64-apple-darwin",
    "win-64": "x86_64-pc-windows-msvc",
}
SETS = [
    line
    for line in (Path(__file__).parents[1] / "data" / "pypi_requirement_sets.txt").read_text().splitlines()
    if line and not line.startswith("#")
]
SAMPLE = SETS[::16]
EXPLAINED = {
    "bokeh holoviews": "uv keeps the newest bokeh and takes a pre-release of panel; we take stable releases of both",
    "sagemaker": "ours has the newer mlflow, packaging and pyarrow, uv's the newer cryptography",
    "google-cloud-aiplatform protobuf<4 grpcio-status": "ours has the newer google-api-core, uv's the newer bigquery",
    "apache-airflow[amazon,google]": "ours has the newer provider of google, uv's the newer openai",
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IndexClient]:
    """One client and one cache for all sets."""
    fetcher = PlainFetcher(connections=12)
    options = PypiOptions(exclude_newer=CUTOFF, no_build=True)
    client = IndexClient(fetcher, tmp_path_factory.mktemp("index"), options, ttl=86_400)
    try:
        client.project(pypi_name("six"))
    except (NetworkError, OSError) as error:
        pytest.skip(f"the package index cannot be reached: {error}")
    yield client
    fetcher.close()


def uv(requirements: list[str], platform: str, cache: Path, constraints: Sequence[str] = ()) -> set[str] | None:
    """The peer's pins, None where it finds no answer."""
    arguments = ["--python-platform", PLATFORMS[platform], "--exclude-newer", CUTOFF.isoformat()]
    lines = uv_compile(
        requirements,
        *arguments,
        "--cache-dir",
        str(cache),
        python=PYTHON,
        folder=cache.parent,
        constraints=constraints,
    )
    return None if lines is None else set(lines)


def ours(requirements: list[str], platform: str, index: IndexClient) -> set[str] | None:
    """Our pins, None where there is no answer."""
    try:
        records = resolve(
            [parse_requirement(text) for text in requirements],
            target=PypiTarget.for_platform(Platform.bare(Subdir(platform)), PYTHON),
            index=index,
            options=index.options,
        )
    except Unsatisfiable:
        return None
    return {f"{record.name}=={record.version}" for record in records}


@pytest.mark.parametrize("platform", list(PLATFORMS))
@pytest.mark.parametrize(
    "line", SAMPLE + [pytest.param(s, marks=pytest.mark.exhaustive) for s in SETS if s not in SAMPLE]
)
def test_pins_are_uvs(line: str, platform: str, index: IndexClient, tmp_path_factory: pytest.TempPathFactory) -> None:
    requirements = line.split()
    cache = tmp_path_factory.getbasetemp() / "uv-cache"
    mine, theirs = ours(requirements, platform, index), uv(requirements, platform, cache)
    if mine == theirs:
        return
    assert mine is not None, f"uv found {theirs}"
    assert uv(requirements, platform, cache, sorted(mine)) == mine, "our pins are no answer"
    assert line in EXPLAINED, f"only ours: {sorted(mine - (theirs or set()))}, only uv's: {theirs and theirs - mine}"
