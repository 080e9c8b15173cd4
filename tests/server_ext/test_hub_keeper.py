"""What the Hub's service builds and tells: without a Hub."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest

from pixi_core.store.entry import Store
from pixi_core.virtual import host_subdir
from pixi_server_ext.hub.keeper import BUILT, FAILED, WAITING, Keeper, parse_lock
from tests.support.command import pixi


@pytest.fixture
def workspaces(tmp_path: Path, small_channel: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One whose lock file is good, and one whose manifest has gone on since."""
    monkeypatch.setenv("PIXI_CACHE_DIR", str(tmp_path / "cache"))
    good = tmp_path / "classes" / "good"
    good.mkdir(parents=True)
    (good / "pixi.toml").write_text(
        f'[workspace]\nchannels = ["{small_channel.as_uri()}"]\nplatforms = ["{host_subdir()}"]\n\n'
        '[dependencies]\nshared = "*"\n'
    )
    pixi("lock", cwd=good).succeeded()
    shutil.copytree(good, good.parent / "late")
    with (good.parent / "late" / "pixi.toml").open("a") as file:
        file.write('prefix-text = "*"\n')
    return good.parent


def test_what_is_wanted_is_built_and_what_fails_says_why(workspaces: Path, tmp_path: Path) -> None:
    keeper = Keeper(Store(tmp_path / "store"), workspaces)
    assert keeper.report()["environments"] == []
    keeper.build()
    good, late = keeper.report()["environments"]
    assert (good["workspace"], good["state"], good["packages"], good["used_by"]) == ("good", BUILT, 1, [])
    assert good["bytes"] > 0
    assert (workspaces / "good" / ".pixi" / "envs" / "default").is_symlink()
    assert (late["workspace"], late["state"], late["packages"]) == ("late", FAILED, 0)
    assert "lock file not up-to-date" in late["reason"][0]
    assert keeper.report()["stale"] == []


def test_what_no_lock_file_wants_any_more_is_stale(workspaces: Path, tmp_path: Path) -> None:
    keeper = Keeper(Store(tmp_path / "store"), workspaces)
    keeper.build()
    before = keeper.report()["environments"][0]["key"]
    pixi("add", "--no-install", "prefix-text", cwd=workspaces / "good").succeeded()
    pixi("lock", cwd=workspaces / "late").succeeded()
    keeper.build()
    report = keeper.report()
    assert [row["state"] for row in report["environments"]] == [BUILT, BUILT]
    assert len({row["key"] for row in report["environments"]}) == 1, "the same packages are one environment"
    assert [row["key"] for row in report["stale"]] == [before]
    shutil.rmtree(workspaces / "late")
    keeper.build()
    assert [row["workspace"] for row in keeper.report()["environments"]] == ["good"]


def test_bare_lock_files(workspaces: Path, tmp_path: Path) -> None:
    lock = workspaces / "good" / "pixi.lock"
    keeper = Keeper(
        Store(tmp_path / "store"),
        locks=[parse_lock(str(lock)), parse_lock(f"{lock}#none"), parse_lock(str(tmp_path / "no.lock"))],
    )
    keeper.build()
    rows = {(Path(row["workspace"]).name, row["environment"]): row for row in keeper.report()["environments"]}
    assert rows["pixi.lock", "default"]["state"] == BUILT
    assert "it has: default" in rows["pixi.lock", "none"]["reason"][-1]
    assert "cannot be read" in rows["no.lock", "default"]["reason"][0]
    assert not (workspaces / "good" / ".pixi").exists(), "a lock file alone is attached to nothing"


def test_a_folder_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    keeper = Keeper(Store(tmp_path / "store"), tmp_path / "none")
    keeper.build()
    report = keeper.report()
    assert "cannot be read" in report["problem"]
    assert report["environments"] == report["stale"] == []


def test_the_end_of_the_service_leaves_the_rest_waiting(workspaces: Path, tmp_path: Path) -> None:
    keeper = Keeper(Store(tmp_path / "store"), workspaces)
    ended = threading.Event()
    ended.set()
    keeper.build(ended.is_set)
    assert [row["state"] for row in keeper.report()["environments"]] == [WAITING, WAITING]


def test_the_page_is_text() -> None:
    from pixi_server_ext.hub.service import page

    evil = "<script>alert(1)</script>"
    row = {"packages": 1, "bytes": 2e6, "used_by": [evil], "environment": evil}
    report = {
        "store": evil,
        "problem": evil,
        "environments": [{**row, "workspace": evil, "state": evil, "reason": [evil], "checked": evil, "key": evil}],
        "stale": [{**row, "key": evil}],
    }
    shown = page(report)
    assert "<script" not in shown
    assert shown.count("&lt;script&gt;") == 10
