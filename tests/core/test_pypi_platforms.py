"""One machine locks for four platforms: wheels, pins and markers of each are compared with a peer's, which resolves
once for that platform and once for all of them together.

The cases were written down before either side was asked. Where the peer has another answer, ours must be one as well
(the peer accepts it as constraints), and the reason stands here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.tags import Tag
from packaging.utils import parse_wheel_filename

from pixi_core.errors import NetworkError, Unsatisfiable
from pixi_core.model.platform import Platform, Subdir
from pixi_core.model.pypi_options import PypiOptions
from pixi_core.model.pypi_requirement import parse_requirement
from pixi_core.model.pypi_target import PypiTarget
from pixi_core.model.record import PypiRecord
from pixi_core.names import pypi_name
from pixi_core.pypi.index import IndexClient
from pixi_core.pypi.resolve import resolve
from tests.support.plain_fetcher import PlainFetcher
from tests.support.uv_compile import uv_compile

pytestmark = [pytest.mark.peer, pytest.mark.network, pytest.mark.slow]

CUTOFF = datetime(2026, 9, 1, tzinfo=UTC)
PLATFORMS = {
    "linux-64": "x86_64-manylinux_2_28",
    "linux-aarch64": "aarch64-manylinux_2_28",
    "osx-arm64": "aarch64-apple-darwin",
    "win-64": "x86_64-pc-windows-msvc",
}
SETS = [
    line
    for line in (Path(__file__).parents[1] / "data" / "pypi_platform_sets.txt").read_text().splitlines()
    if line and not line.startswith("#")
]
SAMPLE = SETS[5::8]
EXPLAINED: dict[str, str] = {}


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


def compiled(
    requirements: Sequence[str], python: str, cache: Path, *arguments: str, constraints: Sequence[str] = ()
) -> list[str] | None:
    """The peer's lines (`name==version ; marker`), None where it finds no answer."""
    arguments = ("--exclude-newer", CUTOFF.isoformat(), "--cache-dir", str(cache), *arguments)
    return uv_compile(requirements, *arguments, python=python, folder=cache.parent, constraints=constraints)


def ours(requirements: Sequence[str], python: str, platform: str, index: IndexClient) -> tuple[PypiRecord, ...] | None:
    """Our records for one platform, None where there is no answer."""
    try:
        return resolve(
            [parse_requirement(text) for text in requirements],
            target=PypiTarget.for_platform(Platform.bare(Subdir(platform)), python),
            index=index,
            options=index.options,
        )
    except Unsatisfiable:
        return None


def holding(lines: Sequence[str], environment: dict[str, str]) -> set[str]:
    """The pins of a universal resolution that hold on one platform."""
    split = [line.partition(" ; ") for line in lines]
    return {pin.strip() for pin, _, marker in split if not marker or Marker(marker).evaluate(environment)}


def runs_on(wheel: str, platform: str) -> bool:
    """Whether the peer's own idea of tags, by operating system and machine, lets a wheel run there."""
    systems = {
        "linux-64": ("linux", ("x86_64",)),
        "linux-aarch64": ("linux", ("aarch64",)),
        "osx-arm64": ("macosx", ("arm64", "universal2")),
        "win-64": ("win", ("amd64",)),
    }
    system, machines = systems[platform]

    def fits(tag: Tag) -> bool:
        return tag.platform == "any" or (system in tag.platform and tag.platform.endswith(machines))

    return any(fits(tag) for tag in parse_wheel_filename(wheel)[3])


@pytest.mark.parametrize(
    "line", SAMPLE + [pytest.param(s, marks=pytest.mark.exhaustive) for s in SETS if s not in SAMPLE]
)
def test_every_platform_is_locked_as_the_peer_would(
    line: str, index: IndexClient, tmp_path_factory: pytest.TempPathFactory
) -> None:
    release, _, rest = line.partition(":")
    python, requirements = f"{release}.4", [part.strip() for part in rest.split("|")]
    cache = tmp_path_factory.getbasetemp() / "uv-cache"
    universal = compiled(requirements, python, cache, "--universal")
    for platform, triple in PLATFORMS.items():
        records = ours(requirements, python, platform, index)
        alone = compiled(requirements, python, cache, "--python-platform", triple)
        if records is None:
            assert alone is None, f"{platform}: uv found {alone}"
            continue
        mine = {f"{record.name}=={record.version}" for record in records}
        environment = dict(PypiTarget.for_platform(Platform.bare(Subdir(platform)), python).environment)
        together = None if universal is None else holding(universal, environment)
        wrong = [r.location for r in records if not runs_on(r.location.rpartition("/")[2], platform)]
        assert not wrong, f"{platform}: wheels of another platform"
        if mine == together or (alone is not None and mine == set(alone)):
            continue
        confirmed = compiled(requirements, python, cache, "--python-platform", triple, constraints=sorted(mine))
        assert set(confirmed or ()) == mine, f"{platform}: our pins are no answer"
        differ = f"only ours {sorted(mine - set(alone or ()))}, only uv's {sorted(set(alone or ()) - mine)}"
        assert line in EXPLAINED, f"{platform}: {differ}"
