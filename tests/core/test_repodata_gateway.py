"""Channels in folders and on a server, in every form of index, fresh, stale, offline and broken."""

from __future__ import annotations

import bz2
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard

from pixi_core.cache.layout import CacheDirs
from pixi_core.errors import HashMismatch, HttpStatusError, NetworkError, Offline
from pixi_core.model.channel import Channel, file_url
from pixi_core.model.match_spec import parse_match_spec
from pixi_core.model.platform import NOARCH, Subdir
from pixi_core.model.record import RepoDataRecord
from pixi_core.net.client import Client
from pixi_core.progress import Reporter
from pixi_core.repodata.gateway import Gateway
from pixi_core.solve import SolveRequest, solve

from .repodata_support import PlainClient, Site, repodata_json, served, sharded
from .solve_support import record, specs

LINUX = Subdir("linux-64")
SUBDIRS = [LINUX, NOARCH]
DIGEST = "ab" * 32
RECORDS = [
    record("app 1.0", ["lib >=2", "data"], timestamp=1_700_000_000_000),
    record("app 0.9", ["lib"]),
    record("lib 2.0", ["__linux"]),
    record("lib 1.0"),
    record("data 3", subdir="noarch"),
    record("lib 3.0", ["absent"], subdir="noarch"),
]
WANTED = ["app-1.0-h_0.conda", "data-3-h_0.conda", "lib-2.0-h_0.conda"]


