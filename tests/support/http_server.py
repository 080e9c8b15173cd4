"""A loopback server that misbehaves on request: every fault of a network, one at a time, counted.

    with serving({"/a.bin": b"…"}) as server:
        server.faults["/a.bin"] = [Fault(status=503), Fault(cut=10)]   # the first answers, then it behaves
        Client(...).get_bytes(server.url + "/a.bin")
        assert server.count("/a.bin") == 3

It stops with the `with` block. Threads that stall on purpose are woken by its end.
"""

from __future__ import annotations

import gzip
import http.server
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Fault:
    """One misbehaviour. `cut`: the connection ends after so many bytes of the body (`reset` hard, else politely).
    `extra`: bytes behind the body, counted in its length. `flip`: a bit of that byte is turned. `stall`: nothing more
    after so many bytes, until the server ends. `short`: the length header tells only that many bytes, and no more
    come.
    `wrong_range`: another part than was asked for. `ranges`: False ignores ranges. `pace`: so many seconds between
    pieces of 1 KB.
    """

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    cut: int | None = None
    reset: bool = False
    extra: bytes = b""
    flip: int | None = None
    stall: int | None = None
    short: int | None = None
    wrong_range: bool = False
    ranges: bool = True
    wrong_gzip: bool = False
    pace: float | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it arrived; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer that a test's own server gives."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Answerer = Callable[[Seen], "Answered | None"]
"""Decides about a request; None leaves it to the files."""


class FaultServer:
    """What is served, what goes wrong, and what was asked for."""

    def __init__(self, files: Mapping[str, bytes], answer: Answerer | None = None) -> None:
        self.files = dict(files)
        self.answer = answer
        self.faults: dict[str, list[Fault]] = {}
        self.always: dict[str, Fault] = {}
        self.authorization: dict[str, str] = {}
        self.headers: dict[str, Mapping[str, str]] = {}
        self.seen: list[Seen] = []
        self.url = ""
        self.ended = threading.Event()
        self.at_once = 0
        self.most_at_once = 0
        self._guard = threading.Lock()

    def count(self, path: str | None = None) -> int:
        """How many requests there were (for a path)."""
        return sum(path is None or one.path == path for one in self.seen)

    def next_fault(self, path: str) -> Fault:
        """The misbehaviour for the next request of a path."""
        with self._guard:
            waiting = self.faults.get(path)
            return waiting.pop(0) if waiting else self.always.get(path, Fault())

    def enter(self, seen: Seen) -> None:
        """A request begins."""
        with self._guard:
            self.seen.append(seen)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)

    def leave(self) -> None:
        """A request has ended."""
        with self._guard:
            self.at_once -= 1


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    owner: FaultServer

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class names it so
        """Nothing."""

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def _answer(self) -> None:
        owner, path = self.owner, self.path
        headers = {name.lower(): value for name, value in self.headers.items()}
        seen = Seen(self.command, path, headers)
        owner.enter(seen)
        try:
            own = owner.answer(seen) if owner.answer is not None and path not in owner.faults | owner.always else None
            if own is not None:
                self._send(own.status, own.headers, own.body)
                return
            wanted = next((v for prefix, v in owner.authorization.items() if path.startswith(prefix)), None)
            if wanted is not None and headers.get("authorization") != wanted:
                self._send(401, {}, b"who are you")
                return
            self._serve(path, headers, owner.next_fault(path))
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            owner.leave()

    def _serve(self, path: str, headers: Mapping[str, str], fault: Fault) -> None:
        if fault.status is not None and fault.body is None:
            self._send(fault.status, fault.headers, b"")
            return
        content = fault.body if fault.body is not None else self.owner.files.get(path)
        if content is None:
            self._send(404, {}, b"not here")
            return
        status, told = fault.status or 200, {**self.owner.headers.get(path, {}), **fault.headers}
        if status == 200 and "range" in headers and fault.ranges:
            status, content = self._part(content, headers["range"], told, fault)
        self._send(status, told, content, fault)

    @staticmethod
    def _part(content: bytes, wanted: str, told: dict[str, str], fault: Fault) -> tuple[int, bytes]:
        match = re.match(r"bytes=(\d*)-(\d*)\Z", wanted)
        assert match is not None
        total = len(content)
        if match[1]:
            first, last = int(match[1]), min(total - 1, int(match[2] or total - 1))
        else:
            first, last = max(0, total - int(match[2])), total - 1
        if first > last:
            told["Content-Range"] = f"bytes */{total}"
            return 416, b""
        if fault.wrong_range:
            first = max(0, first - 1)
        told["Content-Range"] = f"bytes {first}-{last}/{total}"
        return 206, content[first : last + 1]

    def _send(self, status: int, headers: Mapping[str, str], content: bytes, fault: Fault | None = None) -> None:
        fault = fault or Fault()
        if fault.flip is not None and fault.flip < len(content):
            content = content[: fault.flip] + bytes([content[fault.flip] ^ 1]) + content[fault.flip + 1 :]
        content += fault.extra
        if fault.short is not None:
            content = content[: fault.short]
        told = dict(headers)
        if fault.wrong_gzip:
            told["Content-Encoding"] = "gzip"
            content = gzip.compress(content)[:-6] + b"xxxxxx"
        self.send_response(status)
        for name, value in told.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if fault.stall is not None:
            self.wfile.write(content[: fault.stall])
            self.wfile.flush()
            self.owner.ended.wait(30)
            self.close_connection = True
        elif fault.cut is not None:
            self.wfile.write(content[: fault.cut])
            self.wfile.flush()
            self.close_connection = True
            if fault.reset:
                # no lingering: the peer sees a reset instead of an end
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif fault.pace is not None:
            for start in range(0, len(content), 1024):
                self.wfile.write(content[start : start + 1024])
                self.owner.ended.wait(fault.pace)
        else:
            self.wfile.write(content)


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news."""


@contextmanager
def serving(
    files: Mapping[str, bytes], *, answer: Answerer | None = None, tls: ssl.SSLContext | None = None
) -> Iterator[FaultServer]:
    """A server on a free port of 127.0.0.1, for as long as the block lasts; over TLS with a context for servers."""
    owner = FaultServer(files, answer)
    handler = type("Handler", (_Handler,), {"owner": owner})
    with _Server(("127.0.0.1", 0), handler) as server:
        owner.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
        if tls is not None:
            # the handshake happens in the thread of the connection, where a client that gives up does no harm
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield owner
        finally:
            owner.ended.set()
            server.shutdown()
            thread.join()


def files_of(folder: Path, pattern: str = "*.*") -> dict[str, bytes]:
    """What a server of a folder serves: its files by path, as `serving` takes them."""
    return {f"/{path.relative_to(folder).as_posix()}": path.read_bytes() for path in folder.rglob(pattern)}
