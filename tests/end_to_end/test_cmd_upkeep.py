"""`pixi config`, `clean`, `completion` and `reinstall`, through the real command."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.command import pixi
from tests.support.http_server import files_of, serving


@pytest.fixture
def workspace(tmp_path: Path, small_channel: Path) -> Path:
    """A workspace that asks for two packages."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    pixi("init", "-c", small_channel.as_uri(), cwd=folder).succeeded()
    text = (folder / "pixi.toml").read_text()
    (folder / "pixi.toml").write_text(text.replace("[dependencies]", '[dependencies]\nshared = "*"\nneeds-glibc = "*"'))
    return folder


def test_configuration_is_set_listed_and_taken_back(workspace: Path) -> None:
    local = workspace / ".pixi" / "config.toml"
    local.parent.mkdir(exist_ok=True)
    local.write_text("# mine\noffline = false # kept\n")
    pixi("config", "set", "pinning-strategy", "minor", cwd=workspace).succeeded()
    pixi("config", "append", "-l", "default-channels", "one", cwd=workspace).succeeded()
    pixi("config", "prepend", "-l", "default-channels", "two", cwd=workspace).succeeded()
    pixi("config", "set", "-g", "concurrency.downloads", "7", cwd=workspace).succeeded()
    assert local.read_text().startswith("# mine\noffline = false # kept\n")
    found = json.loads(pixi("config", "list", "--json", cwd=workspace).succeeded().out)
    assert found["default-channels"] == ["two", "one"]
    assert found["concurrency"] == {"downloads": 7}
    assert pixi("config", "get", "pinning-strategy", cwd=workspace).succeeded().out == "minor\n"
    pixi("config", "unset", "pinning-strategy", cwd=workspace).succeeded()
    assert "is not set" in pixi("config", "get", "pinning-strategy", cwd=workspace).failed().err
    assert "concurrency" not in pixi("config", "list", "--local", cwd=workspace).succeeded().out


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("set", "pinning-stratgy", "minor"), 1, "did you mean `pinning-strategy`?"),
        (("set", "pinning-strategy", "sometimes"), 1, "expected one of semver"),
        (("set", "concurrency.downloads", "none"), 1, "expected a number above 0"),
        (("unset", "offline"), 1, "'offline' is not set"),
        (("append", "offline"), 2, "VALUE"),
        (("get", "-l", "-g", "offline"), 2, "not allowed with"),
    ],
)
def test_a_configuration_that_would_be_ignored_is_not_written(
    workspace: Path, words: tuple[str, ...], code: int, message: str
) -> None:
    assert message in pixi("config", *words, cwd=workspace).failed(code).err
    assert not (workspace / ".pixi" / "config.toml").exists()


def test_clean_removes_environments_and_nothing_else(workspace: Path) -> None:
    pixi("install", cwd=workspace).succeeded()
    prefix = workspace / ".pixi" / "envs" / "default"
    assert "Would remove" in pixi("clean", "--dry-run", cwd=workspace).succeeded().err
    assert prefix.is_dir()
    [removed] = json.loads(pixi("clean", "-e", "default", "--json", cwd=workspace).succeeded().out)
    assert removed["path"] == str(prefix)
    assert removed["size_bytes"] > 0
    assert not prefix.exists()
    assert (workspace / "pixi.lock").is_file()
    assert "nothing to remove" in pixi("clean", cwd=workspace).succeeded().err
    pixi("install", "--locked", cwd=workspace).succeeded()


def test_clean_of_caches(workspace: Path, tmp_path: Path) -> None:
    surroundings = {"PIXI_CACHE_DIR": str(tmp_path / "cache")}
    pixi("install", cwd=workspace, environ=surroundings).succeeded()
    packages, repodata = tmp_path / "cache" / "conda-pkgs-v1", tmp_path / "cache" / "repodata"
    pixi("clean", "cache", "--repodata", cwd=workspace, environ=surroundings).failed(2)
    assert repodata.is_dir()
    pixi("clean", "cache", "--repodata", "-y", cwd=workspace, environ=surroundings).succeeded()
    assert (repodata.exists(), packages.is_dir()) == (False, True)
    done = pixi("clean", "cache", "--yes", cwd=tmp_path, environ=surroundings).succeeded()
    assert (packages.exists(), "conda-pkgs-v1 (" in done.err) == (False, True)
    assert "pixi clean cache" in pixi("clean", "--conda", cwd=workspace).failed(2).err


