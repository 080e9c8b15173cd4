"""What a Hub offers, what a user may ask for, and what is told meanwhile: without a Hub."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from pixi_core.errors import InputError
from pixi_server_ext.hub.offers import Choice, choose, find_offers, form_of, options_of_form
from pixi_server_ext.hub.provide import variables
from pixi_server_ext.hub.story import Story, StoryReporter

MANIFEST = '[workspace]\nname = "{title}"\nchannels = []\nplatforms = ["linux-64"]\n'
GPU = '\n[feature.gpu.dependencies]\n\n[environments]\ngpu = ["gpu"]\n'


@pytest.fixture
def workspaces(tmp_path: Path) -> Path:
    """Two good ones, and four folders that offer nothing."""
    for name, text, lock in (
        ("art", MANIFEST.format(title="History of <Art>"), True),
        ("stats", MANIFEST.format(title="Statistics") + GPU, True),
        ("unlocked", MANIFEST.format(title="No lock"), False),
        ("broken", "[workspace\n", True),
        (".hidden", MANIFEST.format(title="Hidden"), True),
        ("not a name", MANIFEST.format(title="Blanks"), True),
    ):
        folder = tmp_path / "classes" / name
        folder.mkdir(parents=True)
        (folder / "pixi.toml").write_text(text)
        if lock:
            (folder / "pixi.lock").write_text("version: 7\n")
    (tmp_path / "classes" / "README").write_text("words")
    return tmp_path / "classes"


def test_what_is_offered(workspaces: Path) -> None:
    art, stats = find_offers(workspaces)
    assert (art.name, art.title, art.environments) == ("art", "History of <Art>", ("default",))
    assert (stats.name, stats.environments) == ("stats", ("default", "gpu"))
    assert [offer.name for offer in find_offers(workspaces, ["stats", "unlocked"])] == ["stats"]
    assert find_offers(workspaces, []) == []
    with pytest.raises(InputError, match="cannot be read"):
        find_offers(workspaces / "none")


CHOICES: list[tuple[Mapping[str, Any], str, str]] = [
    ({}, "art", "default"),
    ({"workspace": "stats"}, "stats", "default"),
    ({"workspace": "stats", "environment": "gpu"}, "stats", "gpu"),
    ({"workspace": "", "environment": None}, "art", "default"),
    ({"something": "else"}, "art", "default"),
]


@pytest.mark.parametrize(("options", "name", "environment"), CHOICES)
def test_choices(workspaces: Path, options: Mapping[str, Any], name: str, environment: str) -> None:
    chosen = choose(find_offers(workspaces), options)
    assert chosen is not None
    assert (chosen.offer.name, chosen.environment) == (name, environment)


REFUSED: list[tuple[Mapping[str, Any], str]] = [
    ({"workspace": "../classes/stats"}, "not offered"),
    ({"workspace": "unlocked"}, "not offered"),
    ({"workspace": "/etc"}, "you may choose: art, stats"),
    ({"workspace": "art", "environment": "gpu"}, "it has: default"),
    ({"environment": "../../x"}, "no environment"),
    ({"workspace": ["stats"]}, "must be a text"),
    ({"workspace": "stats", "environment": {"a": 1}}, "must be a text"),
]


@pytest.mark.parametrize(("options", "text"), REFUSED)
def test_what_is_not_offered(workspaces: Path, options: Mapping[str, Any], text: str) -> None:
    with pytest.raises(InputError) as caught:
        choose(find_offers(workspaces), options)
    assert text in "\n".join([str(caught.value), *caught.value.hints])


def test_nothing_offered_and_nothing_asked_for() -> None:
    assert choose([], {}) is None
    with pytest.raises(InputError):
        choose([], {"workspace": "stats"})


class Options(HTMLParser):
    """The options of a form: value, text, chosen."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[list[Any]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "option":
            self.found.append([dict(attrs)["value"], "", "selected" in dict(attrs)])

    def handle_data(self, data: str) -> None:
        if self.found and data.strip():
            self.found[-1][1] += data


def test_the_form_comes_back_as_it_was_chosen(workspaces: Path) -> None:
    offers = find_offers(workspaces)
    last = {"workspace": "stats", "environment": "gpu"}
    rows = Options(form_of(offers, last)).found
    assert rows == [
        ["art/default", "History of <Art>", False],
        ["stats/default", "Statistics", False],
        ["stats/gpu", "Statistics (gpu)", True],
    ]
    for value, _, _ in rows:
        chosen = choose(offers, options_of_form({"pixi": [value], "other": ["x"]}))
        assert chosen is not None
        assert f"{chosen.offer.name}/{chosen.environment}" == value
    assert form_of(offers[:1], {}) == "", "one environment is no choice"
    assert options_of_form({}) == options_of_form({"pixi": [""]}) == {}


def test_variables_name_the_workspace(workspaces: Path) -> None:
    _, stats = find_offers(workspaces)
    told = variables(Choice(stats, "gpu"), workspaces)
    assert told == {
        "PIXI_JUPYTER_DEFAULT_MANIFEST": str(workspaces / "stats" / "pixi.toml"),
        "PIXI_JUPYTER_DEFAULT_ENVIRONMENT": "gpu",
        "PIXI_JUPYTER_TRUSTED": str(workspaces),
    }


def test_a_story_is_whole_for_whoever_comes_late() -> None:
    async def play() -> tuple[list[str], list[str]]:
        story = Story()
        reporter = StoryReporter(story, asyncio.get_running_loop())
        early = asyncio.create_task(_collect(story))

        def work(told: Callable[[str], None]) -> None:
            told("waiting")
            told("waiting")
            with reporter.phase("download", total=3):
                pass
            reporter.warning("slow")

        await asyncio.to_thread(work, reporter.message)
        late = asyncio.create_task(_collect(story))
        story.end()
        return await early, await late

    early, late = asyncio.run(play())
    assert early == late == ["waiting", "downloading 3 packages", "slow"]


async def _collect(story: Story) -> list[str]:
    return [line async for line in story.follow()]
