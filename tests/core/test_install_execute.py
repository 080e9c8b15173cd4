"""Executing plans on real folders: what ends up in the prefix, and what is left of it afterwards."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from pixi_core.errors import ArchiveError, Cancelled, InstallError, PrefixBusy, UnsafePath
from pixi_core.fs import LinkKind
from pixi_core.install.execute import Outcome, execute
from pixi_core.install.fingerprint import fingerprint
from pixi_core.install.host import create_host_prefix
from pixi_core.install.interpreters import running_interpreter
from pixi_core.install.link import LinkOptions
from pixi_core.install.lock import prefix_lock
from pixi_core.install.markers import EnvironmentMarker, read_fingerprint
from pixi_core.install.plan import make_plan
from pixi_core.install.prefix import read_prefix
from pixi_core.model.platform import Platform, Subdir
from pixi_core.model.record import PypiRecord, RepoDataRecord
from pixi_core.progress import SILENT, Reporter
from tests.support.packages import PLACEHOLDER, Shelf, tree

LINUX = Platform.bare(Subdir("linux-64"))
FAST = LinkOptions(durable=False)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "cache")


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    return tmp_path / "work" / ".pixi" / "envs" / "default"


def bring(
    prefix: Path,
    shelf: Shelf,
    conda: Sequence[RepoDataRecord] = (),
    pypi: Sequence[PypiRecord] = (),
    *,
    reinstall: Sequence[str] = (),
    requested: dict[str, list[str]] | None = None,
    options: LinkOptions = FAST,
    platform: Platform = LINUX,
) -> Outcome:
    """Plan and execute."""
    return execute(
        make_plan(conda, pypi, read_prefix(prefix), reinstall=reinstall),
        prefix,
        packages=shelf,
        requested=requested or {},
        platform=platform,
        options=options,
    )


# ---------------------------------------------------------------- conda


def test_first_install_links_files_and_writes_a_record(prefix: Path, shelf: Shelf) -> None:
    tool = shelf.add_conda("tool", "1.0", {"bin/tool": "#!/bin/sh\n", "share/tool/data": "x"}, links={"bin/t": "tool"})
    outcome = bring(prefix, shelf, [tool], requested={"tool": ["tool >=1"]})
    assert (prefix / "share/tool/data").stat().st_ino == (shelf.conda[tool.url].path / "share/tool/data").stat().st_ino
    assert os.readlink(prefix / "bin/t") == "tool"
    state = read_prefix(prefix)
    assert state.conda["tool"].record == tool
    assert state.conda["tool"].requested_specs == ("tool >=1",)
    assert set(state.conda["tool"].files) == {"bin/tool", "share/tool/data", "bin/t"}
    assert [change.name for change in outcome.added] == ["tool"]
    assert set(outcome.added[0].new_files) == {"bin/tool", "share/tool/data", "bin/t"}
    assert make_plan([tool], [], state).is_empty
    assert (prefix / "conda-meta/history").exists()
    assert (prefix / "conda-meta/pixi_env_prefix").read_text() == str(prefix / "conda-meta")
    assert len(read_fingerprint(prefix)) == 16
    assert not list(prefix.rglob("*.writing"))
    assert not (prefix / "conda-meta/.pixi-transaction").exists()


def test_nothing_to_do_asks_for_nothing(prefix: Path, shelf: Shelf) -> None:
    tool = shelf.add_conda("tool", "1.0", {"a": "x"})
    bring(prefix, shelf, [tool])
    before, shelf.asked = tree(prefix), []
    assert bring(prefix, shelf, [tool]).is_empty
    assert shelf.asked == []
    assert tree(prefix) == before


def test_upgrade_removes_what_the_new_one_lacks(prefix: Path, shelf: Shelf) -> None:
    old = shelf.add_conda("tool", "1.0", {"share/tool/old": "1", "share/tool/both": "1"})
    new = shelf.add_conda("tool", "2.0", {"share/tool/both": "2", "share/new/x": "2"})
    bring(prefix, shelf, [old])
    first = fingerprint(prefix)
    kept = (prefix / "share/tool/both").open("rb")
    outcome = bring(prefix, shelf, [new])
    assert (prefix / "share/tool/both").read_text() == "2"
    with kept:
        assert kept.read() == b"1"  # whoever has the old file open keeps it
    assert not (prefix / "share/tool/old").exists()
    assert [file.name for file in (prefix / "conda-meta").glob("*.json")] == ["tool-2.0-0.json"]
    change = outcome.changed[0]
    assert (change.old_version, change.new_version) == ("1.0", "2.0")
    assert set(change.old_files) == {"share/tool/old", "share/tool/both"}
    assert set(change.new_files) == {"share/tool/both", "share/new/x"}
    assert fingerprint(prefix) not in (None, first)


def test_files_that_stay_what_they_are_are_told(prefix: Path, shelf: Shelf) -> None:
    """A package that was built once more: who has loaded it has nothing old."""
    files = {"share/tool/both": "1", "bin/tool": f"#!{PLACEHOLDER}/bin/sh\n"}
    bring(prefix, shelf, [shelf.add_conda("tool", "1.0", {**files, "share/tool/other": "1"})])
    [change] = bring(prefix, shelf, [shelf.add_conda("tool", "2.0", {**files, "share/tool/other": "2"})]).changed
    assert set(change.same_files) == {"share/tool/both", "bin/tool"}


def test_wheels_tell_them_too(tmp_path: Path, shelf: Shelf) -> None:
    prefix = tmp_path / "host"
    create_host_prefix(prefix, running_interpreter())
    bring(prefix, shelf, [], [shelf.add_wheel("pkg", "1.0", {"pkg/__init__.py": "x", "pkg/y.py": "1"})])
    [change] = bring(
        prefix, shelf, [], [shelf.add_wheel("pkg", "2.0", {"pkg/__init__.py": "x", "pkg/y.py": "2"})]
    ).changed
    assert [path.rpartition("/")[2] for path in change.same_files] == ["__init__.py"]


def test_removing_leaves_no_folder_and_no_compiled_file(prefix: Path, shelf: Shelf) -> None:
    stays = shelf.add_conda("stays", "1", {"lib/m/keep.py": "k"})
    goes = shelf.add_conda("goes", "1", {"lib/m/gone.py": "g", "lib/deep/er/x": "x"})
    bring(prefix, shelf, [stays, goes])
    cache = prefix / "lib/m/__pycache__"
    cache.mkdir()
    for name in ("gone.cpython-311.pyc", "gone.cpython-311.opt-1.pyc", "keep.cpython-311.pyc"):
        (cache / name).write_bytes(b"")
    outcome = bring(prefix, shelf, [stays])
    assert [change.name for change in outcome.removed] == ["goes"]
    assert not (prefix / "lib/deep").exists()
    assert [file.name for file in cache.iterdir()] == ["keep.cpython-311.pyc"]


def test_prefix_is_put_into_text_and_binary(prefix: Path, shelf: Shelf) -> None:
    binary = b"\x7fELF" + PLACEHOLDER.encode() + b"/lib\0rest"
    tool = shelf.add_conda(
        "tool", "1", {"bin/tool": f"#!{PLACEHOLDER}/bin/sh\nroot={PLACEHOLDER}\n", "lib/x.so": binary}
    )
    bring(prefix, shelf, [tool])
    assert (prefix / "bin/tool").read_text() == f"#!{prefix}/bin/sh\nroot={prefix}\n"
    assert os.access(prefix / "bin/tool", os.X_OK)
    content = (prefix / "lib/x.so").read_bytes()
    assert len(content) == len(binary)
    assert content.startswith(b"\x7fELF" + str(prefix).encode() + b"/lib\0")
    entries = {entry.path: entry for entry in read_prefix(prefix).conda["tool"].paths}
    assert entries["lib/x.so"].sha256_in_prefix == hashlib.sha256(content).hexdigest()
    assert entries["lib/x.so"].sha256 == hashlib.sha256(binary).hexdigest()


def test_too_long_a_prefix_is_refused_before_anything_changes(prefix: Path, shelf: Shelf) -> None:
    tool = shelf.add_conda("tool", "1", {"lib/x.so": b"\0" + PLACEHOLDER.encode() + b"\0"})
    deep = prefix.joinpath(*["d" * 60] * 5)
    with pytest.raises(InstallError, match="too long"):
        bring(deep, shelf, [tool])
    assert not list(deep.glob("lib"))


def test_noarch_python_follows_python(prefix: Path, shelf: Shelf) -> None:
    python11, python12 = shelf.add_python("3.11.7"), shelf.add_python("3.12.1")
    pure = shelf.add_conda(
        "pure",
        "1",
        {"site-packages/pure/__init__.py": "x", "python-scripts/pure-it": "#!x"},
        noarch="python",
        entry_points=["pure = pure:main"],
    )
    bring(prefix, shelf, [python11, pure])
    assert (prefix / "lib/python3.11/site-packages/pure/__init__.py").exists()
    assert (prefix / "bin/pure-it").exists()
    script = (prefix / "bin/pure").read_text()
    assert script.startswith(f"#!{prefix}/bin/python3.11\n")
    assert os.access(prefix / "bin/pure", os.X_OK)
    outcome = bring(prefix, shelf, [python12, pure])
    assert [change.name for change in outcome.changed] == ["pure", "python"]
    assert (prefix / "lib/python3.12/site-packages/pure/__init__.py").exists()
    assert not (prefix / "lib/python3.11").exists()
    assert (prefix / "bin/pure").read_text().startswith(f"#!{prefix}/bin/python3.12\n")


def test_noarch_python_without_python_is_refused(prefix: Path, shelf: Shelf) -> None:
    pure = shelf.add_conda("pure", "1", {"site-packages/p.py": "x"}, noarch="python")
    with pytest.raises(ArchiveError, match="no python"):
        bring(prefix, shelf, [pure])


def test_no_link_copies(prefix: Path, shelf: Shelf) -> None:
    tool = shelf.add_conda("tool", "1", {"etc/conf": "x"}, no_link=["etc/conf"])
    bring(prefix, shelf, [tool])
    assert (prefix / "etc/conf").stat().st_nlink == 1


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_clobbering_does_not_depend_on_the_order(prefix: Path, shelf: Shelf, order: tuple[str, str]) -> None:
    packages = {
        "a": shelf.add_conda("a", "1", {"share/x": "from a"}),
        "b": shelf.add_conda("b", "1", {"share/x": "from b"}),
    }
    bring(prefix, shelf, [packages[order[0]]])
    outcome = bring(prefix, shelf, list(packages.values()))
    assert (prefix / "share/x").read_text() == "from a"
    assert (prefix / "__clobbers__/b/share/x").read_text() == "from b"
    assert "a and b both bring share/x" in outcome.warnings[0]
    entry = read_prefix(prefix).conda["b"].paths[0]
    assert (entry.path, entry.original_path) == ("__clobbers__/b/share/x", "share/x")
    bring(prefix, shelf, [packages["b"]])
    assert (prefix / "share/x").read_text() == "from b"
    assert not (prefix / "__clobbers__").exists()
    assert read_prefix(prefix).conda["b"].paths[0].original_path is None


def test_a_dependent_wins_over_what_it_depends_on(prefix: Path, shelf: Shelf) -> None:
    base = shelf.add_conda("abase", "1", {"share/x": "base"})
    top = shelf.add_conda("top", "1", {"share/x": "top"}, depends=["abase >=1"])
    bring(prefix, shelf, [base, top])
    assert (prefix / "share/x").read_text() == "top"


def test_folder_becomes_link_and_link_becomes_folder(prefix: Path, shelf: Shelf) -> None:
    one = shelf.add_conda("t", "1", {"share/d/f": "1", "share/real/f": "r"})
    two = shelf.add_conda("t", "2", {"share/real/f": "r2"}, links={"share/d": "real"})
    bring(prefix, shelf, [one])
    bring(prefix, shelf, [two])
    assert (prefix / "share/d").is_symlink()
    assert (prefix / "share/d/f").read_text() == "r2"
    bring(prefix, shelf, [one])
    assert not (prefix / "share/d").is_symlink()
    assert (prefix / "share/d/f").read_text() == "1"


def test_a_strangers_file_is_replaced_and_told(prefix: Path, shelf: Shelf) -> None:
    tool = shelf.add_conda("tool", "1", {"share/x": "tool", "etc/d/x": "tool"})
    (prefix / "share").mkdir(parents=True)
    (prefix / "share/x").write_text("mine")
    (prefix / "etc").mkdir()
    (prefix / "etc/d").write_text("my file where a folder must go")
    outcome = bring(prefix, shelf, [tool])
    assert (prefix / "share/x").read_text() == "tool"
    assert (prefix / "etc/d.pixi-saved-1").read_text() == "my file where a folder must go"
    assert any("etc/d" in warning for warning in outcome.warnings)


def test_requested_specs_are_updated_alone(prefix: Path, shelf: Shelf) -> None:
    tool = shelf.add_conda("tool", "1.0", {"a": "x"})
    bring(prefix, shelf, [tool])
    assert bring(prefix, shelf, [tool], requested={"tool": ["tool 1.*"]}).is_empty
    assert read_prefix(prefix).conda["tool"].requested_specs == ("tool 1.*",)


def test_post_link_scripts_are_skipped_or_run(prefix: Path, shelf: Shelf) -> None:
    script = 'printf "%s %s" "$PKG_NAME" "$PKG_VERSION" > "$PREFIX/made"; echo done > "$PREFIX/.messages.txt"\n'
    tool = shelf.add_conda("tool", "1", {"bin/.tool-post-link.sh": script})
    assert "skipped for tool" in bring(prefix, shelf, [tool]).warnings[0]
    assert not (prefix / "made").exists()
    outcome = bring(
        prefix, shelf, [tool], reinstall=["tool"], options=LinkOptions(durable=False, run_link_scripts=True)
    )
    assert (prefix / "made").read_text() == "tool 1"
    assert outcome.warnings == ("tool: done",)


def test_the_marker_names_manifest_and_environment(prefix: Path, shelf: Shelf) -> None:
    tool = shelf.add_conda("tool", "1", {"a": "x"})
    for lock_hash in ("first", "second"):
        marker = EnvironmentMarker(manifest_path="/w/pixi.toml", environment_name="default", lock_hash=lock_hash)
        execute(
            make_plan([tool], [], read_prefix(prefix)),
            prefix,
            packages=shelf,
            requested={},
            platform=LINUX,
            options=FAST,
            marker=marker,
        )
        stored = json.loads((prefix / "conda-meta/pixi").read_text())
        assert stored["manifest_path"] == "/w/pixi.toml"
        assert stored["environment_name"] == "default"
        assert stored["environment_lock_file_hash"] == lock_hash


def test_a_waiting_process_is_told_who_works(prefix: Path, shelf: Shelf) -> None:
    told: list[str] = []
    holding, released = threading.Event(), threading.Event()

    class Listener(Reporter):
        def message(self, text: str) -> None:
            told.append(text)
            released.set()

    def hold() -> None:
        with prefix_lock(prefix, reporter=SILENT):
            holding.set()
            released.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    holding.wait(20)
    with pytest.raises(PrefixBusy), prefix_lock(prefix, reporter=SILENT, wait=False):
        pass
    with prefix_lock(prefix, reporter=Listener()) as waited:
        assert waited
    holder.join()
    assert "which is changing" in told[0]
    if Path("/proc/locks").exists() and str(os.getpid()) in Path("/proc/locks").read_text():
        assert f"process {os.getpid()}" in told[0]


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    "path",
    ["../out", "/abs", "a/../../out", "conda-meta/evil-1-0.json", "conda-meta/.pixi-transaction", "a\\b", "a\nb"],
)
def test_paths_that_leave_the_prefix_are_refused(prefix: Path, shelf: Shelf, path: str) -> None:
    bad = shelf.add_conda("bad", "1", {"ok": "x"}, paths=[{"_path": path, "path_type": "hardlink"}])
    with pytest.raises(UnsafePath):
        bring(prefix, shelf, [bad])
    assert not (prefix / "ok").exists()


@pytest.mark.parametrize("command", ["../../evil", "/tmp/evil", "a/b", "..", "con"])
def test_entry_points_that_leave_the_folder_are_refused(prefix: Path, shelf: Shelf, command: str) -> None:
    python = shelf.add_python("3.11.1")
    bad = shelf.add_conda("bad", "1", {}, noarch="python", entry_points=[f"{command} = m:f"])
    with pytest.raises(UnsafePath):
        bring(prefix, shelf, [python, bad])


@pytest.mark.parametrize("text", ["x = m:f()", "x = m:f;import os", "x = m", "= m:f", "x = m n:f"])
def test_entry_points_that_are_none_are_refused(prefix: Path, shelf: Shelf, text: str) -> None:
    python = shelf.add_python("3.11.1")
    bad = shelf.add_conda("bad", "1", {}, noarch="python", entry_points=[text])
    with pytest.raises(ArchiveError):
        bring(prefix, shelf, [python, bad])


@pytest.mark.parametrize("target", ["/etc", "../../..", "a/../../../x"])
def test_links_that_leave_the_prefix_are_refused(prefix: Path, shelf: Shelf, target: str) -> None:
    bad = shelf.add_conda("bad", "1", {}, links={"share/l": target})
    with pytest.raises(UnsafePath):
        bring(prefix, shelf, [bad])


def test_a_folder_that_leads_out_is_not_followed(prefix: Path, shelf: Shelf, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    prefix.mkdir(parents=True)
    (prefix / "share").symlink_to(outside)
    tool = shelf.add_conda("tool", "1", {"share/x": "x"})
    with pytest.raises(UnsafePath):
        bring(prefix, shelf, [tool])
    assert not list(outside.iterdir())


def test_records_with_paths_outside_remove_nothing(prefix: Path, shelf: Shelf, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    tool = shelf.add_conda("tool", "1", {"a": "x"})
    bring(prefix, shelf, [tool])
    file = prefix / "conda-meta/tool-1-0.json"
    data = json.loads(file.read_text())
    data["paths_data"]["paths"][0]["_path"] = os.path.relpath(victim, prefix)
    file.write_text(json.dumps(data))
    with pytest.raises(UnsafePath):
        bring(prefix, shelf, [])
    assert victim.read_text() == "precious"


def test_an_empty_record_heals(prefix: Path, shelf: Shelf) -> None:
    tool, other = shelf.add_conda("tool", "1", {"a": "x"}), shelf.add_conda("other", "1", {"b": "x"})
    bring(prefix, shelf, [tool, other])
    (prefix / "conda-meta/tool-1-0.json").write_bytes(b"")
    outcome = bring(prefix, shelf, [tool, other])
    assert [change.name for change in outcome.changed] == ["tool"]
    assert read_prefix(prefix).conda["tool"].files == ("a",)


def test_stopping_before_the_journal_changes_nothing(prefix: Path, shelf: Shelf) -> None:
    tool = shelf.add_conda("tool", "1", {"a": "x"})
    with pytest.raises(Cancelled):
        execute(
            make_plan([tool], [], read_prefix(prefix)),
            prefix,
            packages=shelf,
            requested={},
            platform=LINUX,
            should_stop=lambda: True,
        )
    assert not (prefix / "a").exists()
    assert not (prefix / "conda-meta/.pixi-transaction").exists()


# ---------------------------------------------------------------- PyPI


@pytest.fixture
def host(prefix: Path) -> Path:
    create_host_prefix(prefix, running_interpreter())
    return prefix


def site_packages(prefix: Path) -> Path:
    python = read_prefix(prefix).python
    assert python is not None
    return prefix / python.site_packages


def test_wheel_is_laid_out_by_its_schemes(host: Path, shelf: Shelf) -> None:
    wheel = shelf.add_wheel(
        "My-Tool",
        "1.0",
        {
            "my_tool/__init__.py": "x = 1\n",
            'my_tool/a, "b".txt': "quoted in RECORD",
            "my_tool-1.0.data/scripts/run-it": "#!python\nprint('run')\n",
            "my_tool-1.0.data/scripts/shell": "#!/bin/sh\necho\n",
            "my_tool-1.0.data/data/share/doc/it": "doc",
            "my_tool-1.0.data/purelib/extra.py": "y = 1\n",
            "my_tool-1.0.data/headers/it.h": "int x;",
        },
        entry_points="[console_scripts]\nmy-tool = my_tool.cli:main [extra]\nOther = my_tool:a.b\n",
    )
    outcome = bring(host, shelf, [], [wheel], requested={"my-tool": ["*"]})
    site = site_packages(host)
    short = running_interpreter().short
    assert (host / "bin/run-it").read_text() == f"#!{host}/bin/python\nprint('run')\n"
    assert os.access(host / "bin/shell", os.X_OK)
    assert (host / "share/doc/it").read_text() == "doc"
    assert (site / "extra.py").exists()
    assert (host / f"include/python{short}/my_tool/it.h").exists()
    assert "sys.exit(main())" in (host / "bin/my-tool").read_text()
    assert "from my_tool import a\n" in (host / "bin/Other").read_text()
    info = site / "my_tool-1.0.dist-info"
    assert (info / "INSTALLER").read_text() == "uv-pixi"
    assert (info / "REQUESTED").exists()
    rows = {row[0]: row for row in csv.reader((info / "RECORD").read_text().splitlines())}
    for name, row in rows.items():
        path = os.path.normpath(site / name)
        assert Path(path).exists()
        if row[1]:
            assert int(row[2]) == os.path.getsize(path)
    assert "../../../bin/my-tool" in rows
    assert rows["my_tool-1.0.dist-info/RECORD"][1:] == ["", ""]
    assert 'my_tool/a, "b".txt' in rows
    assert {change.name for change in outcome.added} == {"my-tool"}
    assert read_prefix(host).pypi["my-tool"].requested  # type: ignore[index]  # a plain literal of the compared name
    assert make_plan([], [wheel], read_prefix(host)).is_empty


def test_wheel_upgrade_and_removal_leave_nothing(host: Path, shelf: Shelf) -> None:
    empty = tree(host)
    one = shelf.add_wheel("pkg", "1.0", {"pkg/__init__.py": "1", "pkg/old/x.py": "1"})
    two = shelf.add_wheel("pkg", "2.0", {"pkg/__init__.py": "2"})
    bring(host, shelf, [], [one])
    cache = site_packages(host) / "pkg/old/__pycache__"
    cache.mkdir()
    (cache / "x.cpython-311.pyc").write_bytes(b"")
    outcome = bring(host, shelf, [], [two])
    assert not (site_packages(host) / "pkg/old").exists()
    assert [(change.old_version, change.new_version) for change in outcome.changed] == [("1.0", "2.0")]
    bring(host, shelf, [], [])
    left = {name for name in tree(host) if not name.startswith(("conda-meta/", "CACHEDIR"))}
    assert left - set(empty) == set()


def test_others_distributions_are_left_alone_or_replaced(host: Path, shelf: Shelf) -> None:
    site = site_packages(host)
    for name in ("mine", "wanted"):
        info = site / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "INSTALLER").write_text("pip\n")
        (info / "RECORD").write_text(f"{name}.py,,\n{name}-1.0.dist-info/INSTALLER,,\n{name}-1.0.dist-info/RECORD,,\n")
        (site / f"{name}.py").write_text("")
    wanted = shelf.add_wheel("wanted", "1.0")
    outcome = bring(host, shelf, [], [wanted])
    assert [change.name for change in outcome.changed] == ["wanted"]
    assert not (site / "wanted.py").exists()
    assert (site / "mine.py").exists()


def test_record_that_leads_outside_is_refused(host: Path, shelf: Shelf, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    wheel = shelf.add_wheel("pkg", "1.0")
    bring(host, shelf, [], [wheel])
    record = site_packages(host) / "pkg-1.0.dist-info/RECORD"
    record.write_text(record.read_text() + f"{os.path.relpath(victim, site_packages(host))},,\n")
    with pytest.raises(UnsafePath, match="outside of the environment"):
        bring(host, shelf, [], [])
    assert victim.read_text() == "precious"


@pytest.mark.parametrize(
    ("files", "dist_info"),
    [
        ({"../evil.py": "x"}, None),
        ({"pkg-1.0.data/data/../../evil": "x"}, None),
        ({"pkg-1.0.data/data/conda-meta/x-1-0.json": "x"}, None),
        ({"pkg-1.0.data/unknown/x": "x"}, None),
        ({"pkg.py": "x"}, "other-1.0.dist-info"),
        ({"pkg.py": "x", "second-1.dist-info/METADATA": ""}, None),
    ],
)
def test_bad_wheels_are_refused(host: Path, shelf: Shelf, files: dict[str, str], dist_info: str | None) -> None:
    (shelf.root / "wheels" / "pkg-1.0").mkdir(parents=True)
    before = tree(host)
    bad = shelf.add_wheel("pkg", "1.0", files, dist_info=dist_info)
    with pytest.raises(ArchiveError):
        bring(host, shelf, [], [bad])
    after = tree(host)
    assert {name for name in after if "conda-meta" not in name} == {name for name in before if "conda-meta" not in name}


def test_wheel_wins_over_conda_file_and_gives_it_back(prefix: Path, shelf: Shelf) -> None:
    python = shelf.add_python("3.11.1")
    conda = shelf.add_conda("base", "1", {"lib/python3.11/site-packages/shared.py": "conda"})
    wheel = shelf.add_wheel("wheely", "1.0", {"shared.py": "wheel"})
    outcome = bring(prefix, shelf, [python, conda], [wheel])
    shared = prefix / "lib/python3.11/site-packages/shared.py"
    assert shared.read_text() == "wheel"
    assert "wheely (pypi) and base both bring" in outcome.warnings[0]
    bring(prefix, shelf, [python, conda], [])
    assert shared.read_text() == "conda"
    assert not (prefix / "__clobbers__").exists()


def test_a_package_moves_between_pypi_and_conda_whole(prefix: Path, shelf: Shelf) -> None:
    python = shelf.add_python("3.11.1")
    site = "lib/python3.11/site-packages"
    conda = shelf.add_conda(
        "pkg", "1.0", {f"{site}/pkg/__init__.py": "c", f"{site}/pkg-1.0.dist-info/INSTALLER": "conda"}
    )
    wheel = shelf.add_wheel("pkg", "1.0", {"pkg/__init__.py": "w", "pkg/only_wheel.py": "w"})
    bring(prefix, shelf, [python, conda])
    as_conda = tree(prefix)
    bring(prefix, shelf, [python], [wheel])
    assert (prefix / site / "pkg/__init__.py").read_text() == "w"
    assert (prefix / site / "pkg-1.0.dist-info/INSTALLER").read_text() == "uv-pixi"
    bring(prefix, shelf, [python, conda], [])
    assert tree(prefix) == as_conda


def test_wheels_that_share_a_file(host: Path, shelf: Shelf) -> None:
    one = shelf.add_wheel("one", "1.0", {"ns/__init__.py": "one", "ns/one.py": ""})
    two = shelf.add_wheel("two", "1.0", {"ns/__init__.py": "two", "ns/two.py": ""})
    bring(host, shelf, [], [two])
    bring(host, shelf, [], [one, two])
    shared = site_packages(host) / "ns/__init__.py"
    assert shared.read_text() == "one"
    bring(host, shelf, [], [two])
    assert shared.read_text() == "two"
    assert not (site_packages(host) / "ns/one.py").exists()


def test_moved_prefix_is_installed_again(prefix: Path, shelf: Shelf, tmp_path: Path) -> None:
    tool = shelf.add_conda("tool", "1", {"bin/tool": f"#!{PLACEHOLDER}/bin/sh\n"})
    bring(prefix, shelf, [tool])
    moved = tmp_path / "elsewhere"
    prefix.rename(moved)
    assert read_prefix(moved).moved
    bring(moved, shelf, [tool])
    assert (moved / "bin/tool").read_text() == f"#!{moved}/bin/sh\n"
    assert not read_prefix(moved).moved


@pytest.mark.parametrize("allow", [("hardlink", "copy"), ("copy",)])
@pytest.mark.parametrize("described", [True, False])
def test_every_way_of_linking_gives_the_same(
    prefix: Path, shelf: Shelf, allow: tuple[LinkKind, ...], described: bool
) -> None:
    """Also by paths, which is how it is done on Windows."""
    old = shelf.add_conda("t", "1", {"bin/t": f"#!{PLACEHOLDER}/sh\n", "share/d/f": "1"}, links={"share/l": "d"})
    new = shelf.add_conda("t", "2", {"bin/t": f"#!{PLACEHOLDER}/sh\n", "share/e": "2"}, links={"share/l": "e"})
    bring(prefix, shelf, [old])
    bring(prefix, shelf, [new])
    golden = tree(prefix)
    shutil.rmtree(prefix)
    options = LinkOptions(durable=False, allow=allow, described=described)
    bring(prefix, shelf, [old], options=options)
    outcome = bring(prefix, shelf, [new], options=options)
    assert outcome.report.copied == (1 if allow == ("copy",) else 0)
    skip = ("conda-meta/t-2-0.json",)  # says how it was linked
    assert tree(prefix, skip=skip) == {name: digest for name, digest in golden.items() if name not in skip}


def test_another_file_system_means_copies(tmp_path: Path) -> None:
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system")
    folder = Path(tempfile.mkdtemp(dir=memory))
    try:
        shelf = Shelf(tmp_path)
        tool = shelf.add_conda("tool", "1", {"bin/a": "x", "b": "y"})
        outcome = bring(folder / "env", shelf, [tool])
        assert (outcome.report.copied, outcome.report.hard_linked) == (2, 0)
        assert os.access(folder / "env/bin/a", os.X_OK)
        data = json.loads((folder / "env/conda-meta/tool-1-0.json").read_text())
        assert data["link"]["type"] == 3
    finally:
        shutil.rmtree(folder)
