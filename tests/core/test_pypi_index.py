"""The index client: pages in both forms, the cache, several indexes, and every way to metadata."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pixi_core.errors import ArchiveError, HashMismatch, NetworkError, Offline, PixiError, Unsatisfiable
from pixi_core.model.pypi_options import FindLinks, PypiOptions
from pixi_core.names import pypi_name
from pixi_core.pypi.index import PAGE_LIFETIME, IndexClient
from pixi_core.pypi.metadata import METADATA_LIMIT, parse_core_metadata
from pixi_core.pypi.metadata_source import fetch_metadata, likely_without_twin
from pixi_core.pypi.simple import IndexFile, parse_filename, read_page
from tests.core.pypi_support import client, versions
from tests.support.pypi_index import FakeIndex, IndexFetcher, core_metadata, wheel_bytes


@pytest.fixture
def index() -> FakeIndex:
    made = FakeIndex()
    made.wheel("demo", "1.0", "dep>=1", requires_python=">=3.8")
    made.wheel("demo", "2.0rc1")
    made.sdist("demo", "1.0")
    made.wheel("demo", "1.1", yanked="broken on Tuesdays")
    return made


@pytest.mark.parametrize("fault", [None, "html"])
def test_both_kinds_of_pages_say_the_same(index: FakeIndex, tmp_path: Path, fault: Any) -> None:
    if fault:
        index.page_faults["demo"] = fault
    indexes, _, _ = client(index, tmp_path)
    project = indexes.project(pypi_name("demo"))
    assert [str(offer.version) for offer in project.offers] == ["2.0rc1", "1.1", "1.0"]
    files = [file for offer in project.offers for _, file in offer.files()]
    assert [file.yanked for file in files] == [None, "broken on Tuesdays", None, None]
    assert [file.requires_python for file in files] == [None, None, ">=3.8", None]
    assert all(file.url.startswith("https://pypi.example/files/demo/") for file in files)
    assert {len(file.sha256 or "") for file in files} == {64}
    assert [offer.prerelease for offer in project.offers] == [True, False, False]


@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        ("login-page", NetworkError, "not a package index page"),
        ("bad-json", NetworkError, "not valid simple API JSON"),
        ("unreachable", Offline, "no server answers"),
        ("server-error", NetworkError, "500"),
    ],
)
def test_bad_pages_are_refused(
    index: FakeIndex, tmp_path: Path, fault: Any, error: type[PixiError], message: str
) -> None:
    index.page_faults["demo"] = fault
    indexes, _, _ = client(index, tmp_path)
    with pytest.raises(error, match=message):
        indexes.project(pypi_name("demo"))


def test_pages_are_fresh_for_their_lifetime_and_serve_offline_for_ever(index: FakeIndex, tmp_path: Path) -> None:
    now = [1_000_000.0]
    indexes, fetcher, options = client(index, tmp_path, clock=lambda: now[0])
    name = pypi_name("demo")
    indexes.project(name)
    now[0] += PAGE_LIFETIME - 1
    indexes.project(name)
    assert len(fetcher.requests) == 1
    now[0] += 2
    indexes.project(name)
    assert len(fetcher.requests) == 2
    now[0] += 10 * PAGE_LIFETIME
    fetcher.offline = True
    assert indexes.project(name).offers
    switched_off = IndexClient(fetcher, tmp_path, options, offline=True, clock=lambda: now[0])
    before = len(fetcher.requests)
    assert switched_off.project(name).offers
    assert len(fetcher.requests) == before


def test_an_unknown_project_is_remembered_as_unknown(index: FakeIndex, tmp_path: Path) -> None:
    indexes, fetcher, _ = client(index, tmp_path)
    assert not indexes.project(pypi_name("nothing")).found
    assert not indexes.project(pypi_name("nothing")).found
    assert len(fetcher.requests) == 1


@pytest.mark.parametrize("damage", [b"", b"\x00" * 64, b"\x93\xc4"])
def test_a_damaged_cache_entry_is_fetched_again(index: FakeIndex, tmp_path: Path, damage: bytes) -> None:
    indexes, fetcher, _ = client(index, tmp_path)
    indexes.project(pypi_name("demo"))
    (page,) = tmp_path.rglob("demo.msgpack")
    page.write_bytes(damage)
    assert indexes.project(pypi_name("demo")).offers
    assert len(fetcher.requests) == 2


# ---------------------------------------------------------------- several indexes


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        (None, ["1.0"]),
        ("first-index", ["1.0"]),
        ("unsafe-first-match", ["1.0", "2.0"]),
        ("unsafe-best-match", ["2.0", "1.0"]),
    ],
)
def test_strategies(tmp_path: Path, strategy: Any, expected: list[str]) -> None:
    main, extra = FakeIndex(), FakeIndex("https://extra.example")
    main.wheel("demo", "2.0")
    main.wheel("demo", "1.0")
    extra.wheel("demo", "1.0")
    indexes, _, _ = client([main, extra], tmp_path, PypiOptions(index_strategy=strategy))
    project = indexes.project(pypi_name("demo"))
    assert [str(offer.version) for offer in project.offers] == expected
    assert [index for index, _ in project.offers[-1].files()][-1] in (main.url, extra.url)
    assert next(index for index, _ in project.offers[0].files()) == (
        main.url if strategy == "unsafe-best-match" else extra.url
    )


@pytest.mark.parametrize(
    ("wanted", "index_strategy", "more", "expected"),
    [
        ("demo", "unsafe-first-match", {}, "1.5"),
        ("demo", "unsafe-best-match", {}, "2.1"),
        ("demo", "unsafe-first-match", {"strategy": "lowest"}, "1.0"),
        ("demo", "unsafe-best-match", {"strategy": "lowest"}, "0.9"),
        # the first index has 2.0 for another platform, 2.2 for another Python, and then a pre-release
        ("demo<2.1,>=2.0", "unsafe-best-match", {}, "2.0"),
        ("demo<2.1,>=2.0", "unsafe-first-match", {}, None),
        ("demo>1.5", "unsafe-first-match", {}, "3.0rc1"),
        ("demo>1.5", "unsafe-best-match", {}, "2.1"),
    ],
)
def test_a_version_belongs_to_the_first_index_that_has_it(
    wanted: str, index_strategy: Any, more: dict[str, Any], expected: str | None, tmp_path: Path
) -> None:
    first, second = FakeIndex("https://first.example"), FakeIndex("https://second.example")
    first.wheel("demo", "1.0")
    first.wheel("demo", "1.5")
    first.wheel("demo", "2.0", tags="py3-none-win_amd64")
    first.wheel("demo", "2.2", requires_python=">=3.13")
    first.wheel("demo", "3.0rc1")
    for version in ("0.9", "1.5", "2.0", "2.1", "2.2"):
        second.wheel("demo", version)
    options = PypiOptions(
        index_strategy=index_strategy, index_url=second.url, extra_index_urls=(first.url,), no_build=True
    )
    if expected is None:
        with pytest.raises(Unsatisfiable, match=r"2\.0"):
            versions([second, first], tmp_path, [wanted], options=options, **more)
    else:
        assert versions([second, first], tmp_path, [wanted], options=options, **more) == {"demo": expected}


def test_a_package_can_be_pinned_to_an_index(tmp_path: Path) -> None:
    main, extra = FakeIndex(), FakeIndex("https://extra.example")
    main.wheel("demo", "2.0")
    extra.wheel("demo", "1.0")
    indexes, _, _ = client([main, extra], tmp_path)
    assert [str(o.version) for o in indexes.project(pypi_name("demo"), main.url + "/").offers] == ["2.0"]


def test_find_links_folders_add_their_files(tmp_path: Path) -> None:
    folder = tmp_path / "wheels"
    folder.mkdir()
    content = wheel_bytes("demo", "3.0", core_metadata("demo", "3.0", ["dep"]))
    (folder / "demo-3.0-py3-none-any.whl").write_bytes(content)
    (folder / "unrelated.txt").write_bytes(b"")
    index = FakeIndex()
    index.wheel("demo", "1.0")
    options = PypiOptions(find_links=(FindLinks(path="wheels"),))
    indexes, _, _ = client(index, tmp_path / "cache", options)
    indexes.anchor(tmp_path)
    newest, oldest = indexes.project(pypi_name("demo")).offers
    ((where, file),) = newest.files()
    assert (where, str(newest.version), str(oldest.version)) == (None, "3.0", "1.0")
    assert indexes.metadata(file).requires_dist == ("dep",)


def test_a_missing_find_links_folder_is_named(tmp_path: Path) -> None:
    options = PypiOptions(find_links=(FindLinks(path="nowhere"),))
    indexes, _, _ = client(FakeIndex(), tmp_path, options, root=tmp_path)
    with pytest.raises(NetworkError, match="nowhere"):
        indexes.project(pypi_name("demo"))


# ---------------------------------------------------------------- metadata


def _file(index: FakeIndex, tmp_path: Path) -> tuple[IndexClient, IndexFetcher, IndexFile]:
    indexes, fetcher, _ = client(index, tmp_path)
    ((_, file),) = indexes.project(pypi_name("demo")).offers[0].files()
    return indexes, fetcher, file


@pytest.mark.parametrize(
    ("faults", "requests"),
    [
        ((), 1),  # the twin
        (("no-metadata",), 2),  # then the end of the wheel
        (("no-metadata", "no-range"), 2),  # the answer to the range request is the whole wheel
    ],
)
def test_metadata_is_had_one_way_or_another_and_kept(tmp_path: Path, faults: Any, requests: int) -> None:
    index = FakeIndex()
    index.wheel("demo", "1.0", "dep>=1", "other ; extra == 'x'", extras=["x"], faults=faults)
    indexes, fetcher, file = _file(index, tmp_path)
    before = len(fetcher.requests)
    found = indexes.metadata(file)
    assert found.requires_dist == ("dep>=1", "other ; extra == 'x'")
    assert found.provides_extra == ("x",)
    assert len(fetcher.requests) - before == requests
    assert indexes.metadata(file) == found
    assert len(fetcher.requests) - before == requests


@pytest.mark.parametrize(
    ("uploaded", "announced", "size", "end_first"),
    [
        ("2026-05-01T00:00:00Z", False, 1000, True),
        ("2025-11-24T00:00:00Z", False, 1000, True),
        ("2025-11-22T00:00:00Z", False, 1000, False),
        ("2026-05-01T00:00:00Z", True, 1000, False),
        ("2026-05-01T00:00:00Z", False, 10**9, False),
        (None, False, 1000, False),
    ],
)
def test_young_wheels_are_read_from_their_end(uploaded: Any, announced: bool, size: int, end_first: bool) -> None:
    file = IndexFile(
        "x-1-py3-none-any.whl", "u", "1", "py3-none-any", upload_time=uploaded, announced=announced, size=size
    )
    assert likely_without_twin(file, "2026-11-23") == end_first


@pytest.mark.parametrize("faults", [(), ("no-metadata",), ("no-range",), ("no-metadata", "no-range")])
def test_the_order_of_ways_changes_nothing(tmp_path: Path, faults: Any) -> None:
    index = FakeIndex()
    index.wheel("demo", "1.0", "dep>=1", faults=faults)
    _, fetcher, file = _file(index, tmp_path)
    assert fetch_metadata(fetcher, file, end_first=True) == fetch_metadata(fetcher, file)


def test_pages_may_announce_metadata() -> None:
    html = b'<a href="x-1-py3-none-any.whl" data-core-metadata="sha256=ab">x</a><a href="x-2-py3-none-any.whl">x</a>'
    page = read_page(html, "text/html", url="https://pypi.example/simple/x/", name=pypi_name("x"), fetched=0)
    assert [file.announced for release in page.releases for file in release.files(pypi_name("x"))] == [False, True]


@pytest.mark.parametrize("tail", [200, 400, 5000])
def test_metadata_far_from_the_end_takes_another_request(tmp_path: Path, tail: int) -> None:
    from pixi_core.pypi.metadata import metadata_from_tail

    metadata = core_metadata("demo", "1.0", [f"dependency-{i}>={i}" for i in range(50)])
    content = wheel_bytes("demo", "1.0", metadata, padding=4000)
    spans: list[tuple[int, int]] = []

    def read(start: int, end: int) -> bytes:
        spans.append((start, end))
        return content[start:end]

    assert metadata_from_tail(content[-tail:], len(content), read, what="demo") == metadata
    assert len(spans) == (0 if tail == 5000 else 1 if tail == 400 else 2) or spans
    assert all(0 <= start < end <= len(content) for start, end in spans)


@pytest.mark.parametrize(
    ("faults", "error", "message"),
    [
        (("no-metadata", "no-range", "wrong-hash"), HashMismatch, "hash mismatch for demo-1.0"),
        (("no-metadata", "no-range", "truncated"), HashMismatch, "hash mismatch"),
        (("no-metadata", "truncated"), PixiError, "demo-1.0"),
        (("no-metadata", "missing"), NetworkError, "404"),
    ],
)
def test_bad_files_are_refused(tmp_path: Path, faults: Any, error: type[PixiError], message: str) -> None:
    index = FakeIndex()
    index.wheel("demo", "1.0", faults=faults)
    indexes, _, file = _file(index, tmp_path)
    with pytest.raises(error, match=message):
        indexes.metadata(file)


def test_sdists_say_whether_their_metadata_is_final(tmp_path: Path) -> None:
    index = FakeIndex()
    index.sdist("demo", "1.0", "dep", static=True)
    indexes, _, file = _file(index, tmp_path)
    assert indexes.metadata(file).is_static
    assert indexes.metadata(file).requires_dist == ("dep",)
    other = FakeIndex("https://other.example")
    other.sdist("demo", "1.0", "dep", static=False)
    indexes, _, file = _file(other, tmp_path / "other")
    assert not indexes.metadata(file).is_static


@pytest.mark.parametrize(
    ("content", "requires"),
    [
        (b"Metadata-Version: 2.1\nName: A_b\nVersion: 1\nRequires-Dist: x\n\nRequires-Dist: y\n", ("x",)),
        (b"Metadata-Version: 2.1\r\nName: a-b\r\nVersion: 1\r\nRequires-Dist: x\r\n\r\nbody", ("x",)),
        (b"Name: a-b\nVersion: 1\nLicense: text\n        \n        more\nRequires-Dist: x\n", ("x",)),
        (b"Name: a-b\nVersion: 1\nrequires-dist: x\n  >=1\n", ("x >=1",)),
        ("Name: a-b\nVersion: 1\nAuthor: \x0b\x85\u2028Ü\nRequires-Dist: x\n".encode(), ("x",)),
    ],
)
def test_metadata_headers(content: bytes, requires: tuple[str, ...]) -> None:
    found = parse_core_metadata(content, what="a")
    assert (found.name, found.version, found.requires_dist) == ("a-b", "1", requires)


@pytest.mark.parametrize("content", [b"", b"Name: x\n", b"Version: 1\n", b"\nName: x\nVersion: 1\n"])
def test_metadata_without_name_or_version_is_refused(content: bytes) -> None:
    with pytest.raises(ArchiveError, match="has no"):
        parse_core_metadata(content, what="x.whl")


def test_a_metadata_bomb_is_refused(tmp_path: Path) -> None:
    from pixi_core.pypi.metadata_source import wheel_metadata

    bomb = wheel_bytes("demo", "1.0", b"\0" * (METADATA_LIMIT + 1))
    with pytest.raises(ArchiveError, match="METADATA of"):
        wheel_metadata(bomb, "demo")


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("filename", "name", "expected"),
    [
        ("demo-1.0-py3-none-any.whl", "demo", ("1.0", "", "py3-none-any")),
        ("demo-1.0-1abc-py3-none-any.whl", "demo", ("1.0", "1abc", "py3-none-any")),
        ("demo-1.0+local.1-py3-none-any.whl", "demo", ("1.0+local.1", "", "py3-none-any")),
        ("demo-1.0-x-py3-none-any.whl", "demo", None),
        ("demo-py3-none-any.whl", "demo", None),
        ("demo-1.0.tar.gz", "demo", ("1.0", "", "")),
        ("Demo_Thing-1.0.zip", "demo-thing", ("1.0", "", "")),
        ("demo-thing-1.0.tar.gz", "demo-thing", ("1.0", "", "")),
        ("demo-1.0-beta.tar.gz", "demo", ("1.0-beta", "", "")),
        ("other-1.0.tar.gz", "demo", None),
        ("demo-1.0.exe", "demo", None),
        ("demo-1.0-py3.8.egg", "demo", None),
    ],
)
def test_file_names(filename: str, name: str, expected: Any) -> None:
    assert parse_filename(filename, pypi_name(name)) == expected


def test_similar_names_are_suggested(index: FakeIndex, tmp_path: Path) -> None:
    indexes, _, _ = client(index, tmp_path)
    assert indexes.suggestions("python-demo") == ["demo"]
    assert indexes.suggestions("demos") == ["demo"]
    assert indexes.names() == ["demo"]


def test_options_decide_the_indexes(tmp_path: Path) -> None:
    options = PypiOptions(index_url="https://a.example/simple", extra_index_urls=("https://b.example/simple",))
    assert options.search_order[0] == "https://b.example/simple"
    assert options.replace(extra_index_urls=()).search_order == ("https://a.example/simple",)


@pytest.mark.parametrize("page", ["json", "html"])
@pytest.mark.parametrize("announces", [True, False])
def test_metadata_that_is_not_the_promised_one_is_not_believed(tmp_path: Path, page: str, announces: bool) -> None:
    index = FakeIndex(announces=announces)
    index.wheel("demo", "1.0", "real", faults=["wrong-metadata"])
    if page == "html":
        index.page_faults["demo"] = "html"
    indexes, _, _ = client(index, tmp_path)
    (offer,) = indexes.project(pypi_name("demo")).offers
    ((_, found),) = offer.files()
    names = [str(requirement) for requirement in indexes.metadata(found).requires_dist]
    assert names == (["real"] if announces else ["made-up", "real"])
