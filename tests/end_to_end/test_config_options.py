"""Options of one command that outrank the configuration: what each changes, through the real command."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import pytest

from pixi_core.cli.config_options import config_options
from pixi_core.virtual import host_subdir
from tests.support.certificates import authority
from tests.support.command import Ran, pixi
from tests.support.http_server import Answered, files_of, serving

_parser = argparse.ArgumentParser(add_help=False)
config_options(_parser)
CONFIG_OPTIONS = frozenset(option for action in _parser._actions for option in action.option_strings)
"""Every spelling of every option."""


@pytest.fixture
def home(tmp_path: Path, small_channel: Path) -> Path:
    """A folder with a workspace on the small channel."""
    (tmp_path / "pixi.toml").write_text(
        f'[workspace]\nname = "demo"\nchannels = ["{small_channel.as_uri()}"]\nplatforms = ["{host_subdir()}"]\n'
    )
    return tmp_path


def test_how_new_requirements_are_pinned(home: Path) -> None:
    (home / "config.toml").write_text('pinning-strategy = "major"\n')
    environ = {"PIXI_HOME": str(home)}
    for words, text in (
        ((), 'shared = ">=2.0,<3"'),
        (("--pinning-strategy", "exact-version"), 'shared = "==2.0"'),
        (("--no-config", "--pinning-strategy=no-pin"), 'shared = "*"'),
    ):
        pixi("add", *words, "shared", "--no-install", cwd=home, environ=environ).succeeded()
        assert text in (home / "pixi.toml").read_text()
        pixi("remove", "shared", "--no-install", cwd=home, environ=environ).succeeded()
    assert "invalid choice: 'tight'" in pixi("add", "--pinning-strategy", "tight", "shared", cwd=home).failed(2).err


def test_how_files_are_linked(home: Path) -> None:
    file = home / ".pixi/envs/default/share/shared"
    pixi("add", "shared", cwd=home).succeeded()
    linked = file.stat().st_nlink
    pixi("reinstall", "--no-hard-links", "--no-ref-links", "--no-symbolic-links", cwd=home).succeeded()
    assert (linked > 1, file.stat().st_nlink) == (True, 1)


def test_scripts_of_packages_run_when_asked_for(home: Path) -> None:
    built = home / ".pixi/envs/default/share/link-scripts/built"
    pixi("add", "link-scripts", cwd=home).succeeded()
    assert not built.exists()
    pixi("reinstall", "--run-post-link-scripts", cwd=home).succeeded()
    assert built.read_text() == "link-scripts 1.0 0\n"


def test_which_file_is_read(home: Path) -> None:
    """One of many; none; one that does not exist is an error before anything happens."""
    for name in ("own", "other"):
        (home / name).mkdir()
        (home / name / "config.toml").write_text(f'default-channels = ["https://{name}.example/channel"]\n')
    environ = {"PIXI_HOME": str(home / "own")}
    channels = []
    for number, words in enumerate(((), ("--config-file", "other/config.toml"), ("--no-config",))):
        pixi("init", f"made{number}", *words, "--offline", cwd=home, environ=environ).succeeded()
        made = (home / f"made{number}" / "pixi.toml").read_text()
        channels.append(next(line for line in made.splitlines() if line.startswith("channels")))
    assert channels == [
        'channels = ["https://own.example/channel"]',
        'channels = ["https://other.example/channel"]',
        'channels = ["conda-forge"]',
    ]
    failed = pixi("init", "made", "--config-file", "none.toml", cwd=home).failed()
    assert f"the configuration file {home / 'none.toml'} does not exist" in failed.err
    assert "check --config-file" in failed.err


@pytest.mark.parametrize("command", ["search", "exec"])
def test_offline_and_on_again(home: Path, small_channel: Path, command: str) -> None:
    """The option outranks the variable, and can take it back; it may stand anywhere before another program's words."""
    with serving(files_of(small_channel)) as server:
        words = ["-s", "shared", "-c", server.url, "true"] if command == "exec" else ["shared", "-c", server.url]
        cache = {"PIXI_CACHE_DIR": str(home / "cache")}
        refused = pixi(command, "--offline", *words, cwd=home, environ=cache).failed()
        assert "offline" in refused.err
        environ = {**cache, "PIXI_OFFLINE": "true"}
        assert "offline" in pixi(command, *words, cwd=home, environ=environ).failed().err
        assert server.seen == []
        pixi(command, "--offline=false", *words, cwd=home, environ=environ).succeeded()
        assert server.seen
    assert "invalid true or false value: 'maybe'" in pixi(command, "--offline=maybe", *words, cwd=home).failed(2).err


