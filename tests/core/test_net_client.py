"""The client against a server that misbehaves: every fault of the network matrix ends well or ends clearly."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from pathlib import Path

import pytest

from pixi_core.errors import (
    ArchiveError,
    HashMismatch,
    HttpStatusError,
    NetworkError,
    Offline,
    PixiError,
    Truncated,
)
from pixi_core.net.auth import CredentialStore, shown
from pixi_core.net.client import Client
from pixi_core.net.config import NetConfig
from tests.support.http_server import Fault, FaultServer, serving

BODY = bytes(range(256)) * 2000
DIGEST = hashlib.sha256(BODY).hexdigest()
PATH = "/channel/file.bin"
CANARY = "canary-5f3a9c"


class Clock:
    """Waits that take no time and are remembered."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


def client(clock: Clock | None = None, **settings: object) -> Client:
    clock = clock or Clock()
    config = NetConfig(sleep=clock.sleep, read_timeout=0.3, connect_timeout=1.0, **settings)  # type: ignore[arg-type]  # settings by name
    return Client(config)


def download(one: Client, url: str, **promised: object) -> bytes:
    target = io.BytesIO()
    one.download(url, target, **promised)  # type: ignore[arg-type]  # sha256 and size by name
    return target.getvalue()


HEALED = {
    "cut politely": [Fault(cut=1000)],
    "reset at the start": [Fault(cut=0, reset=True)],
    "reset in the middle": [Fault(cut=300_000, reset=True)],
    "stalled": [Fault(stall=1000)],
    "three times cut": [Fault(cut=1000), Fault(cut=70_000), Fault(cut=200_000)],
    "a wrong part": [Fault(cut=1000), Fault(wrong_range=True)],
    "ranges unknown": [Fault(cut=1000), Fault(ranges=False)],
    "flipped bit": [Fault(flip=77)],
    "shorter than promised": [Fault(short=1000)],
    "500": [Fault(status=500)],
    "502": [Fault(status=502)],
    "503 twice": [Fault(status=503), Fault(status=503)],
    "429 with seconds": [Fault(status=429, headers={"Retry-After": "7"})],
}


@pytest.mark.parametrize("faults", HEALED.values(), ids=HEALED)
def test_downloads_heal(faults: list[Fault]) -> None:
    with serving({PATH: BODY}) as server, client() as one:
        server.faults[PATH] = list(faults)
        assert download(one, server.url + PATH, sha256=DIGEST, size=len(BODY)) == BODY
        assert server.count() <= len(faults) + 1  # a server without ranges heals at once


def test_broken_download_goes_on_where_it_stopped() -> None:
    with serving({PATH: BODY}) as server, client() as one:
        server.faults[PATH] = [Fault(cut=100_000)]
        download(one, server.url + PATH, sha256=DIGEST)
        assert server.seen[1].headers["range"] == "bytes=100000-"


def test_without_a_digest_it_starts_again() -> None:
    with serving({PATH: BODY}) as server, client() as one:
        server.faults[PATH] = [Fault(cut=100_000)]
        assert download(one, server.url + PATH) == BODY
        assert "range" not in server.seen[1].headers


FINAL: dict[str, tuple[Fault, type[PixiError], int, str]] = {
    "always cut": (Fault(cut=0), Truncated, 4, "truncated"),
    "always short": (Fault(short=1000), Truncated, 4, "of 512,000 bytes"),
    "always another file": (Fault(flip=5), HashMismatch, 2, "hash mismatch"),
    "too long": (Fault(extra=b"!"), ArchiveError, 1, "longer than"),
    "always stalled": (Fault(stall=0), NetworkError, 4, "stopped sending"),
    "always 500": (Fault(status=500), HttpStatusError, 4, "answered 500"),
    "404": (Fault(status=404), HttpStatusError, 1, "answered 404"),
    "403": (Fault(status=403), HttpStatusError, 1, "answered 403"),
    "407": (Fault(status=407), HttpStatusError, 1, "answered 407"),
    "304 unasked": (Fault(status=304), HttpStatusError, 1, "answered 304"),
    "login page": (
        Fault(body=b"\n<html>log in</html>", headers={"Content-Type": "text/html"}),
        NetworkError,
        1,
        "a web page came instead",
    ),
    "told to wait an hour": (Fault(status=429, headers={"Retry-After": "3600"}), HttpStatusError, 1, "429"),
}


