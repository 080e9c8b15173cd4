"""Folders of archives and the package cache as channels, through the real command: what to do without internet."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.command import pixi
from tests.support.trees import tree


@contextmanager
def serving(*words: str, environ: dict[str, str]) -> Iterator[str]:
    """The address of `pixi channel serve WORDS`; ended as by Ctrl-C."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pixi_core.cli.main", "channel", "serve", "--port", "0", *words],
        env={**os.environ, **environ},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line.startswith("Serving "), line
        yield line.split(" at ")[1].split()[0]
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        process.stdout.close()


def workspace(folder: Path, channel: str, environ: dict[str, str]) -> Path:
    folder.mkdir(parents=True)
    pixi("init", ".", "-c", channel, cwd=folder, environ=environ).succeeded()
    return folder


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent as a POSIX signal")
def test_what_only_a_cache_has_is_added_over_the_network(tmp_path: Path, small_channel: Path) -> None:
    theirs = {"PIXI_CACHE_DIR": str(tmp_path / "their-cache")}
    ours = {"PIXI_CACHE_DIR": str(tmp_path / "our-cache")}
    channel = tmp_path / "channel"
    shutil.copytree(small_channel, channel)
    there = workspace(tmp_path / "there", channel.as_uri(), theirs)
    pixi("add", "prefix-text", "links", "native-tool", cwd=there, environ=theirs).succeeded()
    shutil.rmtree(channel)  # from here on the packages are in that cache and nowhere else
    with serving("--cache", environ=theirs) as url:
        here = workspace(tmp_path / "here", url, ours)
        pixi("add", "prefix-text", "links", cwd=here, environ=ours).succeeded()
        pixi("add", "native-tool", cwd=here, environ=ours).succeeded()
        missing = pixi("add", "dated", cwd=here, environ=ours).failed()
        assert "dated" in missing.err
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{url}/noarch/")
    locked = (here / "pixi.lock").read_text()
    assert url in locked
    assert channel.as_uri() not in locked
    mine, other = (tree(folder / ".pixi" / "envs" / "default") for folder in (here, there))
    assert {path for path in mine if "conda-meta" not in path} == {path for path in other if "conda-meta" not in path}


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent as a POSIX signal")
@pytest.mark.parametrize("flat", [True, False])
def test_any_folder_of_archives_is_a_channel(tmp_path: Path, small_channel: Path, flat: bool) -> None:
    folder = tmp_path / "archives"
    for path in [*small_channel.glob("*/old-archive-*"), *small_channel.glob("*/native-*")]:
        target = folder if flat else folder / path.parent.name
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    environ = {"PIXI_CACHE_DIR": str(tmp_path / "cache")}
    told = json.loads(pixi("channel", "index", "archives", "--json", cwd=tmp_path).succeeded().out)
    assert sum(told["packages"].values()) == len([*folder.glob("**/*.conda"), *folder.glob("**/*.tar.bz2")])
    local = workspace(tmp_path / "local", folder.as_uri(), environ)
    pixi("add", "old-archive", "native-tool", cwd=local, environ=environ).succeeded()
    with serving(str(folder), environ=environ) as url:
        remote = workspace(tmp_path / "remote", url, environ)
        pixi("add", "old-archive", "native-tool", cwd=remote, environ=environ).succeeded()


def test_refusals(tmp_path: Path) -> None:
    environ = {"PIXI_CACHE_DIR": str(tmp_path / "cache")}
    assert "not a folder" in pixi("channel", "index", "absent", cwd=tmp_path).failed(2).err
    assert "no package" in pixi("channel", "serve", "--cache", cwd=tmp_path, environ=environ).failed().err
    (tmp_path / "archives").mkdir()
    (tmp_path / "archives" / "broken-1-0.conda").write_bytes(b"PK")
    assert "broken-1-0.conda" in pixi("channel", "index", "archives", cwd=tmp_path).failed().err


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent as a POSIX signal")
def test_a_channel_is_served_at_the_address_that_was_asked_for(tmp_path: Path, small_channel: Path) -> None:
    with serving(str(small_channel), "--host", "localhost", environ={}) as url:
        assert url.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(f"{url}/noarch/repodata.json") as answer:
            assert answer.status == 200
    elsewhere = ("--host", "192.0.2.1", "--port", "0")
    refused = pixi("channel", "serve", str(small_channel), *elsewhere, cwd=tmp_path).failed()
    assert "192.0.2.1" in refused.err
