"""A package index that asks who is there: credentials from each source open its pages and files, and none of them is
ever shown or written.
"""

from __future__ import annotations

import base64
import json
import stat
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.channel.subdirs import host_subdir
from tests.support.command import pixi
from tests.support.pypi_index import Answer, FakeIndex, serving

USER, PASSWORD = "ann@team", "p:w/secret"
QUOTED = "ann%40team:p%3Aw%2Fsecret"
HEADER = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


class GuardedIndex(FakeIndex):
    """Answers nobody but one user."""

    def answer(self, path: str, headers: Mapping[str, str]) -> Answer:
        if {key.lower(): value for key, value in headers.items()}.get("authorization") != HEADER:
            return Answer(401, {"WWW-Authenticate": 'Basic realm="index"'}, b"who are you?")
        return FakeIndex.answer(self, path, headers)


@pytest.fixture
def index() -> Iterator[FakeIndex]:
    found = GuardedIndex()
    found.wheel("greeting", "1.2")
    with serving(found) as served:
        yield served


def workspace(folder: Path, index_url: str) -> Path:
    """A host workspace that asks for `greeting` of an index."""
    folder.mkdir()
    release = ".".join(map(str, sys.version_info[:2]))
    (folder / "pixi.toml").write_text(
        f'[workspace]\nchannels = []\nplatforms = ["{host_subdir()}"]\n[dependencies]\npython = "{release}.*"\n'
        f'[pypi-dependencies]\ngreeting = "*"\n[pypi-options]\nindex-url = "{index_url}"\n'
    )
    return folder


def in_url(_: Path, index: FakeIndex) -> tuple[str, dict[str, str]]:
    return index.url.replace("://", f"://{QUOTED}@"), {}


def in_netrc(home: Path, index: FakeIndex) -> tuple[str, dict[str, str]]:
    netrc = home / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login {USER} password {PASSWORD}\n")
    netrc.chmod(0o600)
    return index.url, {"NETRC": str(netrc)}


def in_file(home: Path, index: FakeIndex) -> tuple[str, dict[str, str]]:
    stored = home / "credentials.json"
    stored.write_text(json.dumps({"127.0.0.1": {"BasicHTTP": {"username": USER, "password": PASSWORD}}}))
    return index.url, {"RATTLER_AUTH_FILE": str(stored)}


def in_keyring(home: Path, index: FakeIndex) -> tuple[str, dict[str, str]]:
    """The library, as pip would ask it: by the URL of the index."""
    (home / "keyring.py").write_text(
        "from types import SimpleNamespace\n"
        "def get_password(service, user):\n    return None\n"
        "def get_credential(service, user):\n"
        f"    if service == {index.url!r}:\n"
        f"        return SimpleNamespace(username={USER!r}, password={PASSWORD!r})\n"
    )
    return index.url, {"PYTHONPATH": str(home)}


def in_keyring_for_a_user(home: Path, index: FakeIndex) -> tuple[str, dict[str, str]]:
    """The same, where the URL names the user."""
    _, environ = in_keyring(home, index)
    text = (home / "keyring.py").read_text()
    (home / "keyring.py").write_text(text.replace("if service", f"if user == {USER!r} and service"))
    return index.url.replace("://", "://ann%40team@"), environ


def in_keyring_command(home: Path, index: FakeIndex) -> tuple[str, dict[str, str]]:
    """The command, where the library cannot be imported."""
    (home / "keyring.py").write_text("raise ImportError\n")
    command = home / "keyring"
    command.write_text(
        f"#!{sys.executable}\nimport sys\n"
        f"if sys.argv[1:] != ['get', {index.url!r}, {USER!r}]:\n    sys.exit(1)\nprint({PASSWORD!r})\n"
    )
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    return index.url.replace("://", "://ann%40team@"), {"PYTHONPATH": str(home), "PATH": f"{home}:/usr/bin:/bin"}


@pytest.mark.parametrize(
    "source",
    [in_url, in_netrc, in_file, in_keyring, in_keyring_for_a_user, in_keyring_command],
    ids=lambda s: s.__name__,
)
def test_an_index_opens(source: object, index: FakeIndex, tmp_path: Path) -> None:
    assert callable(source)
    url, environ = source(tmp_path, index)
    folder = workspace(tmp_path / "demo", url)
    locked = pixi("lock", cwd=folder, environ=environ).succeeded()
    lock = (folder / "pixi.lock").read_text()
    assert "greeting-1.2-py3-none-any.whl" in lock
    assert f"    - {index.url}\n" in lock
    installed = pixi("install", cwd=folder, environ=environ).succeeded()
    checked = pixi("lock", "--check", cwd=folder, environ=environ).succeeded()
    for text in (lock, locked.out + locked.err, installed.out + installed.err, checked.out + checked.err):
        assert "secret" not in text
        assert "team" not in text


def test_whoever_is_not_known_is_told_so_without_secrets(index: FakeIndex, tmp_path: Path) -> None:
    wrong = index.url.replace("://", "://ann:not-secret@")
    folder = workspace(tmp_path / "demo", wrong)
    refused = pixi("lock", cwd=folder, environ={"HOME": str(tmp_path)}).failed()
    assert "401" in refused.err
    assert "not-secret" not in refused.err
