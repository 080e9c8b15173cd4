"""`direct_url.json` (PEP 610): where a distribution came from that no index gave.

The location of a lock file record (`direct+https://…`, `git+https://…?rev=…#commit`, a path) says it all but one
thing: whether a folder is installed editable, which the caller knows from the manifest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

from ..model.channel import without_credentials
from ..model.record import PypiRecord

_COMMIT = re.compile(r"[0-9a-f]{7,64}\Z")
_ARCHIVES = (".whl", ".tar.gz", ".zip", ".tar.bz2", ".tar.xz", ".tgz")


def direct_url_of(record: PypiRecord, *, editable: bool = False) -> dict[str, Any] | None:
    """The content of `direct_url.json`; None for a file from an index."""
    location = record.location
    if location.startswith("git+"):
        return _git(location)
    if location.startswith("direct+"):
        return _archive(location.removeprefix("direct+"), record)
    if location.startswith(("http://", "https://")):
        return None
    # a local file that an index (a folder of wheels) lists is an index file all the same
    if record.index is not None:
        return None
    url = location if location.startswith("file:") else _path_url(location)
    if record.file_name.endswith(_ARCHIVES):
        return _archive(url, record)
    return {"url": url, "dir_info": {"editable": True} if editable else {}}


def same_source(installed: Mapping[str, Any] | None, wanted: Mapping[str, Any] | None) -> bool:
    """Whether two of them mean the same source. The spelling of local paths is not compared: a lock file may write
    them relative to the workspace.
    """
    if installed is None or wanted is None:
        return installed is None and wanted is None
    if ("dir_info" in installed) or ("dir_info" in wanted):
        return "dir_info" in installed and "dir_info" in wanted
    if "vcs_info" in wanted:
        before, now = installed.get("vcs_info") or {}, wanted["vcs_info"]
        same = all(before.get(key) == now.get(key) for key in ("commit_id", "git_lfs"))
        return same and all(installed.get(key) == wanted.get(key) for key in ("url", "subdirectory"))
    before, now = ((origin.get("archive_info") or {}).get("hashes") or {} for origin in (installed, wanted))
    other = "sha256" in before and "sha256" in now and before["sha256"] != now["sha256"]
    return not other and bool(installed.get("url") == wanted.get("url"))


def _git(location: str) -> dict[str, Any]:
    parts = urlsplit(location.removeprefix("git+"))
    query = {key: values[0] for key, values in parse_qs(parts.query).items()}
    commit = parts.fragment.partition("&")[0]
    path, _, at = parts.path.rpartition("@")
    if not path:
        path, at = parts.path, ""
    url = without_credentials(urlunsplit((parts.scheme, parts.netloc, path, "", "")))
    info: dict[str, Any] = {"vcs": "git"}
    requested = query.get("rev") or query.get("tag") or query.get("branch") or (at if not _COMMIT.match(at) else "")
    if requested:
        info["requested_revision"] = requested
    info["commit_id"] = commit if _COMMIT.match(commit) else at
    if query.get("lfs") == "true":
        info["git_lfs"] = True  # as uv writes it
    found: dict[str, Any] = {"url": url, "vcs_info": info}
    if "subdirectory" in query:
        found["subdirectory"] = query["subdirectory"]
    return found


def _archive(url: str, record: PypiRecord) -> dict[str, Any]:
    info: dict[str, Any] = {}
    if record.sha256:
        info = {"hash": f"sha256={record.sha256}", "hashes": {"sha256": record.sha256}}
    return {"url": without_credentials(url.split("#", 1)[0]), "archive_info": info}


def _path_url(location: str) -> str:
    import os
    from pathlib import Path

    from ..model.channel import file_url

    return file_url(Path(os.path.abspath(location)))
