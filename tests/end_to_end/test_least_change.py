"""An edit of the manifest changes only the records of the lock file that it must, whatever else is on offer by now.

Everything is locked at 1.0 while the channel and the index on loopback have 2.0 of each, too: what moves without need
is seen.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from pixi_core.ops.lock import ensure_lock
from pixi_core.workspace import Workspace
from tests.support.channel.served import served
from tests.support.pypi_index import FakeIndex, serving

PLATFORMS = ("linux-64", "osx-arm64", "win-64")
YEAR = {"1.0": 1577836800000, "2.0": 1735689600000}
"""When each version was made: the first days of 2020 and of 2025, in milliseconds."""
DEPENDS = {
    "app": {"1.0": ["lib >=1"], "2.0": ["lib >=2"]},
    "check": {"1.0": ["lib"], "2.0": ["lib"]},
    "extra": {"1.0": ["lib"], "2.0": ["lib"]},
    "forward": {"1.0": ["lib >=2"], "2.0": ["lib >=2"]},
}
BASE = """[workspace]
name = "demo"
channels = ["MAIN"]
platforms = ["linux-64", "osx-arm64"]
#more

[dependencies]
python = "*"
app = "*"
tool = "*"
#added

[pypi-dependencies]
pure = "*"
#pypi

[pypi-options]
index-url = "INDEX"

[feature.test.dependencies]
check = "*"

[feature.docs.dependencies]
pages = "*"

[environments]
test = ["test"]
docs = { features = ["docs"], no-default-feature = true }
#environments
"""
PINS = "".join(f'{name} = "==1.0"\n' for name in ("app", "lib", "tool", "check", "pages", "extra"))
Row = tuple[str | None, str | None]
Changed = dict[str, Row]


def entry(name: str, version: str, build: str = "h_0", depends: Sequence[str] = ()) -> dict[str, object]:
    """One line of a channel's index."""
    return {"name": name, "version": version, "build": build, "build_number": 0, "depends": list(depends),
            "timestamp": YEAR.get(version, YEAR["1.0"]), "sha256": "0" * 64}  # fmt: skip


def write_channel(folder: Path, entries: Sequence[Mapping[str, object]]) -> None:
    """The index of a channel that has the same on every platform."""
    packages = {f"{e['name']}-{e['version']}-{e['build']}.conda": e for e in entries}
    for subdir in (*PLATFORMS, "noarch"):
        (folder / subdir).mkdir(parents=True)
        content = {"packages": {}, "packages.conda": packages if subdir != "noarch" else {}}
        (folder / subdir / "repodata.json").write_text(json.dumps(content))


def index_of_pypi() -> FakeIndex:
    """`pure` and `more` need `core`, `fresh` its second version."""
    index = FakeIndex()
    for version, made in (("1.0", "2020-01-01T00:00:00Z"), ("2.0", "2025-01-01T00:00:00Z")):
        for name, *needs in (("core",), ("pure", "core"), ("more", "core"), ("fresh", "core>=2")):
            index.wheel(name, version, *needs, upload_time=made)
    return index


@dataclass(frozen=True)
class World:
    """A channel, another one, an index, and the text of the lock file in which everything is at 1.0."""

    main: str
    other: str
    index: str
    cache: Path
    lock: str = ""

    def relocked(self, folder: Path, manifest: str, lock: str | None) -> tuple[str, dict[str, Changed]]:
        """The text of the lock file after `manifest`, and what changed: `environment/platform` → name → versions."""
        text = manifest.replace("MAIN", self.main).replace("OTHER", self.other).replace("INDEX", self.index)
        folder.mkdir(exist_ok=True)
        (folder / "pixi.toml").write_text(text)
        if lock is not None:
            (folder / "pixi.lock").write_text(lock)
        workspace = Workspace.open(folder / "pixi.toml", environ={**os.environ, "PIXI_CACHE_DIR": str(self.cache)})
        try:
            difference = ensure_lock(workspace).difference or {"environment": {}}
        finally:
            workspace.close()
        found = {
            f"{environment}/{platform}": {row["name"]: (seen(row["before"]), seen(row["after"])) for row in rows}
            for environment, platforms in difference["environment"].items()
            for platform, rows in platforms.items()
        }
        return (folder / "pixi.lock").read_text(), found


