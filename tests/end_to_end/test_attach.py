"""A workspace whose environment is one of a store: used in place, never written, left behind by the first change."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from pixi_core.errors import DiskFull
from pixi_core.fs import remove_tree
from pixi_core.ops.notebook_workspace import workspace_for_notebook
from pixi_core.ops.own_copy import give_back, notebook_that_needs_one, own_copy
from pixi_core.ops.ready import read_ready
from pixi_core.store.entry import Store
from pixi_core.store.leases import active_leases
from pixi_core.trust import find_approval
from pixi_core.workspace import Workspace
from tests.support.command import pixi

SUBDIR = "osx-arm64" if sys.platform == "darwin" else "linux-64"


@pytest.fixture
def folder(tmp_path: Path, small_channel: Path) -> Path:
    """A locked workspace."""
    folder = tmp_path / "class"
    folder.mkdir()
    (folder / "pixi.toml").write_text(
        f'[workspace]\nchannels = ["{small_channel.as_uri()}"]\nplatforms = ["{SUBDIR}"]\n\n'
        '[dependencies]\nshared = "*"\n'
    )
    pixi("lock", cwd=folder).succeeded()
    return folder


def attached(folder: Path) -> Path:
    """Attach its default environment to a store beside it; the prefix."""
    store = folder.parent / "store"
    out = pixi("materialize", "--attach", "--store", str(store), cwd=folder).succeeded().out
    return Path(out.strip())


def test_an_attached_environment_is_used_in_place(folder: Path) -> None:
    prefix = attached(folder)
    link = folder / ".pixi" / "envs" / "default"
    assert link.is_symlink()
    assert link.resolve() == prefix
    workspace = Workspace.open(folder / "pixi.toml")
    assert workspace.prefix("default") == prefix
    ready = read_ready(workspace, "default", settled=True)
    assert ready is not None
    assert ready.prefix == prefix, "a kernel must stay where it is when the link moves on"
    before = _state(prefix)
    pixi("install", cwd=folder).succeeded()
    shutil.rmtree(folder / ".pixi" / "prepared-v1")
    pixi("install", cwd=folder).succeeded()
    assert link.is_symlink(), "there was nothing to install"
    assert _state(prefix) == before
    status = json.loads(pixi("status", "--json", cwd=folder).succeeded().out)
    assert (status["state"], status["prefix"]) == ("in-sync", str(prefix))
    assert attached(folder) == prefix
    store = str(folder.parent / "store")
    assert prefix.parent.name in pixi("store", "list", "--store", store, cwd=folder).succeeded().out
    assert pixi("store", "verify", "--quick", "--store", store, cwd=folder).succeeded().out == ""


def test_a_change_leaves_the_store_as_it_is(folder: Path) -> None:
    prefix = attached(folder)
    before = _state(prefix)
    link = folder / ".pixi" / "envs" / "default"
    pixi("add", "prefix-text", cwd=folder).succeeded()
    assert link.is_dir()
    assert not link.is_symlink()
    assert (link / "share" / "shared").is_file()
    assert _state(prefix) == before
    (entry,) = Store(folder.parent / "store").entries()
    assert active_leases(entry) == []
    refused = pixi("materialize", "--attach", "--store", str(folder.parent / "store"), cwd=folder).failed().err
    assert "pixi clean -e default" in refused
    pixi("clean", "-e", "default", cwd=folder).succeeded()
    assert attached(folder) != prefix


def test_the_link_is_the_lease(folder: Path) -> None:
    prefix = attached(folder)
    store = folder.parent / "store"
    (entry,) = Store(store).entries()
    assert [lease["link"] for lease in active_leases(entry)] == [str(folder / ".pixi" / "envs" / "default")]
    collect = ("store", "gc", "--older-than", "0", "--store", str(store))
    assert pixi(*collect, cwd=folder).succeeded().out == ""
    (folder / ".pixi" / "envs" / "default").unlink()
    assert entry.key in pixi(*collect, cwd=folder).succeeded().out
    assert not prefix.exists()


def test_what_was_collected_is_installed_again(folder: Path) -> None:
    prefix = attached(folder)
    remove_tree(folder.parent / "store" / "v1")
    assert not prefix.exists()
    pixi("install", cwd=folder).succeeded()
    link = folder / ".pixi" / "envs" / "default"
    assert not link.is_symlink()
    assert (link / "share" / "shared").is_file()


@pytest.mark.parametrize("words", [("--lock", "pixi.lock"), ("--platform", "win-64"), ("--lease", "5")])
def test_attaching_takes_a_workspace(folder: Path, words: tuple[str, str]) -> None:
    assert "--attach is for a workspace" in pixi("materialize", "--attach", *words, cwd=folder).failed(2).err


def _state(prefix: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of everything in a prefix (not its ctime: another link to a file of the cache changes that)."""
    found = {}
    for parent, folders, files in os.walk(prefix):
        for name in [*folders, *files]:
            path = Path(parent, name)
            status = path.lstat()
            found[str(path)] = (status.st_ino, status.st_mtime_ns)
    return found


