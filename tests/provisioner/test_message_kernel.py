"""The kernel that explains why there is none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pixi_provisioner.explanation import Explanation
from tests.support.kernels import TestKernel, running_kernel

TEXT = "no versions of nunpy match the request\nhint: did you mean numpy?"


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestKernel]:
    folder = tmp_path_factory.mktemp("message")
    (folder / "pixi.toml").write_text("[workspace\n")
    explanation = Explanation(TEXT, str(folder), str(folder / "pixi.toml"))
    with running_kernel(explanation.argv("{connection_file}"), folder) as running:
        yield running


@pytest.mark.parametrize("code", ["1 + 1", "import numpy", "%time 1", "%pixi status\n1 + 1"])
def test_each_cell_is_answered_with_the_reason(kernel: TestKernel, code: str) -> None:
    result = kernel.run(code)
    assert result.status == "error"
    assert result.reply["ename"] == "EnvironmentNotReady"
    assert "did you mean numpy?" in "\n".join(result.reply["traceback"])


@pytest.mark.parametrize("code", ["", "# a comment"])
def test_empty_cells_are_no_error(kernel: TestKernel, code: str) -> None:
    assert kernel.run(code).status == "ok"


def test_a_command_that_fails_says_why(kernel: TestKernel) -> None:
    result = kernel.run("%pixi add 'unclosed")
    assert result.status == "error"
    assert "quotation" in result.reply["evalue"]


def test_explanations_travel_whole() -> None:
    explanation = Explanation("a\n\"b\" 'c' {d} ✗", "/f", "/m", "gpu", hand_over=True)
    words = explanation.argv("c.json")
    assert Explanation.parse(words[words.index("--explanation") + 1]) == explanation
