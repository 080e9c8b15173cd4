"""A kernel that is no Python of the environment: from a kernel spec that a package brings, under a real server."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path

import pytest

from pixi_core.virtual import host_subdir
from tests.provisioner.conftest import approve, write_notebook
from tests.server_ext.test_sessions import until
from tests.support.channel.index import write_index
from tests.support.jupyter_server import running_server
from tests.support.tool_channel import package

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("kernels")]

PROGRAM = """
import json, os, signal
from ipykernel.kernelapp import IPKernelApp
from ipykernel.kernelbase import Kernel

# an interrupt that comes before the cell waits for it is not lost
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])


class Echo(Kernel):
    implementation, implementation_version, banner = "echo", "1", "echo"
    language_info = {"name": "echo", "mimetype": "text/plain", "file_extension": ".txt"}

    async def do_execute(self, code, silent, *_, **__):
        if code == "wait":
            signal.sigwait([signal.SIGINT])
        text = json.dumps([code, os.getpid(), os.environ.get("TOY_ACTIVATED"), os.environ.get("TOY_SPEC")])
        self.send_response(self.iopub_socket, "stream", {"name": "stdout", "text": text})
        return {"status": "ok", "execution_count": self.execution_count, "payload": [], "user_expressions": {}}

IPKernelApp.launch_instance(kernel_class=Echo)
"""


def toy_channel(folder: Path) -> str:
    """A package that brings a kernel, its activation, and its program; the interpreter behind it is this one."""
    spec = {
        "argv": ["toy", "-f", "{connection_file}"],
        "display_name": "Toy",
        "language": "toy",
        "env": {"TOY_SPEC": "s"},
    }
    files = {
        "bin/toy": f"#!{sys.executable}\n{PROGRAM}",
        "share/jupyter/kernels/toy/kernel.json": json.dumps(spec),
        "etc/conda/activate.d/toy.sh": "export TOY_ACTIVATED=yes\n",
    }
    written = package(folder, "toy-kernel", "1.0", files)
    write_index(folder, [written], subdirs=("noarch", str(host_subdir())))
    return folder.as_uri()


def test_it_is_activated_has_no_magics_is_interrupted_and_ends(own_cache: Path, tmp_path: Path) -> None:
    project, work = tmp_path / "root" / "toy", tmp_path / "work"
    for folder in (project, work, tmp_path / "channel"):
        folder.mkdir(parents=True)
    (project / "pixi.toml").write_text(
        f'[workspace]\nname = "toy"\nchannels = ["{toy_channel(tmp_path / "channel")}"]\n'
        f'platforms = ["{host_subdir()}"]\n[dependencies]\ntoy-kernel = "*"\n'
    )
    approve(project)
    write_notebook(project / "nb.ipynb")
    with running_server(project.parent, work) as server:
        session = server.open_session("toy/nb.ipynb")
        assert session.status == 201, session.body
        kernel = session.json()["kernel"]["id"]
        said = json.loads(server.run_cells(kernel, "%pixi list")[0].text)
        assert [said[0], *said[2:]] == ["%pixi list", "yes", "s"]

        answers: list[str] = []
        thread = threading.Thread(target=lambda: answers.append(server.run_cells(kernel, "wait")[0].status))
        thread.start()
        model = f"api/kernels/{kernel}"
        assert until(lambda: server.request("GET", model).json()["execution_state"] == "busy")
        assert server.request("POST", f"{model}/interrupt").status == 204
        thread.join(30)
        assert answers == ["ok"]

        assert server.request("DELETE", model).status == 204
        assert until(lambda: not alive(said[1]))


def alive(process: int) -> bool:
    """Whether there is such a process."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
