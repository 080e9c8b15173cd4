"""Resolution: what is chosen, from a small world in memory."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pixi_core.errors import BuildError, Cancelled, SpecError, Unsatisfiable
from pixi_core.model.platform import Subdir
from pixi_core.model.purl import parse_purl
from pixi_core.model.pypi_options import PypiOptions
from pixi_core.model.pypi_requirement import from_table, parse_requirement
from pixi_core.model.record import RepoDataRecord
from pixi_core.names import PypiName
from pixi_core.pypi.build import SourceTree
from pixi_core.pypi.mapping import Provided, provided_by
from pixi_core.pypi.metadata import CoreMetadata
from pixi_core.pypi.requires import requirements_of
from pixi_core.pypi.resolve import resolve
from pixi_core.pypi.story import CondaConflict
from tests.core.pypi_support import client, records, target, versions
from tests.support.pypi_index import FakeIndex, core_metadata, sdist_bytes, wheel_bytes


@pytest.fixture
def index() -> FakeIndex:
    """app needs lib and, on Windows, winlib; lib 2 needs core 2; tool has extras, one of them of another project."""
    made = FakeIndex()
    made.wheel("app", "1.0", "lib>=1", "winlib ; sys_platform == 'win32'")
    made.wheel("lib", "1.0", "core<2")
    made.wheel("lib", "1.5", "core")
    made.wheel("lib", "2.0", "core>=2")
    made.wheel("core", "1.0")
    made.wheel("core", "1.9")
    made.wheel("core", "2.0")
    made.wheel("core", "3.0b1")
    made.wheel("winlib", "1.0", tags="cp312-cp312-win_amd64")
    made.wheel("tool", "1.0", "core", "lib ; extra == 'all'", "fancy[gold]>1 ; extra == 'nice'", extras=["all", "nice"])
    made.wheel("tool", "0.9", "core<2", "lib ; extra == 'all'", extras=["all"])
    made.wheel("fancy", "2.0", "gold ; extra == 'gold'", extras=["gold"])
    made.wheel("gold", "1.0")
    made.wheel("beta", "1.0a1")
    made.wheel("beta", "1.0a2")
    made.wheel("old", "2.0", requires_python=">=3.13")
    made.wheel("old", "1.0", requires_python=">=3.6")
    made.wheel("bad", "2.0", yanked="wrong")
    made.wheel("bad", "1.0")
    made.wheel("native", "2.0", tags="cp312-cp312-macosx_11_0_arm64")
    made.wheel("native", "1.0", tags="cp312-cp312-manylinux2014_x86_64")
    made.wheel("native", "1.0", tags="py3-none-any")
    made.wheel("young", "2.0", upload_time="2024-06-01T00:00:00.5Z")
    made.wheel("young", "1.0", upload_time="2024-05-31T23:59:59Z")
    return made


CHOICES: list[tuple[list[str], dict[str, Any], dict[str, str]]] = [
    (["app"], {}, {"app": "1.0", "lib": "2.0", "core": "2.0"}),
    (["app"], {"on": target("win-64")}, {"app": "1.0", "lib": "2.0", "core": "2.0", "winlib": "1.0"}),
    (["app", "core<2"], {}, {"app": "1.0", "lib": "1.5", "core": "1.9"}),
    (["App", "CORE == 1.0"], {}, {"app": "1.0", "lib": "1.5", "core": "1.0"}),
    (["core", "lib<1.5"], {}, {"lib": "1.0", "core": "1.9"}),
    (["core>=3.0b1"], {}, {"core": "3.0b1"}),
    (["core"], {"options": PypiOptions(prerelease_mode="allow")}, {"core": "3.0b1"}),
    (["core>=2.1"], {}, {"core": "3.0b1"}),
    (["beta"], {}, {"beta": "1.0a2"}),
    (["beta<1.0a2"], {"options": PypiOptions(prerelease_mode="explicit")}, {"beta": "1.0a1"}),
    (["tool"], {}, {"tool": "1.0", "core": "2.0"}),
    (["tool[all]"], {}, {"tool": "1.0", "core": "2.0", "lib": "2.0"}),
    (["tool[all]", "core<2"], {}, {"tool": "1.0", "core": "1.9", "lib": "1.5"}),
    (["tool[nice]"], {}, {"tool": "1.0", "core": "2.0", "fancy": "2.0", "gold": "1.0"}),
    (["tool<1", "tool[all]"], {}, {"tool": "0.9", "core": "1.9", "lib": "1.5"}),
    (["tool[unheard-of]"], {}, {"tool": "1.0", "core": "2.0"}),
    (["old"], {}, {"old": "1.0"}),
    (["old"], {"on": target(python="3.13.0")}, {"old": "2.0"}),
    (["bad"], {}, {"bad": "1.0"}),
    (["bad==2.0"], {}, {"bad": "2.0"}),
    (["native"], {}, {"native": "1.0"}),
    (["native"], {"on": target("osx-arm64")}, {"native": "2.0"}),
    (["young"], {"options": PypiOptions(exclude_newer=datetime(2024, 6, 1, tzinfo=UTC))}, {"young": "1.0"}),
    (["app"], {"strategy": "lowest"}, {"app": "1.0", "lib": "1.0", "core": "1.0"}),
    (["lib"], {"strategy": "lowest-direct"}, {"lib": "1.0", "core": "1.9"}),
    (["app"], {"constraints": ["core<2", "unrelated==1"]}, {"app": "1.0", "lib": "1.5", "core": "1.9"}),
    (["app ; sys_platform == 'win32'"], {}, {}),
    (["app ; sys_platform == 'win32'", "core"], {}, {"core": "2.0"}),
    (
        ["lib==1.0"],
        {"options": PypiOptions(dependency_overrides=(parse_requirement("core>=2"),))},
        {"lib": "1.0", "core": "2.0"},
    ),
]


@pytest.mark.parametrize(("wanted", "settings", "expected"), CHOICES)
def test_choices(
    index: FakeIndex, tmp_path: Path, wanted: list[str], settings: dict[str, Any], expected: Mapping[str, str]
) -> None:
    assert versions(index, tmp_path, wanted, **settings) == expected


def test_records_say_everything_a_lock_file_needs(index: FakeIndex, tmp_path: Path) -> None:
    app, core, lib = records(index, tmp_path, ["app"])
    assert app.location == "https://pypi.example/files/app/app-1.0-py3-none-any.whl"
    assert app.index == index.url
    assert app.sha256 == index.projects["app"][0].sha256
    assert app.requires_dist == ("lib>=1", "winlib ; sys_platform == 'win32'")
    assert (core.name, lib.name) == ("core", "lib")
    assert [str(r) for r in requirements_of(app, frozenset(), target())] == ["lib>=1"]


def test_the_best_wheel_of_a_release_is_taken(index: FakeIndex, tmp_path: Path) -> None:
    (record,) = records(index, tmp_path, ["native"])
    assert record.file_name == "native-1.0-cp312-cp312-manylinux2014_x86_64.whl"


def test_what_is_locked_stays_where_it_can(index: FakeIndex, tmp_path: Path) -> None:
    before = records(index, tmp_path, ["app", "core<2"])
    assert versions(index, tmp_path, ["app"], locked=before) == {"app": "1.0", "lib": "1.5", "core": "1.9"}
    assert versions(index, tmp_path, ["app", "core>=2"], locked=before) == {"app": "1.0", "lib": "1.5", "core": "2.0"}
    yanked = records(index, tmp_path, ["bad==2.0"])
    assert versions(index, tmp_path, ["bad"], locked=yanked) == {"bad": "2.0"}


def test_the_same_question_has_the_same_answer(index: FakeIndex, tmp_path: Path) -> None:
    first = records(index, tmp_path, ["tool[all,nice]", "app"])
    assert all(records(index, tmp_path, ["tool[all,nice]", "app"]) == first for _ in range(5))


def test_a_warm_cache_needs_no_network(index: FakeIndex, tmp_path: Path) -> None:
    from tests.core.pypi_support import client

    records(index, tmp_path, ["tool[all]"])
    indexes, fetcher, options = client(index, tmp_path, offline=True)
    from pixi_core.pypi.resolve import resolve

    found = resolve([parse_requirement("tool[all]")], target=target(), index=indexes, options=options)
    assert [record.name for record in found] == ["core", "lib", "tool"]
    assert fetcher.requests == []


def test_release_after_release_is_tried_when_files_are_bad(tmp_path: Path) -> None:
    index = FakeIndex()
    index.wheel("demo", "5.0", faults=["no-metadata", "no-range", "wrong-hash"])
    index.wheel("demo", "4.0", faults=["other-name"])
    index.wheel("demo", "3.0", faults=["other-version"])
    index.wheel("demo", "2.0", faults=["no-metadata", "missing"])
    index.wheel("demo", "1.0")
    assert versions(index, tmp_path, ["demo"]) == {"demo": "1.0"}


def test_static_sdists_resolve_and_others_need_a_builder(tmp_path: Path) -> None:
    index = FakeIndex()
    index.sdist("demo", "2.0", static=False)
    index.sdist("demo", "1.0", "dep", static=True)
    index.wheel("dep", "1.0")
    assert versions(index, tmp_path, ["demo"]) == {"demo": "1.0", "dep": "1.0"}
    with pytest.raises(Unsatisfiable, match="must be built"):
        records(index, tmp_path, ["demo>=2"])
    with pytest.raises(Unsatisfiable, match="`no-build` is set"):
        records(index, tmp_path, ["demo"], options=PypiOptions(no_build=True))


def test_no_binary_takes_the_sdist(tmp_path: Path) -> None:
    index = FakeIndex()
    index.sdist("demo", "1.0")
    index.wheel("demo", "1.0")
    (record,) = records(index, tmp_path, ["demo"], options=PypiOptions(no_binary=(PypiName("demo"),)))
    assert record.file_name == "demo-1.0.tar.gz"


def test_cancelling(index: FakeIndex, tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        records(index, tmp_path, ["app"], should_stop=lambda: True)


# ---------------------------------------------------------------- conda packages


def conda(name: str, version: str, **more: Any) -> RepoDataRecord:
    return RepoDataRecord(
        name=name,
        version=version,
        build="py312_0",
        build_number=0,
        subdir=Subdir("linux-64"),
        file_name=f"{name}-{version}-py312_0.conda",
        url=f"https://conda.example/channel/linux-64/{name}-{version}-py312_0.conda",
        **more,
    )


def test_what_conda_provides_is_fixed_and_left_out(index: FakeIndex, tmp_path: Path) -> None:
    provided = provided_by([conda("core", "1.9", purls=("pkg:pypi/core",))])
    assert versions(index, tmp_path, ["app"], conda_provided=provided) == {"app": "1.0", "lib": "1.5"}
    assert versions(index, tmp_path, ["core", "gold"], conda_provided=provided) == {"gold": "1.0"}


def test_a_conflict_with_conda_names_the_package(index: FakeIndex, tmp_path: Path) -> None:
    provided = provided_by([conda("core", "1.9", purls=("pkg:pypi/core",))])
    with pytest.raises(CondaConflict) as caught:
        records(index, tmp_path, ["lib>=2"], conda_provided=provided)
    assert caught.value.bounds == ("core >=2",)
    story = str(caught.value)
    assert "core 1.9 is pinned by the conda solve (core 1.9 py312_0)" in story
    assert "lib 2.0 needs core>=2" in story
    assert "pixi add 'core>=2'" in caught.value.hints[0]


def test_a_reference_to_what_conda_provides_is_refused(index: FakeIndex, tmp_path: Path) -> None:
    with pytest.raises(Unsatisfiable, match="already provides it"):
        records(index, tmp_path, ["core @ ./core"], conda_provided={PypiName("core"): Provided("1.9")})


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (conda("numpy", "2.0", purls=("pkg:pypi/numpy?source=hash-mapping",)), {"numpy": "2.0"}),
        (conda("pytorch", "2.0", purls=("pkg:pypi/torch@2.0.1",)), {"torch": "2.0.1"}),
        (conda("zstd", "1.5", purls=()), {}),
        (conda("Thing_x", "1.5", purls=("pkg:pypi/Thing_x", "pkg:conda/thing")), {"thing-x": "1.5"}),
        (conda("flask", "3", channel="https://conda.example/conda-forge/", depends=("python >=3.9",)), {"flask": "3"}),
        (conda("zstd", "1.5", channel="https://conda.example/conda-forge/"), {}),
        (conda("flask", "3", channel="https://conda.example/other/", depends=("python",)), {}),
    ],
)
def test_conda_packages_as_projects(record: RepoDataRecord, expected: dict[str, str]) -> None:
    assert {name: found.version for name, found in provided_by([record]).items()} == expected


def test_purls() -> None:
    assert parse_purl("pkg:pypi/A_b@1.0%2Blocal?x=y#z") == ("a-b", "1.0+local")
    assert parse_purl("pkg:conda/x") is None


# ---------------------------------------------------------------- direct references


def test_a_wheel_by_path(index: FakeIndex, tmp_path: Path) -> None:
    name = "local-1.0-py3-none-any.whl"
    (tmp_path / name).write_bytes(wheel_bytes("local", "1.0", core_metadata("local", "1.0", ["core<2"])))
    core, local = records(index, tmp_path / "cache", [f"local @ ./{name}"], root=tmp_path)
    assert (core.version, local.version, local.location) == ("1.9", "1.0", f"./{name}")
    assert local.sha256 is not None


def test_a_wheel_by_url(index: FakeIndex, tmp_path: Path) -> None:
    url = index.file_url("lib", index.projects["lib"][0])
    digest = index.projects["lib"][0].sha256
    core, lib = records(index, tmp_path, ["app", f"lib @ {url}#sha256={digest}"])[1:]
    assert (core.version, lib.version, lib.location, lib.sha256) == ("1.9", "1.0", f"direct+{url}", digest)
    with pytest.raises(Exception, match="hash mismatch"):
        records(index, tmp_path, [f"lib @ {url}#sha256={'0' * 64}"])


PROJECT = """
[project]
name = "Local_Thing"
version = "1.0"
dependencies = ["core<2"]
[project.optional-dependencies]
more = ["gold ; python_version > '3'"]
"""


@pytest.mark.parametrize("editable", [False, True])
def test_a_folder_with_static_metadata(index: FakeIndex, tmp_path: Path, editable: bool) -> None:
    folder = tmp_path / "thing"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(PROJECT)
    wanted = from_table("local-thing", {"path": "./thing", "editable": editable, "extras": ["more"]})
    core, gold, thing = records(index, tmp_path / "cache", [wanted], root=tmp_path)
    assert (core.version, gold.name) == ("1.9", "gold")
    assert (thing.version, thing.location, thing.sha256) == (None, "./thing", None)
    assert thing.requires_dist[1] == "gold ; python_full_version >= '3' and extra == 'more'" or thing.requires_dist


class Scribe:
    """A builder that builds nothing: it says what it was told."""

    def __init__(self) -> None:
        self.asked: list[SourceTree] = []

    def metadata(self, source: SourceTree) -> CoreMetadata:
        self.asked.append(source)
        return CoreMetadata("dynamic", "7.0", ("core<2",))


def test_a_folder_with_dynamic_metadata_is_built(index: FakeIndex, tmp_path: Path) -> None:
    (tmp_path / "setup.py").write_text("")
    wanted = from_table("dynamic", {"path": "."})
    with pytest.raises(BuildError, match="must be built"):
        records(index, tmp_path / "cache", [wanted], root=tmp_path)
    builder = Scribe()
    core, dynamic = records(index, tmp_path / "cache", [wanted], root=tmp_path, builder=builder)
    assert (core.version, dynamic.location, len(builder.asked)) == ("1.9", "./", 1)


def test_a_registry_sdist_with_dynamic_metadata_is_built(index: FakeIndex, tmp_path: Path) -> None:
    index.sdist("dynamic", "7.0", static=False)
    builder = Scribe()
    core, dynamic = records(index, tmp_path, ["dynamic"], builder=builder)
    assert (core.version, dynamic.version) == ("1.9", "7.0")
    assert dynamic.requires_dist == ("core<2",)
    assert [tree.name for tree in builder.asked] == ["dynamic"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: None, "cannot be read"),
        (lambda folder: (folder / "x-1-py3-none-any.whl").write_bytes(b"no zip"), "not a valid wheel"),
        (
            lambda folder: (folder / "x-1-py3-none-any.whl").write_bytes(
                wheel_bytes("y", "1", core_metadata("y", "1"))
            ),
            "is y, not x",
        ),
    ],
)
def test_bad_references(index: FakeIndex, tmp_path: Path, make: Any, message: str) -> None:
    make(tmp_path)
    with pytest.raises(Exception, match=message):
        records(index, tmp_path / "cache", ["x @ ./x-1-py3-none-any.whl"], root=tmp_path)


def test_an_sdist_by_path(index: FakeIndex, tmp_path: Path) -> None:
    info = core_metadata("thing", "1.0", ["gold"], metadata_version="2.2")
    (tmp_path / "thing-1.0.tar.gz").write_bytes(sdist_bytes("thing-1.0", info))
    assert versions(index, tmp_path / "cache", ["thing @ ./thing-1.0.tar.gz"], root=tmp_path) == {
        "thing": "1.0",
        "gold": "1.0",
    }


def test_git_without_git_says_so(index: FakeIndex, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="git repository"):
        records(index, tmp_path, ["x @ git+https://git.example/x"])
    (tmp_path / "pyproject.toml").write_text(PROJECT.replace("Local_Thing", "x"))
    (core, x) = records(
        index, tmp_path / "cache", ["x @ git+https://git.example/x@main"], checkout=lambda source: ("a" * 40, tmp_path)
    )
    assert x.location == f"git+https://git.example/x?rev=main#{'a' * 40}"
    assert core.name == "core"


# ---------------------------------------------------------------- stories


@pytest.mark.parametrize(
    ("wanted", "phrases"),
    [
        (["core>=9"], ["the manifest asks for core>=9", "no version of core satisfies that; the newest is 3.0b1"]),
        (["core<2", "lib>=2"], ["the manifest asks for core<2", "lib 2.0 needs core>=2"]),
        (["cores"], ["no index has a project cores", "did you mean `core`"]),
        (["winlib"], ["does not run on linux-64 with Python 3.12.4"]),
        (["old>=2"], ["needs Python >=3.13"]),
        (["bad>=2"], ["was yanked (wrong)"]),
        (["core==1.0", "core==2.0"], ["core==1.0", "core==2.0"]),
    ],
)
def test_stories(index: FakeIndex, tmp_path: Path, wanted: list[str], phrases: list[str]) -> None:
    with pytest.raises(Unsatisfiable) as caught:
        records(index, tmp_path, wanted)
    story = "\n".join((str(caught.value), *caught.value.hints))
    for phrase in phrases:
        assert phrase in story


def test_held_back_prereleases_are_hinted_at(index: FakeIndex, tmp_path: Path) -> None:
    with pytest.raises(Unsatisfiable) as caught:
        records(index, tmp_path, ["core>=2.1"], options=PypiOptions(prerelease_mode="explicit"))
    assert "core>=3.0b1" in " ".join(caught.value.hints)


def test_prereleases_are_the_last_resort(tmp_path: Path) -> None:
    index = FakeIndex()
    index.wheel("plot", "2.0")
    index.wheel("plot", "1.0")
    index.wheel("panel", "1.0", "plot<2")
    index.wheel("panel", "1.1a1", "plot")
    # stable releases of both fit together, so the pre-release is not worth the newer `plot`
    assert versions(index, tmp_path, ["plot", "panel"]) == {"plot": "1.0", "panel": "1.0"}
    assert versions(index, tmp_path, ["plot>=2", "panel"]) == {"plot": "2.0", "panel": "1.1a1"}
    with pytest.raises(Unsatisfiable):
        records(index, tmp_path, ["plot>=2", "panel"], options=PypiOptions(prerelease_mode="disallow"))


@pytest.mark.parametrize(
    ("mode", "wanted", "expected"),
    [
        ("if-necessary-or-explicit", "elm>=2.0b1", "2.0"),
        ("if-necessary-or-explicit", "elm>=2.0b1,!=2.0", "3.0rc1"),
        ("explicit", "elm>=2.0b1", "2.0"),
        ("explicit", "elm>=3.0a1", "3.0rc1"),
        ("if-necessary", "elm>2.0", "3.0rc1"),
        ("allow", "elm", "3.0rc1"),
    ],
)
def test_a_stable_release_that_will_do_is_taken(mode: Any, wanted: str, expected: str, tmp_path: Path) -> None:
    world = FakeIndex()
    world.wheel("elm", "2.0")
    world.wheel("elm", "3.0rc1")
    assert versions(world, tmp_path, [wanted], options=PypiOptions(prerelease_mode=mode)) == {"elm": expected}


def test_many_versions_of_one_package_make_one_sentence(tmp_path: Path) -> None:
    index = FakeIndex()
    for minor in range(30):
        index.wheel("app", f"1.{minor}", "nothing-like-it>=1")
    with pytest.raises(Unsatisfiable) as caught:
        records(index, tmp_path, ["app"])
    assert "30 versions of app (1.0 to 1.29) need nothing-like-it>=1" in str(caught.value)
    assert len(caught.value.story) < 6


def test_a_wrong_name_in_a_reference_is_named(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    with pytest.raises(SpecError) as caught:
        records(FakeIndex(), tmp_path / "cache", [from_table("other", {"path": "."})], root=tmp_path)
    assert "local-thing" in caught.value.hints[0]


@pytest.mark.parametrize(("strategy", "expected"), [("highest", "2.9"), ("lowest", "0.0")])
def test_a_long_search_through_one_project_keeps_its_bounds(strategy: Any, expected: str, tmp_path: Path) -> None:
    """More sets of bounds on `core` than from which on its releases are held against each bound at once."""
    index = FakeIndex()
    for number in range(60):
        version = f"{number // 10}.{number % 10}"
        index.wheel("core", version)
        index.wheel("tool", version, f"core>={version},<{version}.1", "plugin")
        index.wheel("core", f"{version}.1rc1")
    index.wheel("plugin", "1.0", "core<3,!=3.0.*", "rest")
    index.wheel("rest", "1.0", "core<=2.9")
    found = versions(index, tmp_path, ["tool"], strategy=strategy)
    assert found == {"tool": expected, "core": expected, "plugin": "1.0", "rest": "1.0"}


def test_packages_that_only_need_each_other_are_left_out(tmp_path: Path) -> None:
    """`fir` and the extra need each other; both are left from trying the newer `ash`, which asks for `fir`."""
    index = FakeIndex()
    index.wheel("elm", "2.0", "ash")
    index.wheel("ash", "2.0", "fir>=2")
    index.wheel("fir", "2.1", "ash[more]~=1.0")
    index.wheel("ash", "1.0", "fir!=2.0 ; extra == 'more'", extras=["more"])
    assert versions(index, tmp_path, ["elm==2.0"]) == {"elm": "2.0", "ash": "1.0"}


def test_what_a_bound_excludes_is_not_searched(tmp_path: Path) -> None:
    """Where a bound meets another, the releases of the project in between are no way out, and nobody reads them."""
    index = FakeIndex()
    for number in range(40, 0, -1):
        index.wheel("sdk", f"{number}.0", f"api=={number}.0")
        index.wheel("exporter", f"{number}.0", f"sender=={number}.0")
        index.wheel("sender", f"{number}.0", f"api=={number}.0", f"proto=={number}.0")
        index.wheel("api", f"{number}.0")
        index.wheel("proto", f"{number}.0", "common>=2" if number > 10 else "common<2")
        index.wheel("common", f"1.{number}")
    index.wheel("common", "2.0")
    indexes, fetcher, options = client(index, tmp_path)
    wanted = [parse_requirement(text) for text in ("sdk", "exporter", "common<2")]
    found = {r.name: r.version for r in resolve(wanted, target=target(), index=indexes, options=options)}
    assert found["sdk"] == found["exporter"] == "10.0"
    assert found["common"] == "1.40"
    read = [path for path in fetcher.paths(".metadata") if "/common-" in path]
    assert len(read) <= 2, "the newest of those within the bounds, and the newest of all where that was foreseen"


@pytest.mark.parametrize(
    ("strategy", "bound", "within"), [("highest", ">=20", range(20, 61)), ("lowest", "<40", range(1, 40))]
)
def test_what_is_read_ahead_is_within_the_bounds(tmp_path: Path, strategy: Any, bound: str, within: range) -> None:
    index = FakeIndex()
    for number in range(60, 0, -1):
        index.wheel("tool", f"{number}.0", "missing")
    indexes, fetcher, options = client(index, tmp_path)
    with pytest.raises(Unsatisfiable):
        resolve([parse_requirement(f"tool{bound}")], target=target(), index=indexes, options=options, strategy=strategy)
    read = {int(path.rpartition("/tool-")[2].split(".")[0]) for path in fetcher.paths(".metadata")}
    assert read == set(within)


def clouds() -> FakeIndex:
    """Each release of `store` from 3 on needs a `lib` whose extra needs, two steps on, a `base` that is too new; what
    else needs `base` has many releases, none of which is a way out.
    """
    index = FakeIndex()
    for number in range(30, 0, -1):
        index.wheel("app", f"1.{number}", "lib[wire]>=1", "plus", "iam", "base>=3")
        index.wheel("plus", f"1.{number}", "base>=3")
        index.wheel("iam", f"1.{number}", "base>=3", "lib[wire]>=1")
        index.wheel("lib", f"2.{number}", "status>=50; extra == 'wire'", "base>=3", extras=["wire"])
        index.wheel("status", f"{49 + number}.0", "base>=4")
        index.wheel("status", f"{number}.0", "base>=3")
        index.wheel("store", f"3.{number}", "lib>=2")
    index.wheel("lib", "1.0", "status>=30,<50; extra == 'wire'", "base>=3", extras=["wire"])
    index.wheel("store", "2.0", "lib>=1")
    for version in ("3.1", "4.0"):
        index.wheel("base", version)
    return index


CLOUD_PINS = {
    "app": "1.30",
    "base": "3.1",
    "iam": "1.30",
    "lib": "1.0",
    "plus": "1.30",
    "status": "30.0",
    "store": "2.0",
}


def test_a_search_learns_what_is_never_possible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The choices on the way are those of somebody who had known it from the beginning."""
    monkeypatch.setattr("pixi_core.pypi.resolve.MAX_ROUNDS", 3000)
    assert versions(clouds(), tmp_path, ["app", "store", "base<4"]) == CLOUD_PINS


