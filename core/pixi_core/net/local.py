"""`file://` URLs, answered from disk as a server would."""

from __future__ import annotations

from pathlib import Path

from ..errors import HttpStatusError, NetworkError
from ..model.channel import path_of_file_url


def local_path(url: str) -> Path:
    """The path of a `file://` URL. Raises `NetworkError` when it names another machine."""
    host = url[len("file://") :].partition("/")[0]
    if host not in ("", "localhost"):
        raise NetworkError(f"{url} names a file of another machine", url=url, hints=["write file:///path"])
    return Path(path_of_file_url(url))


def opening_failed(error: OSError, url: str, path: Path) -> NetworkError:
    """An error of the file system as a server's answer: 404 for what is not there, 403 for what may not be read."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return HttpStatusError(f"{path} does not exist", url=url, status=404)
    if isinstance(error, PermissionError | IsADirectoryError):
        return HttpStatusError(f"{path} cannot be read: {error.strerror}", url=url, status=403)
    return NetworkError(f"{path} cannot be read: {error.strerror}", url=url)
