"""A folder of archives over HTTP: its indexes and packages, and nothing else that may lie in it."""

from __future__ import annotations

import http.server
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..model.record import EXTENSIONS

if TYPE_CHECKING:
    import io
    from typing import BinaryIO

_SERVED = (*EXTENSIONS, ".json", ".json.zst", ".json.bz2", ".msgpack.zst")


class _Files(http.server.SimpleHTTPRequestHandler):
    """Indexes, shards and archives; no listings, no hidden files."""

    protocol_version = "HTTP/1.1"

    def send_head(self) -> io.BytesIO | BinaryIO | None:
        path = Path(self.translate_path(self.path))
        hidden = any(part.startswith(".") for part in path.relative_to(self.directory).parts)
        if hidden or not path.name.endswith(_SERVED) or not path.is_file():
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        return super().send_head()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing: the client tells its user what it fetches."""


class ChannelServer(http.server.ThreadingHTTPServer):
    """`folder` as a channel at `url`. Port 0 takes a free one; `serve_forever` serves until interrupted."""

    daemon_threads = True

    def __init__(self, folder: Path, host: str, port: int) -> None:
        super().__init__((host, port), partial(_Files, directory=str(folder)))

    @property
    def url(self) -> str:
        """The channel's address."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"
