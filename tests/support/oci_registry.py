"""A registry for containers on loopback that holds a conda channel: manifests by tag, blobs by digest, and tokens that
it lends after a challenge. Written from the OCI distribution specification.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.support.http_server import Answered, FaultServer, Seen, serving

_PATH = re.compile(r"/v2/(.+)/(manifests|blobs)/([^/]+)\Z")
_MEDIA_TYPES = {".conda": "application/vnd.conda.package.v2", ".tar.bz2": "application/vnd.conda.package.v1"}
_INDEX = "application/vnd.conda.repodata.v1+json"


class Registry:
    """Repositories by name, each with layers by tag. `user` is who gets tokens: None means everybody.
    `token` is the one that is good now.
    """

    def __init__(self) -> None:
        self.manifests: dict[tuple[str, str], bytes] = {}
        self.blobs: dict[str, bytes] = {}
        self.user: tuple[str, str] | None = None
        self.challenge = "bearer"
        self.realm: str | None = None
        self.token = "token-1"
        self.server = FaultServer({})

    @property
    def url(self) -> str:
        """The channel `forge` of this registry."""
        return self.server.url.replace("http://", "oci://") + "/mirror/forge"

    def push(self, repository: str, tag: str, layers: dict[str, bytes]) -> None:
        """Store an artifact: media type → content."""
        described = []
        for media_type, content in layers.items():
            digest = "sha256:" + hashlib.sha256(content).hexdigest()
            self.blobs[digest] = content
            described.append({"mediaType": media_type, "digest": digest, "size": len(content)})
        self.manifests[repository, tag] = json.dumps({"schemaVersion": 2, "layers": described}).encode()

    def push_channel(self, folder: Path, channel: str = "mirror/forge") -> None:
        """Store every subdir of a channel in a folder, archives under their names with tags spelled as tags may be."""
        import zstandard

        for subdir in (path for path in folder.iterdir() if path.is_dir()):
            plain = (subdir / "repodata.json").read_bytes()
            layers = {_INDEX: plain, f"{_INDEX}+zst": zstandard.compress(plain)}
            self.push(f"{channel}/{subdir.name}/repodata.json", "latest", layers)
            for path in subdir.iterdir():
                ending = next((one for one in _MEDIA_TYPES if path.name.endswith(one)), None)
                if ending is None:
                    continue
                name, version, build = path.name.removesuffix(ending).rsplit("-", 2)
                tag = f"{version}-{build}".replace("+", "__p__").replace("!", "__e__").replace("=", "__eq__")
                repository = f"{channel}/{subdir.name}/{'zzz' if name[0] == '_' else ''}{name}"
                self.push(repository, tag, {_MEDIA_TYPES[ending]: path.read_bytes()})

    def answer(self, seen: Seen) -> Answered | None:
        """What to say to a request."""
        path = urlsplit(seen.path)
        if path.path == "/token":
            return self._lend(seen, parse_qs(path.query))
        match = _PATH.match(path.path)
        if match is None:
            return None
        if not self._may(seen):
            return Answered(401, {"WWW-Authenticate": self._challenge(match[1])}, b"{}")
        blob = match[2] == "blobs"
        content = self.blobs.get(match[3]) if blob else self.manifests.get((match[1], match[3]))
        return Answered(404, {}, b"{}") if content is None else Answered(200, {}, content)

    def _challenge(self, repository: str) -> str:
        if self.challenge == "basic":
            return 'Basic realm="registry"'
        realm = self.realm or f"{self.server.url}/token"
        return f'Bearer realm="{realm}",service="loopback",scope="repository:{repository}:pull"'

    def _may(self, seen: Seen) -> bool:
        shown = seen.headers.get("authorization")
        return shown == self._basic() if self.challenge == "basic" else shown == f"Bearer {self.token}"

    def _basic(self) -> str | None:
        return None if self.user is None else "Basic " + base64.b64encode(":".join(self.user).encode()).decode()

    def _lend(self, seen: Seen, asked: dict[str, list[str]]) -> Answered:
        assert asked["service"] == ["loopback"]
        assert asked["scope"][0].endswith(":pull")
        if self.user is not None and seen.headers.get("authorization") != self._basic():
            return Answered(401, {}, b"{}")
        return Answered(200, {"Content-Type": "application/json"}, json.dumps({"token": self.token}).encode())


@contextmanager
def registry() -> Iterator[Registry]:
    """An empty registry on a free port of 127.0.0.1."""
    owner = Registry()
    with serving({}, answer=owner.answer) as server:
        owner.server = server
        yield owner
