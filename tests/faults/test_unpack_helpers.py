"""Large archives are unpacked by helper processes: whichever process fails or dies, the others do what is right."""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from pixi_core.cache.unpack_helper import MOST_HELPERS, WORTH_PROCESSES
from pixi_core.process_copy import usable_cores
from pixi_core.virtual import host_subdir
from tests.support.channel.index import write_index
from tests.support.channel.package_writer import Recipe, write_package
from tests.support.command import pixi
from tests.support.http_server import Answered, Fault, FaultServer, Seen, files_of, serving

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(sys.platform != "linux" or usable_cores() < 2, reason="one process unpacks alone here"),
]
COUNT = 24


@pytest.fixture(scope="module")
def large_channel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Packages that are together worth helpers; nothing in them can be compressed."""
    folder = tmp_path_factory.mktemp("large")
    written = []
    for number in range(COUNT):
        stage = folder / f"stage-{number}"
        (stage / "share").mkdir(parents=True)
        content = random.Random(number).randbytes(WORTH_PROCESSES // COUNT + 1000)
        (stage / "share" / f"large-{number}").write_bytes(content)
        recipe = Recipe(name=f"large-{number}", version="1.0", build="0", subdir="noarch", noarch="generic")
        written.append(write_package(recipe, stage, folder / "channel"))
    write_index(folder / "channel", written, subdirs=("noarch", str(host_subdir())))
    return folder / "channel"


class Doors:
    """Whoever asks for an archive waits until they `open`; `asked` tells that somebody did."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.asked = threading.Event()

    def wait(self, seen: Seen) -> Answered | None:
        """Called for each request."""
        if seen.path.endswith(".conda"):
            self.asked.set()
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


def helpers_of(process: subprocess.Popen[str]) -> list[int]:
    """The children of a process."""
    children = [int(one) for one in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
    assert len(children) == min(usable_cores(), MOST_HELPERS)
    return children


def installed(folder: Path) -> int:
    """How many packages are in place, whole."""
    found = list((folder / ".pixi/envs/default/share").glob("large-*"))
    assert {file.stat().st_size for file in found} <= {WORTH_PROCESSES // COUNT + 1000}
    return len(found)


def litter(cache: Path) -> list[str]:
    """Half-made entries of the package cache."""
    return [entry.name for entry in (cache / "conda-pkgs-v1").iterdir() if entry.name.startswith(".tmp-")]


def test_helpers_unpack(doors: Doors, server: FaultServer, tmp_path: Path, environ: dict[str, str]) -> None:
    with begin(tmp_path, environ) as process:
        assert doors.asked.wait(20)
        assert helpers_of(process)
        doors.open.set()
        assert process.wait(60) == 0
    assert installed(tmp_path) == COUNT
    assert sum(seen.path.endswith(".conda") for seen in server.seen) == COUNT  # nothing was fetched twice


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("milliseconds", [0, 5, 10, 20, 40, 60, 80])
@pytest.mark.parametrize("all_of_them", [False, True])
def test_a_helper_dies(
    doors: Doors, tmp_path: Path, environ: dict[str, str], milliseconds: int, *, all_of_them: bool
) -> None:
    """What it had begun is unpacked by the command itself."""
    with begin(tmp_path, environ) as process:
        assert doors.asked.wait(20)
        helpers = helpers_of(process)
        doors.open.set()
        time.sleep(milliseconds / 1000)  # the moment is what varies: whatever the helpers are at then
        for helper in helpers if all_of_them else helpers[:1]:
            with suppress(ProcessLookupError):  # it had done everything
                os.kill(helper, signal.SIGKILL)
        assert process.wait(60) == 0
    assert installed(tmp_path) == COUNT
    assert litter(tmp_path / "cache") == []


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("milliseconds", [0, 5, 10, 20, 40, 60, 80])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_the_command_dies(
    doors: Doors, tmp_path: Path, environ: dict[str, str], number: int, milliseconds: int
) -> None:
    """No helper lives on for longer than its job, and the next command does the whole."""
    with begin(tmp_path, environ) as process:
        assert doors.asked.wait(20)
        helpers = [os.pidfd_open(helper) for helper in helpers_of(process)]
        doors.open.set()
        time.sleep(milliseconds / 1000)  # the moment is what varies: whatever the helpers are at then
        process.send_signal(number)
        process.wait(20)
        pixi("install", cwd=tmp_path, environ=environ).succeeded()
        for helper in helpers:
            with os.fdopen(helper):
                assert select.select([helper], [], [], 20)[0], "the helper lives on"
    assert installed(tmp_path) == COUNT
    assert litter(tmp_path / "cache") == []


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
