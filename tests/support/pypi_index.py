"""A package index in memory: tiny wheels and sdists, pages in JSON and HTML, and the faults that indexes have.

`FakeIndex` answers requests as pairs of path and headers. `IndexFetcher` asks it directly, in the process, and counts;
`serving` puts it on the loopback for a real HTTP client.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
import threading
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import quote, unquote, urlsplit

from pixi_core.errors import HttpStatusError, Offline

HOST = "https://pypi.example"
JSON_TYPE = "application/vnd.pypi.simple.v1+json"

Fault = Literal[
    "no-metadata", "wrong-metadata", "no-range", "truncated", "wrong-hash", "missing", "other-name", "other-version"
]
PageFault = Literal["html", "login-page", "bad-json", "unreachable", "server-error"]


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete HTTP answer, in the shape of the client's."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    url: str = ""


@dataclass(slots=True)
class File:
    """A file of the index. `faults` say how it misbehaves."""

    filename: str
    content: bytes
    metadata: bytes | None
    requires_python: str | None = None
    yanked: str | None = None
    upload_time: str = "2024-01-01T00:00:00Z"
    faults: frozenset[str] = frozenset()

    @property
    def sha256(self) -> str:
        """The digest that pages promise."""
        return hashlib.sha256(self.content + (b"!" if "wrong-hash" in self.faults else b"")).hexdigest()

    @property
    def metadata_sha256(self) -> str:
        """The digest that pages promise of the metadata."""
        return hashlib.sha256(self.metadata or b"").hexdigest()


@dataclass(slots=True)
class FakeIndex:
    """Projects and their files. `page_faults` are per project; `announces` says whether pages promise `.metadata`."""

    base: str = HOST
    announces: bool = False
    projects: dict[str, list[File]] = field(default_factory=dict)
    page_faults: dict[str, PageFault] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The simple API's root."""
        return f"{self.base}/simple"

    def wheel(
        self,
        name: str,
        version: str,
        *requires: str,
        tags: str = "py3-none-any",
        requires_python: str | None = None,
        extras: Sequence[str] = (),
        yanked: str | None = None,
        upload_time: str = "2024-01-01T00:00:00Z",
        summary: str | None = None,
        faults: Sequence[Fault] = (),
    ) -> File:
        """Add a wheel. Raises nothing: what is impossible is left to the code under test."""
        metadata = core_metadata(
            "impostor" if "other-name" in faults else name,
            "99" if "other-version" in faults else version,
            requires,
            requires_python=requires_python,
            extras=extras,
            summary=summary,
        )
        filename = f"{name.replace('-', '_')}-{version}-{tags}.whl"
        file = File(
            filename,
            wheel_bytes(name, version, metadata),
            metadata,
            requires_python,
            yanked,
            upload_time,
            frozenset(faults),
        )
        self.projects.setdefault(name, []).append(file)
        return file

    def sdist(self, name: str, version: str, *requires: str, static: bool = True, faults: Sequence[Fault] = ()) -> File:
        """Add a source distribution, whose `PKG-INFO` is final or not."""
        info = core_metadata(name, version, requires, metadata_version="2.2" if static else "2.1")
        stem = f"{name.replace('-', '_')}-{version}"
        file = File(f"{stem}.tar.gz", sdist_bytes(stem, info), None, faults=frozenset(faults))
        self.projects.setdefault(name, []).append(file)
        return file

    # ---------------------------------------------------------------- answering

    def answer(self, path: str, headers: Mapping[str, str]) -> Answer:
        """What the index says to `GET path`."""
        parts = unquote(path).strip("/").split("/")
        if parts[:1] == ["simple"] and len(parts) == 2:
            return self._page(parts[1], headers)
        if parts == ["simple"]:
            body = json.dumps({"meta": {"api-version": "1.1"}, "projects": [{"name": n} for n in self.projects]})
            return Answer(200, {"Content-Type": JSON_TYPE}, body.encode())
        if parts[:1] == ["files"] and len(parts) == 3:
            return self._file(parts[1], parts[2], headers)
        return _error(404)

    def _page(self, name: str, headers: Mapping[str, str]) -> Answer:
        fault = self.page_faults.get(name)
        if fault == "server-error":
            return _error(500)
        if fault == "login-page":
            return _html("<html><form action='/login'><input name='user'></form><a href='/help'>help</a></html>")
        if fault == "bad-json":
            return Answer(200, {"Content-Type": JSON_TYPE}, b'{"files": [{"filename"')
        if name not in self.projects:
            return _error(404)
        if fault == "html" or "json" not in headers.get("Accept", ""):
            return _html(self._html_page(name))
        entries = [self._entry(name, file) for file in self.projects[name]]
        body = json.dumps({"meta": {"api-version": "1.1"}, "name": name, "files": entries})
        return Answer(200, {"Content-Type": JSON_TYPE}, body.encode())

    def _entry(self, name: str, file: File) -> dict[str, object]:
        return {
            "filename": file.filename,
            "url": self.file_url(name, file),
            "hashes": {"sha256": file.sha256},
            "requires-python": file.requires_python,
            "yanked": file.yanked if file.yanked is not None else False,
            "upload-time": file.upload_time,
            "size": len(file.content),
            **({"core-metadata": {"sha256": file.metadata_sha256}} if self.announces and file.metadata else {}),
        }

    def _html_page(self, name: str) -> str:
        """A PEP 503 page; its links are relative."""
        lines = []
        for file in self.projects[name]:
            python = (
                f' data-requires-python="{file.requires_python.replace(">", "&gt;")}"' if file.requires_python else ""
            )
            yanked = f' data-yanked="{file.yanked}"' if file.yanked is not None else ""
            if self.announces and file.metadata:
                yanked += f' data-core-metadata="sha256={file.metadata_sha256}"'
            url = f"../../files/{name}/{quote(file.filename)}#sha256={file.sha256}"
            lines.append(f'<a href="{url}"{python}{yanked}>{file.filename}</a><br/>')
        return f"<!DOCTYPE html><html><body><h1>Links for {name}</h1>{''.join(lines)}</body></html>"

    def file_url(self, name: str, file: File) -> str:
        """Where a file is."""
        return f"{self.base}/files/{name}/{quote(file.filename)}"

    def _file(self, name: str, filename: str, headers: Mapping[str, str]) -> Answer:
        for file in self.projects.get(name, ()):
            if filename == f"{file.filename}.metadata":
                if file.metadata is None or "no-metadata" in file.faults:
                    return _error(404)
                told = b"Requires-Dist: made-up\n" if "wrong-metadata" in file.faults else b""
                return Answer(200, {"Content-Type": "application/octet-stream"}, told + file.metadata)
            if filename == file.filename:
                return _error(404) if "missing" in file.faults else _content(file, headers.get("Range", ""))
        return _error(404)


