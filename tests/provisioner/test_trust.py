"""A stranger's notebook without a server: refused before anything happens, run when its user has approved it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pixi_core import trust
from pixi_core.ops.lock import ensure_lock
from pixi_core.workspace import Workspace
from pixi_provisioner.notebook_run import approve_environment
from tests.provisioner.conftest import approve, printed, tools_on_path, write_notebook
from tests.provisioner.test_clients import LAUNCHER, execute
from tests.support.command import pixi
from tests.support.foreign import Foreign, foreign_workspace, tree
from tests.support.kernels import running_kernel

pytestmark = pytest.mark.xdist_group("kernels")

WHERE = "import sys; print(sys.prefix)"
USE = "import words; print(words.version)"


@pytest.fixture
def foreign(tmp_path: Path, own_cache: Path) -> Iterator[Foreign]:
    own_cache.mkdir()
    with foreign_workspace(tmp_path / "foreign", tmp_path / "trace") as found:
        yield found


def watched(foreign: Foreign) -> dict[str, int]:
    return tree(foreign.folder, Path(os.environ["PIXI_CACHE_DIR"]), Path(os.environ["PIXI_HOME"]))


OWN_OR_BESIDE = ["beside", "inside"]
RUN = [pytest.param("beside", marks=pytest.mark.slow), "inside"]
CLIENTS = [
    "nbclient",
    *(
        pytest.param(name, marks=pytest.mark.slow)
        for name in ("nbconvert", "papermill", "papermill --engine pixi", "papermill --cwd")
    ),
]


def notebook_of(foreign: Foreign, where: str, text: str, *cells: str) -> Path:
    """A notebook beside that manifest, or one which carries it."""
    if where == "inside":
        return write_notebook(foreign.folder / "nb.ipynb", *cells, pixi=text)
    (foreign.folder / "pixi.toml").write_text(text)
    return write_notebook(foreign.folder / "nb.ipynb", *cells)


@pytest.mark.parametrize("where", OWN_OR_BESIDE)
@pytest.mark.parametrize("client", CLIENTS)
def test_nothing_happens_before_approval(client: str, where: str, foreign: Foreign, tmp_path: Path) -> None:
    if client in ("papermill", "papermill --cwd") and where == "inside":
        pytest.skip("papermill's own engine tells nobody which notebook runs")
    notebook = notebook_of(foreign, where, foreign.harmful, WHERE)
    before = watched(foreign)
    ran = execute(client, notebook, tmp_path / "out" / "nb.ipynb")
    assert ran.returncode != 0
    assert "has not been approved" in ran.stderr
    assert "pixi trust" in ran.stderr
    assert "words" in ran.stderr
    assert foreign.touched() == []
    assert watched(foreign) == before


@pytest.mark.parametrize("where", RUN)
def test_after_approval_it_runs(where: str, foreign: Foreign, tmp_path: Path) -> None:
    notebook = notebook_of(foreign, where, foreign.good, USE)
    shown = pixi("trust", str(notebook), "--show", cwd=tmp_path).failed()
    assert "words" in shown.err
    pixi("trust", str(notebook), cwd=tmp_path).succeeded()
    ran = execute("nbclient", notebook, tmp_path / "out" / "nb.ipynb")
    assert ran.returncode == 0, ran.stderr
    assert printed(tmp_path / "out" / "nb.ipynb") == ["1.0"]
    assert foreign.index.asked
    assert not foreign.trace.exists()
    again = execute("nbclient", notebook, tmp_path / "out" / "nb.ipynb")  # the lock file that was made is covered
    assert again.returncode == 0, again.stderr
    pixi("trust", str(notebook), "--revoke", cwd=tmp_path).succeeded()
    refused = execute("nbclient", notebook, tmp_path / "out" / "nb.ipynb")
    assert "has not been approved" in refused.stderr


def test_a_command_line_asks_in_the_notebook(foreign: Foreign, tmp_path: Path) -> None:
    """Clients without provisioners run a kernel spec's argv; the message kernel takes nothing but the approval."""
    (foreign.folder / "pixi.toml").write_text(foreign.good)
    before = tree(foreign.folder)
    with running_kernel(LAUNCHER, tmp_path, environ=tools_on_path(), cwd=foreign.folder) as kernel:
        for cell in ("1 + 1", "%pixi install", "%pixi run echo", "%pixi list"):
            answer = kernel.run(cell)
            assert answer.reply["ename"] == "EnvironmentNotReady"
            assert "has not been approved" in answer.reply["evalue"]
        assert foreign.touched() == []
        assert tree(foreign.folder) == before
        approved = kernel.run("%pixi trust")
        assert approved.status == "ok", approved
        assert "approved" in approved.text
        assert "restart the kernel" in approved.text
    with running_kernel(LAUNCHER, tmp_path, environ=tools_on_path(), cwd=foreign.folder) as kernel:
        assert kernel.value("__import__('words').version") == "1.0"