def test_credentials_of_a_file(home: Path, small_channel: Path) -> None:
    """`--auth-file` outranks the variable, and the user's own file."""
    with serving(files_of(small_channel)) as server:
        host = server.url.removeprefix("http://")
        for name, token in (("right", "open"), ("wrong", "shut")):
            (home / f"{name}.json").write_text(json.dumps({host: {"BearerToken": token}}))
        wrong = {"PIXI_CACHE_DIR": str(home / "cache"), "RATTLER_AUTH_FILE": str(home / "wrong.json")}
        server.authorization["/"] = "Bearer open"
        words = ("search", "shared", "-c", server.url)
        assert "401" in pixi(*words, cwd=home, environ=wrong).failed().err
        pixi(*words, "--auth-file", "right.json", cwd=home, environ=wrong).succeeded()
        assert "none.json" in pixi(*words, "--auth-file", "none.json", cwd=home).failed().err


def test_certificates_and_their_checks(home: Path, small_channel: Path) -> None:
    with serving(files_of(small_channel), tls=authority(home).server()) as server:
        words = ("search", "shared", "-c", server.url)
        cache = {"PIXI_CACHE_DIR": str(home / "cache")}
        refused = pixi(*words, "--tls-root-certs", "system", cwd=home, environ=cache).failed()
        assert "cannot be trusted" in refused.err
        allowed = pixi(*words, "--tls-no-verify", cwd=home, environ=cache).succeeded()
        assert "not checked" in allowed.err


KEYRING = """\
#!/bin/sh
echo "$@" >> "{log}"
echo secret
"""


@pytest.mark.skipif(os.name == "nt", reason="a program of a few lines, for POSIX")
@pytest.mark.parametrize(("provider", "asked"), [("subprocess", True), ("disabled", False)])
def test_whether_the_key_ring_is_asked(home: Path, provider: str, asked: bool) -> None:
    log, program = home / "asked", home / "bin" / "keyring"
    program.parent.mkdir()
    program.write_text(KEYRING.format(log=log))
    program.chmod(0o755)
    (home / "pixi.toml").write_text('[workspace]\nchannels = []\nplatforms = ["linux-64"]\n')
    with serving({}) as server:
        server.answer = lambda seen: Answered(401, {}, b"")
        index = server.url.replace("//", "//me@") + "/simple"
        environ = {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}
        words = ("add", "--pypi", "thing", "--index", index, "--pypi-keyring-provider", provider)
        ran: Ran = pixi(*words, cwd=home, environ=environ).failed()
    assert "401" in ran.err
    assert log.exists() == asked


@pytest.mark.parametrize("option", ["--concurrent-downloads", "--concurrent-solves"])
def test_how_much_at_once(home: Path, option: str) -> None:
    """One at a time leads to the same; none is no number."""
    pixi("add", "shared", option, "1", "--use-environment-activation-cache", cwd=home).succeeded()
    before = (home / "pixi.lock").read_bytes()
    (home / "pixi.lock").unlink()
    pixi("lock", "--no-install", cwd=home).succeeded()
    assert (home / "pixi.lock").read_bytes() == before
    assert "invalid number above 0 value: '0'" in pixi("lock", option, "0", cwd=home).failed(2).err
