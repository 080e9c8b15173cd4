"""Buckets: signatures by Amazon's published examples, and against a server that checks them by itself."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pixi_core.errors import ConfigError, HttpStatusError, NetworkError
from pixi_core.net.auth import CredentialStore, Secret
from pixi_core.net.client import Client
from pixi_core.net.config import NetConfig
from pixi_core.net.s3 import Buckets
from pixi_core.net.sigv4 import AccessKey, signed
from tests.support.s3_server import BucketServer, buckets

KEY = "/conda/forge/linux-64/x-1%212%2B3-h_0.conda"
URL = "s3://conda/forge/linux-64/x-1!2+3-h_0.conda"


@pytest.mark.parametrize(
    ("path", "headers", "signature"),
    [
        ("/test.txt", {"range": "bytes=0-9"}, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
        ("/?lifecycle", {}, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("/?max-keys=2&prefix=J", {}, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ],
)
def test_published_signatures(path: str, headers: dict[str, str], signature: str) -> None:
    key = AccessKey("AKIAIOSFODNN7EXAMPLE", Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"))
    moment = datetime(2013, 5, 24, tzinfo=UTC).timestamp()
    url = f"https://examplebucket.s3.amazonaws.com{path}"
    told = signed("GET", url, headers, key=key, region="us-east-1", moment=moment)
    assert told["authorization"].endswith(f"Signature={signature}")
    assert told["x-amz-date"] == "20130524T000000Z"


def options(server: BucketServer) -> dict[str, dict[str, object]]:
    return {"conda": {"endpoint-url": server.server.url, "region": server.region, "force-path-style": True}}


def stored(folder: Path, server: BucketServer, **changes: str) -> CredentialStore:
    lent = {"access_key_id": server.identity, "secret_access_key": server.secret, "session_token": server.token}
    path = folder / "credentials.json"
    path.write_text(json.dumps({"s3://conda": {"S3Credentials": {**lent, **changes}}}))
    return CredentialStore.load({"RATTLER_AUTH_FILE": str(path)})


def client(**settings: object) -> Client:
    return Client(NetConfig(sleep=lambda _: None, **settings))  # type: ignore[arg-type]  # settings by name


@pytest.mark.parametrize("token", [None, "lent/for+an=hour"])
def test_a_bucket_of_the_workspace(tmp_path: Path, token: str | None) -> None:
    with buckets({KEY: b"archive"}) as server:
        server.token = token
        with client(credentials=stored(tmp_path, server), s3_options=options(server)) as one:
            assert one.get_bytes(URL).content == b"archive"
            assert one.head(URL).status == 200
            assert one.get_range(URL, 0, 3).content == b"archive"  # a server without ranges
            with pytest.raises(HttpStatusError) as raised:
                one.get_bytes("s3://conda/none")
            assert raised.value.status == 404
        assert server.refusals == []


def test_wrong_keys_are_refused_and_said(tmp_path: Path) -> None:
    with buckets({KEY: b"archive"}) as server:
        held = stored(tmp_path, server, secret_access_key="canary-wrong")
        with client(credentials=held, s3_options=options(server)) as one, pytest.raises(HttpStatusError) as raised:
            one.get_bytes(URL)
        assert server.refusals == ["the signature does not match"]
    assert raised.value.status == 403
    assert str(raised.value).startswith("s3://conda/forge")
    assert "were not accepted" in raised.value.hints[0]
    assert "canary" not in repr(vars(raised.value))


def amazon(server: BucketServer, folder: Path) -> dict[str, dict[str, str]]:
    (folder / "credentials").write_text(
        f"[default]\naws_access_key_id = other\naws_secret_access_key = other\n"
        f"[work]\naws_access_key_id = {server.identity}\naws_secret_access_key = {server.secret}\n"
    )
    (folder / "config").write_text(f"[profile work]\nregion = {server.region}\nendpoint_url = {server.server.url}\n")
    place = {"AWS_ENDPOINT_URL": server.server.url, "AWS_REGION": server.region}
    files = {"AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"), "AWS_CONFIG_FILE": str(folder / "config")}
    return {
        "variables": {**place, "AWS_ACCESS_KEY_ID": server.identity, "AWS_SECRET_ACCESS_KEY": server.secret},
        "a variable of its own for the endpoint": {
            **place,
            "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
            "AWS_ENDPOINT_URL_S3": server.server.url,
            "AWS_ACCESS_KEY_ID": server.identity,
            "AWS_SECRET_ACCESS_KEY": server.secret,
        },
        "files": {**files, "AWS_PROFILE": "work"},
        "variables before files": {
            **files, **place, "AWS_ACCESS_KEY_ID": server.identity, "AWS_SECRET_ACCESS_KEY": server.secret
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    "source", ["variables", "a variable of its own for the endpoint", "files", "variables before files"]
)
def test_a_bucket_as_amazon_describes_it(tmp_path: Path, source: str) -> None:
    with buckets({KEY: b"archive"}) as server:
        environ = {"HOME": str(tmp_path), **amazon(server, tmp_path)[source]}
        with client(environ=environ) as one:
            assert one.get_bytes(URL).content == b"archive"
        assert server.refusals == []


def test_a_public_bucket_is_asked_without_a_name(tmp_path: Path) -> None:
    with buckets({KEY: b"archive"}) as server:
        server.public = True
        with client(environ={"HOME": str(tmp_path), "AWS_ENDPOINT_URL": server.server.url}) as one:
            assert one.get_bytes(URL).content == b"archive"
        assert "authorization" not in server.server.seen[0].headers


@pytest.mark.parametrize(
    ("given", "environ", "expected"),
    [
        ({}, {}, "https://conda.s3.us-east-1.amazonaws.com/a/b"),
        ({}, {"AWS_DEFAULT_REGION": "eu-1"}, "https://conda.s3.eu-1.amazonaws.com/a/b"),
        ({"endpoint-url": "https://s3.example/", "region": "x"}, {}, "https://conda.s3.example/a/b"),
        ({"endpoint-url": "https://s3.example", "region": "x", "force-path-style": True}, {}, "https://s3.example/conda/a/b"),
    ],
)  # fmt: skip
def test_addresses(given: dict[str, object], environ: dict[str, str], expected: str, tmp_path: Path) -> None:
    known = Buckets(
        {"conda": given} if given else {}, CredentialStore(), {"HOME": str(tmp_path), **environ}, lambda: 0.0
    )
    assert known.locate("s3://conda/a/b").url == expected


def test_mistakes_are_named(tmp_path: Path) -> None:
    bad = Buckets({"conda": {"endpoint-url": "ftp://x", "region": "r"}}, CredentialStore(), {}, lambda: 0.0)
    with pytest.raises(ConfigError, match=r"s3-options\.conda\.endpoint-url"):
        bad.locate("s3://conda/x")
    with pytest.raises(NetworkError, match="names no bucket"):
        bad.locate("s3:///x")
    (tmp_path / "credentials").write_text("canary-secret without a section")
    environ = {"HOME": str(tmp_path), "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials")}
    with pytest.raises(ConfigError, match="not a file of profiles") as raised:
        Buckets({}, CredentialStore(), environ, lambda: 0.0).locate("s3://conda/x")
    assert "canary" not in str(raised.value)
