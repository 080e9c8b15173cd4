"""A folder over HTTP on loopback, for as long as a `with` block lasts."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # the base class names it so
        """Nothing: test output is for tests."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The URL of a server of `folder`, on a free port of 127.0.0.1."""

    def handler(*arguments: object) -> QuietHandler:
        return QuietHandler(*arguments, directory=str(folder))  # type: ignore[arg-type]  # the server passes them through

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
