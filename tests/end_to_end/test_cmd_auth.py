"""`pixi auth`: what is stored opens the server it belongs to, and nothing else ever shows it."""

from __future__ import annotations

import base64
import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import pixi
from tests.support.http_server import Answered, FaultServer, Seen, files_of, serving

SECRET = "canary-4711"
EXPECTED = {
    "token": {"BearerToken": SECRET},
    "conda": {"CondaToken": SECRET},
    "basic": {"BasicHTTP": {"username": "ann", "password": SECRET}},
    "s3": {"S3Credentials": {"access_key_id": "AK", "secret_access_key": SECRET, "session_token": "lent"}},
}
KEYRING = """
import json, os, pathlib
from . import backends

PLACE = pathlib.Path(os.environ["FAKE_KEYRING"])

def _read():
    return json.loads(PLACE.read_text()) if PLACE.exists() else {}

def get_keyring():
    return object()

def get_password(service, user):
    return _read().get(service + " " + user)

def set_password(service, user, password):
    PLACE.write_text(json.dumps({**_read(), service + " " + user: password}))

def delete_password(service, user):
    kept = _read()
    del kept[service + " " + user]
    PLACE.write_text(json.dumps(kept))
"""


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """Variables of a user with an empty home."""
    (tmp_path / "home").mkdir()
    return {"HOME": str(tmp_path / "home"), "PIXI_HOME": str(tmp_path / "home" / ".pixi")}


@pytest.fixture
def locked_server(small_channel: Path) -> Iterator[FaultServer]:
    """The small channel behind credentials: a bearer token, or a name and password."""
    pair = base64.b64encode(f"ann:{SECRET}".encode()).decode()
    files = files_of(small_channel, "*.json*")

    def answer(seen: Seen) -> Answered | None:
        if seen.headers.get("authorization") in (f"Bearer {SECRET}", f"Basic {pair}"):
            return None
        return Answered(401, {}, b"no")

    with serving(files, answer=answer) as server:
        yield server


def credentials(home: dict[str, str]) -> Path:
    """The file in the user's home."""
    return Path(home["HOME"]) / ".rattler" / "credentials.json"


LOGINS = [
    ("token", ["--token", SECRET], ""),
    ("token", ["--token", "-"], f"{SECRET}\n"),
    ("conda", ["--conda-token", "-"], f"{SECRET}\n"),
    ("basic", ["--username", "ann", "--password", "-"], f"{SECRET}\n"),
    ("s3", ["--s3-access-key-id", "AK", "--s3-secret-access-key", "-", "--s3-session-token", "lent"], f"{SECRET}\n"),
]


@pytest.mark.parametrize(("kind", "options", "typed"), LOGINS, ids=[f"{k}-{bool(t)}" for k, _, t in LOGINS])
def test_what_is_stored(tmp_path: Path, home: dict[str, str], kind: str, options: list[str], typed: str) -> None:
    done = pixi("auth", "login", "repo.channel.example", *options, cwd=tmp_path, environ=home, typed=typed).succeeded()
    assert SECRET not in done.out + done.err
    assert json.loads(credentials(home).read_text()) == {"repo.channel.example": EXPECTED[kind]}
    assert stat.S_IMODE(credentials(home).stat().st_mode) == 0o600
    shown = pixi("auth", "status", cwd=tmp_path, environ=home).succeeded()
    assert "repo.channel.example" in shown.out
    assert SECRET not in shown.out
    assert pixi("auth", "token", "repo.channel.example", cwd=tmp_path, environ=home).succeeded().out == f"{SECRET}\n"
    assert "did you mean `repo.channel.example`?" in pixi(
        "auth", "logout", "rep.channel.example", cwd=tmp_path, environ=home
    ).failed().err  # fmt: skip
    pixi("auth", "logout", "repo.channel.example", cwd=tmp_path, environ=home).succeeded()
    assert json.loads(pixi("auth", "status", "--json", cwd=tmp_path, environ=home).succeeded().out) == []


PLACES = [
    ("channel.example", "*.channel.example"),
    ("https://Channel.example/", "*.channel.example"),
    ("repo.channel.example", "repo.channel.example"),
    ("https://repo.channel.example/private", "repo.channel.example/private"),
    ("localhost:8080", "localhost:8080"),
    ("s3://bucket/", "s3://bucket"),
]


@pytest.mark.parametrize(("host", "place"), PLACES)
def test_where_a_host_is_kept(tmp_path: Path, home: dict[str, str], host: str, place: str) -> None:
    pixi("auth", "login", host, "--token", SECRET, cwd=tmp_path, environ=home).succeeded()
    assert list(json.loads(credentials(home).read_text())) == [place]


MISTAKES = [
    (["login", "a.example"], 2, "which credential?"),
    (["login", "a.example", "--token", "x", "--username", "y"], 2, "one kind"),
    (["login", "a.example", "--password", "x"], 2, "--username"),
    (["login", "a.example", "--username", "x"], 2, "password is missing"),
    (["login", "a.example", "--s3-secret-access-key", "x"], 2, "--s3-access-key-id"),
    (["login", "https://ann:x@a.example", "--token", "x"], 2, "is no host"),
    (["token", "a.example"], 1, "nothing is stored"),
]


@pytest.mark.parametrize(("words", "code", "text"), MISTAKES, ids=[" ".join(words) for words, _, _ in MISTAKES])
def test_mistakes(tmp_path: Path, home: dict[str, str], words: list[str], code: int, text: str) -> None:
    done = pixi("auth", *words, cwd=tmp_path, environ=home).failed(code)
    assert text in done.err
    assert not credentials(home).exists()


