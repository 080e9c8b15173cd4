"""Secrets and old or wrong channels (N4), through the real command."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.end_to_end.test_channel_kinds import CANARY, leaks
from tests.support.command import pixi
from tests.support.http_server import Fault, FaultServer, serving
from tests.support.proxy_server import Proxy, proxying

pytestmark = pytest.mark.faults
BASIC = "Basic bWU6Y2FuYXJ5LTBjMWQyZQ=="


@pytest.fixture
def server(small_channel: Path) -> Iterator[FaultServer]:
    """The small channel at `/private/forge`."""
    files = {
        f"/private/forge/{path.relative_to(small_channel).as_posix()}": path.read_bytes()
        for path in small_channel.rglob("*")
        if path.is_file()
    }
    with serving(files) as running:
        yield running


# ---------------------------------------------------------------- secrets


@dataclass
class Source:
    """Where a secret comes from: variables, the only files that may hold it, and what the server must be shown."""

    environ: dict[str, str] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    shown: str | None = BASIC
    token: bool = False


def _file(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)
    return path


def auth_file(folder: Path, url: str) -> Source:
    place = url.removeprefix("http://")
    path = _file(folder / "auth.json", json.dumps({place: {"BasicHTTP": {"username": "me", "password": CANARY}}}))
    return Source({"RATTLER_AUTH_FILE": str(path)}, (path,))


def bearer(folder: Path, url: str) -> Source:
    path = _file(folder / "auth.json", json.dumps({url: {"BearerToken": CANARY}}))
    return Source({"RATTLER_AUTH_FILE": str(path)}, (path,), f"Bearer {CANARY}")


def conda_token(folder: Path, url: str) -> Source:
    path = _file(folder / "auth.json", json.dumps({"127.0.0.1/private": {"CondaToken": CANARY}}))
    return Source({"RATTLER_AUTH_FILE": str(path)}, (path,), None, token=True)


def home_file(folder: Path, url: str) -> Source:
    place = {url.removeprefix("http://"): {"BasicHTTP": {"username": "me", "password": CANARY}}}
    return Source({"HOME": str(folder)}, (_file(folder / ".rattler" / "credentials.json", json.dumps(place)),))


def netrc(folder: Path, url: str) -> Source:
    path = _file(folder / "netrc", f"machine 127.0.0.1 login me password {CANARY}\n")
    return Source({"NETRC": str(path), "HOME": str(folder)}, (path,))


def configured(folder: Path, url: str) -> Source:
    entry = {url.removeprefix("http://"): {"BasicHTTP": {"username": "me", "password": CANARY}}}
    held = _file(folder / "held.json", json.dumps(entry))
    _file(folder / "pixi" / "config.toml", f'authentication-override-file = "{held}"\n')
    return Source({"PIXI_HOME": str(folder / "pixi")}, (held,))


def mirror(folder: Path, url: str) -> Source:
    target = url.replace("//", f"//me:{CANARY}@") + "/private/forge"
    path = _file(folder / "pixi" / "config.toml", f'[mirrors]\n"{url}/private/forge" = ["{target}"]\n')
    return Source({"PIXI_HOME": str(folder / "pixi")}, (path,))


def key_ring(folder: Path, url: str) -> Source:
    held = json.dumps({"BasicHTTP": {"username": "me", "password": CANARY}})
    module = _file(
        folder / "modules" / "keyring.py",
        f"def get_password(service, name):\n    return {held!r} if service == 'rattler' else None\n",
    )
    return Source({"PYTHONPATH": str(module.parent), "HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}, (module,))


SOURCES = [auth_file, bearer, conda_token, home_file, netrc, configured, mirror, key_ring]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.__name__)
def test_a_secret_opens_its_place_and_is_found_nowhere_else(
    source: Callable[[Path, str], Source], server: FaultServer, tmp_path: Path
) -> None:
    found = source(tmp_path / "home", server.url)
    prefix = f"/t/{CANARY}" if found.token else ""
    if found.token:
        server.files = {prefix + path: content for path, content in server.files.items()}
    else:
        server.authorization = {"/private": found.shown or ""}
    moved = {path: content for path, content in server.files.items() if "/prefix-text-" in path}
    with serving({f"/moved/{number}": content for number, content in enumerate(moved.values())}) as foreign:
        elsewhere = foreign.url.replace("127.0.0.1", "localhost")  # a .netrc knows hosts, not ports
        for number, path in enumerate(moved):
            server.always[path] = Fault(status=302, headers={"Location": f"{elsewhere}/moved/{number}"})
        environ = {"PIXI_CACHE_DIR": str(tmp_path / "cache"), **found.environ}
        here = tmp_path / "here"
        here.mkdir()
        ran = [
            pixi("init", ".", "-c", f"{server.url}/private/forge", cwd=here, environ=environ).succeeded(),
            pixi("add", "prefix-text", "native-tool", cwd=here, environ=environ).succeeded(),
            pixi("list", "--json", cwd=here, environ=environ).succeeded(),
            pixi("search", "prefix-text", cwd=here, environ=environ).succeeded(),
            pixi("add", "nothing-like-it", cwd=here, environ=environ).failed(),
        ]
        server.authorization = {"/": "nobody"}
        server.files.clear()
        shutil.rmtree(here / ".pixi")
        ran.append(pixi("install", cwd=here, environ={**environ, "PIXI_CACHE_DIR": str(tmp_path / "c")}).failed())
        assert foreign.count() == 1
        assert CANARY not in str(foreign.seen)
        assert not any("authorization" in seen.headers for seen in foreign.seen)
    assert leaks(tmp_path, *ran, known=found.files) == []


def test_the_secret_of_a_proxy_stays_between_us(server: FaultServer, tmp_path: Path) -> None:
    with proxying() as proxy:
        proxy.user = ("me", CANARY)
        here, environ = _behind(proxy, tmp_path)
        ran = [
            pixi("init", ".", "-c", f"{server.url}/private/forge", cwd=here, environ=environ).succeeded(),
            pixi("add", "prefix-text", cwd=here, environ=environ).succeeded(),
        ]
        assert proxy.forwarded
        assert CANARY not in str(proxy.forwarded)
        proxy.user = ("me", "another")
        shutil.rmtree(tmp_path / "cache")
        shutil.rmtree(here / ".pixi")
        refused = pixi("install", cwd=here, environ=environ).failed()
        assert "407" in refused.err
    assert leaks(tmp_path, *ran, refused, known=(tmp_path / "pixi" / "config.toml",)) == []


def _behind(proxy: Proxy, folder: Path) -> tuple[Path, dict[str, str]]:
    """A folder and the variables of a user whose configuration names the proxy."""
    _file(folder / "pixi" / "config.toml", f'[proxy-config]\nhttp = "{proxy.with_user("me", CANARY)}"\n')
    here = folder / "here"
    here.mkdir()
    return here, {
        "PIXI_CACHE_DIR": str(folder / "cache"), "PIXI_HOME": str(folder / "pixi"), "NO_PROXY": "", "no_proxy": ""
    }  # fmt: skip


# ---------------------------------------------------------------- old and wrong channels


@pytest.fixture
def locked(server: FaultServer, tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A locked workspace, whose environment and caches are gone."""
    environ = {"PIXI_CACHE_DIR": str(tmp_path / "cache"), "UV_HTTP_RETRIES": "1"}
    here = tmp_path / "here"
    here.mkdir()
    pixi("init", ".", "-c", f"{server.url}/private/forge", cwd=here, environ=environ).succeeded()
    pixi("add", "prefix-text", cwd=here, environ=environ).succeeded()
    shutil.rmtree(tmp_path / "cache")
    shutil.rmtree(here / ".pixi")
    server.seen.clear()
    return here, environ