@pytest.mark.slow
def test_running_it_by_hand_is_an_approval_unless_refused(foreign: Foreign, tmp_path: Path) -> None:
    notebook = notebook_of(foreign, "inside", foreign.good, USE)
    before = watched(foreign)
    refused = pixi("notebook", "run", str(notebook), "--require-trust", cwd=tmp_path).failed()
    assert "has not been approved" in refused.err
    assert watched(foreign) == before
    assert foreign.touched() == []
    assert "1.0" in pixi("notebook", "run", str(notebook), cwd=tmp_path).succeeded().out
    pixi("notebook", "run", str(notebook), "--require-trust", cwd=tmp_path).succeeded()


def test_who_comes_while_we_lock_is_let_in(project: Path) -> None:
    """A second kernel may start as soon as the first one's lock file is there, and finds it approved."""
    assert not (project / "pixi.lock").exists()
    early = Workspace.discover(project)
    ensure_lock(early)
    early.close()
    late = Workspace.discover(project)
    assert late.lock() is not None
    assert trust.is_trusted(late)


def test_other_kernels_are_nobodys_business(foreign: Foreign) -> None:
    notebook = notebook_of(foreign, "beside", foreign.harmful)
    approve_environment(notebook, "python3")
    assert not Path(os.environ["PIXI_HOME"]).exists()


@pytest.mark.slow
def test_the_policy_of_the_process_counts(foreign: Foreign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = notebook_of(foreign, "beside", foreign.good, USE)
    monkeypatch.setenv("PIXI_JUPYTER_TRUST", "locked-only")
    ran = execute("nbclient", notebook, tmp_path / "out.ipynb")
    assert "there is no lock file" in ran.stderr
    monkeypatch.setenv("PIXI_JUPYTER_TRUST", "always")
    assert execute("nbclient", notebook, tmp_path / "out.ipynb").returncode == 0
    monkeypatch.setenv("PIXI_JUPYTER_TRUST", "locked-only")
    ran = execute("nbclient", notebook, tmp_path / "out.ipynb")
    assert ran.returncode == 0, ran.stderr
    monkeypatch.delenv("PIXI_JUPYTER_TRUST")
    assert execute("nbclient", notebook, tmp_path / "out.ipynb").returncode != 0


@pytest.mark.slow
def test_a_change_of_the_carried_manifest_is_asked_about(foreign: Foreign, tmp_path: Path) -> None:
    notebook = notebook_of(foreign, "inside", foreign.good, USE)
    approve(notebook)
    assert execute("nbclient", notebook, tmp_path / "out.ipynb").returncode == 0
    notebook_of(foreign, "inside", foreign.harmful, USE)
    asked = len(foreign.index.asked)
    ran = execute("nbclient", notebook, tmp_path / "out.ipynb")
    assert "has changed since you approved it" in ran.stderr
    assert "(new)" in ran.stderr
    assert foreign.touched() == foreign.index.asked[:asked]


COMMANDS = {
    "init": ["init", "--host", "."],
    "lock": ["lock"],
    "install": ["install"],
    "add": ["add", "words"],
    "run": ["run", "python", "--version"],
}


@pytest.mark.parametrize(
    "command", [pytest.param(name, marks=() if name == "lock" else pytest.mark.slow) for name in COMMANDS]
)
def test_a_command_in_a_terminal_approves(command: str, foreign: Foreign) -> None:
    if command != "init":
        (foreign.folder / "pixi.toml").write_text(foreign.good)
    pixi(*COMMANDS[command], cwd=foreign.folder).succeeded()
    pixi("trust", "--show", cwd=foreign.folder).succeeded()
    assert not foreign.trace.exists()


@pytest.mark.parametrize("command", ["status", "info", "trust --list", "list"])
def test_looking_approves_nothing_and_runs_nothing(command: str, foreign: Foreign) -> None:
    (foreign.folder / "pixi.toml").write_text(foreign.harmful)
    pixi("--json-lines", *command.split(), cwd=foreign.folder)
    pixi("trust", "--show", cwd=foreign.folder).failed()
    assert foreign.touched() == []