@pytest.mark.parametrize("rounds", [100, 20_000])
def test_what_was_learned_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rounds: int) -> None:
    """Whether the search that learns nothing comes to an end or not."""
    index = clouds()
    index.projects["store"].pop()
    monkeypatch.setattr("pixi_core.pypi.resolve.ROUNDS", rounds)
    with pytest.raises(Unsatisfiable) as caught:
        versions(index, tmp_path, ["lib[wire]", "store", "base<4"])
    story = str(caught.value)
    assert "the manifest asks for base<4" in story
    assert "need base>=4" in story


def test_an_extra_of_itself_is_of_the_same_release(tmp_path: Path) -> None:
    """What a release brought in that is not taken after all decides nothing."""
    index = FakeIndex()
    index.wheel("tool", "3.0", "side[x]", "tool[client]", "other>=2; extra == 'client'", extras=["client"])
    index.wheel("tool", "2.1", "side<5", "tool[client]", "other; extra == 'client'", extras=["client"])
    index.wheel("tool", "2.0", "other; extra == 'client'", extras=["client"])
    for version in ("5.0", "4.0"):
        index.wheel("side", version, extras=["x"])
    for version in ("2.0", "1.0"):
        index.wheel("other", version)
    expected = {"other": "1.0", "side": "4.0", "tool": "2.1"}
    assert versions(index, tmp_path, ["other<2", "tool"]) == expected
