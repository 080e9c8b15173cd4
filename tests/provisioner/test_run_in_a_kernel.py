"""`%pixi run` and `%%pixi run` in a live kernel, with the real core at the other end."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbconvert import HTMLExporter

import pixi_magics
from pixi_provisioner import bootstrap
from tests.support.kernels import TestKernel, running_kernel
from tests.support.run_workspace import workspace

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="process groups of POSIX")]
TASKS = """\
[tasks]
hello = { cmd = "echo hello $NAME; cat nothing-here", env = { NAME = "you" } }
ask = { cmd = "echo {{ word }}", args = ["word"] }
wait = "python wait.py"
_hidden = "true"
"""
WAIT = """\
import os, signal, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
print("started", os.getpid(), child.pid, flush=True)
print("on stderr", file=sys.stderr, flush=True)
signal.pause()
"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, small_channel: Path) -> Path:
    folder = workspace(tmp_path_factory.mktemp("kernel") / "it's a demo", small_channel, TASKS, packages='shared = "*"')
    (folder / "wait.py").write_text(WAIT)
    return folder


@pytest.fixture(scope="module")
def kernel(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestKernel]:
    magics = str(Path(pixi_magics.__file__).parent)
    argv = [sys.executable, bootstrap.__file__, "--core", sys.executable, "--magics", magics]
    argv += ["--manifest", str(demo / "pixi.toml"), "--environment", "default", "-f", "{connection_file}"]
    with running_kernel(argv, tmp_path_factory.mktemp("work"), cwd=demo) as running:
        yield running


def test_a_task_with_both_its_streams(kernel: TestKernel) -> None:
    result = kernel.run("%pixi run hello")
    assert result.of("stdout") == "hello you\n"
    assert "nothing-here" in result.of("stderr")
    assert result.status == "error"  # `cat` failed
    assert kernel.run("%pixi run ask 'two words'").of("stdout") == "two words\n"


def test_the_text_of_a_cell(kernel: TestKernel) -> None:
    """It is text of the task shell: variables, pipes, several lines; in the environment of the kernel."""
    cell = '%%pixi run\nexport WORD=\'a b\'\necho "$WORD" | tr a-z A-Z && cat "$CONDA_PREFIX/share/shared"\necho {1}\n'
    result = kernel.run(cell)
    assert (result.status, result.of("stdout")) == ("ok", "A B\n2.0\n{1}\n"), result
    assert kernel.run("%%pixi run\n-x y\n").status == "error"
    failed = kernel.run("%%pixi run --clean-env\nexit 7\n")
    assert (failed.status, failed.reply["evalue"]) == ("error", "%pixi run --clean-env: exit code 7")
    assert kernel.run("%%pixi add\nx\n").status == "error"


@pytest.mark.parametrize("code", ["%pixi run wait", "%%pixi run\npython wait.py\n"], ids=["task", "cell"])
def test_an_interrupt_ends_everything_that_was_started(kernel: TestKernel, code: str) -> None:
    """Output comes while the cell runs; an interrupt of the kernel alone reaches the program and its child."""
    identifier = kernel.client.execute(code, allow_stdin=False)
    seen: dict[str, str] = {"stdout": "", "stderr": ""}
    while "started" not in seen["stdout"] or "on stderr" not in seen["stderr"]:
        message: dict[str, Any] = kernel.client.get_iopub_msg(timeout=30)
        if message["msg_type"] == "stream":
            seen[message["content"]["name"]] += message["content"]["text"]
    programs = [int(word) for word in seen["stdout"].split()[1:3]]
    os.kill(kernel.process.pid, signal.SIGINT)
    while True:
        reply = kernel.client.get_shell_msg(timeout=30)
        if reply["parent_header"].get("msg_id") == identifier:
            break
    assert reply["content"]["ename"] == "KeyboardInterrupt"
    with contextlib.suppress(queue.Empty):
        while True:
            kernel.client.get_iopub_msg(timeout=0.2)
    assert [program for program in programs if is_alive(program)] == []
    assert kernel.value("1 + 1") == "2"


def is_alive(program: int) -> bool:
    """Whether it runs, and is not only waiting to be asked for its exit code."""
    try:
        return Path(f"/proc/{program}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("code", ["%pixi run ", "%%pixi run "])
def test_tasks_complete(kernel: TestKernel, code: str) -> None:
    found = kernel.complete(code)
    assert {"hello", "ask", "wait"} <= set(found)


def test_names_of_the_channels_complete(kernel: TestKernel) -> None:
    assert set(kernel.complete("%pixi add nati")) == {"native-library", "native-tool"}


def test_pictures_in_a_kernel_and_on_a_converted_page(kernel: TestKernel) -> None:
    """What a notebook keeps of `%pixi tree --graph` and `%pixi size`, and what nbconvert makes of it."""
    outputs = []
    for command, title in (("tree --graph", "What needs what"), ("size", "Sizes of 1 package in")):
        shown = kernel.run("%pixi " + command).displays
        assert len(shown) == 1, shown
        assert "shared" in shown[0]["text/plain"]
        assert f'aria-label="{title}' in shown[0]["text/html"]
        outputs.append(nbformat.v4.new_output("display_data", shown[0]))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("%pixi size", outputs=outputs)])
    page, _ = HTMLExporter().from_notebook_node(notebook)
    assert page.count('<g aria-label="shared 2.0') == 2  # nbconvert sorts attributes
