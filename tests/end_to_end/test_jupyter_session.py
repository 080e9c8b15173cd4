"""One notebook in a conda workspace, as four clients start it: a server, nbclient, papermill, `pixi notebook run`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import nbformat
import pytest

from tests.support.command import pixi
from tests.support.jupyter_server import running_server

pytestmark = [pytest.mark.channel, pytest.mark.xdist_group("kernels")]

WHERE = "import sys; print(sys.prefix)"


@pytest.fixture
def demo(tmp_path: Path, channel_url: str) -> Path:
    """A workspace with Python and nothing else; ipykernel is not in it."""
    folder = tmp_path / "demo"
    pixi("init", "demo", "-c", channel_url, cwd=tmp_path).succeeded()
    pixi("add", "python>=3.11", "--no-install", cwd=folder).succeeded()
    return folder


def write_notebook(folder: Path, *cells: str) -> Path:
    """A notebook for the kernel `pixi`."""
    metadata = {"kernelspec": {"name": "pixi", "display_name": "Pixi (project environment)", "language": "python"}}
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata=metadata)
    path = folder / "analysis.ipynb"
    nbformat.write(notebook, path)
    return path


def outputs(path: Path) -> list[str]:
    """The text of each code cell's outputs."""
    notebook = nbformat.read(path, as_version=4)
    return ["".join(o.get("text", "") for o in cell.outputs) for cell in notebook.cells if cell.cell_type == "code"]


def test_a_session_adds_a_package_and_imports_it_without_restart(demo: Path) -> None:
    write_notebook(demo, WHERE)
    manifest, prefix = (demo / "pixi.toml").read_text(), demo / ".pixi" / "envs" / "default"
    work = demo.parent / "server"
    work.mkdir()
    with running_server(demo.parent, work) as server:
        session = server.open_session("demo/analysis.ipynb", name="analysis.ipynb")
        assert session.status == 201, session.body
        kernel = session.json()["kernel"]["id"]
        where, add, use = server.run_cells(kernel, WHERE, "%pixi add six", "import six; print(six.__version__)")
        assert where.text.strip() == str(prefix)
        assert add.status == "ok", add
        assert use.text.startswith("1."), use
        path = quote("demo/analysis.ipynb", safe="")
        state = server.request("GET", f"pixi/status?path={path}").json()
        assert state["state"] == "in-sync", state
        assert server.request("GET", f"pixi/status?path={path}", token=None).status == 403
    assert 'six = ">=1.' in (demo / "pixi.toml").read_text()
    assert "ipykernel" not in (demo / "pixi.toml").read_text() + (demo / "pixi.lock").read_text()
    assert manifest != (demo / "pixi.toml").read_text()


def test_the_same_notebook_runs_without_a_server(demo: Path) -> None:
    prefix = str(demo / ".pixi" / "envs" / "default")
    source = write_notebook(demo, WHERE, "%pixi add six\nimport six", "print(six.__file__)")
    out = demo.parent / "out"
    out.mkdir()
    commands = {
        "nbclient": ["jupyter", "execute", str(source), f"--output={out / 'nbclient.ipynb'}"],
        "papermill": ["papermill", str(source), str(out / "papermill.ipynb"), "--cwd", str(demo)],
        "notebook run": ["pixi_core.cli.main", "notebook", "run", str(source), "-o", str(out / "run.ipynb")],
    }
    modules = {"jupyter": "jupyter_core", "papermill": "papermill"}
    for title, command in commands.items():
        module = modules.get(command[0], command[0])
        ran = subprocess.run(
            [sys.executable, "-m", module, *command[1:]],
            cwd=demo.parent,
            capture_output=True,
            text=True,
            timeout=240,
            env={**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
        )
        assert ran.returncode == 0, f"{title}: {ran.stderr}"
    for name in ("nbclient", "papermill", "run"):
        where, _, used = outputs(out / f"{name}.ipynb")
        assert where.strip() == prefix, name
        assert used.startswith(prefix), name


def test_a_failing_cell_is_exit_code_1(demo: Path) -> None:
    source = write_notebook(demo, "print('first')", "1 / 0", "print('never')")
    ran = pixi("notebook", "run", str(source), cwd=demo).failed()
    assert "first" in ran.out
    assert "never" not in ran.out
    assert "cell 2 failed" in ran.err
    assert "ZeroDivisionError" in ran.err


def test_a_typo_in_the_magic_fails_the_cell_and_changes_nothing(demo: Path) -> None:
    pixi("install", cwd=demo).succeeded()
    before = (demo / "pixi.toml").read_text(), (demo / "pixi.lock").read_text()
    ran = pixi("notebook", "run", str(write_notebook(demo, "%pixi add sixx")), cwd=demo).failed()
    assert "sixx" in ran.err
    assert ((demo / "pixi.toml").read_text(), (demo / "pixi.lock").read_text()) == before


def test_an_environment_that_cannot_be_made_is_explained(demo: Path) -> None:
    manifest = demo / "pixi.toml"
    manifest.write_text(manifest.read_text() + 'no-such-package = "*"\n')
    ran = pixi("notebook", "run", str(write_notebook(demo, WHERE)), cwd=demo).failed()
    assert "no-such-package" in ran.err
    assert "hint:" in ran.err


def test_the_tour(demo: Path) -> None:
    tour = Path(__file__).parents[2] / "notebooks" / "tour.ipynb"
    copy = demo / "tour.ipynb"
    copy.write_bytes(tour.read_bytes())
    ran = pixi("notebook", "run", "tour.ipynb", cwd=demo).succeeded()
    assert str(demo / ".pixi" / "envs" / "default") in ran.out
    assert json.loads(pixi("status", "--json", cwd=demo).out)["state"] == "in-sync"
