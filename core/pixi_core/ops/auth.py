"""`pixi auth`: keep, show and forget credentials, where every request looks for them (`net.auth`).

They go into the file that `RATTLER_AUTH_FILE` or the configuration names; else into the system's key ring where there
is one (service `rattler`, user: the place); else into `~/.rattler/credentials.json`, readable by its owner alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

from ..config.load import load_config
from ..errors import ConfigError, UsageError
from ..fs import FileLock, atomic_write, home_folder, os_errors
from ..net.auth import read_entries
from ..suggest import did_you_mean

SERVICE = "rattler"
KINDS = {"BearerToken": "token", "CondaToken": "conda token", "BasicHTTP": "password", "S3Credentials": "access key"}


class Keyring(Protocol):
    """What is used of the `keyring` library."""

    def get_password(self, service: str, user: str) -> str | None:
        """The secret, if there is one."""
        ...

    def set_password(self, service: str, user: str, password: str) -> None:
        """Keep it."""
        ...

    def delete_password(self, service: str, user: str) -> None:
        """Forget it."""
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known without its secret: the place, which kind of credential, for which user, and where it is kept."""

    place: str
    kind: str
    user: str
    kept_in: str

    def to_json(self) -> dict[str, str]:
        """For `--json`."""
        return {"host": self.place, "kind": self.kind, "user": self.user, "kept_in": self.kept_in}


def place_for(host: str) -> str:
    """The key of a credentials file for what a user names: `example.org` means every host below it, too; a bucket
    stays a URL. Raises `UsageError`.
    """
    if host.startswith("s3://"):
        return host.rstrip("/")
    parts = urlsplit(host if "://" in host else f"//{host}")
    if not parts.hostname or parts.username or parts.password:
        raise UsageError(f"'{host}' is no host", hints=["name it as in channel.example or https://channel.example"])
    place = (parts.netloc + parts.path).rstrip("/").lower()
    return f"*.{place}" if place.count(".") == 1 and "/" not in place and ":" not in place else place


def login(host: str, credential: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    """Keep a credential (as credentials files hold it) for a host; returns where it is kept. Raises `ConfigError`."""
    place = place_for(host)
    path, chosen = _file(environ)
    ring = None if chosen else system_keyring()
    if ring is not None:
        try:
            ring.set_password(SERVICE, place, json.dumps(credential))
        except Exception:  # every back end fails in its own way; the file does as well
            ring = None
    if ring is None:
        _change(path, lambda entries: entries.update({place: dict(credential)}))
        return str(path)
    _change(path, lambda entries: entries.pop(place, None))  # an older one must not come first
    return "the key ring"


def logout(host: str, environ: Mapping[str, str]) -> str:
    """Forget the credential of a host; returns its place. Raises `ConfigError` where there is none."""
    place = place_for(host)
    path, chosen = _file(environ)
    found = _forget(None if chosen else system_keyring(), place)
    known = read_entries(path)
    if place in known:
        found = True
        _change(path, lambda entries: entries.pop(place, None))
    if not found:
        hint = did_you_mean(place, known, "see `pixi auth status`")
        raise ConfigError(f"nothing is stored for {place}", hints=[hint])
    return place


def status(environ: Mapping[str, str], hosts: tuple[str, ...] = ()) -> list[Entry]:
    """What is stored, without secrets: all of the file, and what the key ring has for `hosts` (it cannot list)."""
    path, chosen = _file(environ)
    found = [_entry(place, value, str(path)) for place, value in read_entries(path).items()]
    ring = None if chosen else system_keyring()
    for host in hosts:
        text = None if ring is None else ring.get_password(SERVICE, place_for(host))
        if text:
            found.append(_entry(place_for(host), json.loads(text), "the key ring"))
    wanted = {place_for(host) for host in hosts}
    return [entry for entry in found if not wanted or entry.place in wanted]


def token(host: str, environ: Mapping[str, str]) -> str:
    """The secret itself. Raises `ConfigError` where there is none."""
    place = place_for(host)
    path, chosen = _file(environ)
    value = read_entries(path).get(place)
    ring = None if chosen else system_keyring()
    if value is None and ring is not None:
        text = ring.get_password(SERVICE, place)
        value = json.loads(text) if text else None
    if not isinstance(value, dict):
        raise ConfigError(f"nothing is stored for {place}", hints=["see `pixi auth status`"])
    secrets = {"BasicHTTP": "password", "S3Credentials": "secret_access_key"}
    for kind in KINDS:
        if kind in value:
            return str(value[kind] if kind not in secrets else value[kind].get(secrets[kind], ""))
    raise ConfigError(f"what is stored for {place} is of no kind that is known")


def system_keyring() -> Keyring | None:
    """The system's key ring: the `keyring` extra with a back end that can keep something; None without."""
    try:
        import keyring  # type: ignore[import-not-found, unused-ignore]  # an extra; lazy: 150 ms
        from keyring.backends import fail  # type: ignore[import-not-found, unused-ignore]  # the same

        return None if isinstance(keyring.get_keyring(), fail.Keyring) else cast("Keyring", keyring)
    except Exception:  # not installed, or no back end that works
        return None


def _file(environ: Mapping[str, str]) -> tuple[Path, bool]:
    """The credentials file, and whether somebody chose it."""
    named = load_config(None, environ).authentication_override_file
    return (named, True) if named else (home_folder(environ) / ".rattler" / "credentials.json", False)


def _change(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    with os_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock")):
        entries = read_entries(path)
        before = dict(entries)
        change(entries)
        if entries != before:
            atomic_write(path, json.dumps(entries, indent=2) + "\n", private=True)


def _forget(ring: Keyring | None, place: str) -> bool:
    if ring is None or not ring.get_password(SERVICE, place):
        return False
    ring.delete_password(SERVICE, place)
    return True


def _entry(place: str, value: Any, kept_in: str) -> Entry:
    kind = next((kind for kind in KINDS if isinstance(value, dict) and kind in value), "")
    names = {"BasicHTTP": "username", "S3Credentials": "access_key_id"}
    user = str(value[kind].get(names[kind], "")) if kind in names else ""
    return Entry(place, KINDS.get(kind, "unknown"), user, kept_in)
