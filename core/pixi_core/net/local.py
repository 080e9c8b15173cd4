"""`file://` URLs, answered from disk as a server would."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ..errors import HttpStatusError, NetworkError
from ..model.channel import path_of_file_url

if TYPE_CHECKING:
    from .answers import Response


def local_path(url: str) -> Path:
    """The path of a `file://` URL. Raises `NetworkError` when it names another machine."""
    host = url[len("file://") :].partition("/")[0]
    if host not in ("", "localhost"):
        raise NetworkError(f"{url} names a file of another machine", url=url, hints=["write file:///path"])
    return Path(path_of_file_url(url))


def opened(url: str) -> BinaryIO:
    """The file of a `file://` URL; close it. Raises `HttpStatusError` (404, 403), `NetworkError`."""
    path = local_path(url)
    try:
        return open(path, "rb")
    except OSError as error:
        raise _failed(error, url, path) from None


def _failed(error: OSError, url: str, path: Path) -> NetworkError:
    """An error of the file system as a server's answer: 404 for what is not there, 403 for what may not be read."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return HttpStatusError(f"{path} does not exist", url=url, status=404)
    if isinstance(error, PermissionError | IsADirectoryError):
        return HttpStatusError(f"{path} cannot be read: {error.strerror}", url=url, status=403)
    return NetworkError(f"{path} cannot be read: {error.strerror}", url=url)


def read_file(url: str, max_bytes: int | None = None) -> Response:
    """Everything, as status 200."""
    from .answers import Response, too_long

    with opened(url) as file:
        content = file.read() if max_bytes is None else file.read(max_bytes + 1)
    if max_bytes is not None and len(content) > max_bytes:
        raise too_long(url, max_bytes)
    return Response(200, {"content-length": str(len(content))}, content, url)


def read_head(url: str) -> Response:
    """The size, as headers."""
    from .answers import Response

    with opened(url) as file:
        size = file.seek(0, 2)
    return Response(200, {"content-length": str(size), "accept-ranges": "bytes"}, b"", url)


def read_part(url: str, start: int | None, end: int | None, suffix: int | None) -> Response:
    """Bytes `start..end` (both included) or the last `suffix` bytes, as status 206."""
    from .answers import Response

    with opened(url) as file:
        total = file.seek(0, 2)
        first = max(0, total - suffix) if suffix is not None else start or 0
        last = total - 1 if end is None else min(end, total - 1)
        if first > last:
            raise HttpStatusError(f"{local_path(url)} has only {total} bytes", url=url, status=416)
        file.seek(first)
        content = file.read(last - first + 1)
    return Response(206, {"content-range": f"bytes {first}-{last}/{total}"}, content, url)
