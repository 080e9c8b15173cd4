"""Channels in a registry and in a bucket, through the real command, with secrets that must stay where they belong."""

from __future__ import annotations

import json
import shutil
import urllib.parse
from pathlib import Path

import pytest

from tests.support.command import Ran, pixi
from tests.support.oci_registry import registry
from tests.support.s3_server import buckets
from tests.support.trees import tree

pytestmark = pytest.mark.slow
CANARY = "canary-0c1d2e"


def leaks(folder: Path, *ran: Ran, known: tuple[Path, ...] = ()) -> list[str]:
    """Where the canary is found: files below `folder`, other than `known`, and the streams of commands."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink() and path not in known]
    found = [str(path) for path in files if CANARY.encode() in path.read_bytes()]
    return [*found, *(stream for one in ran for stream in (one.out, one.err) if CANARY in stream)]


def credentials(folder: Path, data: object) -> Path:
    path = folder / "credentials.json"
    path.write_text(json.dumps(data))
    return path


@pytest.mark.parametrize("private", [False, True])
def test_a_channel_in_a_registry(tmp_path: Path, small_channel: Path, private: bool) -> None:
    with registry() as owner:
        owner.push_channel(small_channel)
        if private:
            owner.user, owner.token = ("me", CANARY), f"token-{CANARY}"
        host = owner.server.url.removeprefix("http://")
        known = credentials(tmp_path, {host: {"BasicHTTP": {"username": "me", "password": CANARY}}})
        environ = {"PIXI_CACHE_DIR": str(tmp_path / "cache"), "RATTLER_AUTH_FILE": str(known)}
        here = tmp_path / "here"
        here.mkdir()
        ran = [
            pixi("init", ".", "-c", owner.url, cwd=here, environ=environ).succeeded(),
            pixi("add", "prefix-text", "native-tool", "old-archive", cwd=here, environ=environ).succeeded(),
            pixi("list", "--json", cwd=here, environ=environ).succeeded(),
            pixi("add", "nothing-like-it", cwd=here, environ=environ).failed(),
        ]
        manifests = [seen.path for seen in owner.server.seen if "/manifests/" in seen.path]
        # locked packages are found by their digest
        assert all(path.endswith("/repodata.json/manifests/latest") for path in manifests)
        if private:
            shutil.rmtree(here / ".pixi")
            anonymous = {"PIXI_CACHE_DIR": str(tmp_path / "other"), "RATTLER_AUTH_FILE": str(credentials(here, {}))}
            refused = pixi("install", cwd=here, environ=anonymous).failed()
            assert "401" in refused.err
            assert "credentials" in refused.err
            pixi("install", cwd=here, environ=environ).succeeded()
    locked = (here / "pixi.lock").read_text()
    assert f"conda: oci://{host}/mirror/forge/" in locked
    assert "prefix-text" in "".join(tree(here / ".pixi" / "envs" / "default"))
    assert leaks(tmp_path, *ran, known=(known,)) == []


def test_a_registry_as_a_mirror(tmp_path: Path, small_channel: Path) -> None:
    with registry() as owner:
        owner.push_channel(small_channel)
        (tmp_path / "home").mkdir()
        mirrors = {"https://channels.example/forge": ["http://127.0.0.1:1/broken", owner.url]}
        (tmp_path / "home" / "config.toml").write_text(
            "[mirrors]\n" + "\n".join(f"{json.dumps(key)} = {json.dumps(urls)}" for key, urls in mirrors.items())
        )
        environ = {
            "PIXI_CACHE_DIR": str(tmp_path / "cache"), "PIXI_HOME": str(tmp_path / "home"), "UV_HTTP_RETRIES": "0"
        }  # fmt: skip
        here = tmp_path / "here"
        here.mkdir()
        pixi("init", ".", "-c", "https://channels.example/forge", cwd=here, environ=environ).succeeded()
        pixi("add", "prefix-text", cwd=here, environ=environ).succeeded()
    locked = (here / "pixi.lock").read_text()
    assert "https://channels.example/forge" in locked
    assert "oci://" not in locked


def test_a_channel_in_a_bucket(tmp_path: Path, small_channel: Path) -> None:
    files = {
        "/conda/forge/" + urllib.parse.quote(str(path.relative_to(small_channel)), safe="/-_.~"): path.read_bytes()
        for path in small_channel.rglob("*")
        if path.is_file()
    }
    with buckets(files) as server:
        server.secret, server.token = CANARY, f"lent-{CANARY}"
        known = credentials(
            tmp_path,
            {"s3://conda": {"S3Credentials": {
                "access_key_id": server.identity, "secret_access_key": server.secret, "session_token": server.token,
            }}},
        )  # fmt: skip
        environ = {"PIXI_CACHE_DIR": str(tmp_path / "cache"), "RATTLER_AUTH_FILE": str(known)}
        here = tmp_path / "here"
        here.mkdir()
        ran = [pixi("init", ".", "-c", "s3://conda/forge", cwd=here, environ=environ).succeeded()]
        with (here / "pixi.toml").open("a") as manifest:
            manifest.write(
                f'\n[workspace.s3-options.conda]\nendpoint-url = "{server.server.url}"\nregion = "{server.region}"\n'
                "force-path-style = true\n"
            )
        ran += [
            pixi("add", "prefix-text", "native-tool", cwd=here, environ=environ).succeeded(),
            pixi("search", "prefix-text", cwd=here, environ=environ).succeeded(),
        ]
        assert server.refusals == []
        shutil.rmtree(here / ".pixi")
        server.secret = "another"
        other = {**environ, "PIXI_CACHE_DIR": str(tmp_path / "other")}
        refused = pixi("install", cwd=here, environ=other).failed()
        assert "s3://conda/forge" in refused.err
        assert "not accepted" in refused.err
    assert "s3://conda/forge/" in (here / "pixi.lock").read_text()
    assert leaks(tmp_path, *ran, refused, known=(known,)) == []
