"""`--dry-run` of the commands that change an environment: says what would change, and changes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command import pixi
from tests.support.trees import tree


@pytest.fixture
def workspace(tmp_path: Path, small_channel: Path) -> Path:
    """One package of two is there."""
    (tmp_path / "pixi.toml").write_text(
        f'[workspace]\nname = "w"\nchannels = ["{small_channel.as_uri()}"]\nplatforms = ["linux-64"]\n'
        '[dependencies]\nshared = "<2"\n'
    )
    pixi("install", cwd=tmp_path).succeeded()
    return tmp_path


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "--dry-run", "native-library"), ["Would add native-library", "+ native-library"]),
        (("add", "-n", "shared=2.0"), ["Would add shared", "~ shared"]),
        (("add", "--dry-run", "shared"), ["nothing would change"]),
        (("remove", "--dry-run", "shared"), ["Would remove shared", "- shared"]),
        (("install", "--dry-run"), ["nothing would change"]),
    ],
)
def test_a_rehearsal_changes_nothing(words: tuple[str, ...], said: list[str], workspace: Path) -> None:
    before = tree(workspace)
    done = pixi(*words, cwd=workspace).succeeded()
    assert [text for text in said if text not in done.err] == []
    assert tree(workspace) == before


def test_a_rehearsed_installation_solves_without_writing(workspace: Path) -> None:
    manifest = workspace / "pixi.toml"
    manifest.write_text(manifest.read_text().replace('"<2"', '"*"') + 'native-library = "*"\n')
    before = tree(workspace)
    done = pixi("--json-lines", "install", "--dry-run", cwd=workspace).succeeded()
    rows = json.loads(done.out.splitlines()[-1])["data"]["difference"]["environment"]["default"]["linux-64"]
    assert [(row["name"], row["before"] is None) for row in rows] == [("native-library", True)]
    assert tree(workspace) == before
    assert "native-library" in pixi("install", "--dry-run", "--locked", cwd=workspace).failed().err


@pytest.mark.parametrize("option", [("--all",), ("--only", "shared"), ("--platform", "linux-64")])
def test_a_rehearsal_is_of_whole_environments(option: tuple[str, ...], workspace: Path) -> None:
    assert "--dry-run does not go with" in pixi("install", "--dry-run", *option, cwd=workspace).failed(2).err


def test_an_environment_that_is_not_there_is_wrong_in_a_rehearsal_too(workspace: Path) -> None:
    assert "gone" in pixi("add", "--dry-run", "-e", "gone", "native-library", cwd=workspace).failed().err