class Heard(Reporter):
    """Keeps warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, text: str) -> None:
        self.warnings.append(text)


def gateway(cache: Path, *, offline: bool = False, reporter: Reporter | None = None) -> Gateway:
    return Gateway(
        PlainClient(),
        CacheDirs.below(cache),
        offline=offline,
        reporter=reporter or Reporter(),
    )


def answer(door: Gateway, channel: Channel, *wanted: str) -> list[RepoDataRecord]:
    from pixi_core.model.platform import VirtualPackage

    request = SolveRequest(specs=specs(*(wanted or ("app",))), virtual_packages=(VirtualPackage("__linux", "5"),))
    return list(solve(request, door.source([channel], SUBDIRS)).records)


def index_files(form: str, subdir: str) -> dict[str, bytes]:
    plain = repodata_json(RECORDS, subdir)
    return {
        "json": {"repodata.json": plain},
        "zst": {"repodata.json.zst": zstandard.compress(plain)},
        "bz2": {"repodata.json.bz2": bz2.compress(plain)},
        "shards": sharded(RECORDS, subdir),
    }[form]


def fill(folder: Path, form: str) -> Channel:
    for subdir in SUBDIRS:
        for name, content in index_files(form, subdir).items():
            path = folder / subdir / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return Channel(file_url(folder) + "/", "local")


@pytest.fixture
def site() -> Iterator[Site]:
    with served(Site()) as running:
        yield running


def publish(site: Site, form: str) -> Channel:
    site.files = {
        f"/forge/{subdir}/{name}": content for subdir in SUBDIRS for name, content in index_files(form, subdir).items()
    }
    return Channel(f"{site.url}/forge/", "forge")


FORMS = ["json", "zst", "bz2", "shards"]


@pytest.mark.parametrize("form", FORMS)
def test_folder(tmp_path: Path, form: str) -> None:
    channel = fill(tmp_path / "a channel", form)
    for _ in range(2):  # fetched, then from the cache
        with gateway(tmp_path / "cache") as door:
            found = answer(door, channel)
            assert [r.file_name for r in found] == WANTED
            assert found[0].url == f"{channel.url}linux-64/app-1.0-h_0.conda"
            assert found[0].channel == channel.url
            assert found[0].depends == ("lib >=2", "data")
            assert found[0].timestamp == 1_700_000_000_000
            assert found[1].noarch == "generic"


@pytest.mark.parametrize("form", FORMS)
def test_server(tmp_path: Path, site: Site, form: str) -> None:
    channel = publish(site, form)
    with gateway(tmp_path) as door:
        assert [r.file_name for r in answer(door, channel)] == WANTED
    site.requests.clear()
    with gateway(tmp_path) as door:  # revalidated, nothing is sent again
        assert [r.file_name for r in answer(door, channel)] == WANTED
    assert [status for _, status in site.requests] == [304, 304]
    site.requests.clear()
    with gateway(tmp_path, offline=True, reporter=(heard := Heard())) as door:
        assert [r.file_name for r in answer(door, channel)] == WANTED
    assert site.requests == []
    assert len(heard.warnings) == 2
    assert "0 minutes ago" in heard.warnings[0]


def test_through_the_client_of_the_product(tmp_path: Path, site: Site) -> None:
    channel = publish(site, "shards")
    for statuses in ({200, 404}, {304}):
        site.requests.clear()
        with Client() as client, Gateway(client, CacheDirs.below(tmp_path)) as door:
            assert [r.file_name for r in answer(door, channel)] == WANTED
        assert {status for _, status in site.requests} <= statuses
    assert len(site.requests) == 2


def test_fresh_index_is_not_asked_for_again(tmp_path: Path, site: Site) -> None:
    site.headers["Cache-Control"] = "public, max-age=600"
    channel = publish(site, "zst")
    with gateway(tmp_path) as door:
        answer(door, channel)
    site.requests.clear()
    with gateway(tmp_path) as door:
        assert [r.file_name for r in answer(door, channel)] == WANTED
    assert site.requests == []


def test_update_is_seen(tmp_path: Path, site: Site) -> None:
    channel = publish(site, "json")
    with gateway(tmp_path) as door:
        answer(door, channel)
        newer = [*RECORDS, record("app 2.0")]
        site.files["/forge/linux-64/repodata.json"] = repodata_json(newer, "linux-64")
        assert answer(door, channel)[0].version == "1.0"  # what was opened stays
        door.forget()
        assert answer(door, channel)[0].version == "2.0"
    assert sorted(p.suffix for p in tmp_path.rglob("*") if p.suffix == ".pack") == [".pack", ".pack"]


def test_folder_update_is_seen(tmp_path: Path) -> None:
    channel = fill(tmp_path / "channel", "shards")
    with gateway(tmp_path / "cache") as door:
        answer(door, channel)
    newer = repodata_json([*RECORDS, record("app 2.0")], "linux-64")
    (tmp_path / "channel" / "linux-64" / "repodata.json").write_bytes(newer)
    with gateway(tmp_path / "cache") as door:
        assert answer(door, channel)[0].version == "2.0"


def test_stale_index_serves_while_the_server_is_away(tmp_path: Path) -> None:
    with served(Site()) as running:
        channel = publish(running, "shards")
        with gateway(tmp_path) as door:
            answer(door, channel)
    with gateway(tmp_path, reporter=(heard := Heard())) as door:
        assert [r.file_name for r in answer(door, channel)] == WANTED
    assert "from 0 minutes ago" in heard.warnings[0]


def test_server_away_and_nothing_cached(tmp_path: Path) -> None:
    with served(Site()) as running:
        channel = publish(running, "json")
    with gateway(tmp_path) as door, pytest.raises(NetworkError):
        door.source([channel], SUBDIRS)


def test_offline_and_nothing_cached(tmp_path: Path) -> None:
    channel = Channel("https://channels.example/forge/", "forge")
    with gateway(tmp_path, offline=True) as door, pytest.raises(Offline) as raised:
        door.source([channel], SUBDIRS)
    assert raised.value.hints == ("run the command once without `--offline`",)


def test_channel_without_index(tmp_path: Path, site: Site) -> None:
    channel = Channel(f"{site.url}/nothing/", "nothing")
    with gateway(tmp_path) as door:
        with pytest.raises(HttpStatusError, match="nothing has no packages for linux-64, noarch"):
            door.source([channel], SUBDIRS)
        with pytest.raises(HttpStatusError):
            door.probe(channel, SUBDIRS, 5)


def test_channel_without_one_subdir(tmp_path: Path, site: Site) -> None:
    channel = publish(site, "json")
    site.files = {path: content for path, content in site.files.items() if "noarch" not in path}
    with gateway(tmp_path) as door:
        assert [r.name for r in answer(door, channel, "lib")] == ["lib"]
        door.probe(channel, SUBDIRS, 5)


@pytest.mark.parametrize(
    ("form", "name", "content", "message"),
    [
        ("json", "repodata.json", b"<html>", "is not a repodata.json"),
        ("json", "repodata.json", b'{"packages": 3}', "is not a repodata.json"),
        ("zst", "repodata.json.zst", b"not zstd", "cannot be decompressed"),
        ("bz2", "repodata.json.bz2", b"not bz2", "cannot be decompressed"),
        ("shards", "repodata_shards.msgpack.zst", b"x", "cannot be decompressed"),
        ("shards", "repodata_shards.msgpack.zst", zstandard.compress(b"\x80"), "is not an index of shards"),
    ],
)
def test_damaged_index(tmp_path: Path, site: Site, form: str, name: str, content: bytes, message: str) -> None:
    channel = publish(site, form)
    site.files[f"/forge/linux-64/{name}"] = content
    with gateway(tmp_path) as door, pytest.raises(NetworkError, match=message) as raised:
        answer(door, channel)
    assert raised.value.url.endswith(name)


def test_damaged_shard(tmp_path: Path, site: Site) -> None:
    channel = publish(site, "shards")
    for path in site.files:
        if "/shards/" in path:
            site.files[path] = b"something else"
    with gateway(tmp_path) as door, pytest.raises(HashMismatch):
        answer(door, channel)


def test_base_url_of_the_index(tmp_path: Path, site: Site) -> None:
    site.files["/forge/linux-64/repodata.json"] = repodata_json(RECORDS, "linux-64", base_url="../files/linux-64")
    channel = Channel(f"{site.url}/forge/", "forge")
    with gateway(tmp_path) as door:
        found = door.search(parse_match_spec("app 1.*"), [channel], [LINUX])
    assert [r.url for r in found] == [f"{site.url}/forge/files/linux-64/app-1.0-h_0.conda"]


def test_archive_formats_and_encoded_names(tmp_path: Path, site: Site) -> None:
    epoch = record("x264 1!164")
    old = record("lib 2.0").replace(file_name="lib-2.0-h_0.tar.bz2", md5=None)
    only_old = record("lib 1.5").replace(file_name="lib-1.5-h_0.tar.bz2")
    records = [*RECORDS, epoch, old, only_old]
    site.files["/forge/linux-64/repodata.json"] = repodata_json(records, "linux-64")
    channel = Channel(f"{site.url}/forge/", "forge")
    with gateway(tmp_path) as door:
        files = [r.file_name for r in door.search(parse_match_spec("lib"), [channel], [LINUX])]
        assert files == ["lib-2.0-h_0.conda", "lib-1.5-h_0.tar.bz2", "lib-1.0-h_0.conda"]
        assert door.search(parse_match_spec("x264"), [channel], [LINUX])[0].url.endswith("x264-1!164-h_0.conda")


def test_search_and_names(tmp_path: Path) -> None:
    channel = fill(tmp_path / "channel", "shards")
    with gateway(tmp_path / "cache") as door:
        assert set(door.names([channel], SUBDIRS)) == {"app", "lib", "data"}
        found = [str(r) for r in door.search(parse_match_spec("*a* >=1"), [channel], SUBDIRS)]
        assert found == ["app 1.0 h_0", "data 3 h_0"]
        assert door.search(parse_match_spec("nobody"), [channel], SUBDIRS) == []


EXPORTS = {"weak": ["lib >=2.0,<3.0a0"], "strong": ["data"]}


def run_exports_json(subdir: str) -> bytes:
    entries = {"lib-2.0-h_0.conda": {"run_exports": EXPORTS}, "lib-1.0-h_0.conda": {"run_exports": {}}}
    return json.dumps(
        {"info": {"subdir": subdir, "version": 1}, "packages": {}, "packages.conda": {**entries, "odd-1-0.conda": 3}}
    ).encode()


@pytest.mark.parametrize("form", ["run_exports.json", "run_exports.json.zst"])
def test_run_exports_of_the_channel(tmp_path: Path, site: Site, form: str) -> None:
    content = run_exports_json("linux-64")
    site.files["/forge/linux-64/repodata.json"] = repodata_json(RECORDS, "linux-64")
    site.files[f"/forge/linux-64/{form}"] = zstandard.compress(content) if form.endswith(".zst") else content
    site.headers["Cache-Control"] = "max-age=3600"
    channel = Channel(f"{site.url}/forge/", "forge")
    for _ in range(2):  # the second one finds it in the cache
        with gateway(tmp_path) as door:
            newest, oldest = door.search(parse_match_spec("lib"), [channel], [LINUX])
            assert door.run_exports(newest) == {"weak": ("lib >=2.0,<3.0a0",), "strong": ("data",)}
            assert door.run_exports(oldest) == {}
            assert door.run_exports(door.search(parse_match_spec("app 1.*"), [channel], [LINUX])[0]) is None
    assert [status for path, status in site.requests if path.endswith(form)] == [200]
    with gateway(tmp_path, offline=True) as door:
        assert door.run_exports(newest) == {"weak": ("lib >=2.0,<3.0a0",), "strong": ("data",)}


def test_run_exports_of_a_record_and_of_a_channel_without_any(tmp_path: Path, site: Site) -> None:
    site.files["/forge/linux-64/repodata.json"] = repodata_json(RECORDS, "linux-64")
    channel = Channel(f"{site.url}/forge/", "forge")
    with gateway(tmp_path) as door:
        found = door.search(parse_match_spec("lib 2.0"), [channel], [LINUX])[0]
        assert door.run_exports(found) is None
        asked = len(site.requests)
        assert door.run_exports(found.replace(run_exports={"weak": ("lib",)})) == {"weak": ("lib",)}
        assert door.run_exports(found) is None
        assert len(site.requests) == asked, "it is known now"


def test_run_exports_of_a_folder_that_was_indexed_here(tmp_path: Path, small_channel: Path) -> None:
    """What `pixi channel index` writes is what is read."""
    from pixi_core.repodata.indexing import index_folder

    folder = tmp_path / "channel"
    shutil.copytree(small_channel, folder)
    index_folder(folder)
    for form in ("repodata_shards.msgpack.zst", "shards"):
        for subdir in ("linux-64", "noarch"):
            path = folder / subdir / form
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    channel = Channel(file_url(folder) + "/", "small")
    with gateway(tmp_path / "cache") as door:
        found = door.search(parse_match_spec("shared"), [channel], SUBDIRS)
        assert found
        assert [door.run_exports(each) for each in found] == [{}] * len(found)
