"""The caches: entries are whole or absent, fetched once by however many ask, and healed when they were hurt."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pixi_core.cache.collect import remove_leftover, sweep
from pixi_core.cache.entry import MARKER, damaged_files, read_marker
from pixi_core.cache.layout import CacheDirs
from pixi_core.cache.store import PackageCache
from pixi_core.cache.wheels import WheelCache
from pixi_core.config.model import Config
from pixi_core.errors import ArchiveError, ConfigError, HashMismatch, UnsafePath
from pixi_core.fs import FileLock
from pixi_core.model.digest import Md5, Sha256
from pixi_core.model.platform import Subdir
from pixi_core.model.record import PypiRecord, RepoDataRecord
from pixi_core.net.client import Client
from tests.support import archives
from tests.support.archives import TarEntry, tar
from tests.support.http_server import Fault, FaultServer, serving

PACKAGE = archives.conda(
    tar([TarEntry("bin/x", b"#!x", mode=0o755), TarEntry("lib/l", kind=b"2", link="m"), TarEntry("lib/m", b"m" * 999)])
)
OTHER = archives.conda(tar([TarEntry("bin/x", b"other")]))
WHEEL = archives.wheel({"demo/__init__.py": b"x = 1\n"})
PATH = "/linux-64/a-1-0.conda"
WHEEL_PATH = "/demo-1.0-py3-none-any.whl"


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with serving({PATH: PACKAGE, "/other" + PATH: OTHER, WHEEL_PATH: WHEEL}) as running:
        yield running


def record(url: str, content: bytes = PACKAGE) -> RepoDataRecord:
    return RepoDataRecord(
        name="a",
        version="1",
        build="0",
        build_number=0,
        subdir=Subdir("linux-64"),
        file_name="a-1-0.conda",
        url=url + PATH,
        channel=url + "/",
        sha256=Sha256(hashlib.sha256(content).hexdigest()),
        size=len(content),
    )


def wheel_record(url: str) -> PypiRecord:
    return PypiRecord(
        name="demo", version="1.0", location=url + WHEEL_PATH, sha256=Sha256(hashlib.sha256(WHEEL).hexdigest())
    )


def test_packages_are_fetched_once_and_found_again(server: FaultServer, tmp_path: Path) -> None:
    with Client() as client:
        first = PackageCache(tmp_path).fetch(record(server.url), client)
        again = PackageCache(tmp_path).fetch(record(server.url), client)
    assert first == again
    assert first.path == tmp_path / "a-1-0"
    assert {path for path, *_ in first.files} == {"bin/x", "lib/m", "info/index.json"}
    assert first.links == (("lib/l", "m"),)
    assert server.count() == 1
    assert sorted(os.listdir(tmp_path)) == [".locks", "a-1-0"]


HURTS = {
    "a file is gone": lambda entry: (entry / "bin/x").unlink(),
    "a file is short": lambda entry: (entry / "lib/m").write_bytes(b"m"),
    "a link is gone": lambda entry: (entry / "lib/l").unlink(),
    "the marker is gone": lambda entry: (entry / MARKER).unlink(),
    "the marker is empty": lambda entry: (entry / MARKER).write_bytes(b""),
    "the marker is cut": lambda entry: (entry / MARKER).write_bytes((entry / MARKER).read_bytes()[:-20]),
    "the marker is of another format": lambda entry: (entry / MARKER).write_text(json.dumps({"format": 99})),
}


@pytest.mark.parametrize("hurt", HURTS.values(), ids=HURTS)
def test_hurt_entries_are_fetched_again(hurt: object, server: FaultServer, tmp_path: Path) -> None:
    cache = PackageCache(tmp_path)
    with Client() as client:
        entry = cache.fetch(record(server.url), client).path
        assert callable(hurt)
        hurt(entry)
        cache.fetch(record(server.url), client)
        assert server.count() == 2
        cache.fetch(record(server.url), client)
    assert server.count() == 2
    marker = read_marker(entry)
    assert marker is not None
    assert damaged_files(entry, marker) == []


def test_leftovers_of_a_killed_process_go(server: FaultServer, tmp_path: Path) -> None:
    (tmp_path / ".tmp-a-1-0/deep").mkdir(parents=True)
    (tmp_path / "a-1-0/half").mkdir(parents=True)
    with Client() as client:
        PackageCache(tmp_path).fetch(record(server.url), client)
    assert sorted(os.listdir(tmp_path)) == [".locks", "a-1-0"]
    assert not (tmp_path / "a-1-0/half").exists()


def test_a_cache_is_swept_of_what_nobody_works_on(tmp_path: Path) -> None:
    for name in (".tmp-a-1-0", ".tmp-b-1-0", "c-1-0"):
        (tmp_path / name / "deep").mkdir(parents=True)
    with FileLock(tmp_path / ".locks" / "b-1-0"):
        sweep(tmp_path)
        assert not remove_leftover(tmp_path / ".tmp-b-1-0")
        assert sorted(os.listdir(tmp_path)) == [".locks", ".tmp-b-1-0", "c-1-0"]
    sweep(tmp_path)
    assert sorted(os.listdir(tmp_path)) == [".locks", "c-1-0"]


def test_the_same_name_with_another_digest(server: FaultServer, tmp_path: Path) -> None:
    other = record(server.url, OTHER).replace(url=f"{server.url}/other{PATH}")
    cache = PackageCache(tmp_path)
    with Client() as client:
        one, two = cache.fetch(record(server.url), client), cache.fetch(other, client)
        assert one.path.name == "a-1-0"
        assert two.path.name == f"a-1-0-{other.sha256 or '':.16}"
        assert (cache.fetch(record(server.url), client), cache.fetch(other, client)) == (one, two)
    assert server.count() == 2


def test_nothing_wrong_is_kept(server: FaultServer, tmp_path: Path) -> None:
    with Client() as client:
        server.always[PATH] = Fault(flip=50)
        with pytest.raises(HashMismatch):
            PackageCache(tmp_path).fetch(record(server.url), client)
        bad = archives.conda(tar([TarEntry("../x", b"")]))
        server.always[PATH] = Fault(body=bad)
        with pytest.raises(UnsafePath):
            PackageCache(tmp_path).fetch(record(server.url, bad), client)
    assert os.listdir(tmp_path) == [".locks"]


@pytest.mark.parametrize("field", ["name", "version", "build"])
@pytest.mark.parametrize("value", ["../../x", "/x", "a/b", "a\0b", "a\\b"])
def test_names_of_records_stay_inside(field: str, value: str, tmp_path: Path) -> None:
    """CVE-2026-53956: the build string as a path."""
    evil = record("https://x.example").replace(**{field: value})
    with pytest.raises(UnsafePath):
        PackageCache(tmp_path).find(evil)


def test_md5_alone_and_no_digest_at_all(server: FaultServer, tmp_path: Path) -> None:
    md5 = Md5(hashlib.md5(PACKAGE).hexdigest())
    with Client() as client:
        old = record(server.url).replace(sha256=None, md5=md5)
        assert PackageCache(tmp_path / "1").fetch(old, client) == PackageCache(tmp_path / "1").fetch(old, client)
        with pytest.raises(HashMismatch):
            PackageCache(tmp_path / "2").fetch(old.replace(md5=Md5("0" * 32)), client)
        bare = record(server.url).replace(sha256=None, channel=None)
        assert PackageCache(tmp_path / "3").fetch(bare, client).path.name.startswith("a-1-0-")


def test_read_only_tiers_come_first(server: FaultServer, tmp_path: Path) -> None:
    with Client() as client:
        shared = PackageCache(tmp_path / "shared").fetch(record(server.url), client)
        mine = PackageCache(tmp_path / "mine", [tmp_path / "shared"]).fetch(record(server.url), client)
    assert mine.path == shared.path
    assert not (tmp_path / "mine").exists()


def test_many_threads_download_once(server: FaultServer, tmp_path: Path) -> None:
    cache = PackageCache(tmp_path)
    barrier = threading.Barrier(16)

    def ask(number: int) -> Path:
        barrier.wait()
        return (cache if number % 2 else PackageCache(tmp_path)).fetch(record(server.url), client).path

    with Client() as client, ThreadPoolExecutor(16) as pool:
        assert set(pool.map(ask, range(16))) == {tmp_path / "a-1-0"}
    assert server.count() == 1


PROCESS = """
import sys
from pathlib import Path
from pixi_core.cache.store import PackageCache
from pixi_core.model.record import RepoDataRecord
from pixi_core.net.client import Client
url, digest, root = sys.argv[1:]
record = RepoDataRecord(name="a", version="1", build="0", build_number=0, subdir="linux-64", file_name="a-1-0.conda",
                        url=url, channel=url[:-21], sha256=digest)
