"""Where the metadata of a file comes from, cheapest first: its `.metadata` twin, the end of the wheel, all of it.

The default index answers `<file>.metadata` for most wheels without saying so in its pages, so it is always tried.
"""

from __future__ import annotations

import hashlib
import io
import re
from contextlib import suppress

from ..errors import ArchiveError, HashMismatch, HttpStatusError
from ..model.channel import path_of_file_url
from .fetcher import Fetcher, Response, header
from .metadata import METADATA_LIMIT, CoreMetadata, metadata_from_tail, parse_core_metadata
from .simple import IndexFile

TAIL = 48 * 1024
"""Enough for the zip directory of most wheels and the metadata before it: a request costs more than bytes."""
LARGE = 64 * 1024 * 1024
SDIST_LIMIT = 2 * 1024 * 1024 * 1024
_CONTENT_RANGE = re.compile(r"bytes\s+(\d+)-(\d+)/(\d+)", re.IGNORECASE)


def likely_without_twin(file: IndexFile, today: str) -> bool:
    """Whether to begin with the end of the wheel: where the page does not announce the twin and the file is young (of
    those, the default index has a twin for one in three), unless a server that ignores ranges would send much.
    `today` is an ISO date.
    """
    if file.announced or file.upload_time is None or (file.size or 0) > LARGE:
        return False
    return file.upload_time[:10] > f"{int(today[:4]) - 1}{today[4:10]}"


def fetch_metadata(client: Fetcher, file: IndexFile, *, end_first: bool = False) -> CoreMetadata:
    """The metadata of a wheel; `end_first` says which of the two cheap ways is tried first.

    Raises `ArchiveError` for files that cannot be used, `HashMismatch` where a whole file was read and is not the
    promised one, `NetworkError`.
    """
    if file.url.startswith("file:"):
        with open(path_of_file_url(file.url), "rb") as handle:
            return parse_core_metadata(wheel_metadata(handle.read(), file.filename), what=file.filename)
    first, second = (_from_end, _twin) if end_first else (_twin, _from_end)
    content = first(client, file) or second(client, file) or wheel_metadata(whole_file(client, file), file.filename)
    return parse_core_metadata(content, what=file.filename)


def _twin(client: Fetcher, file: IndexFile) -> bytes | None:
    """`<file>.metadata` (PEP 658); None where there is none, or not the promised one: the wheel itself then tells."""
    try:
        content = client.get_bytes(file.url + ".metadata", max_bytes=METADATA_LIMIT).content
    except HttpStatusError as error:
        if error.status in (401, 403, 404, 405, 410):
            return None
        raise
    promised = file.metadata_sha256
    if promised is not None and hashlib.sha256(content).hexdigest() != promised.lower():
        return None
    return content if b"Metadata-Version" in content[:4096] else None


def _from_end(client: Fetcher, file: IndexFile) -> bytes | None:
    """`METADATA` by range requests on the zip directory; None where the server or the archive does not play along."""
    try:
        response = client.get_range(file.url, suffix=TAIL)
    except HttpStatusError as error:
        if error.status in (416, 501):
            return None
        raise
    if response.status == 200:
        # the server ignored the range and sent everything
        _verify(response.content, file)
        return wheel_metadata(response.content, file.filename)
    total = _total(response)
    if total is None:
        return None

    def read(start: int, end: int) -> bytes:
        return client.get_range(file.url, start, end - 1).content

    return metadata_from_tail(response.content, total, read, what=file.filename)


def _total(response: Response) -> int | None:
    match = _CONTENT_RANGE.match(header(response, "content-range"))
    return int(match[3]) if match else None


def whole_file(client: Fetcher, file: IndexFile) -> bytes:
    """All bytes of a file, verified where its digest is known. Raises `HashMismatch`, `NetworkError`."""
    if file.url.startswith("file:"):
        with open(path_of_file_url(file.url), "rb") as handle:
            content = handle.read()
    else:
        content = client.get_bytes(file.url, max_bytes=SDIST_LIMIT).content
    _verify(content, file)
    return content


def _verify(content: bytes, file: IndexFile) -> None:
    if file.sha256 is not None:
        actual = hashlib.sha256(content).hexdigest()
        if actual != file.sha256.lower():
            raise HashMismatch(file.filename, expected=file.sha256.lower(), actual=actual)


# ---------------------------------------------------------------- whole archives in memory


def wheel_metadata(content: bytes, what: str) -> bytes:
    """`METADATA` of a complete wheel. Raises `ArchiveError`."""
    import zipfile  # lazy: hardly ever needed

    found = metadata_from_tail(content, len(content), lambda start, end: content[start:end], what=what)
    if found is not None:
        return found
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                if name.endswith(".dist-info/METADATA") and name.count("/") == 1:
                    with archive.open(name) as member:
                        return member.read(METADATA_LIMIT)
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise ArchiveError(f"{what} is not a valid wheel: {error}") from None
    raise ArchiveError(f"{what} has no METADATA in a .dist-info folder")


def sdist_metadata(content: bytes, what: str) -> CoreMetadata:
    """The `PKG-INFO` at the top of a source distribution. Raises `ArchiveError`."""
    found = _zip_member(content, what) if what.endswith(".zip") else _tar_member(content, what)
    if found is None:
        raise ArchiveError(f"{what} has no PKG-INFO at its top")
    return parse_core_metadata(found, what=what)


def _tar_member(content: bytes, what: str) -> bytes | None:
    """Read one member without unpacking anything."""
    import tarfile  # lazy: only sdists

    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:*") as archive:
            for member in archive:
                if member.isreg() and member.name.removeprefix("./").count("/") == 1 and _is_info(member.name):
                    with suppress(KeyError):
                        handle = archive.extractfile(member)
                        return handle.read(METADATA_LIMIT) if handle is not None else None
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ArchiveError(f"{what} is not a readable source distribution: {error}") from None
    return None


def _zip_member(content: bytes, what: str) -> bytes | None:
    import zipfile  # lazy: only zipped sdists

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                if name.count("/") == 1 and _is_info(name):
                    with archive.open(name) as member:
                        return member.read(METADATA_LIMIT)
    except (zipfile.BadZipFile, NotImplementedError, OSError) as error:
        raise ArchiveError(f"{what} is not a readable source distribution: {error}") from None
    return None


def _is_info(name: str) -> bool:
    return name.rpartition("/")[2] == "PKG-INFO"