def seen(fields: Mapping[str, object] | None) -> str | None:
    """The version, or whatever else differs of a record; None where there is no record."""
    if fields is None:
        return None
    return str(fields.get("version") or fields.get("build") or sorted(fields))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("least-change")
    names = ("lib", "tool", "pages", *DEPENDS)
    both = [entry(name, version, depends=DEPENDS.get(name, {}).get(version, ())) for name in names for version in YEAR]
    write_channel(folder / "main", [*both, entry("python", "3.11.0"), entry("python", "3.12.0")])
    write_channel(folder / "other", [entry("tool", "1.0", "other_0"), entry("elsewhere", "1.0")])
    with served(folder / "main") as main, served(folder / "other") as other, serving(index_of_pypi()) as index:
        bare = World(main, other, index.url, folder / "cache")
        pinned = BASE.replace("#added", f'[constraints]\n{PINS}python = "3.11.*"')
        pinned = pinned.replace('pages = "*"', 'pages = "==1.0"')
        pinned = pinned.replace('pure = "*"', 'pure = "==1.0"\ncore = "==1.0"')
        first, _ = bare.relocked(folder / "workspace", pinned, None)
        lock, changed = bare.relocked(folder / "workspace", BASE, first)
        assert changed == {}
        yield World(main, other, index.url, folder / "cache", lock)


def at(places: str, changes: Changed) -> dict[str, Changed]:
    """The same changes in each of the environments, on both platforms; `environment/platform` means that one."""
    return {
        place: changes
        for name in places.split()
        for place in ([name] if "/" in name else [f"{name}/{platform}" for platform in PLATFORMS[:2]])
    }


BOTH = "default test"
NEWEST: Changed = {"app": (None, "2.0"), "lib": (None, "2.0"), "python": (None, "3.12.0"), "tool": (None, "2.0"),
                   "pure": (None, "2.0"), "core": (None, "2.0")}  # fmt: skip
GONE: Changed = {"app": ("1.0", None), "lib": ("1.0", None), "python": ("3.11.0", None), "tool": ("1.0", None),
                 "pure": ("1.0", None), "core": ("1.0", None)}  # fmt: skip
TEST_GONE: Changed = {**GONE, "check": ("1.0", None)}
PURLS = ("['purls']", "['purls']")
"""What conda packages are on PyPI is only told where there are PyPI dependencies."""
NO_PYPI: Changed = {"pure": ("1.0", None), "core": ("1.0", None), "app": PURLS, "lib": PURLS, "python": PURLS,
                    "tool": PURLS}  # fmt: skip
