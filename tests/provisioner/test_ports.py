"""The ports that kernels are told to listen on."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from pixi_provisioner.ports import choose_ports, handed_out_from


def none() -> str:
    raise FileNotFoundError


def test_ports_are_free_different_and_of_the_quiet_range() -> None:
    ports = choose_ports("127.0.0.1", 5, ceiling=20_000)
    assert len(set(ports)) == 5
    assert all(15_000 <= port < 20_000 for port in ports)
    for port in ports:
        with socket.socket() as one:
            one.bind(("127.0.0.1", port))


def test_what_is_taken_is_not_chosen() -> None:
    first = choose_ports("127.0.0.1", 1, ceiling=16_000)[0]
    but_one = [port for port in range(15_000, 16_000) if port != first]
    assert choose_ports("127.0.0.1", 1, but_one, ceiling=16_000, attempts=50_000) == [first]
    with socket.socket() as one:
        one.bind(("127.0.0.1", first))
        assert choose_ports("127.0.0.1", 1, but_one, ceiling=16_000, attempts=5_000) == []


@pytest.mark.parametrize(
    ("platform", "read", "first"),
    [
        ("linux", lambda: "32768\t60999\n", 32768),
        ("linux", lambda: "nonsense", 0),
        ("linux", none, 0),
        ("darwin", none, 49152),
        ("win32", none, 49152),
    ],
)
def test_where_the_system_begins(platform: str, read: Callable[[], str], first: int) -> None:
    assert handed_out_from(platform, read) == first


def test_without_a_quiet_range_jupyter_chooses() -> None:
    assert choose_ports("127.0.0.1", 5, ceiling=1024) == []
