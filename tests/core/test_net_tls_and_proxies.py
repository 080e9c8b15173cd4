"""Whom the client trusts (N3), and through whom it goes (N2): TLS and proxies on loopback."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from pixi_core.config.model import Config
from pixi_core.errors import ConfigError, HttpStatusError, NetworkError, Offline
from pixi_core.net.client import Client
from pixi_core.net.config import NetConfig, net_config
from pixi_core.net.proxies import proxy_for
from pixi_core.progress import Reporter
from tests.support.certificates import Authority, authority
from tests.support.http_server import Fault, serving
from tests.support.proxy_server import Proxy, proxying

CANARY = "canary-9b44e7"


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("tls"))


def client(environ: Mapping[str, str] | None = None, **settings: object) -> Client:
    return Client(
        NetConfig(
            environ=environ or {}, sleep=lambda _: None, read_timeout=0.5, connect_timeout=2.0, retries=1, **settings  # type: ignore[arg-type]  # settings by name
        )
    )  # fmt: skip


class Heard(Reporter):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, text: str) -> None:
        self.warnings.append(text)


# ---------------------------------------------------------------- TLS


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_an_authority_of_ones_own(ours: Authority, variable: str) -> None:
    with serving({"/x": b"safe"}, tls=ours.server()) as server:
        with client({variable: str(ours.file)}) as one:
            assert one.get_bytes(server.url + "/x").content == b"safe"
        with client(certificates=ours.file) as one:
            assert one.get_bytes(server.url + "/x").content == b"safe"


def test_a_folder_of_authorities(ours: Authority, tmp_path: Path) -> None:
    import subprocess

    (tmp_path / "ca.pem").write_bytes(ours.file.read_bytes())
    subprocess.run(["openssl", "rehash", str(tmp_path)], check=True, capture_output=True)
    with serving({"/x": b"safe"}, tls=ours.server()) as server, client({"SSL_CERT_DIR": str(tmp_path)}) as one:
        assert one.get_bytes(server.url + "/x").content == b"safe"


@pytest.mark.parametrize(
    ("allowed", "trusted"),
    [("127.0.0.1", True), ("127.0.0.1:PORT", True), ("127.0.0.1:1", False), ("other.example", False)],
)
def test_single_hosts_whose_certificate_is_not_checked(ours: Authority, allowed: str, trusted: bool) -> None:
    with serving({"/x": b"safe"}, tls=ours.server()) as server, serving({"/y": b"y"}, tls=ours.server()) as another:
        hosts = (allowed.replace("PORT", server.url.rpartition(":")[2]),)
        with Client(net_config(Config(pypi_allow_insecure_host=hosts), {"UV_HTTP_RETRIES": "0"})) as one:
            for url, fine in ((server.url + "/x", trusted), (another.url + "/y", allowed == "127.0.0.1")):
                if fine:
                    assert one.get_bytes(url).content
                else:
                    with pytest.raises(NetworkError, match="cannot be trusted"):
                        one.get_bytes(url)


UNTRUSTED = {
    "expired": ({"days_left": -1}, True, "expired"),
    "another host": ({"host": "channels.example"}, True, "not valid for '127.0.0.1'"),
    "an authority that nobody knows": ({}, False, "cannot be trusted"),
}  # fmt: skip


@pytest.mark.parametrize(("settings", "known", "told"), UNTRUSTED.values(), ids=UNTRUSTED)
def test_certificates_that_cannot_be_trusted(
    ours: Authority, settings: dict[str, object], known: bool, told: str
) -> None:
    context = ours.server(**settings)  # type: ignore[arg-type]  # settings by name
    environ = {"SSL_CERT_FILE": str(ours.file)} if known else {}
    with serving({"/x": b"x"}, tls=context) as server, client(environ) as one:
        with pytest.raises(NetworkError, match=told) as raised:
            one.get_bytes(server.url + "/x")
        assert str(raised.value).startswith("the certificate of 127.0.0.1")
        assert "SSL_CERT_FILE" in raised.value.hints[0]
        assert server.count() == 0  # nothing was said to whoever that is


def test_a_server_that_vouches_for_itself(tmp_path: Path) -> None:
    alone = authority(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    pair = tmp_path / "pair.pem"
    pair.write_bytes(alone.authority.cert_pem.bytes() + alone.authority.private_key_pem.bytes())
    context.load_cert_chain(pair)
    with serving({"/x": b"x"}, tls=context) as server, client() as one:
        with pytest.raises(NetworkError, match="cannot be trusted"):
            one.get_bytes(server.url + "/x")
        assert server.count() == 0


def test_checking_is_switched_off_aloud_only(ours: Authority) -> None:
    heard = Heard()
    with serving({"/x": b"x"}, tls=ours.server(days_left=-1)) as server:
        config = net_config(Config(tls_no_verify=True), {})
        with Client(config, reporter=heard) as one:
            assert one.get_bytes(server.url + "/x").content == b"x"
            one.get_bytes(server.url + "/x")
    assert len(heard.warnings) == 1
    assert "not checked" in heard.warnings[0]


def test_a_file_that_holds_no_certificates(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing")
    with client({"SSL_CERT_FILE": str(tmp_path / "empty.pem")}) as one, pytest.raises(ConfigError, match=r"empty\.pem"):
        one.get_bytes("https://127.0.0.1:1/x")


def test_plain_http_where_tls_is_spoken_and_the_other_way_round(ours: Authority) -> None:
    with serving({"/x": b"x"}) as server, client() as one, pytest.raises(NetworkError, match="does not speak TLS"):
        one.get_bytes(server.url.replace("http:", "https:") + "/x")
    with serving({"/x": b"x"}, tls=ours.server()) as server, client() as one, pytest.raises(NetworkError):
        one.get_bytes(server.url.replace("https:", "http:") + "/x")


def test_https_never_becomes_http(ours: Authority) -> None:
    with serving({"/x": b"x"}) as plain, serving({}, tls=ours.server()) as server:
        server.always["/x"] = Fault(status=302, headers={"Location": plain.url + "/x"})
        with client({"SSL_CERT_FILE": str(ours.file)}) as one, pytest.raises(NetworkError, match="not safe"):
            one.get_bytes(server.url + "/x")
        assert plain.count() == 0


# ---------------------------------------------------------------- proxies


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with proxying() as running:
        yield running


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
def test_plain_requests_through_a_proxy(proxy: Proxy, variable: str) -> None:
    with serving({"/x": b"x"}) as server, client({variable: proxy.url}) as one:
        assert one.get_bytes(server.url + "/x").content == b"x"
        assert proxy.seen == [f"GET {server.url}/x"]


def test_tunnels_through_a_proxy(proxy: Proxy, ours: Authority) -> None:
    proxy.user = ("me", CANARY)
    environ = {"HTTPS_PROXY": proxy.with_user("me", CANARY), "SSL_CERT_FILE": str(ours.file)}
    with serving({"/x": b"x"}, tls=ours.server()) as server, client(environ) as one:
        assert one.get_bytes(server.url + "/x").content == b"x"
        assert proxy.seen == [f"CONNECT {server.url.removeprefix('https://')}"]
        assert CANARY not in str([seen.headers for seen in server.seen])


def test_the_configuration_names_a_proxy(proxy: Proxy) -> None:
    config = Config(proxy_http=proxy.url, non_proxy_hosts=("localhost",))
    with serving({"/x": b"x"}) as server, Client(net_config(config, {})) as one:
        assert one.get_bytes(server.url + "/x").content == b"x"
        assert one.get_bytes(server.url.replace("127.0.0.1", "localhost") + "/x").content == b"x"
    assert len(proxy.seen) == 1


def test_the_user_of_a_proxy_is_told_to_nobody_else(proxy: Proxy) -> None:
    proxy.user = ("me", CANARY)
    with serving({"/x": b"x"}) as server, client({"HTTP_PROXY": proxy.with_user("me", CANARY)}) as one:
        assert one.get_bytes(server.url + "/x").content == b"x"
        assert CANARY not in str([seen.headers for seen in server.seen])
        assert "proxy-authorization" not in str([seen.headers for seen in server.seen]).lower()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_to_know_who_is_there(proxy: Proxy, ours: Authority, scheme: str) -> None:
    proxy.user = ("me", "right")
    environ = {"ALL_PROXY": proxy.with_user("me", CANARY), "SSL_CERT_FILE": str(ours.file)}
    tls = ours.server() if scheme == "https" else None
    with serving({"/x": b"x"}, tls=tls) as server, client(environ) as one:
        with pytest.raises(NetworkError, match="407") as raised:
            one.get_bytes(server.url + "/x")
        assert "PROXY" in raised.value.hints[0]
        assert CANARY not in f"{raised.value} {raised.value.hints} {vars(raised.value)}"
        assert server.count() == 0


def test_a_proxy_that_is_not_there_or_says_nothing(proxy: Proxy) -> None:
    with client({"ALL_PROXY": f"http://me:{CANARY}@127.0.0.1:1"}) as one, pytest.raises(Offline) as raised:
        one.get_bytes("http://channels.example/x")
    assert "proxy" in raised.value.hints[0]
    assert CANARY not in f"{raised.value} {raised.value.hints}"
    proxy.silent = True
    with client({"ALL_PROXY": proxy.url}) as one, pytest.raises(NetworkError, match="stopped sending"):
        one.get_bytes("http://channels.example/x")


def test_a_proxy_without_a_way_on(proxy: Proxy) -> None:
    with client({"ALL_PROXY": proxy.url}) as one, pytest.raises(HttpStatusError, match="502"):
        one.get_bytes("http://127.0.0.1:1/x")


@pytest.mark.parametrize(
    ("rules", "url", "through"),
    [
        ("", "https://a.example/x", True),
        ("a.example", "https://a.example/x", False),
        ("a.example", "https://b.a.example/x", False),
        ("a.example", "https://ba.example/x", True),
        (".a.example", "https://b.a.example/x", False),
        ("*.a.example", "https://b.a.example/x", False),
        ("10.0.0.0/8", "https://10.2.3.4/x", False),
        ("10.0.0.0/8", "https://11.2.3.4/x", True),
        ("a.example:8443", "https://a.example:8443/x", False),
        ("a.example:8443", "https://a.example/x", True),
        ("*", "https://a.example/x", False),
        ("b.example, a.example", "https://a.example/x", False),
        ("::1", "https://[::1]/x", False),
        ("A.Example", "https://a.EXAMPLE/x", False),
        ("a.example:443", "https://a.example/x", False),
    ],
)
def test_hosts_without_a_proxy(rules: str, url: str, through: bool) -> None:
    found = proxy_for(url, {"https_proxy": "proxy.example:3128", "NO_PROXY": rules})
    assert found == ("http://proxy.example:3128" if through else None)


def test_lower_case_wins_and_empty_means_none() -> None:
    assert proxy_for("http://a/x", {"http_proxy": "http://one", "HTTP_PROXY": "http://two"}) == "http://one"
    assert proxy_for("http://a/x", {"http_proxy": "", "ALL_PROXY": ""}) is None
