"""`oci://registry/channel/subdir/file` URLs: conda packages in a registry for containers.

The layout is that of conda's proposal for OCI registries, which other conda tools use: a package is the repository
`channel/subdir/name` with the tag `version-build`, an index the repository `channel/subdir/repodata.json` with the tag
`latest`; the media type of a layer says which file it is. Registries on this machine are asked by plain http, all
others by https.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

from ..errors import HttpStatusError, NetworkError
from .answers import Response
from .auth import CredentialStore, Secret, is_loopback, shown
from .openers import ByCredential, Shown
from .request import Address

LARGEST_ANSWER = 4 << 20
"""Bytes of a manifest or of a token."""

_INDEX = "application/vnd.conda.repodata.v1+json"
_INDEXES = {
    "repodata.json": (_INDEX,),
    # two spellings are in use
    "repodata.json.zst": (f"{_INDEX}+zst", f"{_INDEX}+zstd"),
    "repodata.json.bz2": (f"{_INDEX}+bz2",),
}
_PACKAGES = {".conda": "application/vnd.conda.package.v2", ".tar.bz2": "application/vnd.conda.package.v1"}
_MANIFESTS = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
_TAG_SIGNS = {"+": "__p__", "!": "__e__", "=": "__eq__"}
_CHALLENGE = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]+))')
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})\Z")

Ask = Callable[[Address, Mapping[str, str], int], Response]
"""GET with retries: address, headers, largest body."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """What a file of a channel is called in a registry; `media_types` are those of the layer that holds it."""

    repository: str
    tag: str
    media_types: tuple[str, ...]


def artifact(path: str) -> Artifact | None:
    """The artifact for the path of a file in a channel; None for files that registries do not hold."""
    folder, _, file_name = unquote(path).strip("/").rpartition("/")
    if file_name in _INDEXES:
        return Artifact(f"{folder}/repodata.json", "latest", _INDEXES[file_name])
    for ending, media_type in _PACKAGES.items():
        name, *version_build = file_name.removesuffix(ending).rsplit("-", 2)
        if file_name.endswith(ending) and len(version_build) == 2:
            tag = "-".join(version_build)
            for sign, spelled in _TAG_SIGNS.items():
                tag = tag.replace(sign, spelled)
            # names of repositories must not begin with an underscore
            return Artifact(f"{folder}/{'zzz' if name.startswith('_') else ''}{name}", tag, (media_type,))
    return None


class Registries:
    """All registries of one user, with the tokens that they lent. Thread-safe."""

    def __init__(self, ask: Ask, credentials: CredentialStore) -> None:
        self.ask = ask
        self.credentials = credentials
        self._guard = threading.Lock()
        self._tokens: dict[str, Secret] = {}
        self._turns: dict[str, threading.Lock] = {}

    def locate(self, url: str, sha256: str | None = None) -> Address:
        """Where an `oci://` URL is asked for: the blob itself. A known digest saves looking at the manifest. Raises
        `NetworkError`.
        """
        parts = urlsplit(url)
        found = artifact(parts.path)
        if found is None or not parts.hostname:
            raise HttpStatusError(f"{shown(url)} does not exist: registries hold no such file", url=url, status=404)
        scheme = "http" if is_loopback(parts.hostname) else "https"
        base = f"{scheme}://{parts.netloc}/v2/{found.repository}"
        # stored credentials are found by the path that people write, which has no `/v2`
        opener = ByToken(self, base, found.repository, f"{scheme}://{parts.netloc}/{found.repository}")
        digest = sha256 or self._digest(Address(f"{base}/manifests/{found.tag}", opener, url), found)
        return Address(f"{base}/blobs/sha256:{digest}", opener, url, digest)

    def _digest(self, address: Address, wanted: Artifact) -> str:
        answer = self.ask(address, {"accept": _MANIFESTS}, LARGEST_ANSWER)
        name = shown(address.name)
        try:
            layers: list[Any] = json.loads(answer.content)["layers"]
            digests = {layer["mediaType"]: _DIGEST.match(layer["digest"]) for layer in layers}
        except (ValueError, KeyError, TypeError):
            raise NetworkError(
                f"{name}: the registry's answer is not a manifest", url=name, hints=["check the channel's address"]
            ) from None
        for media_type in wanted.media_types:
            match = digests.get(media_type)
            if match is not None:
                return match[1]
        raise HttpStatusError(
            f"{name} does not exist: {wanted.repository}:{wanted.tag} has no layer of that kind", url=name, status=404
        )

    # ------------------------------------------------------------ tokens

    def token(self, base: str) -> Secret | None:
        """The token that a repository lent."""
        with self._guard:
            return self._tokens.get(base)

    def borrow(self, base: str, used: Secret | None, place: str, headers: Mapping[str, str]) -> bool:
        """Fetch a token at `place` for a repository, unless another thread has replaced `used` already."""
        with self._guard:
            turn = self._turns.setdefault(base, threading.Lock())
        with turn:
            if self.token(base) is not used:
                return True
            answer = self.ask(Address(place, ByCredential(self.credentials), shown(place)), headers, LARGEST_ANSWER)
            try:
                told = json.loads(answer.content)
                text = told.get("token") or told.get("access_token")
            except (ValueError, AttributeError):
                text = None
            if not isinstance(text, str) or not text.isascii() or not text.isprintable():
                raise NetworkError(f"{shown(place)} gave no token", url=shown(place))
            with self._guard:
                self._tokens[base] = Secret(text)
            return True


class ByToken:
    """Opens one repository: with a token that was lent, else with stored credentials."""

    def __init__(self, registries: Registries, base: str, repository: str, known_as: str) -> None:
        self._registries = registries
        self._base = base
        self._repository = repository
        self._known_as = known_as
        self._used: Secret | None = None
        self._basic = False

    def show(self, method: str, url: str, headers: Mapping[str, str]) -> Shown:  # noqa: ARG002 - the protocol's
        """Stored user names are shown only to a registry that asks for them: most want them where tokens are."""
        self._used = self._registries.token(self._base)
        if self._used is not None:
            return Shown(url, {**headers, "authorization": f"Bearer {self._used.reveal()}"}, known_user=True)
        credential = self._registries.credentials.find(self._known_as)
        value = credential.header() if credential is not None else None
        if credential is None or value is None or (credential.kind == "basic" and not self._basic):
            return Shown(url, headers, known_user=False)
        return Shown(url, {**headers, "authorization": value}, known_user=True)

    def refused(self, url: str, status: int, headers: Mapping[str, str]) -> bool:
        """Whether the challenge can be met. Raises `NetworkError` when the place of the tokens fails."""
        kind, _, rest = headers.get("www-authenticate", "").partition(" ")
        if status != 401:
            return False
        if kind.lower() == "basic" and not self._basic:
            self._basic = True
            store = self._registries.credentials
            return (store.find(self._known_as) or store.ask_keyring(url)) is not None
        told = {match[1].lower(): match[2] or match[3] or "" for match in _CHALLENGE.finditer(rest)}
        realm = told.get("realm", "")
        if kind.lower() != "bearer" or not _is_safe(realm, url):
            return False
        scope = told.get("scope") or f"repository:{self._repository}:pull"
        asked = {"service": told["service"], "scope": scope} if "service" in told else {"scope": scope}
        place = f"{realm}{'&' if '?' in realm else '?'}{urlencode(asked)}"
        return self._registries.borrow(self._base, self._used, place, self._introduction(realm))

    def _introduction(self, realm: str) -> dict[str, str]:
        """Who asks for a token. Another host than the registry's sees only what is stored for that host."""
        if urlsplit(realm)[:2] != urlsplit(self._base)[:2]:
            return {}
        credential = self._registries.credentials.find(self._known_as)
        value = credential.header() if credential is not None else None
        return {} if value is None else {"authorization": value}


def _is_safe(realm: str, url: str) -> bool:
    """Whether tokens may be fetched there: over https; on this machine also for a registry of this machine."""
    parts = urlsplit(realm)
    if parts.scheme == "http":
        return is_loopback(parts.hostname or "") and is_loopback(urlsplit(url).hostname or "")
    return parts.scheme == "https" and bool(parts.hostname)
