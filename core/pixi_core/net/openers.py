"""Openers: what a request shows to be let in. One for each way that servers ask: stored credentials, signatures (`s3`),
tokens of a registry (`oci`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from .auth import Credential, CredentialStore


@dataclass(frozen=True, slots=True)
class Shown:
    """The URL and the headers of one request. `known_user`: somebody's credentials are among them."""

    url: str
    headers: Mapping[str, str]
    known_user: bool


class Opener(Protocol):
    """Opens the places of one kind."""

    def show(self, method: str, url: str, headers: Mapping[str, str]) -> Shown:
        """The request as it is to be sent; `headers` are in lower case."""

    def refused(self, url: str, status: int, headers: Mapping[str, str]) -> bool:
        """The server answered 401 or 403: whether there is something else to show now."""


class ByCredential:
    """Stored credentials by place; the key ring when a server refuses."""

    def __init__(self, store: CredentialStore) -> None:
        self._store = store
        self._shown: Credential | None = None

    def show(self, method: str, url: str, headers: Mapping[str, str]) -> Shown:  # noqa: ARG002 - the protocol's
        """With the credential of the most exact place, if there is one."""
        credential = self._shown = self._store.find(url)
        if credential is None:
            return Shown(url, headers, known_user=False)
        value = credential.header()
        added = {} if value is None else {"authorization": value}
        return Shown(credential.url(url), {**headers, **added}, known_user=True)

    def refused(self, url: str, status: int, headers: Mapping[str, str]) -> bool:  # noqa: ARG002 - the protocol's
        """Whether the key ring knows somebody, or has just told another thread."""
        if self._shown is not None and not self._shown.lacks_password:
            return False
        found = self._store.ask_keyring(url) or self._store.find(url)
        return found is not None and found is not self._shown
