"""Stories of failed resolutions: of as few requirements as possible, with the way from each to the conflict."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from pixi_core.errors import Unsatisfiable
from pixi_core.model.pypi_options import PypiOptions
from pixi_core.names import PypiName
from pixi_core.pypi.mapping import Provided
from tests.core.pypi_support import records
from tests.support.pypi_index import FakeIndex

NAMES = ("ash", "birch", "cedar", "elm", "fir", "oak", "pine", "rowan")
VERSIONS = ("1.0", "1.1", "2.0", "2.1", "3.0")
BOUNDS = ("", ">=1.1", "<2", ">=2", "!=2.0", "~=1.0", "==2.0", ">=2,<3", ">=3", "<1.1")
ASKED = "the manifest asks for "
WORLDS = 60
ONCE_WRONG = (165,)
"""A world in which the search asked for what nobody needed any more."""


Versions = dict[str, dict[str, list[str]]]
"""Project → version → what it needs."""


@dataclass
class World:
    """A few projects whose versions need each other, requirements, and what conda has chosen."""

    projects: Versions
    wanted: list[str]
    conda: dict[str, str]
    index: FakeIndex = field(default_factory=FakeIndex)

    @classmethod
    def of(cls, chance: random.Random) -> World:
        projects: Versions = {name: {} for name in NAMES}
        for name in NAMES:
            for version in chance.sample(VERSIONS, chance.randint(1, 4)):
                others = chance.sample([other for other in NAMES if other != name], chance.choice((0, 1, 1, 2)))
                projects[name][version] = [f"{other}{chance.choice(BOUNDS)}" for other in others]
        wanted = [f"{name}{chance.choice(BOUNDS)}" for name in chance.sample(NAMES, chance.randint(2, 6))]
        conda = {name: chance.choice(VERSIONS) for name in chance.sample(NAMES, chance.choice((0, 0, 1)))}
        found = cls(projects, wanted, conda)
        for name, versions in projects.items():
            for version, needs in versions.items():
                found.index.wheel(name, version, *needs)
        return found

    def resolve(self, wanted: list[str], cache: Path) -> Any:
        provided = {PypiName(name): Provided(version) for name, version in self.conda.items()}
        return records(self.index, cache, wanted, conda_provided=provided)

    def possible(self, wanted: list[str], chosen: dict[str, str] | None = None) -> bool:
        """Whether there is an answer, by trying everything."""
        chosen = chosen or {}
        if not wanted:
            return True
        first, *rest = wanted
        requirement = Requirement(first)
        name = requirement.name
        there = [chosen[name]] if name in chosen else [self.conda[name]] if name in self.conda else self.projects[name]
        for version in there:
            if version in requirement.specifier:
                # what conda has chosen brings what it needs by itself
                more = [] if name in chosen or name in self.conda else self.projects[name][version]
                if self.possible([*rest, *more], {**chosen, name: version}):
                    return True
        return False


def test_no_requirement_of_a_story_can_be_left_out(tmp_path: Path) -> None:
    stories = 0
    for seed in (*range(WORLDS), *ONCE_WRONG):
        world = World.of(random.Random(seed))
        try:
            world.resolve(world.wanted, tmp_path / str(seed))
        except Unsatisfiable as error:
            stories += 1
            lines = [line.strip(" ,.") for line in error.story]
        else:
            assert world.possible(world.wanted)
            continue
        named = [one for one in world.wanted if f"{ASKED}{one}" in lines]
        assert sum(line.startswith(ASKED) for line in lines) == len(named), lines
        assert not world.possible(named), f"world {seed}: {lines}"
        for left_out in named:
            assert world.possible([one for one in named if one != left_out]), f"world {seed}: {left_out} of {lines}"
        assert len(lines) <= 15
    assert stories > WORLDS // 4


def test_the_way_to_the_conflict_is_told(tmp_path: Path) -> None:
    """What has nothing to do with it is not, however much of it there is."""
    index = FakeIndex()
    for number in range(30):
        index.wheel(f"bystander-{number}", "1.0", "shared")
    index.wheel("shared", "1.0")
    for version in ("1.0", "1.1", "1.2"):
        index.wheel("app", version, "framework>=2")
    index.wheel("framework", "2.0", "engine<2")
    index.wheel("tool", "5.0", "engine>=2")
    for version in ("1.0", "2.0"):
        index.wheel("engine", version)
    wanted = [*(f"bystander-{number}" for number in range(30)), "app", "tool"]
    with pytest.raises(Unsatisfiable) as caught:
        records(index, tmp_path, wanted)
    way, causes, end = caught.value.story[:3], caught.value.story[3:-1], caught.value.story[-1]
    assert way == (
        "the manifest asks for app,",
        "3 versions of app (1.0 to 1.2) need framework>=2,",
        "the manifest asks for tool,",
    )
    assert set(causes) == {"framework 2.0 needs engine<2,", "tool 5.0 needs engine>=2,"}
    assert end == "and no version of engine satisfies that; the newest is 2.0."


def test_many_requirements_make_a_short_story(tmp_path: Path) -> None:
    """Each of twenty is needed for the conflict: the first are named."""
    index = FakeIndex()
    for number in range(20):
        index.wheel(f"part-{number}", "1.0", f"core!={number}.0")
        index.wheel("core", f"{number}.0")
    wanted = [f"part-{number}" for number in range(20)]
    with pytest.raises(Unsatisfiable) as caught:
        records(index, tmp_path, wanted, options=PypiOptions())
    assert len(caught.value.story) <= 15