def test_a_damaged_file_is_left_alone_and_not_shown(tmp_path: Path, home: dict[str, str]) -> None:
    credentials(home).parent.mkdir()
    credentials(home).write_text(f'{{"a.example": {{"BearerToken": "{SECRET}"')
    done = pixi("auth", "login", "b.example", "--token", "x", cwd=tmp_path, environ=home).failed()
    assert str(credentials(home)) in done.err
    assert SECRET not in done.err
    assert credentials(home).read_text().endswith(SECRET + '"')


@pytest.mark.parametrize("options", [["--token", SECRET], ["--username", "ann", "--password", SECRET]])
def test_a_stored_credential_opens_its_server(
    tmp_path: Path, home: dict[str, str], locked_server: FaultServer, options: list[str]
) -> None:
    words = ("search", "shared", "-c", locked_server.url, "-p", "linux-64")
    home = {**home, "RATTLER_CACHE_DIR": str(tmp_path / "cache")}
    refused = pixi(*words, cwd=tmp_path, environ=home).failed()
    assert "401" in refused.err
    pixi("auth", "login", locked_server.url.removeprefix("http://"), *options, cwd=tmp_path, environ=home).succeeded()
    assert "shared" in pixi(*words, cwd=tmp_path, environ=home).succeeded().out


@pytest.mark.parametrize("form", ["user", "token"])
def test_what_stands_in_a_channel_opens_it_and_nothing_shows_it(
    tmp_path: Path, home: dict[str, str], locked_server: FaultServer, small_channel: Path, form: str
) -> None:
    host = locked_server.url.removeprefix("http://")
    url = f"http://ann:{SECRET}@{host}" if form == "user" else f"http://{host}/t/{SECRET}/closed"
    files = dict(locked_server.files)
    locked_server.files.update({f"/t/{SECRET}/closed{path}": content for path, content in files.items()})
    if form == "token":
        locked_server.answer = lambda seen: None if seen.path.startswith(f"/t/{SECRET}/") else Answered(403, {}, b"no")
    (tmp_path / "pixi.toml").write_text(
        f'[workspace]\nchannels = ["{url}"]\nplatforms = ["linux-64"]\n\n[dependencies]\nshared = "*"\n'
    )
    environ = {**home, "RATTLER_CACHE_DIR": str(tmp_path / "cache")}
    done = pixi("lock", cwd=tmp_path, environ=environ).succeeded()
    assert SECRET not in done.out + done.err + (tmp_path / "pixi.lock").read_text()
    assert f"http://{host}" in (tmp_path / "pixi.lock").read_text()
    holds = [path for path in tmp_path.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert holds == [tmp_path / "pixi.toml"]


def test_credentials_are_not_written_into_a_manifest(tmp_path: Path, home: dict[str, str]) -> None:
    url = f"https://ann:{SECRET}@channel.example/closed"
    done = pixi("init", "demo", "-c", url, cwd=tmp_path, environ=home).failed()
    assert "pixi auth login" in done.err
    assert SECRET not in done.err
    (tmp_path / "pixi.toml").write_text('[workspace]\nchannels = []\nplatforms = ["linux-64"]\n')
    done = pixi("workspace", "channel", "add", url, cwd=tmp_path, environ=home).failed()
    assert SECRET not in done.out + done.err + (tmp_path / "pixi.toml").read_text()


def test_a_chosen_file_is_the_only_one(tmp_path: Path, home: dict[str, str]) -> None:
    chosen = {**home, "RATTLER_AUTH_FILE": str(tmp_path / "mine.json")}
    pixi("auth", "login", "a.b.example", "--token", SECRET, cwd=tmp_path, environ=chosen).succeeded()
    assert json.loads((tmp_path / "mine.json").read_text()) == {"a.b.example": {"BearerToken": SECRET}}
    assert not credentials(home).exists()


def test_the_key_ring_keeps_what_it_can(tmp_path: Path, home: dict[str, str], locked_server: FaultServer) -> None:
    package = tmp_path / "fakes" / "keyring"
    (package / "backends").mkdir(parents=True)
    (package / "__init__.py").write_text(KEYRING)
    (package / "backends" / "__init__.py").write_text("")
    (package / "backends" / "fail.py").write_text("class Keyring: pass\n")
    ring = {
        **home,
        "PYTHONPATH": str(tmp_path / "fakes"),
        "FAKE_KEYRING": str(tmp_path / "ring.json"),
        "RATTLER_CACHE_DIR": str(tmp_path / "cache"),
    }
    host = locked_server.url.removeprefix("http://")
    pixi("auth", "login", host, "--token", SECRET, cwd=tmp_path, environ=ring).succeeded()
    assert not credentials(home).exists()
    assert SECRET in (tmp_path / "ring.json").read_text()
    words = ("search", "shared", "-c", locked_server.url, "-p", "linux-64")
    assert "shared" in pixi(*words, cwd=tmp_path, environ=ring).succeeded().out
    assert "the key ring" in pixi("auth", "status", host, cwd=tmp_path, environ=ring).succeeded().out
    assert pixi("auth", "token", host, cwd=tmp_path, environ=ring).succeeded().out == f"{SECRET}\n"
    pixi("auth", "logout", host, cwd=tmp_path, environ=ring).succeeded()
    assert SECRET not in (tmp_path / "ring.json").read_text()