def test_config_opens_in_an_editor(tmp_path: Path) -> None:
    editor = tmp_path / "my editor"
    editor.write_text("#!/bin/sh\necho 'offline = true\nofline = true' > \"$2\"\nexit $1\n")
    editor.chmod(0o755)
    environ = {"PIXI_HOME": str(tmp_path / "home"), "EDITOR": f"'{editor}' 3"}
    done = pixi("config", "edit", "--global", cwd=tmp_path, environ=environ)
    assert (done.code, "ofline" in done.err) == (3, True), "the editor's exit code, and what reading will ignore"
    assert pixi("config", "get", "offline", cwd=tmp_path, environ=environ).succeeded().out == "true\n"
    assert (
        "no-such-editor"
        in pixi("config", "edit", "-g", "no-such-editor", cwd=tmp_path, environ=environ).failed(127).err
    )


REPODATA = [
    ("", [".msgpack.zst"]),
    ("disable-sharded = true", [".json.zst"]),
    ("disable-sharded = true\ndisable-zstd = true\ndisable-bzip2 = true", [".json"]),
    ('disable-sharded = true\n[repodata-config."http://127.0.0.1"]\ndisable-sharded = false', [".msgpack.zst"]),
    ('[repodata-config."http://elsewhere"]\ndisable-sharded = true', [".msgpack.zst"]),
]


@pytest.mark.parametrize(("table", "asked"), REPODATA, ids=[table or "none" for table, _ in REPODATA])
def test_forms_of_indexes_can_be_switched_off(
    tmp_path: Path, small_channel: Path, table: str, asked: list[str]
) -> None:
    files = files_of(small_channel)
    (tmp_path / "config.toml").write_text(f"[repodata-config]\n{table}\n")
    environ = {"PIXI_CONFIG_FILE": str(tmp_path / "config.toml"), "RATTLER_CACHE_DIR": str(tmp_path / "cache")}
    with serving(files) as server:
        words = ("search", "shared", "-c", server.url, "-p", "linux-64")
        assert "shared" in pixi(*words, cwd=tmp_path, environ=environ).succeeded().out
        paths = {seen.path for seen in server.seen if "/noarch/repodata" in seen.path}
    assert {path.partition("repodata")[2].removeprefix("_shards") for path in paths} == set(asked)


@pytest.mark.parametrize("shell", ["bash", "elvish", "fish", "nushell", "powershell", "zsh"])
def test_completion_scripts_know_commands_and_options(tmp_path: Path, shell: str) -> None:
    script = pixi("completion", "-s", shell, cwd=tmp_path).succeeded().out
    assert all(word in script for word in ("upgrade", "dry-run", "doctor"))
    if shell in ("bash", "zsh", "fish") and shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True, timeout=60)


def test_completion_in_bash(tmp_path: Path) -> None:
    script = pixi("completion", "--shell", "bash", cwd=tmp_path).succeeded().out
    ask = 'COMP_WORDS=(pixi update --dry); COMP_CWORD=2; _pixi; echo "${COMPREPLY[@]}"'
    ran = subprocess.run(["bash"], input=script + ask, text=True, capture_output=True, timeout=60)
    assert ran.stdout == "--dry-run\n"
    assert "did you mean" not in pixi("completion", cwd=tmp_path).failed(2).out