@pytest.mark.parametrize(("fault", "error", "requests", "text"), FINAL.values(), ids=FINAL)
def test_downloads_fail_clearly(fault: Fault, error: type[PixiError], requests: int, text: str) -> None:
    with serving({PATH: BODY}) as server, client() as one:
        server.always[PATH] = fault
        with pytest.raises(error) as raised:
            download(one, server.url + PATH, sha256=DIGEST, size=len(BODY))
        assert text in str(raised.value)
        assert server.count() == requests


PAGES: dict[str, tuple[list[Fault], int]] = {
    "cut": ([Fault(cut=10)], 2),
    "reset": ([Fault(cut=10, reset=True)], 2),
    "stalled": ([Fault(stall=0)], 2),
    "bad gzip": ([Fault(wrong_gzip=True)], 2),
    "503, 502, 500": ([Fault(status=503), Fault(status=502), Fault(status=500)], 4),
}


@pytest.mark.parametrize(("faults", "requests"), PAGES.values(), ids=PAGES)
def test_pages_heal(faults: list[Fault], requests: int) -> None:
    with serving({PATH: BODY}) as server, client() as one:
        server.faults[PATH] = list(faults)
        assert one.get_bytes(server.url + PATH).content == BODY
        assert server.count() == requests


def test_waits_what_the_server_asks_for() -> None:
    clock = Clock()
    with serving({PATH: b"x"}) as server, client(clock) as one:
        date = formatdate(time.time() + 20, usegmt=True)
        server.faults[PATH] = [
            Fault(status=429, headers={"Retry-After": "7"}),
            Fault(status=503, headers={"Retry-After": date}),
            Fault(status=500),
        ]
        one.get_bytes(server.url + PATH)
    assert clock.waits[0] == 7
    assert 15 < clock.waits[1] <= 20
    assert 0 < clock.waits[2] <= 8


# ---------------------------------------------------------------- redirects


def redirect(to: str) -> Fault:
    return Fault(status=302, headers={"Location": to})


def test_redirects_are_followed_ten_times() -> None:
    with serving({"/10": b"there"}) as server, client() as one:
        for number in range(10):
            server.always[f"/{number}"] = redirect(f"/{number + 1}")
        response = one.get_bytes(server.url + "/0")
        assert (response.content, response.url) == (b"there", server.url + "/10")
        server.always["/10"] = redirect("/0")
        with pytest.raises(NetworkError, match="more than 10 redirects"):
            one.get_bytes(server.url + "/0")


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://x"])
def test_redirects_to_other_schemes_are_refused(target: str) -> None:
    with serving({}) as server, client() as one:
        server.always["/a"] = redirect(target)
        with pytest.raises(NetworkError, match="not safe"):
            one.get_bytes(server.url + "/a")


def test_conditional_requests_get_their_304() -> None:
    with serving({PATH: b"x"}) as server, client() as one:
        server.always[PATH] = Fault(status=304)
        assert one.get_bytes(server.url + PATH, headers={"If-None-Match": '"a"'}).status == 304


# ---------------------------------------------------------------- ranges


