"""`pixi diff`, through the real command."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pixi_core.cli.difference_html import page
from tests.support.command import pixi


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, small_channel: Path) -> Path:
    """Installed with shared 1.0 and links; then locked, but not installed, with shared 2.0 and needs-glibc."""
    folder = tmp_path_factory.mktemp("diff")
    pixi("init", "-c", small_channel.as_uri(), cwd=folder).succeeded()
    pixi("add", "shared=1.0", "links", cwd=folder).succeeded()
    (folder / "old.lock").write_text((folder / "pixi.lock").read_text())
    pixi("remove", "links", "--no-install", cwd=folder).succeeded()
    pixi("add", "shared=2.0", "empty-folder", "--no-install", cwd=folder).succeeded()
    return folder


@pytest.mark.parametrize("words", [(), ("old.lock",), ("old.lock", "pixi.lock"), ("-e", "default")])
def test_the_same_difference_from_files_and_from_the_environment(workspace: Path, words: tuple[str, ...]) -> None:
    done = pixi("diff", *words, cwd=workspace).succeeded()
    head, *lines = done.out.splitlines()
    assert head.startswith("Environment: default, platform: ")
    assert lines == [
        "  + empty-folder 1.0 h1a2b3c4_0",
        "  - links        1.0 h1a2b3c4_0",
        "  ~ shared       1.0 -> 2.0",
    ]


def test_json_and_the_exit_code(workspace: Path) -> None:
    done = pixi("diff", "old.lock", "--json", "--check", cwd=workspace)
    [rows] = json.loads(done.out)["environment"]["default"].values()
    assert done.code == 1
    assert [(row["name"], row["before"] is None, row["after"] is None) for row in rows] == [
        ("empty-folder", True, False),
        ("links", False, True),
        ("shared", False, False),
    ]


class Cells(HTMLParser):
    """The texts of a page's table rows; whatever is opened is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag != "meta":
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if {"td", "th"}.intersection(self.open):
            self.rows[-1][-1] += data


def test_a_page_for_a_browser(workspace: Path) -> None:
    cells = Cells()
    done = pixi("diff", "old.lock", "pixi.lock", "--html", cwd=workspace).succeeded()
    cells.feed(done.out)
    assert cells.open == []
    assert cells.rows[1:] == [
        ["+", "empty-folder", "conda", "", "1.0 h1a2b3c4_0"],
        ["-", "links", "conda", "1.0 h1a2b3c4_0", ""],
        ["~", "shared", "conda", "1.0", "2.0"],
    ]
    assert "<h1>From old.lock to pixi.lock</h1>" in done.out
    assert "no difference" in pixi("diff", "pixi.lock", "--html", cwd=workspace).succeeded().out
    pixi("diff", "--html", "--json", cwd=workspace).failed(2)


def test_a_page_escapes_what_it_shows() -> None:
    rows = [{"name": "<b>", "type": "pypi", "before": None, "after": {"version": "<script>"}}]
    shown = page({"environment": {"<i>": {"linux-64": rows}}}, title="<u>")
    assert not {"<b>", "<script>", "<i>", "<u>"} & set(re.findall(r"<\w+>", shown))


def test_no_difference(workspace: Path) -> None:
    done = pixi("diff", "pixi.lock", "--check", cwd=workspace).succeeded()
    assert (done.out, done.err) == ("", "no difference\n")


def test_after_an_installation_there_is_none(tmp_path: Path, small_channel: Path) -> None:
    pixi("init", "-c", small_channel.as_uri(), cwd=tmp_path).succeeded()
    pixi("add", "native-tool", "shared", cwd=tmp_path).succeeded()
    assert json.loads(pixi("diff", "--json", "--check", cwd=tmp_path).succeeded().out)["environment"] == {}


@pytest.mark.parametrize(
    ("words", "message"),
    [(("no-such.lock",), "cannot read"), (("pixi.toml",), "pixi.toml"), (("-e", "defualt"), "did you mean `default`?")],
)
def test_what_cannot_be_compared(workspace: Path, words: tuple[str, ...], message: str) -> None:
    assert message in pixi("diff", *words, cwd=workspace).failed().err
