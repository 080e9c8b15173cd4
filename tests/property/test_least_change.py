"""Random worlds and random edits: a lock file changes only where the manifest leaves it no choice.

What may stay is judged by a search that knows nothing of the solver: with every locked package held at its version, and
those that are new at theirs, is there a set of packages that satisfies the edited manifest?
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from pixi_core.errors import Unsatisfiable
from pixi_core.lock.read import read_lock
from pixi_core.ops.lock import ensure_lock
from pixi_core.workspace import Workspace

NAMES = ("ash", "birch", "cedar", "elm", "fir", "oak", "pine", "rowan")
PLATFORMS = ("linux-64", "osx-arm64")
SPECS = ("*", "*", "*", ">=2", ">=3", "<3", "<2", "==1", "==2", "==3", "!=2")
WORLDS = 40
Specs = dict[str, str]
Versions = dict[str, int]
Offer = dict[str, dict[int, Specs]]
"""Package → version → what it needs."""


@dataclass(frozen=True)
class Manifest:
    """What an edit can change: dependencies by feature, features by environment, platforms, dependencies of one."""

    dependencies: Mapping[str, Specs]
    environments: Mapping[str, tuple[str, ...]]
    platforms: tuple[str, ...] = PLATFORMS
    of_platform: Mapping[str, Specs] = field(default_factory=dict)

    def text(self, channel: Path) -> str:
        """As TOML."""
        platforms = ", ".join(f'"{one}"' for one in self.platforms)
        lines = ["[workspace]", f'channels = ["{channel.as_uri()}"]', f"platforms = [{platforms}]"]
        for feature, specs in self.dependencies.items():
            lines += [f"[feature.{feature}.dependencies]", *(f'{name} = "{spec}"' for name, spec in specs.items())]
        for platform, specs in self.of_platform.items():
            if platform in self.platforms:
                lines += [f"[target.{platform}.dependencies]", *(f'{name} = "{spec}"' for name, spec in specs.items())]
        lines.append("[environments]")
        for name, features in self.environments.items():
            listed = ", ".join(f'"{feature}"' for feature in features)
            lines.append(f"{name} = {{ features = [{listed}] }}")
        return "\n".join(lines) + "\n"

    def wanted(self, environment: str, platform: str) -> list[tuple[str, str]]:
        """What an environment asks for on a platform."""
        found = list(self.of_platform.get(platform, {}).items())
        for feature in self.environments[environment]:
            found += self.dependencies[feature].items()
        return found

    def places(self) -> Iterator[tuple[str, str]]:
        """Environments on platforms."""
        return ((environment, platform) for environment in self.environments for platform in self.platforms)


def allows(spec: str, version: int) -> bool:
    """Whether one of `SPECS` takes a version."""
    if spec == "*":
        return True
    operator, number = spec.rstrip("0123456789"), int(spec.lstrip("<>=!"))
    return {
        ">=": version >= number,
        "<": version < number,
        "==": version == number,
        "!=": version != number,
    }[operator]


def solution(offer: Offer, wanted: list[tuple[str, str]], held: Versions, chosen: Versions) -> Versions | None:
    """A set of packages that satisfies everything, in which those of `held` have that version; None without one."""
    for position, (name, spec) in enumerate(wanted):
        if name in chosen:
            if not allows(spec, chosen[name]):
                return None
            continue
        for version in [held[name]] if name in held else sorted(offer[name], reverse=True):
            if version in offer[name] and allows(spec, version):
                needs = list(offer[name][version].items())
                found = solution(offer, [*wanted[position + 1 :], *needs], held, {**chosen, name: version})
                if found is not None:
                    return found
        return None
    return chosen


def random_offer(chance: random.Random) -> Offer:
    """Packages that need those before them in the alphabet, so that nothing needs itself."""
    offer: Offer = {}
    for position, name in enumerate(NAMES):
        offer[name] = {}
        for version in range(1, chance.randint(2, 4) + 1):
            others = chance.sample(NAMES[:position], min(position, chance.choice((0, 1, 1, 2))))
            offer[name][version] = {other: chance.choice(SPECS) for other in others}
    return offer


def random_specs(chance: random.Random, most: int) -> Specs:
    return {name: chance.choice(SPECS) for name in chance.sample(NAMES, chance.randint(1, most))}


def random_manifest(chance: random.Random) -> Manifest:
    dependencies = {"one": random_specs(chance, 3), "two": random_specs(chance, 2)}
    return Manifest(dependencies, {"default": ("one",), "second": ("two",), "third": ("one", "two")})


def edited(manifest: Manifest, chance: random.Random) -> Manifest:
    """One edit, as people make them."""
    feature = chance.choice(("one", "two"))
    specs = dict(manifest.dependencies[feature])
    kind = chance.choice(("add", "add", "remove", "other spec", "loosen", "platform", "of one platform", "features"))
    if kind == "platform":
        return replace(manifest, platforms=chance.choice((PLATFORMS[:1], (*PLATFORMS, "win-64"))))
    if kind == "of one platform":
        return replace(manifest, of_platform={PLATFORMS[1]: random_specs(chance, 1)})
    if kind == "features":
        return replace(manifest, environments={**manifest.environments, "second": chance.choice((("one", "two"), ()))})
    if kind == "add":
        specs[chance.choice(NAMES)] = chance.choice(SPECS)
    elif kind == "remove" and specs:
        del specs[chance.choice(list(specs))]
    elif specs:
        specs[chance.choice(list(specs))] = "*" if kind == "loosen" else chance.choice(SPECS)
    return replace(manifest, dependencies={**manifest.dependencies, feature: specs})


def newer(offer: Offer, chance: random.Random) -> Offer:
    """The same a year later: some packages have another version."""
    return {
        name: {**versions, max(versions) + 1: dict(chance.choice(list(versions.values())))}
        if chance.random() < 0.5
        else versions
        for name, versions in offer.items()
    }


def publish(offer: Offer, channel: Path) -> None:
    """The index of a channel that offers the same for every platform."""
    packages = {
        f"{name}-{version}-h_0.conda": {
            "name": name, "version": str(version), "build": "h_0", "build_number": 0, "sha256": "0" * 64,
            "depends": [f"{other} {spec}" for other, spec in needs.items()],
        }
        for name, versions in offer.items() for version, needs in versions.items()
    }  # fmt: skip
    for subdir in (*PLATFORMS, "win-64", "noarch"):
        (channel / subdir).mkdir(parents=True, exist_ok=True)
        content = {"packages": {}, "packages.conda": packages if subdir != "noarch" else {}}
        (channel / subdir / "repodata.json").write_text(json.dumps(content))


@dataclass(frozen=True)
class Place:
    """A workspace and its channel."""

    folder: Path

    def locked(self, manifest: Manifest) -> str | None:
        """The text of the lock file after `manifest`; None where it cannot be solved, and nothing was written."""
        path = self.folder / "pixi.lock"
        before = path.read_text() if path.exists() else None
        (self.folder / "pixi.toml").write_text(manifest.text(self.folder / "channel"))
        environ = {**os.environ, "PIXI_CACHE_DIR": str(self.folder.parent / "cache")}
        workspace = Workspace.open(self.folder / "pixi.toml", environ=environ)
        try:
            ensure_lock(workspace)
        except Unsatisfiable:
            assert (path.read_text() if path.exists() else None) == before
            return None
        finally:
            workspace.close()
        return path.read_text()


def versions_in(lock: str, environment: str, platform: str) -> Versions:
    """Package → version."""
    conda, _ = read_lock(lock).for_platform(environment, platform)
    return {str(record.name): int(str(record.version)) for record in conda}


def judge(offer: Offer, before: Manifest, old: str, after: Manifest, new: str | None) -> list[str]:
    """What is wrong with the lock file `new` after an edit."""
    if new is None:
        possible = all(solution(offer, after.wanted(*place), {}, {}) is not None for place in after.places())
        return ["said to have no solution"] if possible else []
    wrong = []
    for place in after.places():
        wanted, got = after.wanted(*place), versions_in(new, *place)
        if solution(offer, wanted, got, {}) != got:
            wrong.append(f"{place}: {got} is no solution of {wanted}")
        if place not in before.places():
            continue
        held = versions_in(old, *place)
        moved = {name for name in held.keys() & got.keys() if held[name] != got[name]}
        # what is new is the newest that can be had, as users who add it expect, even if something else moves for it
        if moved and solution(offer, wanted, {**got, **held}, {}) is not None:
            wrong.append(f"{place}: {moved} of {held} moved to {got} without need")
        wrong += [
            f"{place}: {name} moved from {held[name]} to {got[name]}, alone without need: {got}"
            for name in moved
            if solution(offer, wanted, {**got, name: held[name]}, {}) is not None
        ]
        if wanted == before.wanted(*place) and got != held:
            wrong.append(f"{place}: nothing was edited, and {held} became {got}")
    return wrong


def only_came(before: Manifest, old: str, after: Manifest, new: str) -> bool:
    """Whether everything of the old lock file is in the new one, too."""
    return set(before.places()) <= set(after.places()) and all(
        versions_in(old, *place).items() <= versions_in(new, *place).items() for place in before.places()
    )


@pytest.mark.parametrize(
    "seed", [*range(WORLDS), *(pytest.param(n, marks=pytest.mark.exhaustive) for n in range(WORLDS, 600))]
)
def test_only_what_must_change_does(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    place = Place(tmp_path / "workspace")
    place.folder.mkdir()
    channel = place.folder / "channel"
    offer = random_offer(chance)
    publish(offer, channel)
    manifest = random_manifest(chance)
    lock = place.locked(manifest)
    while lock is None:
        manifest = random_manifest(chance)
        lock = place.locked(manifest)
    for _ in range(4):
        offer = newer(offer, chance)
        publish(offer, channel)
        edit = edited(manifest, chance)
        new = place.locked(edit)
        assert judge(offer, manifest, lock, edit, new) == [], (manifest, edit)
        if new is not None:
            if only_came(manifest, lock, edit, new):
                assert place.locked(manifest) == lock  # an edit that is taken back
                assert place.locked(edit) == new  # and made again
            manifest, lock = edit, new


def test_the_judge_sees_what_moves_without_need() -> None:
    offer: Offer = {"ash": {1: {}, 2: {}}, "birch": {1: {"ash": "*"}, 2: {"ash": ">=2"}}}
    assert solution(offer, [("birch", "*")], {"ash": 1}, {}) == {"birch": 1, "ash": 1}
    assert solution(offer, [("birch", ">=2")], {"ash": 1}, {}) is None
