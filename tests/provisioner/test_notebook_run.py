"""`pixi notebook run`, with the stock kernel: the running of cells, not the environment, is tested here."""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import nbformat
import pytest

from pixi_core.errors import NotebookError
from pixi_core.progress import Reporter
from pixi_provisioner.cli import COMMAND, output_text, plain, print_outputs
from pixi_provisioner.notebook_run import run_notebook

pytestmark = pytest.mark.xdist_group("kernels")


def write(path: Path, *cells: str) -> Path:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# title")])
    notebook.cells += [nbformat.v4.new_code_cell(cell) for cell in cells]
    nbformat.write(notebook, path)
    return path


class Told(Reporter):
    """Remembers messages."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def message(self, text: str) -> None:
        self.messages.append(text)


def command(*words: str) -> tuple[int, Told]:
    parser = argparse.ArgumentParser()
    COMMAND.add_arguments(parser)
    told = Told()
    return COMMAND.run(parser.parse_args(words), told), told


def test_outputs_are_printed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write(tmp_path / "nb.ipynb", "import os\nprint(os.getcwd())", "6 * 7", "os.environ['JPY_SESSION_NAME']")
    before = source.read_bytes()
    code, told = command("run", str(source), "-o", str(tmp_path / "out" / "nb.ipynb"), "--kernel", "python3")
    assert code == 0
    assert capsys.readouterr().out.splitlines() == [str(tmp_path), "42", repr(str(source))]
    assert told.messages == ["✔ nb.ipynb: 3 cells"]
    assert source.read_bytes() == before
    assert nbformat.read(tmp_path / "out" / "nb.ipynb", 4).cells[2].outputs[0].data["text/plain"] == "42"


def test_the_failing_cell_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write(tmp_path / "nb.ipynb", "print('before')", "number = 0\n1 / number", "print('never')")
    code, _ = command("run", str(source), "-o", str(tmp_path / "out.ipynb"), "--kernel", "python3")
    shown = capsys.readouterr()
    assert code == 1
    assert "before" in shown.out
    assert "never" not in shown.out
    assert shown.err.splitlines() == [
        "✗ nb.ipynb: cell 3 failed",
        "  number = 0",
        "  1 / number",
        "ZeroDivisionError: division by zero",
    ]
    assert "\x1b" not in shown.out
    cells = nbformat.read(tmp_path / "out.ipynb", 4).cells
    assert [bool(cell.outputs) for cell in cells[1:]] == [True, True, False]


def test_a_usage_error_of_a_magic_fails_the_run(tmp_path: Path) -> None:
    done = run_notebook(write(tmp_path / "nb.ipynb", "%no_such_magic"), kernel_name="python3")
    assert done.failed_cell is not None
    assert done.failed_cell.number == 2


def test_a_cell_may_take_only_so_long(tmp_path: Path) -> None:
    source = write(tmp_path / "nb.ipynb", "import threading; threading.Event().wait(60)")
    done = run_notebook(source, kernel_name="python3", timeout=1)
    assert done.failed_cell is not None
    assert done.failed_cell.error_name == "CellTimeoutError"


def test_a_kernel_that_dies(tmp_path: Path) -> None:
    source = write(tmp_path / "nb.ipynb", "1", "import os; os._exit(3)")
    with pytest.raises(NotebookError, match="died at cell 3"):
        run_notebook(source, kernel_name="python3")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "does not exist"),
        ("{]", "not valid JSON"),
        ("[]", "is not a notebook"),
        ('{"cells": 3, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}', "is not a notebook"),
    ],
)
def test_files_that_are_no_notebook(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "nb.ipynb"
    if text is not None:
        path.write_text(text)
    with pytest.raises(NotebookError, match=message):
        run_notebook(path)


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ({"output_type": "stream", "text": "a\n"}, "a\n"),
        ({"output_type": "execute_result", "data": {"text/plain": "b", "text/html": "<b>"}}, "b"),
        ({"output_type": "display_data", "data": {"image/png": "…"}}, ""),
        ({"output_type": "error", "traceback": ["one", "two"]}, "one\ntwo"),
    ],
)
def test_text_of_an_output(output: dict[str, object], text: str) -> None:
    assert output_text(output) == text


def test_outputs_cannot_steer_the_terminal() -> None:
    stream = io.StringIO()
    cell = {"outputs": [{"output_type": "stream", "text": "\x1b]0;title\x07\x1b[31mred\x1b[0m\r\x08 end"}]}
    print_outputs(cell, stream)
    assert stream.getvalue() == "]0;titlered end\n"
    assert plain("tab\tand é\n") == "tab\tand é\n"
