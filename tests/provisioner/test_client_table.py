"""The table of clients and situations: each cell is run against the real client, or says why it cannot be.

A situation makes a folder with a notebook, meets it with a client as a user of that client would, and checks what came
of it: mostly, in the folder of which environment the kernel runs.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psutil
import pytest

from pixi_core.cache.layout import CacheDirs
from pixi_core.config.load import load_config
from tests.provisioner.conftest import approve, printed, tools_on_path, write_notebook
from tests.provisioner.test_clients import LAUNCHER, WHERE, execute
from tests.server_ext.test_sessions import until
from tests.support.command import pixi
from tests.support.jupyter_server import TestServer, running_server
from tests.support.kernels import TestKernel, running_kernel
from tests.support.pypi_index import FakeIndex, serving

pytestmark = pytest.mark.slow

HEADLESS = ("nbclient", "nbconvert", "papermill")
CLIENTS = ("server", *HEADLESS, "console", "argv")
PROCESS = "import os; print(os.getpid())"
numbers = count()


@dataclass
class Scene:
    """A folder with a notebook; `variables` are what a user of a client without notebooks would set."""

    folder: Path
    notebook: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def manifest(self) -> Path:
        """The workspace's manifest."""
        return self.folder / "pixi.toml"

    def prefix(self, environment: str = "default") -> str:
        """The folder of an environment."""
        return str(self.folder / ".pixi" / "envs" / environment)

    def add_to_manifest(self, text: str) -> None:
        """Append, as a user with an editor would, who approves of it."""
        self.manifest.write_text(self.manifest.read_text() + text)
        approve(self.folder)


class Table:
    """What every cell needs: folders, and each client's way to run a notebook."""

    def __init__(self, root: Path, server: TestServer, work: Path, manifest: str) -> None:
        self.root = root
        self.server = server
        self.work = work
        self.text = manifest

    def scene(self, *cells: str, text: str = "", named: str = "demo", **metadata: object) -> Scene:
        """A fresh folder below the server's, with `text` as its manifest where there is one."""
        folder = self.root / f"{named}-{next(numbers)}-{os.getpid()}"
        folder.mkdir()
        if text:
            (folder / "pixi.toml").write_text(text)
            approve(folder)
        return Scene(folder, write_notebook(folder / "nb.ipynb", *(cells or (WHERE,)), **metadata))

    def ask(self, client: str, scene: Scene) -> str:
        """What the last cell of the notebook prints."""
        if client == "server":
            return self.server.run_cells(self.session(scene), WHERE)[0].text.strip()
        if client == "console":
            return self.console(scene, WHERE).stdout
        if client == "argv":
            with self.argv(scene) as kernel:
                return kernel.value("__import__('sys').prefix")
        out = self.work / f"{client}-{next(numbers)}.ipynb"
        ran = execute(client, scene.notebook, out)
        assert ran.returncode == 0, ran.stderr
        return printed(out)[-1]

    def session(self, scene: Scene) -> str:
        """Open the notebook in Jupyter; the identifier of its kernel."""
        answer = self.server.open_session(scene.notebook.relative_to(self.root).as_posix())
        assert answer.status == 201, answer.body
        return str(answer.json()["kernel"]["id"])

    def console(self, scene: Scene, *lines: str) -> subprocess.CompletedProcess[str]:
        """`jupyter console`, with some lines typed as soon as it hears its kernel.

        It shows its prompt before it is connected to where the kernel publishes what cells print; a line typed within
        the next tenth of a second then waits for ever, with every kernel. No person is that fast.
        """
        runtime = self.work / f"console-{next(numbers)}"
        command = [sys.executable, "-m", "jupyter_console", "--kernel=pixi", "--simple-prompt"]
        environ = {**tools_on_path(), **scene.variables, "JUPYTER_RUNTIME_DIR": str(runtime)}
        pipe = subprocess.PIPE
        with subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=scene.folder, env=environ
        ) as it:
            try:
                until(lambda: it.poll() is not None or _hears_its_kernel(it.pid, runtime), 60)
                shown, said = it.communicate("\n".join([*lines, "exit", ""]), timeout=60)
            except BaseException:
                it.kill()
                raise
        return subprocess.CompletedProcess(command, it.returncode, shown, said)

    def argv(self, scene: Scene) -> AbstractContextManager[TestKernel]:
        """The kernel spec's command, as clients run it that know no provisioners."""
        environ = {**tools_on_path(), **scene.variables}
        return running_kernel(LAUNCHER, self.work, environ=environ, cwd=scene.folder)


