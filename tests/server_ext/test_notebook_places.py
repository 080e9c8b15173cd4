"""A notebook that is renamed, copied, moved, opened twice, below folders and on a collaboration server's drive: each
with a manifest of its own, its project's, and none, under the real server.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.provisioner.conftest import MANIFEST, write_notebook
from tests.server_ext.test_own_workspace import approve, kernel_of, save, status
from tests.support.jupyter_server import TestServer, running_server

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("kernels")]

USE = "import greeting, sys; print(greeting.version); print(sys.prefix)"
PLACES = ("below folders", "renamed", "copied", "moved", "opened twice", "on a drive")
MANIFESTS = ("own", "project", "none")


@pytest.fixture(scope="module")
def manifest_text(index: str) -> str:
    """A host workspace with `greeting`."""
    from pixi_core.virtual import host_subdir

    minor = sys.version_info[1]
    text = MANIFEST.format(platform=host_subdir(), index=index, minor=minor, next=minor + 1)
    return text + '\n[pypi-dependencies]\ngreeting = "*"\n'


def begin(server: TestServer, project: Path, kind: str, manifest_text: str) -> str:
    """`deep/er/nb.ipynb` below `project`, whose kernel has had `greeting`; its path as Jupyter names it."""
    notebook = project / "deep" / "er" / "nb.ipynb"
    path = notebook.relative_to(project.parent).as_posix()
    if kind == "own":
        write_notebook(notebook, pixi=manifest_text)
        approve(server, path)
    elif kind == "project":
        write_notebook(notebook)
        (project / "pixi.toml").write_text(manifest_text)
        approve(server, project.name)
    else:
        write_notebook(notebook)
    kernel = kernel_of(server, path)
    if kind == "none":
        assert server.run_cells(kernel, "%pixi add greeting")[0].status == "ok"
    unsaved = status(server, path).get("unsaved")
    if unsaved:
        save(server, path, unsaved)
    assert server.run_cells(kernel, USE)[0].text.split()[0] == "1.1"
    assert server.request("DELETE", f"api/kernels/{kernel}").status == 204
    return path


def put(server: TestServer, root: Path, path: str, place: str) -> str:
    """Do with the notebook what people do; where it is then, as a front end names it."""
    folder = path.rpartition("/")[0]
    contents = "api/contents/"
    if place == "renamed":
        new = f"{folder}/other name.ipynb"
        assert server.request("PATCH", contents + path, {"path": new}).status == 200
        return new
    if place == "moved":
        new = f"{path.partition('/')[0]}/elsewhere/nb.ipynb"
        (root / new).parent.mkdir()
        assert server.request("PATCH", contents + path, {"path": new}).status == 200
        return new
    if place == "copied":
        answer = server.request("POST", contents + folder, {"copy_from": path})
        assert answer.status == 201
        return str(answer.json()["path"])
    return f"RTC:{path}" if place == "on a drive" else path


@pytest.mark.parametrize("kind", MANIFESTS)
@pytest.mark.parametrize("place", PLACES)
def test_it_runs_in_its_environment(server: TestServer, root: Path, manifest_text: str, place: str, kind: str) -> None:
    """A project's environment stays the project's; one of the notebook's own follows it, after a question where the
    notebook has another name than the one that was approved.
    """
    project = root / f"{place}, {kind}".replace(" ", "-")
    before = begin(server, project, kind, manifest_text)
    path = put(server, root, before, place)
    plain = path.removeprefix("RTC:")
    is_asked = kind != "project" and plain != before
    quoted = path.replace(" ", "%20")
    assert (status(server, quoted)["state"] == "untrusted") is is_asked
    if is_asked:
        shown = status(server, quoted)
        approval = {"path": path, "fingerprint": shown["trust"]["fingerprint"]}
        assert server.request("POST", "pixi/trust", approval).status == 200
    kernels = [kernel_of(server, path)]
    if place == "opened twice":
        kernels.append(kernel_of(server, f"RTC:{path}"))
    for kernel in kernels:
        text = server.run_cells(kernel, USE)[0].text
        assert text.startswith("1.1\n"), text
        prefix = text.splitlines()[1]
        if kind == "project":
            assert Path(prefix) == project / ".pixi" / "envs" / "default"
        else:
            assert Path(prefix).parents[2].name.startswith(Path(plain).stem.replace(" ", "")[:5])
            assert not (project / ".pixi").exists()
    assert status(server, quoted)["state"] == "in-sync"
    assert status(server, quoted).get("unsaved") is None
    for kernel in kernels:
        assert server.request("DELETE", f"api/kernels/{kernel}").status == 204


def test_out_of_its_project_a_notebook_leaves_the_environment(
    server: TestServer, root: Path, manifest_text: str
) -> None:
    path = begin(server, root / "left", "project", manifest_text)
    assert server.request("PATCH", f"api/contents/{path}", {"path": "left.ipynb"}).status == 200
    kernel = kernel_of(server, "left.ipynb")
    found = server.run_cells(kernel, "import importlib.util as u; print(u.find_spec('greeting'))")[0].text.strip()
    assert found == "None"
    assert status(server, "left.ipynb")["own"] is True


# ---------------------------------------------------------------- a real collaboration server


@pytest.fixture(scope="module")
def collaborating(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that sees this one's packages, and jupyter-server-ydoc beside them."""
    folder = tmp_path_factory.mktemp("collaborating") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True, timeout=120)
    python = folder / "bin" / "python"
    site = next((folder / "lib").glob("python3*/site-packages"))
    seen = [entry for entry in sys.path if entry.endswith("site-packages")]
    (site / "seen.pth").write_text("".join(f"import site; site.addsitedir({entry!r})\n" for entry in seen))
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "jupyter-server-ydoc>=2"]
    done = subprocess.run(pip, capture_output=True, text=True, timeout=250)
    if done.returncode:
        pytest.skip(f"pip does not install jupyter-server-ydoc: {done.stderr.splitlines()[-1:]}")
    return python


