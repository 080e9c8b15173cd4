"""`pixi workspace`: platforms with virtual packages, activation, preview, the needed pixi, the registry."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command import pixi

ENVIRON = {"CONDA_OVERRIDE_CUDA": "12.4", "CONDA_OVERRIDE_GLIBC": "2.39"}


@pytest.fixture
def workspace(tmp_path: Path, small_channel: Path) -> Path:
    """Two platforms, two environments; not locked."""
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / "pixi.toml").write_text(
        f'[workspace]\nname = "demo"\nversion = "1.2.3"\nchannels = ["{small_channel.as_uri()}"]\n'
        'platforms = ["linux-64", "osx-arm64"] # keep me\n'
        '\n[dependencies]\nshared = "1.*"\n\n[feature.extra.dependencies]\nshared = "*"\n'
        '\n[environments]\nextra = ["extra"]\n'
    )
    return folder


def lines_of(folder: Path, key: str) -> str:
    """The line of the manifest that begins with `key`, without blanks in tables."""
    for line in (folder / "pixi.toml").read_text().splitlines():
        if line.startswith(key):
            return line.replace("{ ", "{").replace(" }", "}")
    raise AssertionError(f"no line begins with {key}")


PLATFORMS = [
    (["add", "win-64"], 'platforms = ["linux-64", "osx-arm64", "win-64"]'),
    (
        ["add", "gpu", "--subdir", "linux-64", "--cuda", "12.0", "--cuda-arch", "8.6"],
        (
            'platforms = ["linux-64", "osx-arm64", {name = "gpu", platform = "linux-64", '
            'cuda = {driver = "12.0", arch = "8.6"}}]'
        ),
    ),
    (
        ["add", "linux-64", "--linux", "5.4"],
        'platforms = ["linux-64", "osx-arm64", {platform = "linux-64", linux = "5.4"}]',
    ),
    (
        ["edit", "linux-64", "--glibc", "2.35"],
        'platforms = [{name = "linux-64", platform = "linux-64", glibc = "2.35"}, "osx-arm64"]',
    ),
    (
        ["edit", "linux-64", "__made=3"],
        'platforms = [{name = "linux-64", platform = "linux-64", __made = "3"}, "osx-arm64"]',
    ),
    (
        ["edit", "osx-arm64", "--macos", "14.0"],
        'platforms = ["linux-64", {name = "osx-arm64", platform = "osx-arm64", macos = "14.0"}]',
    ),
    (["move", "osx-arm64", "--to-top"], 'platforms = ["osx-arm64", "linux-64"]'),
    (["move", "linux-64", "--after", "osx-arm64"], 'platforms = ["osx-arm64", "linux-64"]'),
    (["move", "linux-64", "--to-bottom"], 'platforms = ["osx-arm64", "linux-64"]'),
    (["move", "osx-arm64", "--before", "linux-64"], 'platforms = ["osx-arm64", "linux-64"]'),
    (["remove", "osx-arm64"], 'platforms = ["linux-64"]'),
]


@pytest.mark.parametrize(("words", "line"), PLATFORMS, ids=[" ".join(words) for words, _ in PLATFORMS])
def test_platforms_are_changed_in_place_and_locked(workspace: Path, words: list[str], line: str) -> None:
    pixi("workspace", "platform", *words, "--no-install", cwd=workspace).succeeded()
    assert lines_of(workspace, "platforms") == f"{line} # keep me"
    pixi("lock", "--check", cwd=workspace).succeeded()


def test_a_virtual_package_is_taken_away_again(workspace: Path) -> None:
    pixi("workspace", "platform", "edit", "linux-64", "--cuda", "12.0", "--no-install", cwd=workspace).succeeded()
    pixi(
        "workspace", "platform", "edit", "linux-64-cuda-12-0", "--remove", "cuda", "--no-install", cwd=workspace
    ).failed()
    pixi("workspace", "platform", "edit", "linux-64", "--remove", "cuda", "--no-install", cwd=workspace).succeeded()
    assert lines_of(workspace, "platforms") == 'platforms = ["linux-64", "osx-arm64"] # keep me'


def test_this_machine_is_detected(workspace: Path) -> None:
    pixi(
        "workspace", "platform", "add", "here", "--auto-detect", "--no-install", cwd=workspace, environ=ENVIRON
    ).succeeded()
    line = lines_of(workspace, "platforms")
    assert '{name = "here", platform = "linux-64", ' in line
    assert 'cuda = "12.4"' in line
    assert 'glibc = "2.39"' in line
    listed = pixi("workspace", "platform", "list", cwd=workspace, environ=ENVIRON).succeeded().out
    assert listed.startswith("linux-64 (this machine)\n")
    assert "linux-64 (used here)\n" in listed, "the first that fits is preferred"


PLATFORM_MISTAKES = [
    (["add"], 2, "which platform?"),
    (["add", "a", "b", "--cuda", "12"], 2, "one platform at a time"),
    (["add", "linux-46"], 1, "linux-46"),
    (["edit", "linux-46", "--cuda", "12"], 1, "did you mean `linux-64`?"),
    (["edit", "linux-64", "cuda=12"], 2, "not a virtual package"),
    (["edit", "linux-64", "--remove", "cuda"], 1, "__cuda"),
    (["move", "linux-64", "--before", "linux-64"], 1, "itself"),
    (["move", "linux-64"], 2, "required"),
    (["remove", "osx-arm46"], 1, "did you mean `osx-arm64`?"),
]


@pytest.mark.parametrize(("words", "code", "text"), PLATFORM_MISTAKES, ids=[" ".join(m[0]) for m in PLATFORM_MISTAKES])
def test_a_mistake_changes_nothing(workspace: Path, words: list[str], code: int, text: str) -> None:
    before = (workspace / "pixi.toml").read_bytes()
    done = pixi("workspace", "platform", *words, cwd=workspace)
    assert (done.code, text in done.err) == (code, True), done.err
    assert (workspace / "pixi.toml").read_bytes() == before


def test_older_system_requirements(workspace: Path) -> None:
    pixi("workspace", "system-requirements", "add", "glibc", "2.35", "--no-install", cwd=workspace).succeeded()
    listed = pixi("workspace", "system-requirements", "list", "--json", cwd=workspace).succeeded().out
    assert json.loads(listed) == {"default": {"__glibc": "2.35"}}
    assert (
        pixi("workspace", "system-requirements", "list", cwd=workspace).succeeded().out == "default:\n  __glibc 2.35\n"
    )


# ---------------------------------------------------------------- activation


def test_activation_scripts_keep_their_order(workspace: Path) -> None:
    group = ("workspace", "activation", "script")
    pixi(*group, "add", "b.sh", "c.sh", cwd=workspace).succeeded()
    pixi(*group, "prepend", "c.sh", "a.sh", cwd=workspace).succeeded()
    assert lines_of(workspace, "scripts") == 'scripts = ["c.sh", "a.sh", "b.sh"]'
    pixi(*group, "remove", "a.sh", cwd=workspace).succeeded()
    assert pixi(*group, "list", cwd=workspace).succeeded().out == "feature default:\n  c.sh\n  b.sh\n"
    assert "did you mean `b.sh`" in pixi(*group, "remove", "bb.sh", cwd=workspace).failed().err


def test_activation_variables_go_where_they_are_wanted(workspace: Path) -> None:
    group = ("workspace", "activation", "env")
    pixi(*group, "set", "ALL=1", cwd=workspace).succeeded()
    pixi(*group, "set", "FEATURE=x=y", "-f", "extra", cwd=workspace).succeeded()
    pixi(*group, "set", "UNIX=1", "-t", "unix", cwd=workspace).succeeded()
    pixi(*group, "set", "ONE=2", "-e", "extra", cwd=workspace).succeeded()
    shown = pixi("workspace", "activation", "list", cwd=workspace).succeeded().out
    assert shown == (
        "feature default:\n  ALL=1\nfeature default on unix:\n  UNIX=1\nfeature extra:\n  FEATURE=x=y\n"
        "environment extra:\n  ONE=2\n"
    )
    assert pixi(*group, "list", "-f", "extra", cwd=workspace).succeeded().out == "feature extra:\n  FEATURE=x=y\n"
    pixi(*group, "remove", "ALL", cwd=workspace).succeeded()
    assert "ALL" not in pixi(*group, "list", cwd=workspace).succeeded().out
    assert "NAME=VALUE" in pixi(*group, "set", "ALL", cwd=workspace).failed(2).err
    assert "did you mean" in pixi(*group, "set", "A=1", "-e", "extr", cwd=workspace).failed().err


# ---------------------------------------------------------------- texts


def test_preview_flags(workspace: Path) -> None:
    pixi("workspace", "preview", "add", "pixi-build", cwd=workspace).succeeded()
    assert pixi("workspace", "preview", "list", cwd=workspace).succeeded().out == "pixi-build\n"
    pixi("workspace", "preview", "remove", "pixi-build", cwd=workspace).succeeded()
    assert pixi("workspace", "preview", "list", cwd=workspace).succeeded().out == ""


@pytest.mark.parametrize(("part", "version"), [("major", "2.0.0"), ("minor", "1.3.0"), ("patch", "1.2.4")])
def test_the_version_is_raised(workspace: Path, part: str, version: str) -> None:
    pixi("workspace", "version", part, cwd=workspace).succeeded()
    assert pixi("workspace", "version", "get", cwd=workspace).succeeded().out == f"{version}\n"


def test_a_manifest_for_a_later_pixi_says_so_before_anything_else(workspace: Path) -> None:
    group = ("workspace", "requires-pixi")
    assert "requires pixi >=99" in pixi(*group, "set", ">=99", cwd=workspace).failed().err
    path = workspace / "pixi.toml"
    path.write_text(path.read_text().replace("[workspace]", '[workspace]\nrequires-pixi = ">=99"\nnonsense = 1'))
    done = pixi("list", cwd=workspace).failed()
    assert "requires pixi >=99" in done.err
    assert "nonsense" not in done.err
    assert pixi(*group, "get", cwd=workspace).succeeded().out == ">=99\n"
    assert pixi(*group, "verify", cwd=workspace).code == 4
    path.write_text(path.read_text().replace("nonsense = 1\n", ""))
    pixi(*group, "set", ">=0.50", cwd=workspace).succeeded()
    pixi(*group, "verify", cwd=workspace).succeeded()
    pixi(*group, "unset", cwd=workspace).succeeded()
    assert "requires-pixi" not in path.read_text()


# ---------------------------------------------------------------- the registry


def test_a_registered_workspace_is_found_from_anywhere(workspace: Path, tmp_path: Path) -> None:
    env = {"PIXI_HOME": str(tmp_path / "home")}
    group = ("workspace", "register")
    pixi(*group, cwd=workspace, environ=env).succeeded()
    pixi(*group, "--name", "again", "--path", str(workspace), cwd=tmp_path, environ=env).succeeded()
    assert pixi("workspace", "name", "get", "-w", "again", cwd=tmp_path, environ=env).succeeded().out == "demo\n"
    listed = json.loads(pixi(*group, "list", "--json", cwd=tmp_path, environ=env).succeeded().out)
    assert listed == {"demo": str(workspace), "again": str(workspace)}
    assert "did you mean `again`?" in pixi("list", "-w", "agian", cwd=tmp_path, environ=env).failed().err
    pixi("list", "-w", "again", "-m", str(workspace), cwd=tmp_path, environ=env).failed(2)
    pixi(*group, "remove", "again", cwd=tmp_path, environ=env).succeeded()
    (workspace / "pixi.toml").rename(workspace / "elsewhere.toml")
    assert "demo" in pixi(*group, "prune", cwd=tmp_path, environ=env).succeeded().err
    assert pixi(*group, "list", cwd=tmp_path, environ=env).succeeded().out == ""


def test_a_name_is_not_taken_from_another_workspace(workspace: Path, tmp_path: Path) -> None:
    env = {"PIXI_HOME": str(tmp_path / "home")}
    other = tmp_path / "other"
    other.mkdir()
    (other / "pixi.toml").write_text('[workspace]\nname = "demo"\nchannels = []\nplatforms = ["linux-64"]\n')
    pixi("workspace", "register", cwd=workspace, environ=env).succeeded()
    assert str(workspace) in pixi("workspace", "register", cwd=other, environ=env).failed().err
    pixi("workspace", "register", "--force", cwd=other, environ=env).succeeded()
    assert str(other) in pixi("workspace", "register", "list", cwd=other, environ=env).succeeded().out