@pytest.mark.parametrize("words", [("install",), ("install", "--locked"), ("install", "--frozen")])
def test_a_lock_file_needs_no_index(
    words: tuple[str, ...], server: FaultServer, locked: tuple[Path, dict[str, str]]
) -> None:
    here, environ = locked
    server.files = {path: content for path, content in server.files.items() if "repodata" not in path}
    before = (here / "pixi.lock").read_bytes()
    pixi(*words, cwd=here, environ=environ).succeeded()
    assert not [seen.path for seen in server.seen if "repodata" in seen.path]
    assert (here / "pixi.lock").read_bytes() == before


def test_other_bytes_than_locked_are_refused_and_both_digests_shown(
    server: FaultServer, locked: tuple[Path, dict[str, str]]
) -> None:
    here, environ = locked
    path = next(one for one in server.files if one in (here / "pixi.lock").read_text() and one.endswith(".conda"))
    right = server.files[path]
    wrong = right[:-1] + bytes([right[-1] ^ 1])
    server.files[path] = wrong
    refused = pixi("install", cwd=here, environ=environ).failed()
    for content in (right, wrong):
        assert hashlib.sha256(content).hexdigest() in refused.err
    assert re.search(r"hash mismatch for \S+prefix-text", refused.err)
    assert not (here / ".pixi" / "envs" / "default" / "conda-meta").exists()
    server.files[path] = right
    pixi("install", cwd=here, environ=environ).succeeded()


def test_an_older_index_changes_no_lock(
    server: FaultServer, locked: tuple[Path, dict[str, str]], small_channel: Path
) -> None:
    here, environ = locked
    before = (here / "pixi.lock").read_bytes()
    for path in [path for path in server.files if "repodata" in path]:
        if path.endswith("/repodata.json"):
            index = json.loads(server.files[path])
            for section in ("packages", "packages.conda"):
                index[section] = {k: v for k, v in index.get(section, {}).items() if "prefix-text" not in k}
            server.files[path] = json.dumps(index).encode()
        else:
            del server.files[path]
    pixi("install", cwd=here, environ=environ).succeeded()
    assert (here / "pixi.lock").read_bytes() == before