# ---------------------------------------------------------------- a notebook's own, begun with a shared one


@pytest.fixture
def notebook(folder: Path) -> Path:
    """A notebook far from the workspace."""
    path = folder.parent / "home" / "one.ipynb"
    path.parent.mkdir()
    path.write_text(json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return path


def shared_workspace(folder: Path) -> Workspace:
    """The workspace as the default one of this machine."""
    variables = {**os.environ, "PIXI_JUPYTER_DEFAULT_MANIFEST": str(folder / "pixi.toml")}
    return Workspace.open(folder / "pixi.toml", environ=variables)


def test_an_own_copy_begins_in_the_shared_environment(folder: Path, notebook: Path) -> None:
    prefix = attached(folder)
    shared = shared_workspace(folder)
    assert workspace_for_notebook(notebook, environ=shared.environ).root == folder
    begun = own_copy(shared, notebook)
    assert begun.size == sum(
        path.lstat().st_size for path in prefix.rglob("*") if not path.is_dir() or path.is_symlink()
    )
    assert (begun.workspace.manifest_text, begun.workspace.lock_text()) == (shared.manifest_text, shared.lock_text())
    assert begun.workspace.prefix("default") == prefix
    assert workspace_for_notebook(notebook, environ=shared.environ).root == begun.workspace.root != folder
    assert own_copy(shared, notebook).workspace.root == begun.workspace.root
    (entry,) = Store(folder.parent / "store").entries()
    assert len(active_leases(entry)) == 2


def test_a_copy_for_which_a_command_failed_goes_again(folder: Path, notebook: Path) -> None:
    prefix = attached(folder)
    shared = shared_workspace(folder)
    before = sorted(str(path.relative_to(prefix)) for path in prefix.rglob("*"))
    begun = own_copy(shared, notebook)
    give_back(begun)
    assert not begun.workspace.root.exists()
    assert workspace_for_notebook(notebook, environ=shared.environ).root == folder
    assert find_approval(begun.workspace) is None
    assert sorted(str(path.relative_to(prefix)) for path in prefix.rglob("*")) == before
    (entry,) = Store(folder.parent / "store").entries()
    assert len(active_leases(entry)) == 1


def test_a_copy_that_holds_something_stays(folder: Path, notebook: Path) -> None:
    attached(folder)
    shared = shared_workspace(folder)
    begun = own_copy(shared, notebook)
    give_back(own_copy(shared, notebook))  # it was there before the command that failed
    assert begun.workspace.root.is_dir()
    begun.workspace.manifest_path.write_text(shared.manifest_text + "\n[tasks]\nmine = 'true'\n")
    give_back(begun)
    assert begun.workspace.root.is_dir()


def test_no_room_for_an_own_environment(folder: Path, notebook: Path) -> None:
    prefix = attached(folder)
    note = prefix.parent / "entry.json"
    note.write_text(json.dumps({**json.loads(note.read_text()), "bytes": 10**18}))
    with pytest.raises(DiskFull, match=r"1,000,000,000,000,000,000 bytes needed"):
        own_copy(shared_workspace(folder), notebook)
    assert workspace_for_notebook(notebook, environ=shared_workspace(folder).environ).root == folder


def test_who_can_write_needs_no_copy(folder: Path, notebook: Path) -> None:
    shared = shared_workspace(folder)
    assert notebook_that_needs_one(shared, {**shared.environ, "JPY_SESSION_NAME": str(notebook)}) is None
