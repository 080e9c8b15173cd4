"""Values: what a frozen dataclass with slots would do, and no more."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable, Mapping

import pytest

from pixi_core.value import EMPTY, Value


class Point(Value):
    """Two fields by position or keyword, one with a default."""

    x: int
    y: int = 2


class Labelled(Point, kw_only=True):
    """A field more, all by keyword."""

    labels: Mapping[str, int] = EMPTY


class Other(Value):
    """The same fields under another name."""

    x: int
    y: int = 2


def test_fields_in_their_order() -> None:
    assert Point(1).as_tuple() == (1, 2)
    assert Labelled(x=1, labels={"a": 1}).as_tuple() == (1, 2, {"a": 1})
    assert repr(Point(1, y=3)).endswith("Point(x=1, y=3)")
    assert not hasattr(Point(1), "__dict__")


def test_equal_by_kind_and_value() -> None:
    assert Point(1) == Point(x=1, y=2)
    assert hash(Point(1)) == hash(Point(1, 2))
    assert Point(1) != Point(2)
    assert Point(1) != Other(1)
    assert len({Point(1), Point(1, 2), Point(1, 3)}) == 2


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
@pytest.mark.parametrize("value", [Point(1, 5), Labelled(x=1, labels={"a": 1})])
def test_copies_are_equal(value: Value, again: Callable[[Value], Value]) -> None:
    assert again(value) == value


def test_replace_makes_another() -> None:
    first = Point(1)
    assert first.replace(y=7) == Point(1, 7)
    assert first == Point(1)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (Point, "needs a value for 'x'"),
        (lambda: Point(1, 2, 3), "2 values by position"),  # type: ignore[call-arg]  # what is tested
        (lambda: Point(1, z=3), "no use for z"),  # type: ignore[call-arg]  # what is tested
        (lambda: Point(1, x=2), "no use for x"),  # type: ignore[misc]  # what is tested
        (lambda: Labelled(1), "0 values by position"),
        (lambda: Point(1).replace(z=3), "no use for z"),
    ],
)
def test_wrong_calls(wrong: Callable[[], Value], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        wrong()


def test_cannot_be_changed() -> None:
    point = Point(1)
    with pytest.raises(AttributeError, match="replace"):
        point.x = 2  # type: ignore[misc]  # what is tested
    with pytest.raises(AttributeError, match="cannot be changed"):
        del point.y


def test_patterns() -> None:
    match Point(1, 4):
        case Point(1, y):
            assert y == 4
        case _:
            pytest.fail("the pattern does not match")


def test_the_start_of_a_solve_is_short() -> None:
    heavy = ("dataclasses", "typing", "re", "pathlib", "inspect", "logging", "hashlib", "json", "msgspec")
    program = (
        "import sys; import pixi_core.solve, pixi_core.repodata.gateway, pixi_core.model.match_spec; "
        f"print(*sorted(set({heavy!r}) & set(sys.modules)))"
    )
    path = [entry for entry in sys.path if entry]
    outcome = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = {path!r}; {program}"],
        capture_output=True,
        text=True,
    )
    assert (outcome.returncode, outcome.stdout.strip()) == (0, ""), outcome.stderr