def _hears_its_kernel(client: int, runtime: Path) -> bool:
    """Whether a process is connected to where its kernel publishes; `runtime` holds the kernel's connection file."""
    with suppress(psutil.NoSuchProcess, json.JSONDecodeError):  # it has just ended, the file is just being written
        ports = {json.loads(file.read_bytes())["iopub_port"] for file in runtime.glob("kernel-*.json")}
        connections = psutil.Process(client).net_connections("tcp")
        return any(one.status == psutil.CONN_ESTABLISHED and one.raddr.port in ports for one in connections)
    return False


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestServer, Path]]:
    """One server for the whole table, and the folder that it serves."""
    work = tmp_path_factory.mktemp("server")
    root = work / "root"
    root.mkdir()
    with running_server(root, work, environ={"PIXI_HOME": str(work / "home")}) as server:
        yield server, root


@pytest.fixture
def table(
    served: tuple[TestServer, Path], manifest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Table]:
    """The clients; approvals are those of the server's user."""
    server, root = served
    monkeypatch.setenv("PIXI_HOME", str(root.parent / "home"))
    yield Table(root, server, tmp_path, manifest)
    for session in server.request("GET", "api/sessions").json():
        server.request("DELETE", f"api/sessions/{session['id']}")


def own_copies() -> Path:
    """Where the working copies of notebooks with a workspace of their own are."""
    return CacheDirs.from_environment(os.environ, load_config(None, os.environ)).notebooks


# ---------------------------------------------------------------- situations


def in_a_project(client: str, table: Table) -> None:
    scene = table.scene(text=table.text)
    assert scene.prefix() in table.ask(client, scene)
    assert "ipykernel" not in scene.manifest.read_text() + (scene.folder / "pixi.lock").read_text()


def in_a_named_environment(client: str, table: Table) -> None:
    scene = table.scene(text=table.text, pixi={"environment": "extra"})
    if client in ("console", "argv"):
        scene.variables["PIXI_JUPYTER_ENVIRONMENT"] = "extra"  # no notebook that could say so
    assert scene.prefix("extra") in table.ask(client, scene)


def with_its_own_manifest(client: str, table: Table) -> None:
    scene = table.scene(named="own", pixi=table.text)
    approve(scene.notebook)
    if client == "argv":
        scene.variables["JPY_SESSION_NAME"] = str(scene.notebook)
    before = scene.notebook.read_bytes()
    assert str(own_copies() / "nb-") in table.ask(client, scene)
    assert scene.notebook.read_bytes() == before


def with_no_manifest(client: str, table: Table) -> None:
    scene = table.scene(named="none")
    assert str(own_copies()) in table.ask(client, scene)
    assert [path.name for path in scene.folder.iterdir()] == ["nb.ipynb"]


def restarted(client: str, table: Table) -> None:
    """What was added to the manifest meanwhile is there."""
    scene = table.scene(text=table.text)
    use = "import words; print(words.version)"
    if client == "server":
        kernel = table.session(scene)
        scene.add_to_manifest('\n[pypi-dependencies]\nwords = "==1.0"\n')
        assert table.server.request("POST", f"api/kernels/{kernel}/restart").status == 200
        assert table.server.run_cells(kernel, use)[0].text.strip() == "1.0"
        return
    table.ask(client, scene)
    scene.add_to_manifest('\n[pypi-dependencies]\nwords = "==1.0"\n')
    with table.argv(scene) as kernel_process:
        assert kernel_process.run(use).text.strip() == "1.0"


def crashed(client: str, table: Table) -> None:
    """The lock file stays as it was, whatever the manifest says by now."""
    die = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    scene = table.scene(die, text=table.text)
    pixi("install", cwd=scene.folder).succeeded()
    lock = scene.folder / "pixi.lock"
    before = lock.read_bytes()
    edit = f"open({str(scene.manifest)!r}, 'a').write('\\n[pypi-dependencies]\\nwords = \"==1.0\"\\n')"
    if client == "server":
        kernel = table.session(scene)
        process = table.server.run_cells(kernel, edit, PROCESS)[1].text.strip()
        approve(scene.folder)
        os.kill(int(process), signal.SIGKILL)
        assert until(lambda: _answers_anew(table.server, kernel, process), 60)
    elif client == "console":
        with suppress(subprocess.TimeoutExpired):  # a console may wait for a kernel that is dead for ever
            table.console(scene, edit, die)
    else:
        write_notebook(scene.notebook, edit, die)
        ran = execute(client, scene.notebook, table.work / "crashed.ipynb")
        assert ran.returncode != 0
        assert "died" in ran.stderr.lower()
    assert "words" in scene.manifest.read_text()
    assert lock.read_bytes() == before


