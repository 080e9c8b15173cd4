"""Kernels under a real Jupyter Server: started, restarted, crashed, explained and mended."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pixi_core.install.lock import prefix_lock
from pixi_core.progress import SILENT
from tests.provisioner.conftest import approve, write_notebook
from tests.support.jupyter_server import TestServer, running_server

pytestmark = pytest.mark.xdist_group("kernels")

WHERE = "import sys; print(sys.prefix)"


@pytest.fixture
def server(project: Path, tmp_path: Path) -> Iterator[TestServer]:
    """Serves the folder above the workspace."""
    work = tmp_path / "server"
    work.mkdir()
    with running_server(project.parent, work) as running:
        yield running


def until(condition: Callable[[], bool], seconds: float = 30.0) -> bool:
    """Whether the condition came true in time."""
    pause = threading.Event()
    for _ in range(int(seconds / 0.1)):
        if condition():
            return True
        pause.wait(0.1)
    return condition()


def state(server: TestServer, path: str = "demo/nb.ipynb") -> str:
    answer = server.request("GET", f"pixi/status?path={path}").json()
    return str(answer["state"])


def test_from_opening_a_notebook_to_a_package_in_use(server: TestServer, project: Path) -> None:
    write_notebook(project / "nb.ipynb")
    assert state(server) == "no-lock"
    server.follow_events()
    session = server.open_session("demo/nb.ipynb")
    assert session.status == 201, session.body
    kernel = session.json()["kernel"]["id"]
    where, add, use = server.run_cells(kernel, WHERE, "%pixi add greeting", "import greeting; print(greeting.version)")
    assert where.text.strip() == str(project / ".pixi" / "envs" / "default")
    assert add.status == "ok", add
    assert add.displays[-1]["text/plain"].endswith("ready now")
    assert use.text.strip() == "1.1"
    assert state(server) == "in-sync"
    assert until(lambda: any(event.get("state") == "ready" for event in server.events))
    told = [event for event in server.events if event.get("schema_id") == "urn:pixi-jupyter:environment:v1"]
    assert {event["path"] for event in told} == {"demo/nb.ipynb"}
    assert not [event for event in told if str(project) in str(event)]


@pytest.mark.slow
def test_a_restart_sees_the_new_manifest_and_a_crash_does_not_lock(server: TestServer, project: Path) -> None:
    write_notebook(project / "nb.ipynb")
    kernel = server.open_session("demo/nb.ipynb").json()["kernel"]["id"]
    lock = project / "pixi.lock"
    before = lock.read_text()
    manifest = project / "pixi.toml"
    manifest.write_text(manifest.read_text() + '\n[pypi-dependencies]\nwords = "*"\n')
    approve(project)
    assert state(server) == "stale"

    crashed = server.run_cells(kernel, "import os; print(os.getpid())")[0].text.strip()
    _crash(server, kernel, crashed)
    assert lock.read_text() == before

    assert server.request("POST", f"api/kernels/{kernel}/restart").status == 200
    assert server.run_cells(kernel, "import words; print(words.version)")[0].text.strip() == "2.0"
    assert state(server) == "in-sync"


def _crash(server: TestServer, kernel: str, process: str) -> None:
    """Kill a kernel's process and wait until the server has started another."""
    import os
    import signal

    os.kill(int(process), signal.SIGKILL)

    def restarted() -> bool:
        try:
            answer = server.run_cells(kernel, "import os; print(os.getpid())", timeout=5)[0]
        except (TimeoutError, ConnectionError):
            return False
        return answer.text.strip() not in ("", process)

    assert until(restarted, 60), "the server did not start the kernel again"


@pytest.mark.slow
def test_a_failure_is_told_in_the_dialog_then_explained_in_the_notebook_then_mended(
    server: TestServer, project: Path
) -> None:
    write_notebook(project / "nb.ipynb")
    manifest = project / "pixi.toml"
    good = manifest.read_text()
    manifest.write_text(good + '\n[pypi-dependencies]\ngreting = "*"\n')
    approve(project)

    dialog = server.open_session("demo/nb.ipynb")
    assert dialog.status == 500
    assert "greting" in dialog.json()["message"]

    session = server.open_session("demo/nb.ipynb")
    assert session.status == 201
    kernel = session.json()["kernel"]["id"]
    explained = server.run_cells(kernel, "1 + 1")[0]
    assert explained.reply["ename"] == "EnvironmentNotReady"
    assert "greting" in "\n".join(explained.reply["traceback"])

    mended = server.run_cells(kernel, "%pixi remove greting")[0]
    assert "its kernel starts now" in mended.text, mended

    def real() -> bool:
        try:
            return str(project) in server.run_cells(kernel, WHERE, timeout=5)[0].text
        except (TimeoutError, ConnectionError):
            return False

    assert until(real, 60)


