"""`s3://bucket/key` URLs: where the bucket is, and who signs the requests.

As pixi does it: a bucket with `[s3-options.<bucket>]` (workspace or configuration) is asked at that endpoint with the
`S3Credentials` of the credentials file; any other as Amazon's own tools would, by `AWS_*` variables and the files
`~/.aws/credentials` and `~/.aws/config`. Without any key, requests go unsigned, as public buckets allow.
"""

from __future__ import annotations

import configparser
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from ..errors import ConfigError, NetworkError
from ..fs import home_folder
from .auth import CredentialStore, Secret, shown
from .openers import Shown
from .request import Address
from .sigv4 import AccessKey, signed


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where a bucket is; `endpoint` has no trailing slash. `path_style`: its name is in the path, not in the host."""

    name: str
    endpoint: str
    region: str
    path_style: bool
    key: AccessKey | None

    def url(self, path: str) -> str:
        """The http(s) URL of a key; encoded strictly, because exactly this is signed."""
        encoded = quote(unquote(path), safe="/-_.~")
        if self.path_style:
            return f"{self.endpoint}/{self.name}{encoded}"
        scheme, _, host = self.endpoint.partition("://")
        return f"{scheme}://{self.name}.{host}{encoded}"


class BySignature:
    """Opens a bucket."""

    def __init__(self, bucket: Bucket, now: Callable[[], float]) -> None:
        self._bucket = bucket
        self._now = now

    def show(self, method: str, url: str, headers: Mapping[str, str]) -> Shown:
        """Signed at this moment, or as it is where nobody is known."""
        key = self._bucket.key
        if key is None:
            return Shown(url, headers, known_user=False)
        # only what makes the request ours is signed: a proxy may touch the rest
        ours = signed(method, url, {}, key=key, region=self._bucket.region, moment=self._now())
        return Shown(url, {**headers, **ours}, known_user=True)

    def refused(self, url: str, status: int, headers: Mapping[str, str]) -> bool:  # noqa: ARG002 - the protocol's
        """There is one key only."""
        return False


class Buckets:
    """All buckets of one user. Thread-safe."""

    def __init__(
        self,
        options: Mapping[str, Mapping[str, Any]],
        credentials: CredentialStore,
        environ: Mapping[str, str],
        now: Callable[[], float],
    ) -> None:
        self._options = options
        self._credentials = credentials
        self._environ = environ
        self._now = now
        self._guard = threading.Lock()
        self._known: dict[str, Bucket] = {}

    def locate(self, url: str) -> Address:
        """Where an `s3://` URL is asked for. Raises `NetworkError`, `ConfigError`."""
        parts = urlsplit(url)
        if not parts.hostname:
            raise NetworkError(f"{shown(url)} names no bucket", url=shown(url), hints=["write s3://bucket/channel"])
        name = parts.netloc
        with self._guard:
            bucket = self._known.get(name)
            if bucket is None:
                options = self._options.get(name)
                bucket = self._known[name] = (
                    _amazon(name, self._environ) if options is None else self._described(name, options, url)
                )
        return Address(bucket.url(parts.path), BySignature(bucket, self._now), url)

    def _described(self, name: str, options: Mapping[str, Any], url: str) -> Bucket:
        endpoint = _endpoint(options.get("endpoint-url"), f"s3-options.{name}.endpoint-url")
        region = options.get("region")
        if not isinstance(region, str) or not region:
            raise ConfigError(f"`s3-options.{name}.region` must be the name of a region")
        stored = self._credentials.find(url)
        key = (
            AccessKey(stored.user, stored.secret, stored.token)
            if stored is not None and stored.kind == "access-key"
            else None
        )
        return Bucket(name, endpoint, region, bool(options.get("force-path-style")), key)


def _endpoint(value: Any, where: str) -> str:
    if not isinstance(value, str) or urlsplit(value).scheme not in ("http", "https"):
        raise ConfigError(f"`{where}` must be an http(s) URL")
    return value.rstrip("/")


def _amazon(name: str, environ: Mapping[str, str]) -> Bucket:
    """A bucket as `AWS_*` variables and Amazon's two files describe it."""
    home = home_folder(environ)
    profile = environ.get("AWS_PROFILE") or "default"
    config = _section(environ.get("AWS_CONFIG_FILE") or home / ".aws" / "config", profile, "profile ")
    lent = _section(environ.get("AWS_SHARED_CREDENTIALS_FILE") or home / ".aws" / "credentials", profile)
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or config.get("region") or "us-east-1"
    endpoint = environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL") or config.get("endpoint_url")
    key = _access_key(environ, str.upper) or _access_key(lent) or _access_key(config)
    if endpoint:
        # servers that are not Amazon's seldom have a host name for every bucket
        return Bucket(name, _endpoint(endpoint, "AWS_ENDPOINT_URL"), region, path_style=True, key=key)
    # a bucket with dots in its name has no certificate for a host of its own
    return Bucket(name, f"https://s3.{region}.amazonaws.com", region, path_style="." in name, key=key)


def _access_key(values: Mapping[str, str], spelled: Callable[[str], str] = str) -> AccessKey | None:
    identity, secret = values.get(spelled("aws_access_key_id")), values.get(spelled("aws_secret_access_key"))
    token = values.get(spelled("aws_session_token"))
    return AccessKey(identity, Secret(secret), Secret(token) if token else None) if identity and secret else None


def _section(path: str | Path, profile: str, prefix: str = "") -> Mapping[str, str]:
    """A profile of one of Amazon's files; empty where there is none."""
    parser = configparser.RawConfigParser()
    try:
        parser.read(path, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        # the text of the error would quote the line, which may be a secret
        raise ConfigError(f"{path} is not a file of profiles", hints=["check AWS_CONFIG_FILE"]) from None
    for name in (profile if profile == "default" else f"{prefix}{profile}", f"{prefix}{profile}"):
        if parser.has_section(name):
            return dict(parser.items(name))
    return {}