def _content(file: File, wanted: str) -> Answer:
    content = file.content[: len(file.content) // 2] if "truncated" in file.faults else file.content
    kind = {"Content-Type": "application/octet-stream"}
    if not wanted or "no-range" in file.faults:
        return Answer(200, kind, content)
    first, _, last = wanted.removeprefix("bytes=").partition("-")
    start = max(0, len(content) - int(last)) if not first else int(first)
    end = len(content) - 1 if not first or not last else min(int(last), len(content) - 1)
    if start > end:
        return _error(416)
    span = f"bytes {start}-{end}/{len(content)}"
    return Answer(206, {**kind, "Content-Range": span}, content[start : end + 1])


def _error(status: int) -> Answer:
    return Answer(status, {"Content-Type": "text/plain"}, f"status {status}".encode())


def _html(text: str) -> Answer:
    return Answer(200, {"Content-Type": "text/html; charset=utf-8"}, text.encode())


# ---------------------------------------------------------------- asking it


@dataclass(slots=True)
class IndexFetcher:
    """The client's two calls, answered by indexes in this process. `requests` lists (path, Range header)."""

    indexes: Sequence[FakeIndex]
    offline: bool = False
    requests: list[tuple[str, str]] = field(default_factory=list)

    def get_bytes(self, url: str, *, headers: Mapping[str, str] | None = None, max_bytes: int | None = None) -> Answer:
        """The whole body."""
        return self._ask(url, headers or {})

    def get_range(
        self, url: str, start: int | None = None, end: int | None = None, *, suffix: int | None = None
    ) -> Answer:
        """A part of the body."""
        wanted = f"bytes=-{suffix}" if suffix is not None else f"bytes={start}-{end}"
        return self._ask(url, {"Range": wanted})

    def _ask(self, url: str, headers: Mapping[str, str]) -> Answer:
        self.requests.append((urlsplit(url).path, headers.get("Range", "")))
        index = next((index for index in self.indexes if url.startswith(index.base + "/")), None)
        if self.offline or index is None:
            raise Offline(f"no server answers at {url}", url=url)
        path = urlsplit(url).path
        if index.page_faults.get(path.strip("/").rpartition("/")[2]) == "unreachable":
            raise Offline(f"no server answers at {url}", url=url)
        answer = index.answer(path, headers)
        if answer.status >= 400:
            raise HttpStatusError(f"{url} answered {answer.status}", url=url, status=answer.status)
        return Answer(answer.status, answer.headers, answer.content, url)

    def paths(self, ending: str = "") -> list[str]:
        """The paths asked for, those with an ending only."""
        return [path for path, _ in self.requests if path.endswith(ending)]


@contextmanager
def serving(index: FakeIndex) -> Iterator[FakeIndex]:
    """The index on the loopback; its `base` is the server's address for the time being."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            headers = {key.title(): value for key, value in self.headers.items()}
            answer = index.answer(urlsplit(self.path).path, headers)
            self.send_response(answer.status)
            for key, value in answer.headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    before, index.base = index.base, f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield index
    finally:
        index.base = before
        server.shutdown()
        thread.join()
        server.server_close()


# ---------------------------------------------------------------- making files


def core_metadata(
    name: str,
    version: str,
    requires: Sequence[str] = (),
    *,
    requires_python: str | None = None,
    extras: Sequence[str] = (),
    metadata_version: str = "2.1",
    summary: str | None = None,
) -> bytes:
    """The bytes of a `METADATA` or `PKG-INFO`."""
    lines = [f"Metadata-Version: {metadata_version}", f"Name: {name}", f"Version: {version}"]
    lines += [f"Summary: {summary}"] if summary else []
    lines += [f"Requires-Python: {requires_python}"] if requires_python else []
    lines += [f"Provides-Extra: {extra}" for extra in extras]
    lines += [f"Requires-Dist: {line}" for line in requires]
    return ("\n".join(lines) + "\n\nA description: with a colon\n").encode()


def wheel_bytes(
    name: str, version: str, metadata: bytes, *, modules: Mapping[str, str] | None = None, padding: int = 0
) -> bytes:
    """A small wheel. `padding` bytes that do not compress stand before everything else."""
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    files: dict[str, bytes] = {}
    if padding:
        files[f"{module}/data.bin"] = hashlib.shake_256(name.encode()).digest(padding)
    files |= {
        path: text.encode() for path, text in (modules or {f"{module}/__init__.py": f"version = {version!r}\n"}).items()
    }
    files[f"{info}/METADATA"] = metadata
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    record = [
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b'=').decode()},{len(content)}"
        for path, content in files.items()
    ]
    files[f"{info}/RECORD"] = ("\n".join([*record, f"{info}/RECORD,,"]) + "\n").encode()
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(zipfile.ZipInfo(path, (2024, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def sdist_bytes(stem: str, info: bytes, files: Mapping[str, str] | None = None) -> bytes:
    """A small `.tar.gz` with `PKG-INFO` and what else is given."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        for path, content in {"PKG-INFO": info, **{p: t.encode() for p, t in (files or {}).items()}}.items():
            member = tarfile.TarInfo(f"{stem}/{path}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return target.getvalue()