@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        ({"start": 10, "end": 19}, BODY[10:20]),
        ({"start": 511_990}, BODY[511_990:]),
        ({"suffix": 100}, BODY[-100:]),
        ({"suffix": 10**9}, BODY),
    ],
)
@pytest.mark.parametrize("scheme", ["http", "file"])
def test_parts(ask: dict[str, int], expected: bytes, scheme: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(BODY)
    with serving({PATH: BODY}) as server, client() as one:
        url = server.url + PATH if scheme == "http" else (tmp_path / "file").as_uri()
        response = one.get_range(url, **ask)
        assert (response.status, response.content) == (206, expected)
        assert response.headers["content-range"].endswith(f"/{len(BODY)}")


def test_wrong_parts_are_refused() -> None:
    with serving({PATH: BODY}) as server, client() as one:
        server.always[PATH] = Fault(wrong_range=True)
        with pytest.raises(NetworkError, match="another part"):
            one.get_range(server.url + PATH, 10, 19)
        server.always[PATH] = Fault(ranges=False)
        assert one.get_range(server.url + PATH, 10, 19).status == 200


# ---------------------------------------------------------------- credentials


def credentials_file(folder: Path, data: object) -> CredentialStore:
    path = folder / "credentials.json"
    path.write_text(json.dumps(data))
    return CredentialStore.load({"RATTLER_AUTH_FILE": str(path)})


def everything_sent(server: FaultServer) -> str:
    return "\n".join(f"{one.path} {dict(one.headers)}" for one in server.seen)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"BearerToken": CANARY}, f"Bearer {CANARY}"),
        ({"BasicHTTP": {"username": "u", "password": CANARY}}, "Basic dTpjYW5hcnktNWYzYTlj"),
        ({"CondaToken": CANARY}, f"/t/{CANARY}/private/x"),
    ],
)
def test_credentials_reach_their_place_only(entry: object, expected: str, tmp_path: Path) -> None:
    store = credentials_file(tmp_path, {"127.0.0.1/private": entry})
    with serving({"/x": b"", "/private2/x": b""}) as server, client(credentials=store) as one:
        server.always["/private/x"] = server.always[f"/t/{CANARY}/private/x"] = Fault(body=b"inside")
        assert one.get_bytes(server.url + "/private/x").content == b"inside"
        assert expected in everything_sent(server)
        server.seen.clear()
        one.get_bytes(server.url + "/private2/x")
        one.get_bytes(server.url + "/x")
        assert CANARY not in everything_sent(server)
        assert "authorization" not in everything_sent(server)


def test_credentials_never_follow_a_redirect_elsewhere(tmp_path: Path) -> None:
    with serving({"/stolen": b"x"}) as thief, serving({}) as server:
        port = server.url.rpartition(":")[2]
        store = credentials_file(tmp_path, {f"127.0.0.1:{port}": {"BearerToken": CANARY}})
        server.always["/a"] = redirect(thief.url + "/stolen")
        with client(credentials=store) as one:
            one.get_bytes(server.url + "/a", headers={"Authorization": f"Bearer {CANARY}"})
        assert CANARY in everything_sent(server)
        assert CANARY not in everything_sent(thief)


@pytest.mark.parametrize(
    "act",
    [
        lambda one, url: one.get_bytes(url),
        lambda one, url: download(one, url, sha256=DIGEST),
        lambda one, url: one.head(url),
        lambda one, url: one.get_range(url, 0, 5),
    ],
    ids=["page", "download", "head", "part"],
)
@pytest.mark.parametrize("fault", [Fault(status=401), Fault(status=500), Fault(cut=0), redirect("file:///x")])
def test_credentials_are_in_no_message(act: Callable[[Client, str], object], fault: Fault) -> None:
    with serving({PATH: BODY}) as server, client() as one:
        server.always[PATH] = fault
        url = server.url.replace("//", f"//user:{CANARY}@") + PATH
        said = ""
        try:
            act(one, url + f"?token={CANARY}")
        except PixiError as error:
            said = f"{error} {error.hints} {error!r} {vars(error)}"
        assert CANARY not in said
        assert CANARY not in repr(one.config)


def test_shown_hides_everything() -> None:
    assert shown(f"https://u:{CANARY}@h.example/t/{CANARY}/a/b?sig={CANARY}#f") == "https://h.example/a/b"


def test_plain_http_gets_no_credentials_of_a_host(tmp_path: Path) -> None:
    store = credentials_file(
        tmp_path, {"*.example": {"BearerToken": "x"}, "http://plain.example": {"BearerToken": "y"}}
    )
    assert store.find("https://a.example/x") is not None
    assert store.find("http://a.example/x") is None
    assert store.find("https://badexample/x") is None
    assert store.find("https://a.example:8443/x") is None
    assert store.find("http://plain.example/x") is not None
    assert store.find("https://a.example/../x") is not None  # a whole host has no paths to leave


# ---------------------------------------------------------------- mirrors, offline, files, pools


def test_mirrors_in_order() -> None:
    with serving({}) as broken, serving({"/m/a/file": b"mirrored"}) as mirror:
        mirrors = {
            "https://channel.example/": [broken.url, mirror.url + "/m"],
            "https://channel.example/b": ["http://127.0.0.1:1/never"],
        }
        with client(mirrors=mirrors) as one:
            assert one.get_bytes("https://channel.example/a/file").content == b"mirrored"
        assert broken.count("/a/file") == 1


