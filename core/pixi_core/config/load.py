"""Read `config.toml` from every place pixi looks at, and merge: later places win, key by key.

Nothing in a configuration file is fatal: what cannot be understood is ignored with a warning that names file and key,
so that a newer pixi's key does not lock an older program out.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from ..errors import MALFORMED, ConfigError
from ..suggest import did_you_mean
from . import overrides
from .model import CACHE_KINDS, PINNING_STRATEGIES, TRUST_POLICIES, Config

TRUE = ("1", "true", "yes", "on")
FALSE = ("", "0", "false", "no", "off")
"""What switches say, in lower case."""


class _Refused(Exception):
    """A value of the wrong kind; the message says what was expected."""


def load_config(root: Path | None, environ: Mapping[str, str] = os.environ) -> Config:
    """Configuration for a workspace at `root` (None: outside of any): the files', above them what the environment says,
    above that what the running command says (`overrides`).

    Raises `ConfigError` only where `PIXI_CONFIG_FILE` or `--config-file` names a file that cannot be read.
    """
    merged: dict[str, Any] = {}
    found: list[Path] = []
    warnings: list[str] = []
    for path in config_locations(root, environ):
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            continue
        except (OSError, UnicodeDecodeError) as error:
            warnings.append(f"cannot read {path}: {error}")
            continue
        from tomli import loads  # lazy: most users have no such file

        found.append(path)
        try:
            document = loads(text)
        except MALFORMED as error:
            warnings.append(f"parse error in {path}, which is ignored: {error}")
            continue
        _collect(document, path, merged, warnings)
    config = Config().replace(**merged, locations=tuple(found), warnings=tuple(warnings))
    return _with_environment(config, environ).replace(**overrides.current().values)


def config_locations(root: Path | None, environ: Mapping[str, str]) -> list[Path]:
    """Every file that may hold configuration, lowest rank first; they need not exist. Raises `ConfigError`."""
    said = overrides.current()
    explicit = said.file or ("" if said.no_files else environ.get("PIXI_CONFIG_FILE"))
    if explicit:
        if not Path(explicit).is_file():
            where = "--config-file" if said.file else "PIXI_CONFIG_FILE"
            raise ConfigError(f"the configuration file {explicit} does not exist", hints=[f"check {where}"])
        return [Path(explicit)]
    if said.no_files or environ.get("PIXI_NO_CONFIG", "").lower() not in FALSE:
        return []
    home = Path(environ.get("HOME") or environ.get("USERPROFILE") or Path.home())
    folders: list[Path] = []
    if sys.platform == "win32":
        folders += [Path(environ.get("PROGRAMDATA", "C:\\ProgramData")) / "pixi"]
        folders += [Path(environ["APPDATA"]) / "pixi"] if environ.get("APPDATA") else []
    else:
        folders += [Path("/etc/pixi"), home / ".config" / "pixi"]
        if sys.platform == "darwin":
            folders.append(home / "Library" / "Application Support" / "pixi")
    if environ.get("XDG_CONFIG_HOME"):
        folders.append(Path(environ["XDG_CONFIG_HOME"]) / "pixi")
    folders.append(home / ".pixi")
    if environ.get("PIXI_HOME"):
        folders.append(Path(environ["PIXI_HOME"]))
    if root is not None:
        folders.append(root / ".pixi")
    return [folder / "config.toml" for folder in dict.fromkeys(folders)]


def _with_environment(config: Config, environ: Mapping[str, str]) -> Config:
    """The environment variables that outrank every file."""
    changes: dict[str, Any] = {}
    switches = {
        "PIXI_OFFLINE": ("offline", True),
        "PIXI_NO_SYMBOLIC_LINKS": ("allow_symbolic_links", False),
        "PIXI_NO_HARD_LINKS": ("allow_hard_links", False),
        "PIXI_NO_REF_LINKS": ("allow_ref_links", False),
    }
    for variable, (name, when_set) in switches.items():
        value = environ.get(variable, "").lower()
        if value in TRUE:
            changes[name] = when_set
        elif value and value in FALSE and variable == "PIXI_OFFLINE":
            changes[name] = not when_set
    if environ.get("PIXI_TLS_ROOT_CERTS"):
        changes["tls_root_certs"] = environ["PIXI_TLS_ROOT_CERTS"]
    if environ.get("RATTLER_AUTH_FILE"):
        changes["authentication_override_file"] = Path(environ["RATTLER_AUTH_FILE"])
    return config.replace(**changes) if changes else config


# ---------------------------------------------------------------- single values


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _Refused("a string")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Refused("true or false")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _Refused("a list of strings")
    return tuple(value)


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise _Refused("a number above 0")
    return value


def _path(value: Any) -> Path:
    path = Path(_text(value)).expanduser()
    if not path.is_absolute():
        raise _Refused("an absolute path")
    return path


def _pinning(value: Any) -> str:
    if value not in PINNING_STRATEGIES:
        raise _Refused(f"one of {', '.join(PINNING_STRATEGIES)}")
    return cast("str", value)


def _trust(value: Any) -> str:
    if value not in TRUST_POLICIES:
        raise _Refused(f"one of {', '.join(TRUST_POLICIES)}")
    return cast("str", value)


def _detached(value: Any) -> bool | Path:
    return value if isinstance(value, bool) else _path(value)


def _scripts(value: Any) -> bool:
    if value in (False, "false"):
        return False
    if value == "insecure":
        return True
    raise _Refused("`false` or `insecure`")


def _mirrors(value: Any) -> dict[str, tuple[str, ...]]:
    return {prefix: _texts(urls) for prefix, urls in _table(value).items()}


def _table(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Refused("a table")
    return value


def _redirect(value: Any) -> str:
    if value not in ("auto", "always", "never"):
        raise _Refused("auto, always or never")
    return cast("str", value)


Reader = Callable[[Any], Any]
_TOP: dict[str, tuple[str, Reader]] = {
    "default-channels": ("default_channels", _texts),
    "pinning-strategy": ("pinning_strategy", _pinning),
    "authentication-override-file": ("authentication_override_file", _path),
    "tls-no-verify": ("tls_no_verify", _flag),
    "tls-root-certs": ("tls_root_certs", _text),
    "offline": ("offline", _flag),
    "mirrors": ("mirrors", _mirrors),
    "s3-options": ("s3_options", _table),
    "detached-environments": ("detached_environments", _detached),
    "run-post-link-scripts": ("run_post_link_scripts", _scripts),
    "allow-symbolic-links": ("allow_symbolic_links", _flag),
    "allow-hard-links": ("allow_hard_links", _flag),
    "allow-ref-links": ("allow_ref_links", _flag),
    "change-ps1": ("change_ps1", _flag),
    "force-activate": ("force_activate", _flag),
}
_NESTED: dict[str, dict[str, tuple[str, Reader]]] = {
    "pypi-config": {
        "index-url": ("pypi_index_url", _text),
        "extra-index-urls": ("pypi_extra_index_urls", _texts),
        "keyring-provider": ("pypi_keyring_provider", _text),
        "allow-insecure-host": ("pypi_allow_insecure_host", _texts),
    },
    "shell": {
        "change-ps1": ("change_ps1", _flag),
        "force-activate": ("force_activate", _flag),
        "source-completion-scripts": ("source_completion_scripts", _flag),
    },
    "jupyter": {"trust": ("jupyter_trust", _trust)},
    "experimental": {"use-environment-activation-cache": ("use_environment_activation_cache", _flag)},
    "concurrency": {"downloads": ("concurrent_downloads", _count), "solves": ("concurrent_solves", _count)},
    "proxy-config": {
        "http": ("proxy_http", _text),
        "https": ("proxy_https", _text),
        "non-proxy-hosts": ("non_proxy_hosts", _texts),
    },
}
_REPODATA = {"disable-sharded": "sharded", "disable-zstd": "zstd", "disable-bzip2": "bzip2"}
_KEPT = ("build", "tool-platform")
_KNOWN = (*_TOP, *_NESTED, "repodata-config", "cache", *_KEPT)


def known_keys() -> tuple[str, ...]:
    """Every key, dotted, sorted."""
    nested = [f"{table}.{key}" for table, keys in _NESTED.items() for key in keys]
    cache = [f"cache.{key}" for key in ("root", "read-only", "netfs-redirect", *CACHE_KINDS)]
    return tuple(sorted([*_TOP, *nested, *cache, *(f"repodata-config.{key}" for key in _REPODATA)]))


def _collect(document: Mapping[str, Any], path: Path, merged: dict[str, Any], warnings: list[str]) -> None:
    """One file's values over those of the files before it; tables that map names to values are united."""
    for written, value in document.items():
        key = written.replace("_", "-")
        try:
            if key in _TOP:
                name, reader = _TOP[key]
                _put(merged, name, reader(value))
            elif key in _NESTED:
                _collect_nested(key, _table(value), path, merged, warnings)
            elif key == "repodata-config":
                _collect_repodata(_table(value), path, merged, warnings)
            elif key == "cache":
                _collect_cache(_table(value), path, merged, warnings)
            elif key in _KEPT:
                _put(merged, "extra", {key: value})
            else:
                warnings.append(_ignored(written, path, _KNOWN))
        except _Refused as refused:
            warnings.append(f"Ignoring '{written}' in {path}: expected {refused}")


