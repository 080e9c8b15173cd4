"""Every fault of a network (N1, N2) on everything that is fetched: it heals at once, or ends in a sentence that says
what happened and where; nothing wrong stays in a cache, so that the next attempt is right.

Two things cannot be seen by anybody and are left out: a turned bit that leaves an index without a digest readable, and
a login page in the place of a project's page, which is a web page, too.
"""

from __future__ import annotations

import bz2
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import zstandard

from pixi_core.cache.layout import CacheDirs
from pixi_core.cache.store import PackageCache
from pixi_core.cache.wheels import WheelCache
from pixi_core.errors import NetworkError, PixiError
from pixi_core.model.channel import Channel
from pixi_core.model.digest import Sha256
from pixi_core.model.match_spec import parse_match_spec
from pixi_core.model.platform import Subdir
from pixi_core.model.pypi_options import PypiOptions
from pixi_core.model.record import PypiRecord, RepoDataRecord
from pixi_core.names import pypi_name
from pixi_core.net.client import Client
from pixi_core.net.config import NetConfig
from pixi_core.pypi.index import IndexClient
from pixi_core.repodata.gateway import Gateway
from tests.support import archives
from tests.support.archives import TarEntry, tar
from tests.support.http_server import Fault, FaultServer, serving

from .repodata_support import repodata_json, sharded
from .solve_support import record

pytestmark = pytest.mark.faults
LINUX = Subdir("linux-64")
TREE = tar([TarEntry("bin/x", b"#!x" * 700, mode=0o755)])
CONDA, TAR_BZ2 = archives.conda(TREE), archives.tar_bz2(TREE)
METADATA = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\nRequires-Dist: other>=2\n"
WHEEL = archives.wheel({"demo/__init__.py": b"x = 1\n" * 300, "demo-1.0.dist-info/METADATA": METADATA})
WHEEL_NAME = "demo-1.0-py3-none-any.whl"
INDEX = repodata_json([record(f"app {number}.0") for number in range(30)], "linux-64")
SHARDS = sharded([record(f"app {number}.0") for number in range(30)], "linux-64")
SHARD = next(path for path in SHARDS if path.startswith("shards/"))
PAGE = json.dumps(
    {
        "meta": {"api-version": "1.1"},
        "name": "demo",
        "files": [
            {
                "filename": WHEEL_NAME,
                "url": f"/files/{WHEEL_NAME}",
                "hashes": {"sha256": hashlib.sha256(WHEEL).hexdigest()},
                "core-metadata": {"sha256": hashlib.sha256(METADATA).hexdigest()},
            }
        ],
    }
).encode()

Act = Callable[[Client, str, Path], object]


def versions(client: Client, url: str, cache: Path) -> object:
    with Gateway(client, CacheDirs.below(cache)) as door:
        found = door.search(parse_match_spec("app"), [Channel(f"{url}/forge/", "forge")], [LINUX])
        return len(found), found[0].version


def package(name: str, content: bytes) -> Act:
    def act(client: Client, url: str, cache: Path) -> object:
        wanted = RepoDataRecord(
            name="a", version="1", build="0", build_number=0, subdir=LINUX, file_name=name, url=f"{url}/{name}",
            channel=f"{url}/", sha256=Sha256(hashlib.sha256(content).hexdigest()), size=len(content),
        )  # fmt: skip
        return [path for path, *_ in PackageCache(cache).fetch(wanted, client).files]

    return act


def wheel(client: Client, url: str, cache: Path) -> object:
    digest = Sha256(hashlib.sha256(WHEEL).hexdigest())
    wanted = PypiRecord(name="demo", version="1.0", location=f"{url}/files/{WHEEL_NAME}", sha256=digest)
    return len(WheelCache(cache).fetch(wanted, client).files)


def metadata(client: Client, url: str, cache: Path) -> object:
    index = IndexClient(client, cache, PypiOptions(index_url=f"{url}/simple"))
    [(_, file)] = index.project(pypi_name("demo")).offers[0].files()
    return [str(one) for one in index.metadata(file).requires_dist]


def page(client: Client, url: str, cache: Path) -> object:
    index = IndexClient(client, cache, PypiOptions(index_url=f"{url}/simple"))
    return [file.sha256 for offer in index.project(pypi_name("demo")).offers for _, file in offer.files()]