with Client() as client:
    print(len(PackageCache(Path(root)).fetch(record, client).files))
"""


def test_many_processes_download_once(server: FaultServer, tmp_path: Path) -> None:
    one = record(server.url)
    argv = [sys.executable, "-c", PROCESS, one.url, str(one.sha256), str(tmp_path)]
    children = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    assert [child.communicate()[0].strip() for child in children] == ["3"] * 6
    assert server.count() == 1


# ---------------------------------------------------------------- wheels


def test_wheels(server: FaultServer, tmp_path: Path) -> None:
    cache, one = WheelCache(tmp_path), wheel_record(server.url)
    with Client() as client:
        first = cache.fetch(one, client)
        assert cache.fetch(one, client) == first
        (first.path / "demo/__init__.py").unlink()
        assert cache.fetch(one, client) == first
        unnamed = cache.fetch(one.replace(sha256=None), client)
    assert server.count() == 3
    assert unnamed.files == first.files
    assert unnamed.sha256 == one.sha256
    assert ("demo/__init__.py", hashlib.sha256(b"x = 1\n").hexdigest(), 6, False) in first.files


def test_wheels_of_this_machine(tmp_path: Path) -> None:
    path = tmp_path / "demo-1.0-py3-none-any.whl"
    path.write_bytes(WHEEL)
    cache = WheelCache(tmp_path / "cache")
    assert cache.add(path) == cache.add(path)
    with Client() as client:
        by_path = cache.fetch(PypiRecord(name="demo", version="1.0", location=str(path)), client)
        assert by_path.files == cache.add(path).files
        with pytest.raises(ArchiveError, match="not a wheel"):
            cache.fetch(PypiRecord(name="demo", version="1.0", location="https://x.example/demo-1.0.tar.gz"), client)


# ---------------------------------------------------------------- layout

LAYOUTS = [
    ({}, None, "/home/u/.cache/rattler/cache"),
    ({"XDG_CACHE_HOME": "/xdg"}, None, "/xdg/rattler/cache"),
    ({"RATTLER_CACHE_DIR": "/r"}, None, "/r"),
    ({"RATTLER_CACHE_DIR": "/r", "PIXI_CACHE_DIR": "/p"}, None, "/p"),
    ({"PIXI_CACHE_DIR": "~/p"}, None, "/home/u/p"),
    ({}, Config(cache_root=Path("/c")), "/c"),
    ({"PIXI_CACHE_DIR": "/p"}, Config(cache_root=Path("/c")), "/p"),
]


@pytest.mark.skipif(sys.platform != "linux", reason="the defaults of Linux")
@pytest.mark.parametrize(("environ", "config", "root"), LAYOUTS)
def test_where_caches_are(environ: dict[str, str], config: Config | None, root: str) -> None:
    dirs = CacheDirs.from_environment({"HOME": "/home/u", **environ}, config)
    assert str(dirs.root) == root
    assert dirs.packages == Path(root) / "conda-pkgs-v1"


def test_single_caches_can_be_elsewhere(tmp_path: Path) -> None:
    config = Config(cache_folders={"conda-packages": tmp_path / "a", "repodata": tmp_path / "b"})
    dirs = CacheDirs.from_environment({"HOME": "/h", "PIXI_CACHE_REPODATA_DIR": "/r"}, config)
    assert (dirs.packages, dirs.repodata) == (tmp_path / "a", Path("/r"))
    (tmp_path / "pixi").mkdir()
    assert CacheDirs.from_environment({"XDG_CACHE_HOME": str(tmp_path)}).root == tmp_path / "pixi"
    with pytest.raises(ConfigError, match="not an absolute path"):
        CacheDirs.from_environment({"PIXI_CACHE_DIR": "relative"})
