"""Clients and situations: each real client finds the notebook's environment, and starts the kernel of that one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pixi_core.progress import SILENT
from pixi_core.workspace import Workspace
from pixi_provisioner.ports import handed_out_from
from pixi_provisioner.ready import make_ready
from pixi_provisioner.resolve import Target
from tests.provisioner.conftest import approve, printed, tools_on_path, write_notebook
from tests.support.kernels import running_kernel

pytestmark = pytest.mark.xdist_group("kernels")

WHERE = "import sys; print(sys.prefix)"
LAUNCHER = [sys.executable, "-P", "-m", "pixi_provisioner.launcher", "-f", "{connection_file}"]

CLIENTS: dict[str, tuple[list[str], str]] = {
    # name -> (command, the folder it is called from: the notebook's, or one beside it)
    "nbclient": (["jupyter_core", "execute", "{notebook}", "--output={out}"], "elsewhere"),
    "nbconvert": (
        ["nbconvert", "--to", "notebook", "--execute", "{notebook}", "--output={out}", "--log-level=ERROR"],
        "elsewhere",
    ),
    "papermill": (["papermill", "{notebook}", "{out}", "--no-progress-bar"], "notebook"),
    "papermill --cwd": (["papermill", "{notebook}", "{out}", "--cwd", "{folder}", "--no-progress-bar"], "elsewhere"),
    "papermill --engine pixi": (["papermill", "--engine", "pixi", "{notebook}", "{out}"], "elsewhere"),
    "pixi notebook run": (["pixi_core.cli.main", "notebook", "run", "{notebook}", "-o", "{out}"], "elsewhere"),
}


QUICK = ("nbclient", "pixi notebook run")
EVERY_CLIENT = [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in CLIENTS]


def execute(client: str, notebook: Path, out: Path) -> subprocess.CompletedProcess[str]:
    """Run a notebook with one of the clients."""
    words, place = CLIENTS[client]
    elsewhere = out.parent / "elsewhere"
    elsewhere.mkdir(parents=True, exist_ok=True)
    filled = [word.format(notebook=notebook, out=out, folder=notebook.parent) for word in words]
    return subprocess.run(
        [sys.executable, "-m", *filled],
        cwd=notebook.parent if place == "notebook" else elsewhere,
        capture_output=True,
        text=True,
        timeout=200,
        env=tools_on_path(),
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.parametrize("client", EVERY_CLIENT)
def test_the_environment_of_the_workspace(client: str, project: Path, tmp_path: Path) -> None:
    notebook = write_notebook(project / "sub" / "nb.ipynb", WHERE)
    ran = execute(client, notebook, tmp_path / "out" / "nb.ipynb")
    assert ran.returncode == 0, ran.stderr
    assert printed(tmp_path / "out" / "nb.ipynb") == [str(project / ".pixi" / "envs" / "default")]
    assert "ipykernel" not in (project / "pixi.toml").read_text() + (project / "pixi.lock").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("client", ["nbclient", "pixi notebook run"])
def test_the_environment_that_the_notebook_names(client: str, project: Path, tmp_path: Path) -> None:
    notebook = write_notebook(
        project / "nb.ipynb", WHERE, "import words; print(words.version)", pixi={"environment": "extra"}
    )
    ran = execute(client, notebook, tmp_path / "out" / "nb.ipynb")
    assert ran.returncode == 0, ran.stderr
    assert printed(tmp_path / "out" / "nb.ipynb") == [str(project / ".pixi" / "envs" / "extra"), "2.0"]


@pytest.mark.slow
@pytest.mark.parametrize("client", ["nbclient", "papermill --engine pixi", "pixi notebook run"])
def test_the_manifest_that_the_notebook_carries(client: str, manifest: str, own_cache: Path, tmp_path: Path) -> None:
    notebook = write_notebook(
        tmp_path / "alone" / "nb.ipynb", WHERE, "%pixi add greeting\nimport greeting", pixi=manifest
    )
    approve(notebook)
    before = notebook.read_bytes()
    ran = execute(client, notebook, tmp_path / "out" / "nb.ipynb")
    assert ran.returncode == 0, ran.stderr
    where, added = printed(tmp_path / "out" / "nb.ipynb")
    assert Path(where).is_relative_to(own_cache)
    assert "ready now" in added
    assert notebook.read_bytes() == before
    assert [path.name for path in notebook.parent.iterdir()] == ["nb.ipynb"]


def test_a_notebook_with_no_manifest_gets_its_own(
    index: str, own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "pixi-home"
    home.mkdir()
    (home / "config.toml").write_text(f'[pypi-config]\nindex-url = "{index}"\n')
    monkeypatch.setenv("PIXI_HOME", str(home))
    notebook = write_notebook(
        tmp_path / "alone" / "nb.ipynb", "%pixi add greeting", "import greeting; print(greeting.version)"
    )
    ran = execute("pixi notebook run", notebook, tmp_path / "out.ipynb")
    assert ran.returncode == 0, ran.stderr
    assert printed(tmp_path / "out.ipynb")[1] == "1.1"


@pytest.mark.slow
@pytest.mark.parametrize("client", CLIENTS)
def test_an_environment_that_cannot_be_made_fails_with_our_text(client: str, project: Path, tmp_path: Path) -> None:
    manifest = project / "pixi.toml"
    manifest.write_text(
        manifest.read_text().replace("[dependencies]", '[pypi-dependencies]\ngreting = "*"\n\n[dependencies]')
    )
    approve(project)
    before = manifest.read_text()
    ran = execute(client, write_notebook(project / "nb.ipynb", WHERE), tmp_path / "out" / "nb.ipynb")
    assert ran.returncode != 0
    assert "greting" in ran.stderr
    assert manifest.read_text() == before
    assert not (project / "pixi.lock").exists()


def test_nobody_is_given_the_ports_of_a_kernel_before_it_has_them(project: Path, tmp_path: Path) -> None:
    ports = """import json; from ipykernel.connect import get_connection_file
