"""Which packages `pixi install --only|--skip|--skip-with-deps` leaves alone."""

from __future__ import annotations

import pytest

from pixi_core.errors import LockFileError
from pixi_core.ops.graph import Graph, Package
from pixi_core.ops.subset import Subset

NEEDS = {
    "tool": ("library", "shared"),
    "library": ("base",),
    "base": (),
    "other": ("shared",),
    "shared": (),
    "round": ("about",),
    "about": ("round",),
    "python": ("base",),
    "wheel": (),
    "stray": (),
}
EXPLICIT = ("tool", "other", "round", "python", "wheel")
GRAPH = Graph(
    {
        name: Package(
            name=name,
            version="1",
            kind="pypi" if name == "wheel" else "conda",
            requested="*" if name in EXPLICIT else None,
            needs=dict.fromkeys(needs, "*"),
        )
        for name, needs in NEEDS.items()
    }
)


@pytest.mark.parametrize(
    ("only", "skip", "with_deps", "left_out"),
    [
        ("", "", "", ""),
        ("", "tool", "", "tool"),
        ("", "library shared", "", "library shared"),
        ("", "", "tool", "tool library"),
        ("", "", "tool python", "tool library"),
        ("", "", "tool python wheel", "tool library base python wheel"),
        ("", "", "tool other", "tool other library shared"),
        ("", "", "about", "about"),
        ("", "", "round", "round about"),
        ("", "", "stray", "stray"),
        ("", "tool", "tool", "tool library"),
        ("tool", "", "", "other round about python wheel stray"),
        ("tool", "library", "", "other round about python wheel stray library"),
        ("tool", "", "library", "other round about python wheel stray library base"),
        ("tool", "", "tool", " ".join(NEEDS)),
        ("base shared", "", "", "tool library other round about python wheel stray"),
        ("Wheel", "", "", "tool library other shared round about stray"),
        ("wheel", "python", "", "tool library other shared round about stray"),
        ("absent", "", "", " ".join(NEEDS)),
    ],
)
def test_what_is_left_out(only: str, skip: str, with_deps: str, left_out: str) -> None:
    subset = Subset(only=tuple(only.split()), skip=tuple(skip.split()), skip_with_deps=tuple(with_deps.split()))
    expected = set(left_out.split())
    assert subset.left_out(GRAPH) == expected


def test_names_that_nothing_has() -> None:
    first, second = Graph({"tool": GRAPH.packages["tool"]}), Graph({"base": GRAPH.packages["base"]})
    assert Subset(only=("base",), skip=("tool",)).warnings([first, second]) == []
    assert Subset(skip_with_deps=("tol",)).warnings([first, second]) == [
        "nothing is skipped for 'tol': there is no package 'tol' in this environment; did you mean `tool`?"
    ]
    with pytest.raises(LockFileError, match="'bas'"):
        Subset(only=("bas",)).warnings([first, second])
