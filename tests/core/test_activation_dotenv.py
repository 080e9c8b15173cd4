"""`.env` files: each line as people write it, and what an activated program sees of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pixi_core.activation.compute import expanded
from pixi_core.activation.dotenv import parse_dotenv, with_dotenv
from pixi_core.errors import InputError

HOME = {"HOME": "/home/me", "EMPTY": ""}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A=1", "1"),
        ("A = 1 ", "1"),
        ("export A=1", "1"),
        ("A=", ""),
        ("A=one two", "one two"),
        ("A=x # comment", "x"),
        ("A=x#y", "x#y"),
        ("A= # only a comment", ""),
        ("# comment\n\nA=1", "1"),
        ("A='one # two'", "one # two"),
        ("A='$HOME `x` $(y) \\n'", "$HOME `x` $(y) \\n"),
        ('A="one # two" # comment', "one # two"),
        ('A="a\\nb\\tc"', "a\nb\tc"),
        ('A="say \\"hi\\" \\\\"', 'say "hi" \\'),
        ('A="$HOME/x"', "/home/me/x"),
        ('A="\\$HOME"', "$HOME"),
        ("A=${HOME}/x", "/home/me/x"),
        ("A=$UNKNOWN-", "-"),
        ("A=C:\\new", "C:\\new"),
        ("A=`id` $(id)", "`id` $(id)"),
        ('A="`id` $(id)"', "`id` $(id)"),
        ('A="first\nsecond"', "first\nsecond"),
        ("A='first\nsecond'\nB=2", "first\nsecond"),
        ("B=2\nA=$B$B", "22"),
        ("A=1\nA=2", "2"),
        ("A=été", "été"),
    ],
)
def test_values(text: str, value: str) -> None:
    assert expanded(parse_dotenv(text, source=".env"), HOME)["A"] == value


@pytest.mark.parametrize(
    ("text", "said"),
    [("A", ".env:1: not NAME=VALUE"), ("A=1\n2=B", ".env:2:"), ("A='x", "quote of A"), ('A="x\\"', "quote of A")],
)
def test_mistakes_name_their_line(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said.replace(".", r"\.")):
        parse_dotenv(text, source=".env")


def test_later_files_win_and_the_manifest_over_all(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1\nB=1\nC=1\n")
    (tmp_path / "other").write_text("B=2\nC=2\n")
    found = with_dotenv(tmp_path, [".env", "absent", "other"], {"C": "3"})
    assert found == {"A": "1", "B": "2", "C": "3"}
    assert list(found)[-1] == "C"