print([value for name, value in json.load(open(get_connection_file())).items() if name.endswith("_port")])"""
    ran = execute("nbclient", write_notebook(project / "nb.ipynb", ports), tmp_path / "out.ipynb")
    assert ran.returncode == 0, ran.stderr
    told = json.loads(printed(tmp_path / "out.ipynb")[0])
    assert len(set(told)) == 5
    assert max(told) < (handed_out_from() or 65536)


def test_progress_without_a_server_goes_to_standard_error(project: Path, tmp_path: Path) -> None:
    ran = execute("nbclient", write_notebook(project / "nb.ipynb", WHERE), tmp_path / "out.ipynb")
    assert "pixi: demo (default): " in ran.stderr
    again = execute("nbclient", project / "nb.ipynb", tmp_path / "out.ipynb")
    assert again.returncode == 0
    assert "pixi: demo" not in again.stderr


def test_the_kernel_specs_own_command_does_the_whole_job(project: Path, tmp_path: Path) -> None:
    with running_kernel(LAUNCHER, tmp_path, environ=tools_on_path(), cwd=project) as kernel:
        assert kernel.value("__import__('sys').prefix") == str(project / ".pixi" / "envs" / "default")
        assert kernel.run("%pixi add greeting").status == "ok"
        assert kernel.value("__import__('greeting').version") == "1.1"
        assert kernel.value("__import__('os').getpid()") == str(kernel.process.pid)


def test_variables_of_activation_take_effect_in_the_running_kernel(project: Path, tmp_path: Path) -> None:
    manifest = project / "pixi.toml"
    before = manifest.read_text()
    manifest.write_text(before + '\n[activation.env]\nOLD = "1"\n')
    approve(project)
    with running_kernel(LAUNCHER, tmp_path, environ=tools_on_path(), cwd=project) as kernel:
        assert kernel.value("__import__('os').environ['OLD']") == "1"
        manifest.write_text(before + '\n[activation.env]\nFRESH = "2"\n')
        added = kernel.run("%pixi add words")
        assert added.displays[-1]["text/plain"].endswith("ready now"), added
        assert kernel.value("[__import__('os').environ.get(name) for name in ('OLD', 'FRESH')]") == "[None, '2']"
        manifest.write_text(before + '\n[activation.env]\nLD_LIBRARY_PATH = "/nowhere"\n')
        again = kernel.run("%pixi add greeting")
        assert "restart required: LD_LIBRARY_PATH" in again.text


def test_the_command_explains_in_the_notebook_what_went_wrong(project: Path, tmp_path: Path) -> None:
    (project / "pixi.toml").write_text("[workspace\n")
    with running_kernel(LAUNCHER, tmp_path, environ=tools_on_path(), cwd=project) as kernel:
        result = kernel.run("1 + 1")
        assert result.reply["ename"] == "EnvironmentNotReady"
        assert "pixi.toml" in "\n".join(result.reply["traceback"])


def test_what_was_run_is_stamped_and_verified(project: Path, tmp_path: Path) -> None:
    out = project / "done.ipynb"
    assert execute("pixi notebook run", write_notebook(project / "nb.ipynb", WHERE), out).returncode == 0
    stamp = json.loads(out.read_text())["metadata"]["pixi_provenance"]
    assert stamp["environment"] == "default"
    verify = [sys.executable, "-m", "pixi_core.cli.main", "notebook", "verify", str(out)]
    assert subprocess.run(verify, capture_output=True).returncode == 0
    (project / "pixi.lock").write_text((project / "pixi.lock").read_text() + "\n")
    again = subprocess.run(verify, capture_output=True, text=True)
    assert again.returncode == 1
    assert "another lock file" in again.stderr


def test_a_kernel_of_another_language_is_started_with_activation(project: Path, tmp_path: Path) -> None:
    """Any program that speaks the protocol will do: here one that says which variables it was given."""
    prefix = tmp_path / "prefix"
    spec = prefix / "share" / "jupyter" / "kernels" / "ir"
    spec.mkdir(parents=True)
    argv = ["R", "--slave", "-e", "IRkernel::main()", "--args", "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "language": "R", "env": {"R_HOME": "here"}}))
    (prefix / "bin").mkdir()
    (prefix / "bin" / "R").write_text("#!/bin/sh\n")
    (prefix / "bin" / "R").chmod(0o755)

    class OnlyR:
        """An environment without Python."""

        python = None
        has_ipykernel = False
        lock_digest = ""
        fast = True

        def __init__(self) -> None:
            self.prefix = prefix

        def activated(self, environ: object) -> dict[str, str]:
            return {"PATH": str(prefix / "bin"), "ACTIVATED": "yes"}

    target = Target(Workspace.open(project / "pixi.toml"), "default")
    ready = make_ready(target, reporter=SILENT, prepare=lambda *_, **__: OnlyR())
    words, environ = ready.start({}, "c.json")
    assert words == [str(prefix / "bin" / "R"), "--slave", "-e", "IRkernel::main()", "--args", "c.json"]
    assert environ == {"PATH": str(prefix / "bin"), "ACTIVATED": "yes", "R_HOME": "here"}
    assert ready.language == "R"