def test_reinstall_restores_files(workspace: Path) -> None:
    pixi("install", cwd=workspace).succeeded()
    prefix = workspace / ".pixi" / "envs" / "default"
    for name in ("shared", "needs-glibc"):
        (prefix / "share" / name).unlink()
    done = pixi("reinstall", "shared", cwd=workspace).succeeded()
    assert "The default environment has been reinstalled." in done.err
    assert ((prefix / "share" / "shared").is_file(), (prefix / "share" / "needs-glibc").exists()) == (True, False)
    pixi("reinstall", "-e", "default", "--frozen", cwd=workspace).succeeded()
    assert (prefix / "share" / "needs-glibc").is_file()
    assert "did you mean `shared`?" in pixi("reinstall", "shraed", cwd=workspace).failed().err


def test_only_packages_that_no_environment_links_go(tmp_path: Path, small_channel: Path) -> None:
    environ = {"PIXI_CACHE_DIR": str(tmp_path / "cache")}
    for name, package in (("kept", "old-archive"), ("gone", "pure-tool")):
        pixi("init", name, "-c", small_channel.as_uri(), cwd=tmp_path).succeeded()
        pixi("add", package, cwd=tmp_path / name, environ=environ).succeeded()
    pixi("clean", cwd=tmp_path / "gone").succeeded()
    for entry in (tmp_path / "cache" / "conda-pkgs-v1").rglob("*"):
        if entry.is_file():
            os.utime(entry, (1_700_000_000, 1_700_000_000))
    would = json.loads(pixi("clean", "cache", "--unused", "--dry-run", "--json", cwd=tmp_path, environ=environ).out)
    assert would["dry_run"] is True
    done = json.loads(pixi("clean", "cache", "--unused", "--json", cwd=tmp_path, environ=environ).succeeded().out)
    names = {entry["path"] for entry in done["removed"]}
    assert any("pure-tool" in name for name in names)
    assert not any("old-archive" in name for name in names)
    assert [entry["path"] for entry in would["removed"]] == [entry["path"] for entry in done["removed"]]
    pixi("clean", "--unused", cwd=tmp_path).failed(2)


def test_clean_of_single_parts(workspace: Path, tmp_path: Path) -> None:
    """What is named goes, and nothing else does; names of caches and of parts do not go together."""
    environ = {"PIXI_HOME": str(tmp_path / "home"), "PIXI_CACHE_DIR": str(tmp_path / "cache")}
    pixi("workspace", "register", cwd=workspace, environ=environ).succeeded()
    registry = tmp_path / "home" / "workspaces.toml"
    folders = {"--activation-cache": "activation-env-v0", "--build": "build"}
    for name in folders.values():
        (workspace / ".pixi" / name).mkdir(parents=True)
    for option, name in folders.items():
        assert "Would remove" in pixi("clean", option, "-n", cwd=workspace, environ=environ).succeeded().err
        assert (workspace / ".pixi" / name).is_dir()
        [removed] = json.loads(pixi("clean", option, "--json", cwd=workspace, environ=environ).succeeded().out)
        assert removed["path"] == str(workspace / ".pixi" / name)
        assert not (workspace / ".pixi" / name).exists()
    assert registry.exists()
    pixi("clean", "--workspaces-registry", cwd=tmp_path, environ=environ).succeeded()
    assert not registry.exists()
    built, other = tmp_path / "cache" / "built-wheels-v1", tmp_path / "cache" / "repodata"
    built.mkdir(parents=True)
    other.mkdir()
    pixi("clean", "cache", "--build", "--notices", "-y", cwd=tmp_path, environ=environ).succeeded()
    assert (built.exists(), other.exists()) == (False, True)
    for words in (("cache", "--activation-cache"), ("-e", "default", "--workspaces-registry")):
        assert "stand without" in pixi("clean", *words, cwd=workspace, environ=environ).failed(2).err


@pytest.mark.parametrize("command", ["self-update", "build", "publish", "upload"])
def test_commands_that_only_pixi_has(command: str, tmp_path: Path) -> None:
    told = pixi(command, cwd=tmp_path).failed(2).err
    assert f"`pixi {command}` does not exist here" in told
    assert "did you mean" not in told
