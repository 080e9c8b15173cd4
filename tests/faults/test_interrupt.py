"""Ctrl-C while a command waits: for a channel, an archive, a page, a wheel, another process. It ends within two seconds
with 130, nothing has moved, and the next command works.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from pixi_core.fs import FileLock
from tests.support.command import pixi
from tests.support.http_server import Answered, FaultServer, Seen, files_of
from tests.support.http_server import serving as serving_files
from tests.support.pypi_index import Answer, FakeIndex
from tests.support.pypi_index import serving as serving_index
from tests.support.trees import tree

pytestmark = [pytest.mark.faults, pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")]

LIMIT = 2.0
"""Seconds from Ctrl-C to the end of the process."""
AWAITED = {
    "index of a channel": "repodata_shards.msgpack.zst",
    "archive": "native-tool-",
    "page of an index": "/simple/greeting/",
    "metadata of a wheel": ".whl.metadata",
    "wheel": ".whl",
}


class Gate:
    """Requests whose path ends or begins as told wait here until it opens."""

    def __init__(self) -> None:
        self.path = ""
        self.reached = threading.Event()
        self.open = threading.Event()

    def pass_(self, path: str) -> None:
        if self.path and (path.endswith(self.path) or self.path.rstrip("-") in path.rpartition("/")[2]):
            self.reached.set()
            self.open.wait(20)


class Index(FakeIndex):
    """One wheel behind the gate."""

    def __init__(self, gate: Gate) -> None:
        super().__init__()
        self.gate = gate
        self.wheel("greeting", "1.0")

    def answer(self, path: str, headers: Mapping[str, str]) -> Answer:
        self.gate.pass_(path)
        return super().answer(path, headers)


@contextmanager
def gated(small_channel: Path, gate: Gate) -> Iterator[tuple[str, str]]:
    """The addresses of a channel and an index behind a gate."""

    def wait(seen: Seen) -> Answered | None:
        gate.pass_(seen.path)
        return None

    files = files_of(small_channel)
    with serving_files(files) as server, serving_index(Index(gate)) as index:
        server.answer = wait
        assert isinstance(server, FaultServer)
        try:
            yield server.url, index.url
        finally:
            gate.open.set()


def workspace(folder: Path, channel: str, index: str) -> Path:
    """Conda packages and a wheel, nothing installed."""
    folder.mkdir()
    (folder / "pixi.toml").write_text(
        f'[workspace]\nname = "demo"\nplatforms = ["linux-64"]\nchannels = ["{channel}"]\n\n'
        f'[pypi-options]\nindex-url = "{index}"\n\n[dependencies]\npython = "*"\nnative-tool = "*"\n\n'
        '[pypi-dependencies]\ngreeting = "*"\n'
    )
    return folder


def start(folder: Path, environ: Mapping[str, str]) -> subprocess.Popen[str]:
    """`pixi install`."""
    return subprocess.Popen(
        [sys.executable, "-m", "pixi_core.cli.main", "install"],
        cwd=folder,
        env={**os.environ, **environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def interrupted(child: subprocess.Popen[str]) -> tuple[float, int, str]:
    """Seconds until the process has ended after Ctrl-C, its exit code, its standard error."""
    began = time.monotonic()
    child.send_signal(signal.SIGINT)
    try:
        _, told = child.communicate(timeout=15)
    except subprocess.TimeoutExpired:
        child.kill()
        _, told = child.communicate()
    return time.monotonic() - began, child.returncode, told


@pytest.mark.parametrize(
    "awaited",
    [
        pytest.param(path, id=name, marks=() if name == "archive" else pytest.mark.slow)
        for name, path in AWAITED.items()
    ],
)
def test_while_it_waits_for_a_server(awaited: str, tmp_path: Path, small_channel: Path) -> None:
    gate = Gate()
    environ = {"PIXI_CACHE_DIR": str(tmp_path / "cache")}
    with gated(small_channel, gate) as (channel, index):
        folder = workspace(tmp_path / "demo", channel, index)
        gate.path = awaited
        with start(folder, environ) as child:
            assert gate.reached.wait(20), child.communicate(timeout=20)
            seconds, code, told = interrupted(child)
        gate.open.set()
        assert (code, "Traceback" in told) == (130, False), told
        assert seconds < LIMIT
        assert not (folder / ".pixi" / "envs").exists()
        pixi("install", cwd=folder, environ=environ).succeeded()


def test_while_it_waits_for_another_process(tmp_path: Path, small_channel: Path) -> None:
    environ = {"PIXI_CACHE_DIR": str(tmp_path / "cache")}
    gate = Gate()
    with gated(small_channel, gate) as (channel, index):
        folder = workspace(tmp_path / "demo", channel, index)
        pixi("install", cwd=folder, environ=environ).succeeded()
        manifest = folder / "pixi.toml"
        manifest.write_text(manifest.read_text().replace('native-tool = "*"\n', ""))
        pixi("lock", cwd=folder, environ=environ).succeeded()
        before = tree(folder)
        lock = folder / ".pixi/envs/default/conda-meta/.pixi-environment-fingerprint"
        with FileLock(lock), start(folder, environ) as child:
            assert child.stderr is not None
            said = next((line for line in child.stderr if "waiting for" in line), "")
            seconds, code, told = interrupted(child)
        assert str(os.getpid()) in said
        assert (code, "Traceback" in told) == (130, False), told
        assert seconds < LIMIT
        assert tree(folder) == before
        pixi("install", cwd=folder, environ=environ).succeeded()
