"""The page about the solver is true: its example runs and prints what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "solver.md"


def test_the_example_prints_what_the_page_says() -> None:
    [program] = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    [expected] = re.findall(r"```text\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    outcome = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", program], capture_output=True, text=True, encoding="utf-8", timeout=60
    )
    assert (outcome.stdout, outcome.stderr) == (expected, "")


def test_it_names_every_field_of_a_request() -> None:
    from pixi_core.solve import SolveRequest

    text = PAGE.read_text("utf-8")
    assert [field for field in SolveRequest.__fields__ if f".{field}`" not in text] == []