TWO_CHANNELS = ('["MAIN"]', '["MAIN", "OTHER"]')
GROUPED = ('test = ["test"]', 'test = { features = ["test"], solve-group = "g" }\ndefault = { solve-group = "g" }')
Replacement = tuple[str, str]
EDITS: dict[str, tuple[Sequence[Replacement], dict[str, Changed]]] = {
    "comment": ([("#added", "# nothing new")], {}),
    "description": ([("#more", 'description = "ours"')], {}),
    "task": ([("#environments", '[tasks]\nhello = "echo hello"')], {}),
    "add": ([("#added", 'extra = "*"')], at(BOTH, {"extra": (None, "2.0")})),
    "add what needs more of another": (
        [("#added", 'forward = "*"')], at(BOTH, {"forward": (None, "2.0"), "lib": ("1.0", "2.0")})
    ),
    "add on one platform": (
        [("#environments", '[target.osx-arm64.dependencies]\nextra = "*"')],
        at("default/osx-arm64 test/osx-arm64", {"extra": (None, "2.0")}),
    ),
    "add to a feature": ([('pages = "*"', 'pages = "*"\nlib = "*"')], at("docs", {"lib": (None, "2.0")})),
    "remove": ([('tool = "*"\n', "")], at(BOTH, {"tool": ("1.0", None)})),
    "remove what alone needed another": (
        [('app = "*"\n', "")],
        at("default", {"app": ("1.0", None), "lib": ("1.0", None)}) | at("test", {"app": ("1.0", None)}),
    ),
    "move to a feature": (
        [('tool = "*"\n', ""), ('check = "*"', 'check = "*"\ntool = "*"')], at("default", {"tool": ("1.0", None)})
    ),
    "pin tightened": ([('tool = "*"', 'tool = ">=2"')], at(BOTH, {"tool": ("1.0", "2.0")})),
    "pin tightened with what it needs": (
        [('app = "*"', 'app = ">=2"')], at(BOTH, {"app": ("1.0", "2.0"), "lib": ("1.0", "2.0")})
    ),
    "pin tightened to what is there": ([('tool = "*"', 'tool = "==1.0"')], {}),
    "pin written as a table": ([('tool = "*"', 'tool = { version = "<3", build = "h_*" }')], {}),
    "other Python": ([('python = "*"', 'python = "3.12.*"')], at(BOTH, {"python": ("3.11.0", "3.12.0")})),
    "constraint": ([("#environments", '[constraints]\nlib = ">=2"')], at(BOTH, {"lib": ("1.0", "2.0")})),
    "channel appended": ([TWO_CHANNELS], {}),
    "channel put in front": ([('["MAIN"]', '["OTHER", "MAIN"]')], at(BOTH, {"tool": ("h_0", "other_0")})),
    "channel priority": ([("#more", 'channel-priority = "disabled"')], {}),
    "strategy": ([("#more", 'solve-strategy = "lowest"')], {}),
    "platform added": (
        [('"osx-arm64"]', '"osx-arm64", "win-64"]')],
        at("default/win-64", NEWEST)
        | at("test/win-64", {**NEWEST, "check": (None, "2.0")})
        | at("docs/win-64", {"pages": (None, "2.0")}),
    ),
    "platform removed": (
        [(', "osx-arm64"]', "]")],
        at("default/osx-arm64", GONE)
        | at("test/osx-arm64", TEST_GONE)
        | at("docs/osx-arm64", {"pages": ("1.0", None)}),
    ),
    "feature renamed": ([("feature.test.", "feature.quality."), ('["test"]', '["quality"]')], {}),
    "environment added": (
        [("#environments", 'site = { features = ["docs"], no-default-feature = true }')],
        at("site", {"pages": (None, "2.0")}),
    ),
    "environment removed": ([('test = ["test"]\n', "")], at("test", TEST_GONE)),
    "solve group": ([GROUPED], {}),
    "PyPI dependency added": ([("#pypi", 'more = "*"')], at(BOTH, {"more": (None, "2.0")})),
    "PyPI dependency that needs more of another": (
        [("#pypi", 'fresh = "*"')], at(BOTH, {"fresh": (None, "2.0"), "core": ("1.0", "2.0")})
    ),
    "last PyPI dependency removed": (
        [('pure = "*"\n', "")],
        at("default", NO_PYPI) | at("test", {**NO_PYPI, "check": PURLS}),
    ),
    "PyPI pin tightened": ([('pure = "*"', 'pure = ">=2"')], at(BOTH, {"pure": ("1.0", "2.0")})),
    "exclude-newer that allows what is there": ([("#more", 'exclude-newer = "2021-01-01"')], {}),
}  # fmt: skip
FROM_ELSEWHERE: dict[str, tuple[Sequence[Replacement], Sequence[Replacement], dict[str, Changed]]] = {
    "channel reordered": (
        [TWO_CHANNELS], [('["MAIN", "OTHER"]', '["OTHER", "MAIN"]')], at(BOTH, {"tool": ("h_0", "other_0")})
    ),
    "channel removed": (
        [TWO_CHANNELS, ("#added", 'elsewhere = "*"')],
        [('["MAIN", "OTHER"]', '["MAIN"]'), ('elsewhere = "*"\n', "")],
        at(BOTH, {"elsewhere": ("1.0", None)}),
    ),
    "pin loosened": ([("#added", 'extra = "==1.0"')], [('"==1.0"', '"*"')], {}),
    "solve group left": ([GROUPED], [GROUPED[::-1]], {}),
    "PyPI dependency removed": (
        [("#pypi", 'more = "==1.0"')], [('pure = "*"\n', "")], at(BOTH, {"pure": ("1.0", None)})
    ),
    "exclude-newer lifted": ([("#more", 'exclude-newer = "2021-01-01"')], [('exclude-newer = "2021-01-01"\n', "")], {}),
    "exclude-newer that forbids what is there": (
        [("#added", 'extra = ">=2"')],
        [('extra = ">=2"', 'extra = "*"'), ("#more", 'exclude-newer = "2021-01-01"')],
        at(BOTH, {"extra": ("2.0", "1.0")}),
    ),
}  # fmt: skip


def edited(text: str, replacements: Sequence[Replacement]) -> str:
    """The text after all replacements, each of which finds something."""
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_changes_only_what_it_must(name: str, world: World, tmp_path: Path) -> None:
    replacements, expected = EDITS[name]
    _, changed = world.relocked(tmp_path, edited(BASE, replacements), world.lock)
    assert changed == expected


@pytest.mark.parametrize("name", FROM_ELSEWHERE)
def test_an_edit_of_an_edited_manifest_changes_only_what_it_must(name: str, world: World, tmp_path: Path) -> None:
    before, replacements, expected = FROM_ELSEWHERE[name]
    start = edited(BASE, before)
    lock, _ = world.relocked(tmp_path, start, world.lock)
    _, changed = world.relocked(tmp_path, edited(start, replacements), lock)
    assert changed == expected


def test_an_edit_that_is_taken_back_gives_the_same_bytes(world: World, tmp_path: Path) -> None:
    lock, changed = world.relocked(tmp_path, edited(BASE, [("#added", 'extra = "*"')]), world.lock)
    assert changed
    assert world.relocked(tmp_path, BASE, lock)[0] == world.lock
