"""A proxy on loopback: forwards plain requests, tunnels the others, and may ask who is there. Misbehaves on request."""

from __future__ import annotations

import base64
import contextlib
import http.client
import http.server
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

TUNNEL_SECONDS = 10.0


class Proxy:
    """What was asked for. `user` (name, password) must be shown; `silent`: takes connections and says nothing."""

    def __init__(self) -> None:
        self.user: tuple[str, str] | None = None
        self.silent = False
        self.seen: list[str] = []
        self.forwarded: list[dict[str, str]] = []
        self.url = ""
        self.ended = threading.Event()

    def with_user(self, user: str, password: str) -> str:
        """The proxy's URL with credentials in it."""
        return self.url.replace("//", f"//{user}:{password}@")

    def lets_in(self, shown: str | None) -> bool:
        """Whether a `Proxy-Authorization` header is the right one."""
        if self.user is None:
            return True
        return shown == "Basic " + base64.b64encode(":".join(self.user).encode()).decode()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: Proxy

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class names it so
        """Nothing."""

    def _enters(self) -> bool:
        self.owner.seen.append(f"{self.command} {self.path}")
        if self.owner.silent:
            self.owner.ended.wait(30)
            self.close_connection = True
            return False
        if not self.owner.lets_in(self.headers.get("Proxy-Authorization")):
            self.send_response(407)
            self.send_header("Proxy-Authenticate", 'Basic realm="proxy"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return False
        return True

    def do_GET(self) -> None:
        if not self._enters():
            return
        parts = urlsplit(self.path)
        headers = {name: value for name, value in self.headers.items() if not name.lower().startswith("proxy-")}
        self.owner.forwarded.append(headers)
        try:
            with contextlib.closing(http.client.HTTPConnection(parts.netloc, timeout=5)) as upstream:
                upstream.request("GET", parts.path, headers=headers)
                answer = upstream.getresponse()
                content = answer.read()
        except OSError:
            self.send_error(502)
            return
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection"):
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def do_CONNECT(self) -> None:
        if not self._enters():
            return
        host, _, port = self.path.rpartition(":")
        try:
            upstream = socket.create_connection((host.strip("[]"), int(port)), timeout=5)
        except OSError:
            self.send_error(502)
            return
        self.send_response(200)
        self.end_headers()
        with upstream:
            _copy_both(self.connection, upstream)
        self.close_connection = True


def _copy_both(one: socket.socket, other: socket.socket) -> None:
    while True:
        ready, _, _ = select.select([one, other], [], [], TUNNEL_SECONDS)
        if not ready:
            return
        for source in ready:
            content = source.recv(65536)
            if not content:
                return
            (other if source is one else one).sendall(content)


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news."""


@contextmanager
def proxying() -> Iterator[Proxy]:
    """A proxy on a free port of 127.0.0.1."""
    owner = Proxy()
    handler = type("Handler", (_Handler,), {"owner": owner})
    with _Server(("127.0.0.1", 0), handler) as server:
        owner.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield owner
        finally:
            owner.ended.set()
            server.shutdown()
            thread.join()
