"""Settings of the client, from the configuration and the environment."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .auth import CredentialStore

if TYPE_CHECKING:
    from ..config.model import Config

PER_HOST = 32
"""Requests that one host sees at once, at most: an index is asked hundreds of small questions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetConfig:
    """How requests are made. Times are seconds; `retries` come after the first attempt; `per_host` bounds how many
    requests one host sees at once. `insecure_hosts` (`host` or `host:port`) may show any certificate. `s3_options` are
    pixi's, by bucket. `now` is the clock (seconds since 1970), `sleep` and `jitter` what retries wait by.
    """

    environ: Mapping[str, str] = field(default_factory=dict)
    credentials: CredentialStore = field(default_factory=CredentialStore)
    mirrors: Mapping[str, Sequence[str]] = field(default_factory=dict)
    offline: bool = False
    retries: int = 3
    redirects: int = 10
    per_host: int = PER_HOST
    connect_timeout: float = 10.0
    read_timeout: float = 30.0
    longest_wait: float = 60.0
    tls_no_verify: bool = False
    insecure_hosts: frozenset[str] = frozenset()
    certificates: Path | None = None
    s3_options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random


def net_config(
    config: Config,
    environ: Mapping[str, str],
    *,
    offline: bool = False,
    s3_options: Mapping[str, Mapping[str, Any]] | None = None,
) -> NetConfig:
    """The client's settings for one user. Proxies of the configuration rank below those of the environment, its S3
    options below the workspace's.

    Raises `ConfigError` for a credentials file that cannot be read.
    """
    variables = dict(environ)
    for name, value in (
        ("http_proxy", config.proxy_http),
        ("https_proxy", config.proxy_https),
        ("no_proxy", ",".join(config.non_proxy_hosts)),
    ):
        if value and not variables.get(name) and not variables.get(name.upper()):
            variables[name] = value
    return NetConfig(
        environ=variables,
        credentials=CredentialStore.load(
            environ,
            override=config.authentication_override_file,
            use_keyring=config.pypi_keyring_provider != "disabled",
        ),
        mirrors=config.mirrors,
        s3_options={**config.s3_options, **(s3_options or {})},
        offline=offline or config.offline,
        retries=_number(variables.get("UV_HTTP_RETRIES"), 3),
        read_timeout=float(_number(variables.get("UV_HTTP_TIMEOUT") or variables.get("UV_REQUEST_TIMEOUT"), 30)),
        per_host=max(1, min(PER_HOST, config.concurrent_downloads)),
        tls_no_verify=config.tls_no_verify,
        insecure_hosts=frozenset(host.lower() for host in config.pypi_allow_insecure_host),
    )


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text is not None and text.isdigit() else otherwise
