"""Whatever is mistyped, the command says what may have been meant: each kind of word once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command import pixi

MANIFEST = """[workspace]
name = "demo"
channels = ["CHANNEL"]
platforms = ["linux-64", "osx-arm64"]

[dependencies]
shared = "*"

[tasks]
build = "echo built"

[feature.test.dependencies]
native-library = "*"

[environments]
test = ["test"]
"""
MISTYPED = {
    "command": ("instal", 2, "`install`"),
    "option": ("install --locke", 2, "`--locked`"),
    "sub-command": ("workspace chanel list", 2, "`channel`"),
    "choice": ("shell-hook --shell bahs", 2, "`bash`"),
    "task": ("run biuld", 127, "`build`"),
    "task to remove": ("task remove biuld", 1, "`build`"),
    "environment": ("list -e tset", 1, "`test`?"),
    "environment to remove": ("workspace environment remove tset", 1, "`test`"),
    "feature": ("upgrade -f tset", 1, "`test`"),
    "feature of an environment": ("workspace environment add more -f tset", 1, "`test`"),
    "platform": ("list --platform linux-46", 1, "`linux-64`"),
    "platform to add to": ("add -p linux-46 shared", 1, "`linux-64`"),
    "platform that nobody knows": ("workspace platform add linux-46", 1, "`linux-64`"),
    "channel": ("workspace channel remove CHANNE", 1, "`CHANNEL`"),
    "package": ("add shraed", 1, "`shared`"),
    "package to remove": ("remove shraed", 1, "`shared`"),
    "package to update": ("update shraed", 1, "`shared`?"),
    "package to upgrade": ("upgrade shraed", 1, "`shared`?"),
    "package to explain": ("why shraed", 1, "`shared`?"),
    "package to look for": ("search shraed", 1, "shared?"),
    "configuration key": ("config set pining-strategy semver", 1, "`pinning-strategy`"),
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, small_channel: Path) -> Path:
    folder = tmp_path_factory.mktemp("mistyped")
    (folder / "pixi.toml").write_text(MANIFEST.replace("CHANNEL", small_channel.as_uri()))
    pixi("lock", cwd=folder).succeeded()
    return folder


@pytest.mark.parametrize("kind", MISTYPED)
def test_a_mistyped_word_gets_a_suggestion(kind: str, workspace: Path, small_channel: Path) -> None:
    words, code, meant = MISTYPED[kind]
    before = (workspace / "pixi.toml").read_text()
    ran = pixi(*words.replace("CHANNE", small_channel.as_uri()[:-1]).split(), cwd=workspace).failed(code)
    assert f"id you mean {meant.replace('CHANNEL', small_channel.as_uri())}" in ran.err
    assert (workspace / "pixi.toml").read_text() == before


def test_an_option_that_pixi_gave_up_is_told_with_its_successors(workspace: Path) -> None:
    said = pixi("install", "--no-lockfile-update", cwd=workspace).failed(2).err
    assert "--frozen" in said.splitlines()[-2]
    assert "--no-install" in said.splitlines()[-2]


def test_a_feature_that_no_environment_uses_is_told(tmp_path: Path, small_channel: Path) -> None:
    (tmp_path / "pixi.toml").write_text(MANIFEST.replace("CHANNEL", small_channel.as_uri()))
    added = pixi("add", "-f", "tset", "native-tool", "--no-install", cwd=tmp_path).succeeded()
    assert "no environment uses the feature 'tset'" in added.err
    assert "no environment uses" not in pixi("add", "-f", "test", "shared", "--no-install", cwd=tmp_path).err


def test_a_failed_solve_says_of_which_environment_and_platform_it_is(tmp_path: Path, small_channel: Path) -> None:
    (tmp_path / "pixi.toml").write_text(MANIFEST.replace("CHANNEL", small_channel.as_uri()))
    ran = pixi("add", "native-tool==99", "-p", "osx-arm64", cwd=tmp_path).failed()
    assert ran.err.count("while solving default/osx-arm64") == 1
