"""Locations of a lock file as sources that can be built."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from ..errors import BuildError
from ..model.channel import path_of_file_url
from ..model.pypi_requirement import GitSource
from ..model.record import PypiRecord
from ..names import pypi_name, safe_component
from ..pypi.build import SourceTree
from ..pypi.simple import IndexFile

if TYPE_CHECKING:
    from .tools import BuildTools


def source_of(record: PypiRecord, tools: BuildTools, *, editable: bool = False) -> SourceTree:
    """The source that a record locks; nothing is fetched yet. Raises `BuildError` where it cannot be had."""
    name = pypi_name(record.name)
    if record.location.startswith("git+"):
        return _repository(record, tools)
    location, _, fragment = record.location.removeprefix("direct+").partition("#")
    subdirectory = dict(parse_qsl(fragment)).get("subdirectory")
    if location.startswith(("http://", "https://")):
        return _archive(record, location, subdirectory, tools)
    path = Path(path_of_file_url(location)) if location.startswith("file:") else tools.root / location
    if path.is_dir():
        return SourceTree(path, f"{name} from {location}", name, subdirectory, editable)
    try:
        digest = record.sha256 or hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise BuildError(f"{record} is locked at {path}, which cannot be read: {error.strerror}") from None
    return SourceTree(path, f"{record}", name, subdirectory, digest=digest)


def _archive(record: PypiRecord, url: str, subdirectory: str | None, tools: BuildTools) -> SourceTree:
    """An sdist at a URL, to be downloaded beside those that the resolver has read."""
    if record.sha256 is None:
        raise BuildError(f"{record} from {url} has no sha256 in the lock file", hints=["run `pixi lock`"])
    file = IndexFile(filename=record.file_name, url=url, version=record.version or "", tags="", sha256=record.sha256)
    path = tools.index.archives / record.sha256 / safe_component(file.filename, what="the name of a distribution")
    name = pypi_name(record.name)
    return SourceTree(
        path, str(record), name, subdirectory, digest=record.sha256, fetch=lambda: tools.index.archive(file)
    )


def _repository(record: PypiRecord, tools: BuildTools) -> SourceTree:
    source = git_source(record.location)
    if tools.checkout is None or source.rev is None:
        raise BuildError(f"{record.name} is locked at {record.location}, which cannot be fetched here")
    commit, folder = tools.checkout(source)
    name, digest = pypi_name(record.name), source.content(commit)
    return SourceTree(folder, f"{name} at {commit[:12]}", name, source.subdirectory, digest=digest)


def git_source(location: str) -> GitSource:
    """The repository of a location `git+URL?…#<commit>`, at just that commit."""
    parts = urlsplit(location.removeprefix("git+"))
    query = dict(parse_qsl(parts.query))
    url = urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
    commit = parts.fragment.partition("&")[0] or None
    return GitSource(url, rev=commit, subdirectory=query.get("subdirectory"), lfs=query.get("lfs") == "true")
