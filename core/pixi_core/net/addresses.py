"""The addresses of hosts, looked up once for many connections.

Every new connection asks for the address of its host. A burst of them is a burst of questions to a name server that may
drop some, and whoever gets no answer asks again after five seconds: that was half of the time of a large resolution.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

import httpcore

LIFETIME = 60.0
"""Seconds for which an answer is believed; whoever moves a service keeps the old place alive for longer."""


@dataclass(slots=True)
class _Host:
    """What is known of a host; whoever asks holds the lock, and the others wait for the same answer."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    addresses: list[str] = field(default_factory=list)
    until: float = 0.0


class RememberedAddresses(httpcore.NetworkBackend):
    """Connects like the library, to addresses that are remembered. Safe to use from many threads."""

    def __init__(self) -> None:
        self._backend = httpcore.SyncBackend()
        self._guard = threading.Lock()
        self._hosts: dict[str, _Host] = {}

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers. Raises `httpcore.ConnectError`, `httpcore.ConnectTimeout`."""
        with self._guard:
            known = self._hosts.setdefault(host, _Host())
        failure: Exception | None = None
        for address in self._addresses(known, host, port):
            try:
                stream = self._backend.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                self._prefer(known, address)
                return stream
        known.until = 0.0  # it may have moved
        raise failure or httpcore.ConnectError(f"{host} has no address")

    def _addresses(self, known: _Host, host: str, port: int) -> list[str]:
        with known.lock:
            if time.monotonic() >= known.until:
                try:
                    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
                except OSError as error:
                    raise httpcore.ConnectError(str(error)) from error
                known.addresses = list(dict.fromkeys(str(place[0]) for *_, place in found))
                known.until = time.monotonic() + LIFETIME
            return list(known.addresses)

    def _prefer(self, known: _Host, address: str) -> None:
        """The next connection begins with the address that answered."""
        with known.lock:
            if address in known.addresses[1:]:
                known.addresses.remove(address)
                known.addresses.insert(0, address)

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None
    ) -> httpcore.NetworkStream:
        """As the library does."""
        return self._backend.connect_unix_socket(path, timeout, socket_options)

    def sleep(self, seconds: float) -> None:
        """As the library does."""
        self._backend.sleep(seconds)
