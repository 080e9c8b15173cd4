"""What was probably meant."""

from __future__ import annotations

import pytest

from pixi_core.suggest import did_you_mean, hints, near


@pytest.mark.parametrize(
    ("name", "known", "said"),
    [
        ("dependncies", ["dependencies", "host-dependencies", "tasks"], "did you mean `dependencies`?"),
        ("nunpy", ["numpy", "numpydoc", "pandas"], "did you mean `numpy`?"),
        ("test-a", ["test-b", "test-c"], "did you mean `test-c`, `test-b`?"),
        ("tset", {"test": 1}, "did you mean `test`?"),
        ("xyz", ["numpy"], "known: numpy"),
        ("xyz", [], "known: numpy"),
    ],
)
def test_the_names_that_are_about_as_near_as_the_nearest(name: str, known: list[str], said: str) -> None:
    assert did_you_mean(name, known, "known: numpy") == said


def test_hints_of_an_error() -> None:
    assert hints("nunpy", ["numpy"]) == ["did you mean `numpy`?"]
    assert hints("xyz", ["numpy"]) == []
    assert near("numpi", ["numpy", "numpydoc", "pandas"], most=1) == ["numpy"]