@dataclass(frozen=True)
class Thing:
    """Something that is fetched: its path, its bytes, what uses it, and what comes of it when all is well."""

    path: str
    content: bytes
    act: Act
    right: object
    more: dict[str, bytes] = field(default_factory=dict)
    has_digest: bool = True


FOLDER = "/forge/linux-64/"
SIMPLE = {"/simple/demo/": PAGE}
THINGS = {
    "repodata.json": Thing(FOLDER + "repodata.json", INDEX, versions, (30, "29.0"), has_digest=False),
    "repodata.json.zst": Thing(
        FOLDER + "repodata.json.zst", zstandard.compress(INDEX), versions, (30, "29.0"), has_digest=False
    ),
    "repodata.json.bz2": Thing(
        FOLDER + "repodata.json.bz2", bz2.compress(INDEX), versions, (30, "29.0"), has_digest=False
    ),
    "index of shards": Thing(
        FOLDER + "repodata_shards.msgpack.zst", SHARDS["repodata_shards.msgpack.zst"], versions, (30, "29.0"),
        {FOLDER + path: content for path, content in SHARDS.items()}, has_digest=False,
    ),
    "shard": Thing(
        FOLDER + SHARD, SHARDS[SHARD], versions, (30, "29.0"),
        {FOLDER + path: content for path, content in SHARDS.items()},
    ),
    ".conda": Thing("/a-1-0.conda", CONDA, package("a-1-0.conda", CONDA), ["info/index.json", "bin/x"]),
    ".tar.bz2": Thing("/a-1-0.tar.bz2", TAR_BZ2, package("a-1-0.tar.bz2", TAR_BZ2), ["bin/x"]),
    "wheel": Thing(f"/files/{WHEEL_NAME}", WHEEL, wheel, 4),
    # the digest that a simple index may tell of metadata is not looked at: only what does not parse is noticed
    "metadata": Thing(
        f"/files/{WHEEL_NAME}.metadata", METADATA, metadata, ["other>=2"], {**SIMPLE, f"/files/{WHEEL_NAME}": WHEEL},
        has_digest=False,
    ),
    "simple index": Thing("/simple/demo/", PAGE, page, [hashlib.sha256(WHEEL).hexdigest()], has_digest=False),
}  # fmt: skip

PORTAL = Fault(body=b"\n<!doctype html><html>log in", headers={"Content-Type": "text/html; charset=utf-8"})
FAULTS: dict[str, Fault] = {
    "cut": Fault(cut=20),
    "reset": Fault(cut=20, reset=True),
    "reset at once": Fault(cut=0, reset=True),
    "stalled": Fault(stall=20),
    "shorter than it was": Fault(short=30),
    "longer than it was": Fault(extra=b"\x00more"),
    "a turned bit": Fault(flip=40),
    "500": Fault(status=500),
    "502": Fault(status=502),
    "503, come back": Fault(status=503, headers={"Retry-After": "1"}),
    "429, come back": Fault(status=429, headers={"Retry-After": "Mon, 01 Jan 2024 00:00:00 GMT"}),
    "429, come back tomorrow": Fault(status=429, headers={"Retry-After": "86400"}),
    "wrong gzip": Fault(wrong_gzip=True),
    "a redirect to itself": Fault(status=302, headers={"Location": "?"}),
    "a redirect to a file": Fault(status=302, headers={"Location": "file:///etc/passwd"}),
    "304 that nobody asked for": Fault(status=304),
    "a part that nobody asked for": Fault(status=206, body=b"part", headers={"Content-Range": "bytes 5-8/100"}),
    "a login page": PORTAL,
    "not for us": Fault(status=403),
    "proxy login": Fault(status=407),
}
HEALS = ("cut", "reset", "reset at once", "stalled", "500", "502", "503, come back", "429, come back")
"""Faults that one more attempt gets over, whatever is fetched."""

SAID = re.compile(
    r"truncated|stopped sending|answered \d{3}|redirects|not safe|another part|a web page|not compressed as it says|"
    r"longer than|hash mismatch|cannot be decompressed|is not an? |has no Version|is not valid|no packages|"
    r"end is missing"
)


