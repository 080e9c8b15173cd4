"""Many archives are fetched by two processes: whichever of them fails or dies, the other does what is right."""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pixi_core.ops.fetch_helper import WORTH_A_PROCESS
from pixi_core.process_copy import usable_cores
from pixi_core.virtual import host_subdir
from tests.support.channel.index import write_index
from tests.support.channel.package_writer import Recipe, write_package
from tests.support.command import pixi
from tests.support.http_server import Answered, Fault, FaultServer, Seen, files_of, serving

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(sys.platform != "linux" or usable_cores() < 2, reason="one process fetches alone here"),
]
COUNT = 24
PER_HOST = 8
"""Requests that one process sends to a host at once."""


@pytest.fixture(scope="module")
def large_channel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Packages that are together worth a second process; nothing in them can be compressed."""
    folder = tmp_path_factory.mktemp("large")
    written = []
    for number in range(COUNT):
        stage = folder / f"stage-{number}"
        (stage / "share").mkdir(parents=True)
        content = random.Random(number).randbytes(WORTH_A_PROCESS // COUNT + 1000)
        (stage / "share" / f"large-{number}").write_bytes(content)
        recipe = Recipe(name=f"large-{number}", version="1.0", build="0", subdir="noarch", noarch="generic")
        written.append(write_package(recipe, stage, folder / "channel"))
    write_index(folder / "channel", written, subdirs=("noarch", str(host_subdir())))
    return folder / "channel"


class Doors:
    """Whoever asks for an archive waits until they `open`; `both` tells that more wait than one process would ask for
    at once.
    """

    def __init__(self) -> None:
        self.waiting = 0
        self.open = threading.Event()
        self.both = threading.Event()
        self._counting = threading.Lock()

    def wait(self, seen: Seen) -> Answered | None:
        """Called for each request."""
        if seen.path.endswith(".conda"):
            with self._counting:
                self.waiting += 1
                if self.waiting > PER_HOST:
                    self.both.set()
            self.open.wait(30)
        return None


@pytest.fixture
def doors() -> Iterator[Doors]:
    found = Doors()
    yield found
    found.open.set()


@pytest.fixture
def server(large_channel: Path, tmp_path: Path, doors: Doors) -> Iterator[FaultServer]:
    """The channel, and a locked workspace in which nothing is installed."""
    with serving(files_of(large_channel), answer=doors.wait) as server:
        names = "".join(f'large-{number} = "*"\n' for number in range(COUNT))
        head = f'[workspace]\nchannels = ["{server.url}"]\nplatforms = ["{host_subdir()}"]\n[dependencies]\n'
        (tmp_path / "pixi.toml").write_text(head + names)
        pixi("lock", cwd=tmp_path).succeeded()
        yield server
        doors.open.set()


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An empty cache."""
    return {"PIXI_CACHE_DIR": str(tmp_path / "cache")}


def begin(folder: Path, environ: dict[str, str]) -> subprocess.Popen[str]:
    """`pixi install`, on its way."""
    command = [sys.executable, "-m", "pixi_core.cli.main", "install"]
    return subprocess.Popen(command, cwd=folder, env={**os.environ, **environ}, stderr=subprocess.PIPE, text=True)


def helper_of(process: subprocess.Popen[str]) -> int:
    """The one child of a process."""
    [child] = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return int(child)


def installed(folder: Path) -> int:
    """How many packages are in place, whole."""
    found = list((folder / ".pixi/envs/default/share").glob("large-*"))
    assert {file.stat().st_size for file in found} <= {WORTH_A_PROCESS // COUNT + 1000}
    return len(found)


def test_two_processes_fetch(doors: Doors, server: FaultServer, tmp_path: Path, environ: dict[str, str]) -> None:
    with begin(tmp_path, environ) as process:
        assert doors.both.wait(20), f"{doors.waiting} archives were asked for at once"
        doors.open.set()
        assert process.wait(60) == 0
    assert installed(tmp_path) == COUNT
    assert sum(seen.path.endswith(".conda") for seen in server.seen) == COUNT  # nothing was fetched twice


@pytest.mark.usefixtures("server")
def test_the_helper_dies(doors: Doors, tmp_path: Path, environ: dict[str, str]) -> None:
    """What it had taken is fetched by the other."""
    with begin(tmp_path, environ) as process:
        assert doors.both.wait(20)
        os.kill(helper_of(process), signal.SIGKILL)
        doors.open.set()
        assert process.wait(60) == 0
    assert installed(tmp_path) == COUNT


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_the_command_dies(doors: Doors, tmp_path: Path, environ: dict[str, str], number: int) -> None:
    """The helper does not live on, and the next command does the whole."""
    with begin(tmp_path, environ) as process:
        assert doors.both.wait(20)
        helper = os.pidfd_open(helper_of(process))
        process.send_signal(number)
        doors.open.set()
        process.wait(20)
        with os.fdopen(helper):
            assert select.select([helper], [], [], 20)[0], "the helper lives on"
    assert installed(tmp_path) == 0
    pixi("install", cwd=tmp_path, environ=environ).succeeded()
    assert installed(tmp_path) == COUNT


def test_a_broken_archive(doors: Doors, server: FaultServer, tmp_path: Path, environ: dict[str, str]) -> None:
    """Whichever process meets it, the command says which one it is."""
    doors.open.set()
    for name in (path for path in server.files if path.endswith(".conda")):
        server.always[name] = Fault(flip=5000)
    failed = pixi("install", cwd=tmp_path, environ=environ).failed()
    assert "hash mismatch" in failed.err
    assert "/noarch/large-" in failed.err
    server.always.clear()
    pixi("install", cwd=tmp_path, environ=environ).succeeded()
    assert installed(tmp_path) == COUNT
