"""A Dask cluster of several processes, whose workers are restarted into a locked environment of the store."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from distributed import Client

from pixi_magics.child import Settings
from pixi_magics.magic import PixiMagic
from tests.support.command import pixi
from tests.support.pypi_index import FakeIndex, serving

pytestmark = [pytest.mark.slow, pytest.mark.network]

WORK = "(__import__('only_here').version, __import__('os').getpid(), __import__('time').sleep(0.2))"
"""A piece of work that needs a package and tells who did it; it takes a while, so that every worker gets some. A text,
since modules of tests are on no worker.
"""


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A workspace with Dask and a package that is nowhere else, locked and installed."""
    folder = tmp_path_factory.mktemp("dask")
    index = FakeIndex()
    index.wheel("only-here", "4.2")
    with serving(index) as running:
        pixi("init", ".", "--host", cwd=folder).succeeded()
        manifest = folder / "pixi.toml"
        manifest.write_text(manifest.read_text() + f'\n[pypi-options]\nextra-index-urls = ["{running.url}"]\n')
        pixi("add", "distributed", "only-here", cwd=folder, timeout=280).succeeded()
        yield folder


@contextmanager
def process(*words: str, folder: Path, environ: dict[str, str], say: str) -> Iterator[str]:
    """A process of a cluster, which is running when it has printed `say`; the line in which it did."""
    with subprocess.Popen(
        [sys.executable, "-m", *words], stderr=subprocess.PIPE, text=True, cwd=folder, env={**os.environ, **environ}
    ) as running:
        assert running.stderr is not None
        seen = []
        for line in running.stderr:
            seen.append(line)
            if say in line:
                break
        else:
            raise AssertionError("".join(seen))
        # what it prints later is read, too, or it would wait for that
        rest = threading.Thread(target=running.stderr.read)
        rest.start()
        try:
            yield line
        finally:
            running.terminate()
            running.wait(timeout=30)
            rest.join()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, ExitStack]]:
    """The address of a scheduler with two workers, one and two, and where further processes go."""
    words = ("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    with ExitStack() as stack:
        said = stack.enter_context(process(*words, folder=tmp_path, environ={}, say="Scheduler at:"))
        address = said.split()[-1]
        for name in ("one", "two"):
            join(stack, address, name, tmp_path)
        yield address, stack


def join(stack: ExitStack, address: str, name: str, folder: Path, *options: str) -> None:
    """One more worker, with its nanny; it has registered."""
    words = ("distributed.cli.dask_worker", address, "--name", name, "--nthreads", "1", "--no-dashboard", *options)
    environ = {"PIXI_STORE": str(folder / "store")}
    stack.enter_context(process(*words, folder=folder, environ=environ, say="Starting established connection"))
    with Client(address, set_as_default=False) as client:
        assert client.submit(int, workers=[name], pure=False).result(timeout=60) == 0


def address_of(client: Client, name: str) -> str:
    """Where the worker of a name is; empty while it is nowhere."""
    workers = client.scheduler_info(n_workers=-1)["workers"]
    return next((str(address) for address, info in workers.items() if info["id"] == name), "")


def test_work_runs_where_the_lock_file_says(
    cluster: tuple[str, ExitStack], locked: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    address, _ = cluster
    words = ("workers", "--scheduler", address)
    before = json.loads(pixi(*words, "--json", cwd=locked).succeeded().out)
    assert [one["role"] for one in before["participants"]] == ["client", "scheduler", "worker", "worker"]
    lacking = [line for line in before["mismatches"] if "only-here is missing" in line]
    assert sorted(line.partition(" (tcp://")[0] for line in lacking) == ["worker one", "worker two"]
    pixi(*words, "--check", cwd=locked).failed()

    pixi(*words, "--environment", "default", "--switch", cwd=locked).succeeded()
    after = json.loads(pixi(*words, "--json", cwd=locked).succeeded().out)
    ours = [one for one in after["participants"] if one["role"] == "worker"]
    assert sorted(one["name"].partition(" ")[0] for one in ours) == ["one", "two"]
    assert all(one["prefix"].startswith(str(tmp_path / "store")) for one in ours)
    assert len({one["digest"] for one in ours}) == 1
    assert not [line for line in after["mismatches"] if line.startswith("worker")]

    with Client(address) as client:
        # the magic finds the cluster of the notebook's client
        prefix = locked / ".pixi" / "envs" / "default"
        settings = Settings(sys.executable, str(locked / "pixi.toml"), "default", str(prefix))
        PixiMagic(settings, lambda bundle, again: None)("workers --check")
        assert "✔ they fit together" in capfd.readouterr().out
        answers = client.gather([client.submit(eval, WORK, pure=False) for _ in range(8)])
        assert {version for version, _, _ in answers} == {"4.2"}
        assert len({pid for _, pid, _ in answers}) == 2, "both took part"


def test_who_joins_dies_or_cannot_change(cluster: tuple[str, ExitStack], locked: Path, tmp_path: Path) -> None:
    address, stack = cluster
    words = ("workers", "--scheduler", address)
    pixi(*words, "--switch", cwd=locked).succeeded()
    # who joins later runs there as well; one without a nanny cannot be switched
    join(stack, address, "three", tmp_path)
    join(stack, address, "stranger", tmp_path, "--no-nanny")
    with Client(address, set_as_default=False) as client:
        version, pid, _ = client.submit(eval, WORK, workers=["three"], pure=False).result(timeout=60)
        assert version == "4.2"
        # a worker that dies comes back in the same environment
        gone = address_of(client, "three")
        os.kill(pid, 9)
        while address_of(client, "three") in ("", gone):
            pass  # work for a name goes to the address that has it now
        version, again, _ = client.submit(eval, WORK, workers=["three"], pure=False).result(timeout=60)
        assert (version, again == pid) == ("4.2", False)
    told = pixi(*words, "--check", cwd=locked).failed().out
    assert "✗ worker stranger (tcp://" in told
    assert "only-here is missing, the client has 4.2" in told
    switched = ("✗ worker one", "✗ worker two", "✗ worker three")
    assert not [line for line in told.splitlines() if line.startswith(switched)]

    pixi(*words, "--back", cwd=locked).succeeded()
    assert "✗ worker one" in pixi(*words, "--check", cwd=locked).failed().out


def test_an_environment_without_dask_changes_no_worker(cluster: tuple[str, ExitStack], tmp_path: Path) -> None:
    address, _ = cluster
    pixi("init", "bare", "--host", cwd=tmp_path).succeeded()
    pixi("add", "--pypi", "six", cwd=tmp_path / "bare").succeeded()
    words = ("workers", "--scheduler", address, "--switch", "--store", str(tmp_path / "other"))
    assert "has no `distributed`" in pixi(*words, cwd=tmp_path / "bare").failed().err
    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=30)


def test_no_scheduler(locked: Path) -> None:
    assert "--scheduler" in pixi("workers", cwd=locked).failed(2).err
    told = pixi("workers", cwd=locked, environ={"DASK_SCHEDULER_ADDRESS": "tcp://127.0.0.1:9"}).failed().err
    assert "no scheduler answers at tcp://127.0.0.1:9" in told
