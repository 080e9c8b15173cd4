"""Configuration as a value: pixi's `config.toml` keys, merged from every location and from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from ..value import EMPTY, Value

PinningStrategy = Literal["semver", "minor", "major", "latest-up", "exact-version", "no-pin"]
PINNING_STRATEGIES: tuple[PinningStrategy, ...] = ("semver", "minor", "major", "latest-up", "exact-version", "no-pin")
TrustPolicy = Literal["ask", "locked-only", "always"]
TRUST_POLICIES: tuple[TrustPolicy, ...] = ("ask", "locked-only", "always")

CACHE_KINDS = (
    "conda-packages",
    "repodata",
    "pypi-wheels",
    "pypi-mapping",
    "exec-environments",
    "build-tool-environments",
    "detached-environments",
)
"""The caches whose place can be set one by one (`[cache]`, `PIXI_CACHE_<KIND>_DIR`)."""


class Config(Value, kw_only=True):
    """What the user configured; None and empty where nothing was said.

    `disabled_forms` says which forms of a channel's index are not asked for (`sharded`, `zstd`, `bzip2`), by the
    beginning of its URL (the longest counts; empty: everywhere).

    `mirrors` maps URL prefixes to replacements in order of preference (longest prefix wins). `cache_root` and
    `cache_folders` (kind of `CACHE_KINDS` to path) come from the files only: the environment variables that rank above
    them are read by `cache.layout`. `locations` are the files that were read, lowest rank first; `warnings` what was
    ignored in them. `extra` holds known keys that this program has no use for.
    """

    default_channels: tuple[str, ...] = ("conda-forge",)
    pinning_strategy: PinningStrategy | None = None
    authentication_override_file: Path | None = None
    tls_no_verify: bool = False
    tls_root_certs: str | None = None
    offline: bool = False
    mirrors: Mapping[str, tuple[str, ...]] = EMPTY
    disabled_forms: Mapping[str, Mapping[str, bool]] = EMPTY
    pypi_index_url: str | None = None
    pypi_extra_index_urls: tuple[str, ...] = ()
    pypi_keyring_provider: str | None = None
    pypi_allow_insecure_host: tuple[str, ...] = ()
    s3_options: Mapping[str, Mapping[str, Any]] = EMPTY
    detached_environments: bool | Path = False
    change_ps1: bool = True
    force_activate: bool = False
    source_completion_scripts: bool = True
    use_environment_activation_cache: bool = False
    concurrent_downloads: int = 50
    concurrent_solves: int | None = None
    run_post_link_scripts: bool = False
    allow_symbolic_links: bool = True
    allow_hard_links: bool = True
    allow_ref_links: bool = True
    proxy_http: str | None = None
    proxy_https: str | None = None
    non_proxy_hosts: tuple[str, ...] = ()
    cache_root: Path | None = None
    cache_folders: Mapping[str, Path] = EMPTY
    cache_read_only: tuple[Path, ...] = ()
    cache_netfs_redirect: str = "auto"
    jupyter_trust: TrustPolicy = "ask"
    extra: Mapping[str, Any] = EMPTY
    locations: tuple[Path, ...] = ()
    warnings: tuple[str, ...] = ()
