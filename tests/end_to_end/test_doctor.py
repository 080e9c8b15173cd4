"""`pixi doctor` on what people and disks do to environments, caches and configuration; and the collection of caches."""

from __future__ import annotations

import contextlib
import io
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pixi_core.cache.collect import collect_unused, survey
from pixi_core.cache.layout import CacheDirs
from pixi_core.cli.main import main
from tests.support.pypi_index import FakeIndex, serving
from tests.support.trees import tree


class Place:
    """A workspace with its own caches, of conda packages and a wheel, installed."""

    def __init__(self, root: Path, channel: str, index: str) -> None:
        self.root = root
        self.cache = root / "cache"
        self.folder = root / "workspace"
        self.prefix = self.folder / ".pixi" / "envs" / "default"
        self.folder.mkdir()
        (self.folder / "pixi.toml").write_text(
            f'[workspace]\nname = "demo"\nplatforms = ["linux-64"]\nchannels = ["{channel}"]\n\n'
            f'[pypi-options]\nindex-url = "{index}"\n\n'
            '[dependencies]\npython = "*"\npure-tool = "*"\nnative-tool = "*"\nprefix-text = "*"\nlinks = "*"\n\n'
            '[pypi-dependencies]\ngreeting = "*"\n'
        )
        assert self.pixi("install")[0] == 0

    def pixi(self, *words: str) -> tuple[int, str]:
        """Exit code and standard output."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            return main(["-m", str(self.folder), *words]), out.getvalue()

    def doctor(self, *words: str) -> tuple[int, Any]:
        """Exit code and the JSON."""
        code, out = self.pixi("doctor", "--json", *words)
        return code, json.loads(out)

    def replace(self, relative: str, text: str) -> None:
        """A file of the environment, as an editor replaces it: the cache keeps its own."""
        path = self.prefix / relative
        path.unlink()
        path.write_text(text)


@pytest.fixture
def place(tmp_path: Path, small_channel: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A fresh place; pip's settings are the test's own."""
    monkeypatch.setenv("PIXI_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    index = FakeIndex()
    index.wheel("greeting", "1.0")
    with serving(index) as running:
        yield Place(tmp_path, small_channel.as_uri(), running.url)


def edited(place: Place) -> None:
    place.replace("share/native-tool", "edited\n")


def removed(place: Place) -> None:
    (place.prefix / "share/prefix-text/greeting").unlink()
    [module] = place.prefix.glob("lib/python*/site-packages/greeting/__init__.py")
    module.unlink()


def written_through(place: Place) -> None:
    """The hard link that the cache shares, so that the cache is damaged with it; its size stays."""
    path = place.prefix / "share/native-tool"
    text = path.read_text()
    with path.open("r+") as file:
        file.write(text.upper())


def empty_record(place: Place) -> None:
    [record] = (place.prefix / "conda-meta").glob("native-tool-*.json")
    record.write_bytes(b"")


def no_record(place: Place) -> None:
    [record] = place.prefix.glob("lib/python*/site-packages/greeting-1.0.dist-info/RECORD")
    record.unlink()


def other_mode(place: Place) -> None:
    """A program that may not be run any more, nor its original in the cache: they are one file."""
    (place.prefix / "bin/prefix-sh").chmod(0o644)


def broken_link(place: Place) -> None:
    link = place.prefix / "share/links/to-file"
    link.unlink()
    link.symlink_to("nowhere")


def foreign_folder(place: Place) -> None:
    """Something of the user's at the place of a package's file."""
    path = place.prefix / "share/native-tool"
    path.unlink()
    path.mkdir()
    (path / "mine").write_text("mine\n")


def foreign_link(place: Place) -> None:
    path = place.prefix / "share/native-tool"
    path.unlink()
    path.symlink_to("/etc/hostname")


def lost_record(place: Place) -> None:
    [record] = (place.prefix / "conda-meta").glob("native-tool-*.json")
    record.unlink()


def torn_record(place: Place) -> None:
    [record] = (place.prefix / "conda-meta").glob("native-tool-*.json")
    record.write_bytes(record.read_bytes()[:200])


def torn_journal(place: Place) -> None:
    (place.prefix / "conda-meta" / ".pixi-transaction").write_text('{"version": 1, "names": ["nat')


def lost_cache_file(place: Place) -> None:
    [file] = place.cache.glob("*/native-tool-*/share/native-tool")
    file.unlink()


def torn_marker(place: Place) -> None:
    [marker] = place.cache.glob("*/native-tool-*/.pixi-complete.json")
    marker.write_bytes(marker.read_bytes()[:40])


def no_marker(place: Place) -> None:
    [marker] = place.cache.glob("*/native-tool-*/.pixi-complete.json")
    marker.unlink()


DAMAGES = [
    edited, removed, written_through, empty_record, no_record, other_mode, broken_link, foreign_folder, foreign_link,
    lost_record, torn_record, torn_journal, lost_cache_file, torn_marker, no_marker,
]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_found_and_repaired(place: Place, damage: Callable[[Place], None]) -> None:
    before = tree(place.prefix)
    assert place.doctor() == (0, {"ok": True, "environments": ["default"], "cache_entries": 8, "findings": []})
    damage(place)
    code, told = place.doctor()
    assert code == 1
    assert told["findings"]
    code, told = place.doctor("--fix")
    assert code == 0, told
    assert all(finding["fixed"] for finding in told["findings"])
    assert place.doctor()[1]["findings"] == []
    assert {path: what for path, what in tree(place.prefix).items() if ".pixi-saved-" not in path} == before


def test_an_interrupted_change_and_leftovers(place: Place) -> None:
    (CacheDirs.below(place.cache).packages / ".tmp-half-1-0").mkdir()
    (place.folder / ".pixi.lock.tmp").write_text("half")
    code, told = place.doctor()
    assert code == 0  # nothing that hurts
    assert [finding["level"] for finding in told["findings"]] == ["warning"]
    assert not (place.folder / ".pixi.lock.tmp").exists()  # whoever opens the workspace takes it away
    assert place.doctor("--fix")[0] == 0
    assert place.doctor()[1]["findings"] == []


def test_a_stale_lock_file_is_for_the_user(place: Place) -> None:
    manifest = place.folder / "pixi.toml"
    manifest.write_text(manifest.read_text().replace('native-tool = "*"', 'native-tool = ">=7"'))
    code, told = place.doctor("--fix")
    assert code == 1
    [finding] = told["findings"]
    assert finding["area"] == "lock"
    assert finding["hint"] == "run `pixi lock`"


@pytest.mark.parametrize("rest", [0.5, 0.0, None], ids=["half", "nothing", "not text"])
def test_a_torn_lock_file_is_named(place: Place, rest: float | None) -> None:
    """Found by doctor, told without a traceback by a command, and made again once it is gone."""
    lock = place.folder / "pixi.lock"
    content = lock.read_bytes()
    lock.write_bytes(b"\xff\xfe" + content if rest is None else content[: int(rest * len(content))])
    code, told = place.doctor("--fix")
    assert code == 1
    assert any(finding["area"] == "lock" and str(lock) in finding["subject"] for finding in told["findings"])
    assert place.pixi("install", "--locked")[0] == 1
    lock.unlink()
    assert place.pixi("install")[0] == 0
    assert lock.read_bytes() == content


def test_a_configuration_that_cannot_be_read(place: Place) -> None:
    config = place.folder / ".pixi" / "config.toml"
    config.write_text("default-channels = [\n")
    code, told = place.doctor()
    assert code == 0
    [finding] = told["findings"]
    assert (finding["area"], finding["level"]) == ("configuration", "warning")
    assert str(config) in finding["text"]


def test_an_index_that_only_pip_knows(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = place.root / "pip.conf"
    settings.write_text("[global]\nindex-url = https://someone:secret@mirror.example/simple/\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    code, told = place.doctor()
    assert code == 0
    [finding] = told["findings"]
    assert (finding["area"], finding["subject"]) == ("configuration", str(settings))
    assert "https://mirror.example/simple" in finding["text"]
    assert "secret" not in json.dumps(told)
    monkeypatch.setenv(
        "PIP_INDEX_URL", place.folder.joinpath("pixi.toml").read_text().split('index-url = "')[1].split('"')[0]
    )
    assert place.doctor()[1]["findings"] == []


def test_outside_of_a_workspace(tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main(["doctor"]) == 0
    assert "8 cached packages" in out.getvalue()


def test_collecting_what_no_environment_links(place: Place) -> None:
    dirs = CacheDirs.below(place.cache)
    entries = {entry.path.name: entry for entry in survey(dirs)}
    assert len(entries) == 8
    assert all(entry.linked for entry in entries.values())
    assert place.pixi("remove", "prefix-text")[0] == 0
    assert place.pixi("clean", "history")[0] == 0  # else the way back holds what it needs
    assert collect_unused(dirs).removed == ()  # asked for a moment ago
    (CacheDirs.below(place.cache).packages / ".tmp-half-1-0").mkdir()
    (CacheDirs.below(place.cache).packages / "from-another-tool-1-0").mkdir()
    dry = collect_unused(dirs, dry_run=True, older_than=0)
    assert [entry.path.name for entry in dry.removed] == ["prefix-text-1.0-h1a2b3c4_0"]
    assert dry.freed == entries["prefix-text-1.0-h1a2b3c4_0"].size
    assert len(survey(dirs)) == 8
    assert collect_unused(dirs, older_than=0).to_json() == {**dry.to_json(), "dry_run": False}
    assert len(survey(dirs)) == 7
    assert (CacheDirs.below(place.cache).packages / "from-another-tool-1-0").is_dir()
    assert place.doctor()[1]["findings"] == []


def test_use_is_noted(place: Place) -> None:
    dirs = CacheDirs.below(place.cache)
    long_ago = time.time() - 1e6
    for entry in survey(dirs):
        os.utime(entry.path / ".pixi-complete.json", (long_ago, long_ago))
    (place.folder / ".pixi").rename(place.root / "away")
    assert place.pixi("install")[0] == 0
    assert min(entry.last_used for entry in survey(dirs)) > long_ago + 1e5
