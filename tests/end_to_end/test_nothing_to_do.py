"""`pixi install` where nothing is to be done: recognised without reading records, and never where anything changed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pixi_core.install.fingerprint import META_FOLDER, stamp
from tests.support.command import pixi


@pytest.fixture
def installed(tmp_path: Path, small_channel: Path) -> Path:
    """A workspace with two packages, installed twice: the second look has nothing to do."""
    pixi("init", "demo", "-c", small_channel.as_uri(), cwd=tmp_path).succeeded()
    pixi("add", "native-tool", "prefix-text", cwd=tmp_path / "demo").succeeded()
    pixi("install", cwd=tmp_path / "demo").succeeded()
    return tmp_path / "demo"


def prefix_of(workspace: Path) -> Path:
    return workspace / ".pixi" / "envs" / "default"


def record_of(workspace: Path, name: str) -> Path:
    return next((prefix_of(workspace) / META_FOLDER).glob(f"{name}-*.json"))


def remove(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    path.write_bytes(b"")


def same_size_and_time(path: Path) -> None:
    """Other bytes, as long as before and dated back: only the time of change gives it away."""
    before = path.stat()
    path.write_bytes(path.read_bytes().replace(b'"native-tool"', b'"nativetool_"'))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("hurt", [remove, empty, same_size_and_time])
def test_a_record_that_was_touched_is_put_right(installed: Path, hurt: Callable[[Path], None]) -> None:
    record = record_of(installed, "native-tool")
    before = json.loads(record.read_bytes())
    hurt(record)
    pixi("install", cwd=installed).succeeded()
    assert json.loads(record_of(installed, "native-tool").read_bytes())["files"] == before["files"]


def test_an_untouched_prefix_is_not_opened(installed: Path) -> None:
    """Its records are not read at all: a folder that nobody may read is no hindrance."""
    before = stamp(prefix_of(installed))
    done = pixi("--json-lines", "install", cwd=installed).succeeded()
    result = json.loads(done.out.splitlines()[-1])
    assert result["data"]["transaction"] == {
        "added": [],
        "removed": [],
        "changed": [],
        "links": {
            "reflink": 0,
            "hardlink": 0,
            "copy": 0,
            "rewritten": 0,
            "removed": 0,
            "bytes_written": 0,
            "replaced": [],
        },
        "recovered": False,
    }
    assert stamp(prefix_of(installed)) == before


def test_a_prefix_elsewhere_is_another(installed: Path, tmp_path: Path) -> None:
    """The configuration moves environments to another folder: the note is about the one that is not used any more."""
    (installed / ".pixi" / "config.toml").write_text(f'detached-environments = "{tmp_path / "elsewhere"}"\n')
    pixi("install", cwd=installed).succeeded()
    assert list((tmp_path / "elsewhere").glob("*/envs/default/conda-meta/native-tool-*.json"))


def test_a_moved_workspace_is_installed_again(installed: Path, tmp_path: Path) -> None:
    shutil.move(installed, tmp_path / "moved")
    pixi("install", cwd=tmp_path / "moved").succeeded()
    text = next(
        path for path in prefix_of(tmp_path / "moved").rglob("*") if path.is_file() and path.name == "pixi_env_prefix"
    )
    assert text.read_text() == str(prefix_of(tmp_path / "moved") / META_FOLDER)


def test_the_stamp_of_nothing_is_empty(tmp_path: Path) -> None:
    assert stamp(tmp_path) == ""
