"""A kernel that has imported a compiled package computes on while that package changes under it."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from tests.support.command import pixi
from tests.support.jupyter_server import running_server

pytestmark = [pytest.mark.channel, pytest.mark.xdist_group("kernels")]

COMPUTE = """
import numpy
matrix = numpy.arange(2500.0).reshape(50, 50) + numpy.eye(50) * 1e4
print(numpy.__version__, numpy.allclose(matrix @ numpy.linalg.inv(matrix), numpy.eye(50)), numpy.sort(-matrix).min())
"""


def test_numpy_is_upgraded_rolled_back_and_removed_under_a_kernel_that_uses_it(
    tmp_path: Path, channel_url: str
) -> None:
    folder = tmp_path / "demo"
    pixi("init", "demo", "-c", channel_url, cwd=tmp_path).succeeded()
    pixi("add", "python>=3.11", "numpy==2.3.5", cwd=folder).succeeded()
    kernel_name = {"name": "pixi", "display_name": "Pixi (project environment)", "language": "python"}
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": kernel_name})
    nbformat.write(notebook, folder / "analysis.ipynb")
    work = tmp_path / "server"
    work.mkdir()
    with running_server(tmp_path, work) as server:
        session = server.open_session("demo/analysis.ipynb", name="analysis.ipynb")
        kernel = session.json()["kernel"]["id"]
        changes = ["%pixi add 'numpy>2.3.5'", "%pixi rollback 1", "%pixi remove numpy", "%pixi rollback"]
        cells = [COMPUTE, *(cell for change in changes for cell in (change, COMPUTE)), "%pixi history"]
        first, *rest = server.run_cells(kernel, *cells)
    assert first.text.startswith("2.3.5 True"), first
    *rest, history = rest
    for change, (told, computed) in zip(changes, zip(rest[::2], rest[1::2], strict=True), strict=True):
        assert told.status == "ok", (change, told)
        assert computed.text == first.text, (change, computed)
    assert "restart required" in rest[0].text, rest[0]
    assert "restart" in rest[4].text, rest[4]
    assert "%pixi" not in history.text
    assert "~ numpy 2.3.5 ->" in history.text, history
    ran = pixi("run", "python", "-c", "import numpy; print(numpy.__version__)", cwd=folder).succeeded()
    assert ran.out == "2.3.5\n"