def test_offline_asks_nobody() -> None:
    with serving({PATH: BODY}) as server, client(offline=True) as one:
        with pytest.raises(Offline, match="switched off"):
            one.get_bytes(server.url + PATH)
        assert server.count() == 0


def test_nobody_there() -> None:
    with client(retries=1) as one, pytest.raises(Offline, match="cannot connect"):
        one.get_bytes("http://127.0.0.1:1/x")


def test_files_as_urls(tmp_path: Path) -> None:
    path = tmp_path / "a b"
    path.write_bytes(BODY)
    with client(offline=True) as one:
        assert one.get_bytes(path.as_uri()).content == BODY
        assert download(one, path.as_uri(), sha256=DIGEST) == BODY
        with one.stream(path.as_uri()) as pieces:
            assert b"".join(pieces) == BODY
        with pytest.raises(HttpStatusError) as missing:
            one.get_bytes((tmp_path / "none").as_uri())
        assert missing.value.status == 404
        with pytest.raises(HashMismatch):
            download(one, path.as_uri(), sha256="0" * 64)
        with pytest.raises(Truncated):
            download(one, path.as_uri(), size=len(BODY) + 1)
        with pytest.raises(NetworkError, match="another machine"):
            one.get_bytes("file://elsewhere/x")


def test_one_host_sees_few_requests_at_once() -> None:
    with serving({f"/{n}": BODY for n in range(60)}) as server, client(per_host=4) as one:
        with ThreadPoolExecutor(20) as pool:
            results = pool.map(lambda n: len(one.get_bytes(f"{server.url}/{n}").content), range(60))
            assert set(results) == {len(BODY)}
        # the server may still be closing one request while the next comes in
        assert server.most_at_once <= 8


def test_too_much_is_refused() -> None:
    with serving({PATH: BODY}) as server, client() as one, pytest.raises(NetworkError, match="longer than"):
        one.get_bytes(server.url + PATH, max_bytes=1000)


def test_streams() -> None:
    with serving({PATH: BODY}) as server, client() as one:
        server.faults[PATH] = [Fault(status=503)]
        with one.stream(server.url + PATH) as pieces:
            assert b"".join(pieces) == BODY
        server.always[PATH] = Fault(cut=5)
        with pytest.raises(Truncated), one.stream(server.url + PATH) as pieces:
            b"".join(pieces)


def test_nothing_heavy_is_imported_before_the_first_request() -> None:
    code = (
        "import sys; from pixi_core.net.client import Client; Client();"
        "print([m for m in ('httpx', 'ssl', 'truststore') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_threads_stay() -> None:
    before = threading.active_count()
    with client() as one, pytest.raises(Offline):
        one.get_bytes("http://127.0.0.1:1/x")
    assert threading.active_count() == before


def test_all_who_are_refused_wait_for_the_key_ring(tmp_path: Path) -> None:
    """In a process of its own: `keyring` is a module there that takes its time, as a real one does."""
    (tmp_path / "keyring.py").write_text(
        "import json, threading\n"
        "def get_password(service, name):\n"
        "    threading.Event().wait(0.3)\n"
        "    return json.dumps({'BearerToken': 'right'}) if service == 'rattler' else None\n"
    )
    code = (
        "import sys; from concurrent.futures import ThreadPoolExecutor\n"
        "from pixi_core.net.auth import CredentialStore\n"
        "from pixi_core.net.client import Client; from pixi_core.net.config import NetConfig\n"
        "with Client(NetConfig(credentials=CredentialStore(use_keyring=True))) as one, ThreadPoolExecutor(6) as pool:\n"
        "    print({answer.content for answer in pool.map(one.get_bytes, [sys.argv[1]] * 6)})\n"
    )
    with serving({PATH: b"in"}) as server:
        server.authorization["/"] = "Bearer right"
        argv = [sys.executable, "-c", code, server.url + PATH]
        environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
        done = subprocess.run(argv, capture_output=True, text=True, env=environ)
    assert (done.stdout.strip(), done.stderr) == ("{b'in'}", "")
