"""Channels in a registry for containers, against one on loopback: names, tokens, users, and what goes wrong."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pixi_core.errors import HttpStatusError, NetworkError, Truncated
from pixi_core.net.auth import CredentialStore
from pixi_core.net.client import Client
from pixi_core.net.config import NetConfig
from pixi_core.net.oci import Artifact, artifact
from tests.support.http_server import Answered, Fault, serving
from tests.support.oci_registry import Registry, registry

CANARY = "canary-77aa01"
INDEX = "application/vnd.conda.repodata.v1+json"
TAR_BZ2 = "application/vnd.conda.package.v1"
CONDA = "application/vnd.conda.package.v2"


def client(**settings: object) -> Client:
    return Client(NetConfig(sleep=lambda _: None, read_timeout=1.0, connect_timeout=1.0, **settings))  # type: ignore[arg-type]  # settings by name


def store(folder: Path, data: object) -> CredentialStore:
    path = folder / "credentials.json"
    path.write_text(json.dumps(data))
    return CredentialStore.load({"RATTLER_AUTH_FILE": str(path)})


@pytest.fixture
def running() -> Iterator[Registry]:
    with registry() as owner:
        owner.push("mirror/forge/noarch/repodata.json", "latest", {INDEX: b"{}", INDEX + "+zst": b"zst"})
        owner.push("mirror/forge/noarch/zzz_app", "1__e__2__p__3-h_0", {"application/json": b"x", CONDA: b"archive"})
        yield owner


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/c/noarch/repodata.json", Artifact("c/noarch/repodata.json", "latest", (INDEX,))),
        ("/c/repodata.json.zst", Artifact("c/repodata.json", "latest", (INDEX + "+zst", INDEX + "+zstd"))),
        ("/a/b/linux-64/x-y-1.0-h_1.conda", Artifact("a/b/linux-64/x-y", "1.0-h_1", (CONDA,))),
        ("/c/noarch/_x-1!2+3-h_0.conda", Artifact("c/noarch/zzz_x", "1__e__2__p__3-h_0", (CONDA,))),
        ("/c/noarch/x-1%212-h%3D1.tar.bz2", Artifact("c/noarch/x", "1__e__2-h__eq__1", (TAR_BZ2,))),
        ("/c/noarch/repodata_shards.msgpack.zst", None),
        ("/c/noarch/x-1.conda", None),
        ("/c/noarch/x.json", None),
    ],
)  # fmt: skip
def test_names(path: str, expected: Artifact | None) -> None:
    assert artifact(path) == expected


def test_an_index_and_a_package(running: Registry) -> None:
    with client() as one:
        assert one.get_bytes(f"{running.url}/noarch/repodata.json.zst").content == b"zst"
        first = one.get_bytes(f"{running.url}/noarch/repodata.json")
        assert first.content == b"{}"
        running.server.seen.clear()
        again = one.get_bytes(f"{running.url}/noarch/repodata.json", headers={"If-None-Match": first.headers["etag"]})
        assert again.status == 304
        assert [seen.path for seen in running.server.seen] == ["/v2/mirror/forge/noarch/repodata.json/manifests/latest"]
        target = io.BytesIO()
        one.download(
            f"{running.url}/noarch/_app-1!2+3-h_0.conda", target, sha256=hashlib.sha256(b"archive").hexdigest()
        )
        assert target.getvalue() == b"archive"
        assert not any("manifests/1__e__2" in seen.path for seen in running.server.seen)  # the digest was known
        assert one.get_bytes(f"{running.url}/noarch/_app-1!2+3-h_0.conda").content == b"archive"


def test_one_token_serves_a_repository_and_is_renewed(running: Registry) -> None:
    with client() as one:
        for _ in range(3):
            one.get_bytes(f"{running.url}/noarch/repodata.json")
        assert sum(seen.path.startswith("/token") for seen in running.server.seen) == 1
        running.token = "token-2"
        assert one.get_bytes(f"{running.url}/noarch/repodata.json").content == b"{}"
        assert sum(seen.path.startswith("/token") for seen in running.server.seen) == 2


@pytest.mark.parametrize("challenge", ["bearer", "basic"])
def test_users(running: Registry, tmp_path: Path, challenge: str) -> None:
    running.user, running.challenge = ("me", CANARY), challenge
    url = f"{running.url}/noarch/repodata.json"
    with client() as one, pytest.raises(HttpStatusError) as raised:
        one.get_bytes(url)
    assert raised.value.status == 401
    assert "credentials" in raised.value.hints[0]
    key = "oci://" + running.server.url.removeprefix("http://") + "/"
    with client(credentials=store(tmp_path, {key: {"BasicHTTP": {"username": "me", "password": CANARY}}})) as one:
        assert one.get_bytes(url).content == b"{}"
    with client() as one:
        assert one.get_bytes(url.replace("oci://", f"oci://me:{CANARY}@")).content == b"{}"


def test_a_stored_bearer_token_is_shown_at_once(running: Registry, tmp_path: Path) -> None:
    with client(credentials=store(tmp_path, {"127.0.0.1": {"BearerToken": "token-1"}})) as one:
        assert one.get_bytes(f"{running.url}/noarch/repodata.json").content == b"{}"
    assert not any(seen.path.startswith("/token") for seen in running.server.seen)


def test_the_place_of_tokens_sees_no_foreign_secret(running: Registry, tmp_path: Path) -> None:
    running.user = ("me", CANARY)
    port = running.server.url.rpartition(":")[2]
    held = store(tmp_path, {f"127.0.0.1:{port}": {"BasicHTTP": {"username": "me", "password": CANARY}}})
    with serving({}, answer=lambda seen: Answered(200, {}, b'{"token": "stolen"}')) as thief:
        running.realm = thief.url + "/token"
        with client(credentials=held) as one, pytest.raises(HttpStatusError):
            one.get_bytes(f"{running.url}/noarch/repodata.json")
        assert thief.count() == 1
        assert all("authorization" not in seen.headers for seen in thief.seen)


@pytest.mark.parametrize("realm", ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://tokens.example/t", "nonsense"])
def test_tokens_are_fetched_from_safe_places_only(running: Registry, realm: str) -> None:
    running.realm = realm
    with client() as one, pytest.raises(HttpStatusError) as raised:
        one.get_bytes(f"{running.url}/noarch/repodata.json")
    assert raised.value.status == 401


def test_a_token_does_not_follow_a_blob_elsewhere(running: Registry) -> None:
    digest = hashlib.sha256(b"{}").hexdigest()
    blob = f"/v2/mirror/forge/noarch/repodata.json/blobs/sha256:{digest}"
    with serving({"/store": b"{}"}) as elsewhere, client() as one:
        running.server.always[blob] = Fault(status=307, headers={"Location": elsewhere.url + "/store"})
        assert one.get_bytes(f"{running.url}/noarch/repodata.json").content == b"{}"
        assert "authorization" not in elsewhere.seen[0].headers


WRONG = {
    "nothing there": ("/noarch/other-1-0.conda", HttpStatusError, "answered 404"),
    "a kind of index that is not there": ("/noarch/repodata.json.bz2", HttpStatusError, "no layer of that kind"),
    "files that registries do not hold": ("/noarch/repodata_shards.msgpack.zst", HttpStatusError, "no such file"),
    "not a manifest": ("/noarch/odd-1-0.conda", NetworkError, "is not a manifest"),
}


@pytest.mark.parametrize(("path", "error", "text"), WRONG.values(), ids=WRONG)
def test_refusals(running: Registry, path: str, error: type[NetworkError], text: str) -> None:
    running.manifests["mirror/forge/noarch/odd", "1-0"] = b"[]"
    with client() as one, pytest.raises(error, match=text) as raised:
        one.get_bytes(running.url + path)
    assert running.url.removeprefix("oci://") in str(raised.value)


def test_a_blob_with_other_bytes_is_not_taken(running: Registry) -> None:
    running.blobs["sha256:" + hashlib.sha256(b"{}").hexdigest()] = b"[]"
    with client() as one, pytest.raises(Truncated):
        one.get_bytes(f"{running.url}/noarch/repodata.json")
    running.server.always["/token?" + TOKEN_QUERY] = Fault(body=b"[]")
    with client() as one, pytest.raises(NetworkError, match="gave no token"):
        one.get_bytes(f"{running.url}/noarch/repodata.json")


TOKEN_QUERY = "service=loopback&scope=repository%3Amirror%2Fforge%2Fnoarch%2Frepodata.json%3Apull"
