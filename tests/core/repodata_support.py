"""A loopback channel server, the plainest client for it, and writers of index files."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgpack
import zstandard

from pixi_core.errors import HttpStatusError, NetworkError
from pixi_core.model.record import RepoDataRecord, record_to_repodata
from pixi_core.progress import Phase


@dataclass
class Site:
    """What a server has (path → body), what it was asked, and how it answers."""

    files: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[str, int]] = field(default_factory=list)
    url: str = ""


@contextmanager
def served(site: Site) -> Iterator[Site]:
    """The site on a free port of 127.0.0.1, with ETags."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = site.files.get(self.path)
            tag = f'"{sha256(body).hexdigest()[:16]}"' if body is not None else ""
            status = 404 if body is None else 304 if self.headers.get("If-None-Match") == tag else 200
            site.requests.append((self.path, status))
            self.send_response(status)
            for key, value in {**site.headers, "ETag": tag}.items():
                self.send_header(key, value)
            sent = body if status == 200 and body is not None else b""
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(frozen=True)
class Answer:
    """A response."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class PlainClient:
    """`repodata.fetch.Fetcher` by the standard library."""

    def get_bytes(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
        phase: Phase | None = None,
    ) -> Answer:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers=dict(headers or {})), timeout=10) as got:
                return Answer(got.status, {k.lower(): v for k, v in got.headers.items()}, got.read())
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 304:
                    return Answer(304, {k.lower(): v for k, v in error.headers.items()}, b"")
            raise HttpStatusError(f"{url}: {error.code}", url=url, status=error.code) from None
        except OSError as error:
            raise NetworkError(f"{url}: {error}", url=url) from None


def repodata_json(records: Sequence[RepoDataRecord], subdir: str, *, base_url: str | None = None) -> bytes:
    """A repodata.json of the records of one subdir."""
    chosen = [r for r in records if r.subdir == subdir]
    info: dict[str, Any] = {"subdir": subdir} | ({"base_url": base_url} if base_url else {})
    return json.dumps(
        {
            "info": info,
            "packages": {r.file_name: record_to_repodata(r) for r in chosen if r.file_name.endswith(".bz2")},
            "packages.conda": {r.file_name: record_to_repodata(r) for r in chosen if r.file_name.endswith(".conda")},
            "repodata_version": 1,
        }
    ).encode()


def sharded(records: Sequence[RepoDataRecord], subdir: str, *, shards_base_url: str = "./shards/") -> dict[str, bytes]:
    """Sharded repodata of one subdir: path below the subdir → content."""
    by_name: dict[str, dict[str, Any]] = {}
    for r in records:
        if r.subdir == subdir:
            entry = record_to_repodata(r)
            if r.sha256:
                entry["sha256"] = bytes.fromhex(r.sha256)
            shard = by_name.setdefault(r.name, {"packages": {}, "packages.conda": {}, "removed": []})
            shard["packages.conda" if r.file_name.endswith(".conda") else "packages"][r.file_name] = entry
    files: dict[str, bytes] = {}
    digests: dict[str, bytes] = {}
    for name, shard in by_name.items():
        content = zstandard.compress(msgpack.packb(shard))
        digest = sha256(content)
        digests[name] = digest.digest()
        files[f"shards/{digest.hexdigest()}.msgpack.zst"] = content
    info = {"subdir": subdir, "base_url": "", "shards_base_url": shards_base_url, "created_at": "2026-01-01T00:00:00Z"}
    index = {"version": 1, "info": info, "shards": digests}
    files["repodata_shards.msgpack.zst"] = zstandard.compress(msgpack.packb(index))
    return files
