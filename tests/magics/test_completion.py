"""What Tab offers behind `%pixi …`, with a core that answers from a table."""

from __future__ import annotations

from typing import Any

import pytest

from pixi_magics.completion import Names, candidates

INFO = {"environments_info": [{"name": "default", "tasks": ["go"], "features": ["default", "docs"]}]}
ANSWERS: dict[str, Any] = {
    "names nump --json": ["numpy", "numpydoc"],
    "names nump --json --pypi": ["numpy-only-there"],
    "names _lib --json": ["_libgcc_mutex"],
    "names ruamel. --json": ["ruamel.yaml"],
    "names broken --json": None,
    "info --json": INFO,
    "list --json": [{"name": "installed"}],
}


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("%pixi add nump", ["numpy", "numpydoc"]),
        ("%pixi a pandas nump", ["numpy", "numpydoc"]),
        ("%pixi add --pypi nump", ["numpy-only-there"]),
        ("%pixi search nump", ["numpy", "numpydoc"]),
        ("%pixi add _lib", ["_libgcc_mutex"]),
        ("%pixi add ruamel.", ["ruamel.yaml"]),
        ("%pixi add broken", []),
        ("%pixi add ", []),  # the names of everything help nobody
        ("%pixi add numpy>=2", []),
        ("%pixi add conda-forge::nump", []),
        ("%pixi add --feature d", ["default", "docs"]),
        ("%pixi add -f do", ["docs"]),
        ("%pixi add -e d", ["default"]),
        ("%pixi add --py", ["--pypi"]),
        ("%pixi remove in", ["installed"]),
        ("%pixi run g", ["go"]),
        ("%pixi si", ["size"]),
    ],
)
def test_candidates(line: str, found: list[str]) -> None:
    assert candidates(line, Names(lambda words: ANSWERS[" ".join(words)])) == found


def test_the_core_is_asked_again_after_a_while() -> None:
    asked: list[list[str]] = []
    now = [0.0]

    def ask(words: list[str]) -> list[str]:
        asked.append(words)
        return ["numpy"]

    names = Names(ask, lambda: now[0])
    for second in (0.0, 9.0, 11.0):
        now[0] = second
        assert candidates("%pixi add num", names) == ["numpy"]
    assert len(asked) == 2