def _put(merged: dict[str, Any], name: str, value: Any) -> None:
    merged[name] = {**merged.get(name, {}), **value} if isinstance(value, dict) else value


def _collect_nested(
    table: str, values: Mapping[str, Any], path: Path, merged: dict[str, Any], warnings: list[str]
) -> None:
    for written, value in values.items():
        key = written.replace("_", "-")
        if key not in _NESTED[table]:
            warnings.append(_ignored(f"{table}.{written}", path, [f"{table}.{one}" for one in _NESTED[table]]))
            continue
        name, reader = _NESTED[table][key]
        try:
            _put(merged, name, reader(value))
        except _Refused as refused:
            warnings.append(f"Ignoring '{table}.{written}' in {path}: expected {refused}")


def _collect_repodata(values: Mapping[str, Any], path: Path, merged: dict[str, Any], warnings: list[str]) -> None:
    """Forms of indexes not to ask for: everywhere (kept under the empty prefix), or where a URL begins so."""
    found = {prefix: dict(forms) for prefix, forms in merged.get("disabled_forms", {}).items()}
    tables = {key: value for key, value in values.items() if isinstance(value, dict)}
    for prefix, table in {"": {k: v for k, v in values.items() if k not in tables}, **tables}.items():
        for key, value in table.items():
            if key in _REPODATA:
                found.setdefault(prefix, {})[_REPODATA[key]] = _flag(value)
            else:
                warnings.append(
                    _ignored(f"repodata-config.{key}", path, [f"repodata-config.{one}" for one in _REPODATA])
                )
    merged["disabled_forms"] = found


def _collect_cache(values: Mapping[str, Any], path: Path, merged: dict[str, Any], warnings: list[str]) -> None:
    for key, value in values.items():
        try:
            if key == "root":
                merged["cache_root"] = _path(value)
            elif key == "read-only":
                merged["cache_read_only"] = tuple(_path(one) for one in _texts(value))
            elif key == "netfs-redirect":
                merged["cache_netfs_redirect"] = _redirect(value)
            elif key in CACHE_KINDS:
                _put(merged, "cache_folders", {key: _path(value)})
            else:
                known = [one for one in known_keys() if one.startswith("cache.")]
                warnings.append(_ignored(f"cache.{key}", path, known))
        except _Refused as refused:
            warnings.append(f"Ignoring 'cache.{key}' in {path}: expected {refused}")


def _ignored(key: str, path: Path, known: Any) -> str:
    hint = did_you_mean(key, known)
    return f"Ignoring '{key}' in {path}" + (f" ({hint})" if hint else "")