def _answers_anew(server: TestServer, kernel: str, process: str) -> bool:
    try:
        return server.run_cells(kernel, PROCESS, timeout=5)[0].text.strip() not in ("", process)
    except (TimeoutError, ConnectionError):
        return False


def unsatisfiable(client: str, table: Table) -> None:
    """Headless runs fail with our text; where somebody looks on, a message kernel says it and `%pixi` repairs."""
    scene = table.scene(text=table.text + '\n[pypi-dependencies]\ngreting = "*"\n')
    if client == "server":
        path = scene.notebook.relative_to(table.root).as_posix()
        assert "greting" in table.server.open_session(path).json()["message"]
        kernel = table.session(scene)
        said = table.server.run_cells(kernel, "1 + 1")[0]
        assert "greting" in "\n".join(said.reply["traceback"])
        assert "its kernel starts now" in table.server.run_cells(kernel, "%pixi remove greting")[0].text
        assert until(lambda: _prints(table.server, kernel, scene.prefix()), 60)
    elif client == "argv":
        with table.argv(scene) as kernel_process:
            assert "greting" in "\n".join(kernel_process.run("1 + 1").reply["traceback"])
            assert "restart the kernel" in kernel_process.run("%pixi remove greting").text
        assert table.ask(client, scene) == scene.prefix()
    else:
        run = table.console(scene) if client == "console" else execute(client, scene.notebook, table.work / "x.ipynb")
        assert run.returncode != 0
        assert "greting" in run.stderr
        assert not (scene.folder / "pixi.lock").exists()


def _prints(server: TestServer, kernel: str, text: str) -> bool:
    try:
        return text in server.run_cells(kernel, WHERE, timeout=5)[0].text
    except (TimeoutError, ConnectionError):
        return False


def offline(client: str, table: Table) -> None:
    """The index is gone, the environment was deleted: what the caches hold is enough."""
    fake = FakeIndex()
    fake.wheel("words", "3.0")
    with serving(fake):
        text = table.text.split("[pypi-options]")[0] + f'[pypi-options]\nindex-url = "{fake.url}"\n'
        text += '\n[pypi-dependencies]\nwords = "*"\n' + "\n[dependencies]" + table.text.split("[dependencies]")[1]
        scene = table.scene(text=text)
        pixi("install", cwd=scene.folder).succeeded()
    pixi("clean", cwd=scene.folder).succeeded()
    assert not Path(scene.prefix()).exists()
    assert scene.prefix() in table.ask(client, scene)
    assert list(Path(scene.prefix()).glob("lib/*/site-packages/words/__init__.py"))


def two_at_once(client: str, table: Table) -> None:
    """Both kernels get the one environment, which neither has found made."""
    scene = table.scene(text=table.text)
    second = Scene(scene.folder, write_notebook(scene.folder / "two.ipynb", WHERE))
    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(lambda one: table.ask(client, one), (scene, second)))
    assert [scene.prefix() in answer for answer in answers] == [True, True]


SITUATIONS: tuple[Callable[[str, Table], None], ...] = (
    in_a_project,
    in_a_named_environment,
    with_its_own_manifest,
    with_no_manifest,
    restarted,
    crashed,
    unsatisfiable,
    offline,
    two_at_once,
)
ONCE = "it starts a kernel once for a run, and never again"
WHY_NOT = {
    ("restarted", "nbclient"): ONCE,
    ("restarted", "nbconvert"): ONCE,
    ("restarted", "papermill"): ONCE,
    ("restarted", "console"): ONCE,
    ("crashed", "argv"): "a command line is not told what came before: such a start is like any other",
    ("with_its_own_manifest", "console"): "a console has no notebook that could carry one",
}


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda one: one.__name__)
def test_cell(situation: Callable[[str, Table], None], client: str, table: Table) -> None:
    reason = WHY_NOT.get((situation.__name__, client))
    if reason is not None:
        pytest.skip(reason)
    situation(client, table)


def test_every_reason_is_of_a_cell() -> None:
    names = {situation.__name__ for situation in SITUATIONS}
    assert {situation for situation, _ in WHY_NOT} <= names
    assert {client for _, client in WHY_NOT} <= set(CLIENTS)
