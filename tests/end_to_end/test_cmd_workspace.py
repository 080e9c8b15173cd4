"""`pixi workspace …` and `pixi import`, through the real command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.support.command import pixi


@pytest.fixture
def workspace(tmp_path: Path, small_channel: Path) -> Path:
    """A workspace with a feature that no environment has; not locked."""
    (tmp_path / "pixi.toml").write_text(
        f'[workspace]\nname = "demo"\nchannels = ["{small_channel.as_uri()}"] # keep me\nplatforms = ["linux-64"]\n'
        '\n[dependencies]\nshared = "1.*"\n\n[feature.extra.dependencies]\nnative-tool = "*"\n'
    )
    return tmp_path


def manifest(folder: Path) -> str:
    """Its text."""
    return (folder / "pixi.toml").read_text()


def test_platforms_are_locked_as_they_come_and_go(workspace: Path) -> None:
    pixi("workspace", "platform", "add", "osx-arm64", "win-64", "--no-install", cwd=workspace).succeeded()
    assert 'platforms = ["linux-64", "osx-arm64", "win-64"]' in manifest(workspace)
    assert "osx-arm64:" in (workspace / "pixi.lock").read_text()
    pixi("workspace", "platform", "remove", "win-64", cwd=workspace).succeeded()
    assert "win-64:" not in (workspace / "pixi.lock").read_text()
    listed = pixi("workspace", "platform", "list", "--json", cwd=workspace).succeeded().out
    rows = json.loads(listed)["platforms"]
    assert rows[0]["is_autodetected"] is True
    assert [(row["name"], row["environments"]) for row in rows[1:]] == [
        ("linux-64", ["default"]), ("osx-arm64", ["default"])
    ]  # fmt: skip
    pixi("lock", "--check", cwd=workspace).succeeded()


def test_channels(workspace: Path, small_channel: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / "noarch").mkdir()
    (other / "noarch" / "repodata.json").write_text('{"packages": {}, "packages.conda": {}}')
    pixi("workspace", "channel", "add", other.as_uri(), "--prepend", "--priority", "3", cwd=workspace).succeeded()
    assert f'[{{channel = "{other.as_uri()}", priority = 3}}' in manifest(workspace).replace("{ ", "{").replace(
        " }", "}"
    )
    assert "# keep me" in manifest(workspace)
    urls = pixi("workspace", "channel", "list", "--urls", cwd=workspace).succeeded().out
    assert urls == f"Environment: default\n- {other.as_uri()}/\n- {small_channel.as_uri()}/\n"
    pixi("workspace", "channel", "remove", other.as_uri(), cwd=workspace).succeeded()
    assert other.as_uri() not in manifest(workspace)


def test_a_channel_that_cannot_be_had_changes_nothing(workspace: Path) -> None:
    before = manifest(workspace)
    pixi("workspace", "channel", "add", (workspace / "absent").as_uri(), cwd=workspace).failed()
    assert manifest(workspace) == before
    assert not (workspace / "pixi.lock").exists()


def test_environments_and_features(workspace: Path) -> None:
    words = ("environment", "add", "dev", "-f", "extra", "--solve-group", "one", "--no-default-feature")
    pixi("workspace", *words, cwd=workspace).succeeded()
    assert "--force" in pixi("workspace", *words, cwd=workspace).failed().err
    pixi("workspace", *words[:5], "--force", cwd=workspace).succeeded()
    assert 'dev = ["extra"]' in manifest(workspace)
    listed = pixi("workspace", "environment", "list", cwd=workspace).succeeded().out
    assert "dev: features: extra, default" in listed
    assert "extra: native-tool" in pixi("workspace", "feature", "list", cwd=workspace).succeeded().out
    pixi("workspace", "feature", "remove", "extra", cwd=workspace).succeeded()
    assert "native-tool" not in manifest(workspace)
    pixi("workspace", "environment", "remove", "dev", cwd=workspace).succeeded()
    assert "dev" not in manifest(workspace)


@pytest.mark.parametrize(("what", "value"), [("name", "other"), ("version", "1.2.3"), ("description", "Für alle")])
def test_texts(workspace: Path, what: str, value: str) -> None:
    pixi("workspace", what, "set", value, cwd=workspace).succeeded()
    assert pixi("workspace", what, "get", cwd=workspace).succeeded().out == f"{value}\n"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("platform", "add", "linux-46"), 1, "linux-64"),
        (("platform", "remove", "linux-46"), 1, "did you mean `linux-64`?"),
        (("environment", "add", "dev", "-f", "extar"), 1, "extra"),
        (("environment", "remove", "dev"), 1, "'dev' is not in `environments`"),
        (("feature", "remove", "extar"), 1, "did you mean `extra`?"),
        (("chanel", "list"), 2, "channel"),
        (("channel", "add"), 2, "required"),
    ],
)
def test_what_is_wrong_changes_nothing(workspace: Path, words: tuple[str, ...], code: int, message: str) -> None:
    before = manifest(workspace)
    assert message in pixi("workspace", *words, cwd=workspace).failed(code).err
    assert manifest(workspace) == before


def test_export_of_what_is_asked_and_of_what_is_locked(workspace: Path, small_channel: Path) -> None:
    export = ("workspace", "export", "conda-environment", "-p", "linux-64")
    asked = yaml.safe_load(pixi(*export, "-n", "mine", cwd=workspace).succeeded().out)
    assert (asked["name"], asked["dependencies"]) == ("mine", ["shared 1.*"])
    assert asked["channels"][-1] == "nodefaults"
    pixi(*export, "--from-lock-file", "environment.yml", cwd=workspace).succeeded()
    locked = yaml.safe_load((workspace / "environment.yml").read_text())
    assert locked["dependencies"] == ["shared=1.0=0"]
    pixi("workspace", "export", "conda-explicit-spec", "specs", "-e", "default", cwd=workspace).succeeded()
    lines = (workspace / "specs" / "default_linux-64_conda_spec.txt").read_text().splitlines()
    assert lines[1:3] == ["# platform: linux-64", "@EXPLICIT"]
    assert lines[3].startswith(f"{small_channel.as_uri()}/noarch/shared-1.0-0.conda#")


def test_import_of_an_environment_file(workspace: Path, small_channel: Path) -> None:
    (workspace / "environment.yml").write_text(
        f"name: imported\nchannels: [{small_channel.as_uri()}, nodefaults]\n"
        "dependencies:\n  - native-tool=1.0\n  - links\n  - pip:\n    - greeting>=1\n    - -e ./local\n"
        "variables: {ONE: '1'}\n"
    )
    refused = pixi("import", "environment.yml", cwd=workspace).failed(1)
    assert "there is nothing at ./local" in refused.err
    (workspace / "local").mkdir()
    done = pixi("import", "environment.yml", cwd=workspace).succeeded()
    assert "not taken over: variables.ONE" in done.err
    text = manifest(workspace)
    assert 'imported = ["imported"]' in text
    assert 'native-tool = "1.0.*"' in text
    assert 'greeting = ">=1"' in text
    assert "editable = true" in text


def test_import_of_requirements(workspace: Path) -> None:
    (workspace / "more.txt").write_text("words[loud]==1.0 \\\n  --hash=sha256:00\n")
    (workspace / "requirements.txt").write_text(
        "# ours\ngreeting>=1 # why\n-r more.txt\n--index-url https://x.example\n"
    )
    (workspace / "other.txt").write_text("-i https://y.example\n")
    assert "--feature" in pixi("import", "requirements.txt", cwd=workspace).failed(2).err
    pixi("import", "requirements.txt", "-f", "default", "-p", "linux-64", cwd=workspace).succeeded()
    text = manifest(workspace)
    assert '[pypi-options]\nindex-url = "https://x.example"' in text
    again = pixi("import", "other.txt", "-f", "default", cwd=workspace).succeeded()
    assert "not taken over: index-url = 'https://y.example'" in again.err
    assert "the manifest says 'https://x.example'" in again.err
    assert "[target.linux-64.pypi-dependencies]" in text
    assert 'greeting = ">=1"' in text
    assert 'words = { version = "==1.0", extras = ["loud"] }' in text.replace("{v", "{ v").replace("]}", "] }")


@pytest.mark.parametrize(("name", "text"), [("a.yml", "dependencies: [["), ("a.yml", "- one\n"), ("a.txt", "==1\n")])
def test_a_file_that_cannot_be_understood_changes_nothing(workspace: Path, name: str, text: str) -> None:
    before = manifest(workspace)
    (workspace / name).write_text(text)
    pixi("import", name, "-f", "default", cwd=workspace).failed()
    pixi("import", "absent.txt", "-f", "default", cwd=workspace).failed()
    assert manifest(workspace) == before


def test_editing_keeps_an_approval_up_and_gives_none(tmp_path: Path, small_channel: Path) -> None:
    pixi("init", "-c", small_channel.as_uri(), cwd=tmp_path).succeeded()
    pixi("workspace", "description", "set", "changed by its user", cwd=tmp_path).succeeded()
    assert json.loads(pixi("trust", "--show", "--json", cwd=tmp_path).out)["trusted"] is True
    pixi("trust", "--revoke", cwd=tmp_path).succeeded()
    pixi("workspace", "description", "set", "changed again", cwd=tmp_path).succeeded()
    assert json.loads(pixi("trust", "--show", "--json", cwd=tmp_path).out)["trusted"] is False
