"""Where connections go: a host is looked up once for many of them, and its addresses are tried in turn."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from pixi_core.errors import Offline
from pixi_core.net import addresses
from pixi_core.net.client import Client
from pixi_core.net.config import NetConfig
from tests.support.http_server import FaultServer, Seen, serving

HOST = "index.example"


class NameServer:
    """Answers for one host, and counts the questions."""

    def __init__(self, *answers: str) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def __call__(self, host: str, port: int, *_: Any, **__: Any) -> list[tuple[Any, ...]]:
        self.asked.append(host)
        time.sleep(0.05)  # so that whoever else wants to know comes meanwhile
        if not self.answers:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in self.answers]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> NameServer:
    server = NameServer("127.0.0.1")
    real = socket.getaddrinfo

    def lookup(host: Any, *arguments: Any, **more: Any) -> Any:
        return server(host, *arguments, **more) if host == HOST else real(host, *arguments, **more)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    return server


def client() -> Client:
    return Client(NetConfig(retries=0, connect_timeout=2.0))


def at(server: FaultServer) -> str:
    return server.url.replace("127.0.0.1", HOST) + "/x"


def test_many_connections_ask_once(names: NameServer) -> None:
    together = Barrier(6)

    def answer(_: Seen) -> None:
        together.wait(10)  # nobody's connection is free for another

    with serving({"/x": b"x"}, answer=answer) as server, client() as one, ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: one.get_bytes(at(server)).content, range(6)))
    assert found == [b"x"] * 6
    assert names.asked == [HOST]


def test_an_address_that_does_not_answer_is_tried_once(names: NameServer, monkeypatch: pytest.MonkeyPatch) -> None:
    names.answers = ("127.0.0.2", "127.0.0.1")
    tried: list[str] = []
    real = socket.create_connection

    def connect(address: tuple[str, int], *arguments: Any, **more: Any) -> socket.socket:
        tried.append(address[0])
        return real(address, *arguments, **more)

    monkeypatch.setattr(socket, "create_connection", connect)
    with serving({"/x": b"x"}) as server, client() as one:
        for _ in range(2):
            assert one.get_bytes(at(server), headers={"Connection": "close"}).content == b"x"
    assert tried == ["127.0.0.2", "127.0.0.1", "127.0.0.1"]


def test_answers_are_asked_for_again_in_time(names: NameServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "LIFETIME", 0.0)
    with serving({"/x": b"x"}) as server, client() as one:
        for _ in range(2):
            one.get_bytes(at(server), headers={"Connection": "close"})
    assert names.asked == [HOST, HOST]


def test_a_host_that_moved_is_found(names: NameServer) -> None:
    with serving({"/x": b"x"}) as server, client() as one:
        names.answers = ("127.0.0.2",)
        with pytest.raises(Offline, match=f"cannot connect to {HOST}"):
            one.get_bytes(at(server))
        names.answers = ("127.0.0.1",)
        assert one.get_bytes(at(server)).content == b"x"


def test_a_name_that_nobody_knows(names: NameServer) -> None:
    names.answers = ()
    with client() as one, pytest.raises(Offline, match=f"the name {HOST} is not known"):
        one.get_bytes(f"http://{HOST}/x")