def client() -> Client:
    return Client(NetConfig(sleep=lambda _: None, read_timeout=0.15, connect_timeout=1.0, retries=2))


def set_up(server: FaultServer, thing: Thing) -> None:
    server.files |= {**thing.more, thing.path: thing.content}
    server.headers["/simple/demo/"] = {"Content-Type": "application/vnd.pypi.simple.v1+json"}


def cells() -> list[pytest.param]:  # type: ignore[valid-type]  # pytest names no type for it
    return [
        pytest.param(thing, name, id=f"{what}-{name}")
        for what, thing in THINGS.items()
        for name in FAULTS
        if not (name == "a turned bit" and not thing.has_digest) and (what, name) != ("simple index", "a login page")
    ]


def failure(thing: Thing, client: Client, url: str, cache: Path) -> PixiError | None:
    """What an attempt ended with; None when it was right."""
    try:
        got = thing.act(client, url, cache)
    except PixiError as error:
        return error
    assert got == thing.right
    return None


@pytest.mark.parametrize(("thing", "name"), cells())
def test_a_fault_that_passes(thing: Thing, name: str, tmp_path: Path) -> None:
    with serving({}) as server, client() as one:
        set_up(server, thing)
        server.faults[thing.path] = [FAULTS[name]]
        error = failure(thing, one, server.url, tmp_path)
        heals = name in HEALS or (thing.has_digest and name in ("a turned bit", "shorter than it was"))
        assert error is None or not heals, error
        assert failure(thing, one, server.url, tmp_path) is None


@pytest.mark.parametrize(("thing", "name"), cells())
def test_a_fault_that_stays(thing: Thing, name: str, tmp_path: Path) -> None:
    with serving({}) as server, client() as one:
        set_up(server, thing)
        server.always[thing.path] = FAULTS[name]
        error = failure(thing, one, server.url, tmp_path)  # None: another way round was found, or it does no harm
        assert error is None or SAID.search(str(error)), error
        assert not isinstance(error, NetworkError) or error.url.startswith(server.url), vars(error)
        assert server.count(thing.path) <= 40
        server.always.clear()
        assert failure(thing, one, server.url, tmp_path) is None


@pytest.mark.parametrize("thing", THINGS.values(), ids=THINGS)
def test_slow_is_not_broken(thing: Thing, tmp_path: Path) -> None:
    with serving({}) as server, client() as one:
        set_up(server, thing)
        server.always[thing.path] = Fault(pace=0.02)
        assert thing.act(one, server.url, tmp_path) == thing.right
        assert server.count(thing.path) == 1


# ---------------------------------------------------------------- an index that was there before (N4)

STALE = ("500", "503, come back", "429, come back tomorrow", "cut", "stalled", "a login page", "reset at once")


@pytest.mark.parametrize("name", STALE)
def test_an_old_index_serves_while_the_server_has_trouble(name: str, tmp_path: Path) -> None:
    thing = THINGS["repodata.json.zst"]
    with serving({}) as server, client() as one:
        set_up(server, thing)
        thing.act(one, server.url, tmp_path)
        server.always[thing.path] = FAULTS[name]
        assert thing.act(one, server.url, tmp_path) == thing.right


def test_a_shard_that_is_gone_is_told_as_an_update(tmp_path: Path) -> None:
    with serving({}) as server, client() as one:
        set_up(server, THINGS["shard"])
        del server.files[FOLDER + SHARD]
        with pytest.raises(NetworkError, match="although the channel's index names it") as raised:
            versions(one, server.url, tmp_path)
        assert "in the middle of an update" in raised.value.hints[0]


@pytest.mark.parametrize("form", ["repodata.json.zst", "repodata.json.bz2", "repodata_shards.msgpack.zst"])
def test_a_bomb_is_put_down(form: str, tmp_path: Path) -> None:
    zeros = bytes(1 << 20)
    compressor = bz2.BZ2Compressor() if form.endswith("bz2") else zstandard.ZstdCompressor().compressobj()
    bomb = b"".join([*(compressor.compress(zeros) for _ in range(80)), compressor.flush()])
    with serving({FOLDER + form: bomb}) as server, client() as one:
        with pytest.raises(NetworkError, match="takes more than 67,108,864 bytes"):
            versions(one, server.url, tmp_path)
        assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size > 1 << 20]
