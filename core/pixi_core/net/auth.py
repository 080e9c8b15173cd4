"""Credentials: found once, given only to the place they belong to, never shown.

Sources, first found wins: `RATTLER_AUTH_FILE` (alone, when it is set), the configured file, credentials inside a URL,
`~/.rattler/credentials.json`, `.netrc`, and the system's key ring, which is asked only when a server refuses.
Format of the files: `{"host or *.host or URL": {"BearerToken": …} | {"CondaToken": …} | {"BasicHTTP": {"username": …,
"password": …}} | {"S3Credentials": {"access_key_id": …, "secret_access_key": …, "session_token": …}}}`; access keys
belong to `s3://bucket` URLs.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from ..errors import ConfigError
from ..fs import home_folder

Kind = Literal["bearer", "conda-token", "basic", "access-key"]
_PORTS = {"http": 80, "https": 443}
KEYRING_PATIENCE = 10.0
"""Seconds that the `keyring` command may take."""


class Secret:
    """A text that does not show itself."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text, for the one request it is meant for."""
        return self._text

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class Credential:
    """What opens one place. Access keys (S3) have their name in `user` and, when they were lent, a `token`."""

    kind: Kind
    secret: Secret
    user: str = ""
    token: Secret | None = None

    @property
    def lacks_password(self) -> bool:
        """Whether only a user's name is known (`https://user@host`)."""
        return self.kind == "basic" and not self.secret.reveal()

    def header(self) -> str | None:
        """The value of the `Authorization` header; None for what is shown in other ways."""
        if self.kind == "bearer":
            return f"Bearer {self.secret.reveal()}"
        if self.kind == "basic":
            pair = f"{self.user}:{self.secret.reveal()}".encode()
            return "Basic " + base64.b64encode(pair).decode("ascii")
        return None

    def url(self, url: str) -> str:
        """The URL to ask for: conda tokens go in front of the path."""
        parts = urlsplit(url)
        if self.kind != "conda-token" or parts.path.startswith("/t/"):
            return url
        return urlunsplit(parts._replace(path=f"/t/{self.secret.reveal()}{parts.path}"))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a credential belongs: a host (`*.` in front means any below it), perhaps a scheme and port, and a path of
    which only whole segments count (`/team` is not `/team2`).
    """

    host: str
    scheme: str = ""
    port: int | None = None
    segments: tuple[str, ...] = ()

    def covers(self, parts: SplitResult) -> bool:
        """Whether a URL is inside. Plain http is only covered where it is named, or leads to this machine."""
        host = (parts.hostname or "").lower()
        if self.host.startswith("*."):
            if not (host.endswith(self.host[1:]) or host == self.host[2:]):
                return False
        elif host != self.host:
            return False
        if self.scheme:
            if parts.scheme != self.scheme:
                return False
        elif parts.scheme != "https" and not is_loopback(host):
            return False
        # without a stated port any port of this machine will do, elsewhere only the usual one
        wanted = self.port if self.port is not None else (None if is_loopback(host) else _PORTS.get(parts.scheme))
        if wanted is not None and _port(parts) != wanted:
            return False
        return _segments(parts.path)[: len(self.segments)] == self.segments

    @property
    def rank(self) -> tuple[int, bool, bool]:
        """The more exact place wins."""
        return (len(self.segments), not self.host.startswith("*."), bool(self.scheme))


def is_loopback(host: str) -> bool:
    """Whether a host name is this machine."""
    return host in ("localhost", "::1") or host.startswith("127.")


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None


def _segments(path: str) -> tuple[str, ...]:
    """Path segments as a server would see them; `..` covers nothing."""
    found = tuple(unquote(part) for part in path.split("/") if part)
    return ("\0",) if ".." in found or "." in found else found


def place_of(text: str) -> Place:
    """The place that a key of a credentials file names: `host`, `*.host`, `host:port`, `host/path` or a URL."""
    parts = urlsplit(text if "://" in text else f"//{text}")
    try:
        port = parts.port
    except ValueError:
        port = None
    # registries are asked by https, however their channels are written
    scheme = parts.scheme if "://" in text and parts.scheme != "oci" else ""
    if scheme and port is None:
        port = _PORTS.get(scheme)
    return Place((parts.hostname or "").lower(), scheme, port, _segments(parts.path))


def shown(url: str) -> str:
    """A URL fit for messages and files: no user, no token, no query (signatures live there)."""
    parts = urlsplit(url)
    path = parts.path
    if path.startswith("/t/") and path.count("/") >= 3:
        path = "/" + path.split("/", 3)[3]
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], path, "", ""))


def keyring_names(parts: SplitResult) -> list[str]:
    """Under which names a key ring may have the credential of a URL, the more exact ones first."""
    host = (parts.hostname or "").lower()
    labels = host.split(".")
    names = [f"{host}:{port}"] if (port := _port(parts)) not in (None, _PORTS.get(parts.scheme)) else []
    names.append(host)
    return names + [f"*.{'.'.join(labels[start:])}" for start in range(len(labels) - 1)]


class CredentialStore:
    """All credentials of one user. Safe to use from many threads."""

    def __init__(self, entries: Mapping[Place, Credential] | None = None, *, use_keyring: bool = False) -> None:
        self._guard = threading.Lock()
        self._asking = threading.Lock()
        self._entries = dict(entries or {})
        self._use_keyring = use_keyring
        self._asked: set[str] = set()
        self._services: list[str] = []

    def __repr__(self) -> str:
        return f"CredentialStore({len(self._entries)} places)"

    @classmethod
    def load(
        cls, environ: Mapping[str, str], *, override: Path | None = None, use_keyring: bool = True
    ) -> CredentialStore:
        """The store of the user that `environ` describes. A file that `RATTLER_AUTH_FILE` names is the only source,
        unless another one outranks it (`override`). Raises `ConfigError`.
        """
        sole = environ.get("RATTLER_AUTH_FILE")
        if sole and override in (None, Path(sole)):
            return cls(_read_file(Path(sole), required=True))
        home = home_folder(environ)
        entries = _read_netrc(Path(environ.get("NETRC") or home / ".netrc"))
        entries.update(_read_file(home / ".rattler" / "credentials.json", required=False))
        if override is not None:
            entries.update(_read_file(override, required=True))
        return cls(entries, use_keyring=use_keyring)

    def remember(self, urls: Iterable[str]) -> None:
        """Package indexes of a workspace: what stands in their URLs opens all of their host, since files lie beside the
        pages; and the key ring is asked under their names.
        """
        for url in urls:
            self._services.append(self.taken_from(url, whole_host=True))

    def remember_channels(self, urls: Iterable[str]) -> None:
        """Channels of a workspace: what stands in their URLs (`user:password@`, conda's `/t/TOKEN`) opens what is below
        them.
        """
        for url in urls:
            parts = urlsplit(self.taken_from(url.rstrip("/") + "/"))
            segments = _segments(parts.path)
            if len(segments) > 1 and segments[0] == "t":
                place = Place((parts.hostname or "").lower(), parts.scheme, _port(parts), segments[2:])
                with self._guard:
                    self._entries[place] = Credential("conda-token", Secret(segments[1]))

    def taken_from(self, url: str, *, whole_host: bool = False) -> str:
        """The URL without `user:password@`, which is remembered for its folder and below (or all of its host)."""
        parts = urlsplit(url)
        before, at, host = parts.netloc.rpartition("@")
        if not at:
            return url
        user, _, password = before.partition(":")
        folder = "" if whole_host else parts.path.rpartition("/")[0]
        scheme = "" if parts.scheme == "oci" else parts.scheme
        place = Place((parts.hostname or "").lower(), scheme, _port(parts), _segments(folder))
        with self._guard:
            self._entries[place] = Credential("basic", Secret(unquote(password)), unquote(user))
        return urlunsplit(parts._replace(netloc=host))

    def find(self, url: str) -> Credential | None:
        """The credential of the most exact place that covers the URL."""
        parts = urlsplit(url)
        with self._guard:
            fitting = [place for place in self._entries if place.covers(parts)]
            return self._entries[max(fitting, key=lambda place: place.rank)] if fitting else None

    def ask_keyring(self, url: str) -> Credential | None:
        """What the system's key ring has for a host that refused; asked once per host, silent where there is none."""
        with self._asking:  # whoever is refused meanwhile waits for the answer, too
            return self._answer_of_keyring(url)

    def _answer_of_keyring(self, url: str) -> Credential | None:
        host = (urlsplit(url).hostname or "").lower()
        with self._guard:
            if not self._use_keyring or host in self._asked:
                return None
            self._asked.add(host)
            user = next((c.user for p, c in self._entries.items() if p.host == host and c.lacks_password), "")
        netloc = urlsplit(url).netloc.rpartition("@")[2]
        services = [service for service in self._services if urlsplit(service).netloc == netloc]
        credential = _from_keyring(
            [*services, f"{urlsplit(url).scheme}://{netloc}", netloc], keyring_names(urlsplit(url)), user
        )
        if credential is not None:
            with self._guard:
                for place in [p for p, c in self._entries.items() if p.host == host and c.lacks_password]:
                    self._entries[place] = credential
                self._entries.setdefault(Place(host), credential)
        return credential


def _from_keyring(services: Iterable[str], names: Iterable[str], user: str) -> Credential | None:
    """The entry of rattler by one of the host's `names`, else what pip and uv would find: the index's URL or host as
    the name of a service, from the library, or by the `keyring` command where only that is installed and the user is
    known.
    """
    try:
        import keyring  # type: ignore[import-not-found, unused-ignore]  # an extra; lazy: 150 ms
    except Exception:  # not there, or broken: the same for us
        return _from_keyring_command(services, user)
    try:
        for name in names:
            text = keyring.get_password("rattler", name)
            if text:
                return _credential(json.loads(text))
        for service in services:
            found = keyring.get_credential(service, user or None)
            if found is not None and found.password:
                return Credential("basic", Secret(found.password), found.username or user)
    except Exception:  # every back end fails in its own way, and none of them matters here
        return None
    return None


def _from_keyring_command(services: Iterable[str], user: str) -> Credential | None:
    import shutil
    import subprocess  # lazy: after a refusal only

    command = shutil.which("keyring") if user else None
    for service in services if command is not None else ():
        try:
            done = subprocess.run(
                [str(command), "get", service, user],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=KEYRING_PATIENCE,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        if done.returncode == 0 and done.stdout.rstrip("\r\n"):
            return Credential("basic", Secret(done.stdout.rstrip("\r\n")), user)
    return None


def read_entries(path: Path) -> dict[str, Any]:
    """A credentials file as it is written, by place; empty where there is none. Raises `ConfigError`."""
    try:
        data = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        # the text of the file stays out of the message: it holds secrets
        why = getattr(error, "strerror", None) or "it is not JSON"
        raise ConfigError(f"the credentials file {path} cannot be read: {why}", hints=["repair or move it"]) from None
    if not isinstance(data, dict):
        raise ConfigError(f"the credentials file {path} must hold a table of places", hints=["repair or move it"])
    return data


def _read_file(path: Path, *, required: bool) -> dict[Place, Credential]:
    if required and not path.exists():
        raise ConfigError(
            f"the credentials file {path} does not exist",
            hints=["check RATTLER_AUTH_FILE, or make it with `pixi auth login`"],
        )
    found = {place_of(key): _credential(value) for key, value in read_entries(path).items()}
    return {place: credential for place, credential in found.items() if credential is not None}


def _credential(value: Any) -> Credential | None:
    if not isinstance(value, dict):
        return None
    if isinstance(value.get("BearerToken"), str):
        return Credential("bearer", Secret(value["BearerToken"]))
    if isinstance(value.get("CondaToken"), str):
        return Credential("conda-token", Secret(value["CondaToken"]))
    lent = value.get("S3Credentials")
    if isinstance(lent, dict):
        token = lent.get("session_token")
        return Credential(
            "access-key",
            Secret(str(lent.get("secret_access_key", ""))),
            str(lent.get("access_key_id", "")),
            Secret(str(token)) if token else None,
        )
    basic = value.get("BasicHTTP")
    if isinstance(basic, dict):
        return Credential("basic", Secret(str(basic.get("password", ""))), str(basic.get("username", "")))
    return None


def _read_netrc(path: Path) -> dict[Place, Credential]:
    if not path.is_file():
        return {}
    import netrc  # lazy: few users have such a file

    try:
        hosts = netrc.netrc(str(path)).hosts
    except (OSError, netrc.NetrcParseError):
        return {}
    return {
        Place(host.lower()): Credential("basic", Secret(password or ""), user)
        for host, (user, _, password) in hosts.items()
        if host != "default"
    }