@pytest.mark.network
@pytest.mark.skipif(os.name == "nt", reason="paths of POSIX")
def test_on_the_drive_of_a_real_collaboration_server(collaborating: Path, tmp_path: Path, manifest_text: str) -> None:
    """The server keeps the document itself; the notebook's environment is found, and its kernel told of a rename."""
    root, work = tmp_path / "served", tmp_path / "work"
    root.mkdir()
    work.mkdir()
    extensions = {"pixi_server_ext": True, "jupyter_server_ydoc": True}
    environ = {"PIXI_HOME": str(tmp_path / "home"), "PIXI_CACHE_DIR": str(tmp_path / "cache")}
    shutil.copytree(Path(sys.prefix) / "share" / "jupyter" / "kernels", work / "data" / "kernels")
    with running_server(root, work, environ=environ, extensions=extensions, python=str(collaborating)) as server:
        path = begin(server, root / "together", "own", manifest_text)
        opened = server.request("PUT", f"api/collaboration/session/{path}", {"format": "json", "type": "notebook"})
        assert opened.status in (200, 201), opened.body
        drive = f"RTC:{path}"
        assert status(server, drive)["state"] == "in-sync"
        version, prefix = server.run_cells(kernel_of(server, drive), USE)[0].text.splitlines()
        assert (version, Path(prefix).parents[2].name[:3]) == ("1.1", "nb-")
        new = path.replace("nb.ipynb", "new.ipynb")
        assert server.request("PATCH", f"api/contents/{path}", {"path": new}).status == 200
        approve(server, f"RTC:{new}")
        version, prefix = server.run_cells(kernel_of(server, f"RTC:{new}"), USE)[0].text.splitlines()
        assert (version, Path(prefix).parents[2].name[:4]) == ("1.1", "new-")