@pytest.mark.slow
def test_a_refused_start_does_not_keep_the_server_from_stopping(server: TestServer, project: Path) -> None:
    good = (project / "pixi.toml").read_text()
    write_notebook(project / "nb.ipynb")
    (project / "pixi.toml").write_text("[workspace\n")
    assert server.open_session("demo/nb.ipynb").status == 500
    (project / "pixi.toml").write_text(good)
    assert server.open_session("demo/nb.ipynb").status == 201
    server.process.terminate()
    assert server.process.wait(15) == 0


@pytest.mark.slow
def test_two_notebooks_at_once_share_one_installation(server: TestServer, project: Path) -> None:
    write_notebook(project / "nb.ipynb")
    write_notebook(project / "two.ipynb")
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda path=path: answers.append(server.open_session(path).status))
        for path in ("demo/nb.ipynb", "demo/two.ipynb")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [201, 201]


def test_the_picker_offers_every_environment(server: TestServer, project: Path) -> None:
    names = server.request("POST", "pixi/kernelspecs").json()["kernelspecs"]
    assert len(names) == 2
    specs = server.request("GET", "api/kernelspecs").json()["kernelspecs"]
    (extra,) = [name for name in names if name.endswith("--extra")]
    assert specs[extra]["spec"]["display_name"] == "demo (extra)"
    write_notebook(project.parent / "outside.ipynb")
    session = server.open_session("outside.ipynb", kernel=extra)
    assert session.status == 201, session.body
    kernel = session.json()["kernel"]["id"]
    assert server.run_cells(kernel, WHERE)[0].text.strip() == str(project / ".pixi" / "envs" / "extra")

    (project / "pixi.toml").unlink()
    assert server.request("POST", "pixi/kernelspecs").json()["kernelspecs"] == []


@pytest.mark.slow
def test_shutting_down_leaves_no_process(server: TestServer, project: Path) -> None:
    import os

    write_notebook(project / "nb.ipynb")
    kernel = server.open_session("demo/nb.ipynb").json()["kernel"]["id"]
    process = int(server.run_cells(kernel, "import os; print(os.getpid())")[0].text)
    assert server.request("DELETE", f"api/kernels/{kernel}").status == 204

    def gone() -> bool:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        return False

    assert until(gone)


@pytest.mark.slow
@pytest.mark.parametrize("ends_well", [True, False])
def test_a_long_start_is_answered_and_becomes_the_kernel_by_itself(
    ends_well: bool, project: Path, tmp_path: Path
) -> None:
    """Somebody else works on the environment for longer than a client waits."""
    work = tmp_path / "server"
    work.mkdir()
    write_notebook(project / "nb.ipynb")
    prefix = project / ".pixi" / "envs" / "default"
    with running_server(project.parent, work, "--PixiProvisioner.patience=0.5") as server:
        with prefix_lock(prefix, reporter=SILENT):
            session = server.open_session("demo/nb.ipynb")
            assert session.status == 201, session.body
            kernel = session.json()["kernel"]["id"]
            meanwhile = server.run_cells(kernel, "1 + 1")[0]
            assert "still being prepared" in "\n".join(meanwhile.reply["traceback"])
            if not ends_well:
                shutil.rmtree(prefix)
                prefix.write_text("no folder")

        def handed_over() -> bool:
            try:
                result = server.run_cells(kernel, WHERE, timeout=5)[0]
            except (TimeoutError, ConnectionError):
                return False
            told = result.text + "\n".join(result.reply.get("traceback", ()))
            return str(prefix) in told and "still being prepared" not in told

        assert until(handed_over, 60), server.log.read_text()
        result = server.run_cells(kernel, WHERE)[0]
        assert (result.status == "ok") == ends_well, result


@pytest.mark.slow
def test_a_long_start_that_is_given_up_leaves_nothing_running(project: Path, tmp_path: Path) -> None:
    work = tmp_path / "server"
    work.mkdir()
    write_notebook(project / "nb.ipynb")
    prefix = project / ".pixi" / "envs" / "default"
    with running_server(project.parent, work, "--PixiProvisioner.patience=0.5") as server:
        with prefix_lock(prefix, reporter=SILENT):
            session = server.open_session("demo/nb.ipynb").json()
            assert server.request("DELETE", f"api/sessions/{session['id']}").status == 204
        server.process.terminate()
        assert server.process.wait(15) == 0
    assert not (prefix / "bin").exists()
