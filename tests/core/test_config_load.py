"""Configuration: the order of places, what is ignored with a warning, and the environment."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from pixi_core.config.load import config_locations, known_keys, load_config
from pixi_core.config.model import CACHE_KINDS, Config
from pixi_core.errors import ConfigError


def put(folder: Path, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.toml").write_text(text, encoding="utf-8")


def test_the_workspace_outranks_the_home(tmp_path: Path) -> None:
    home, root = tmp_path / "home", tmp_path / "root"
    put(
        home / ".pixi", 'default-channels = ["a"]\npinning-strategy = "minor"\n[mirrors]\n"https://x.example" = ["y"]\n'
    )
    put(
        root / ".pixi",
        'default-channels = ["b"]\n[mirrors]\n"https://z.example" = ["w"]\n[concurrency]\ndownloads = 3\n',
    )
    config = load_config(root, {"HOME": str(home)})
    assert config.default_channels == ("b",)
    assert config.pinning_strategy == "minor"
    assert set(config.mirrors) == {"https://x.example", "https://z.example"}
    assert config.concurrent_downloads == 3
    assert config.locations[-1] == root / ".pixi" / "config.toml"
    assert config.warnings == ()


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("ofline = true", "Ignoring 'ofline' in"),
        ("offline = 3", "expected true or false"),
        ("offline = ", "parse error in"),
        ("[shell]\nchange-ps2 = true", "did you mean `shell.change-ps1`?"),
        ('[cache]\nroot = "here"', "expected an absolute path"),
        ('[cache]\nrot = "/here"', "did you mean `cache.root`?"),
    ],
)
def test_what_is_not_understood_is_ignored_with_a_warning(text: str, warning: str, tmp_path: Path) -> None:
    put(tmp_path / ".pixi", text)
    config = load_config(None, {"HOME": str(tmp_path)})
    assert warning in config.warnings[0]
    assert config.offline is False


def test_the_environment_outranks_files(tmp_path: Path) -> None:
    put(tmp_path / ".pixi", "offline = true")
    assert load_config(None, {"HOME": str(tmp_path)}).offline
    assert not load_config(None, {"HOME": str(tmp_path), "PIXI_OFFLINE": "false"}).offline
    assert config_locations(None, {"HOME": str(tmp_path), "PIXI_NO_CONFIG": "1"}) == []
    with pytest.raises(ConfigError):
        load_config(None, {"PIXI_CONFIG_FILE": str(tmp_path / "none.toml")})


A, B = "https://a.example/", "https://b.example/"
KEYS: dict[str, tuple[str, str, Any, str]] = {
    "default-channels": ('["a"]', "default_channels", ("a",), '"a"'),
    "pinning-strategy": ('"no-pin"', "pinning_strategy", "no-pin", '"none"'),
    "authentication-override-file": ('"/a.json"', "authentication_override_file", Path("/a.json"), '"a.json"'),
    "tls-no-verify": ("true", "tls_no_verify", True, '"yes"'),
    "tls-root-certs": ('"native"', "tls_root_certs", "native", "1"),
    "offline": ("true", "offline", True, "1"),
    "mirrors": (f'{{"{A}" = ["{B}"]}}', "mirrors", {A: (B,)}, f'{{"{A}" = "{B}"}}'),
    "s3-options": ('{b = {region = "x"}}', "s3_options", {"b": {"region": "x"}}, "[]"),
    "detached-environments": ('"/envs"', "detached_environments", Path("/envs"), '"envs"'),
    "run-post-link-scripts": ('"insecure"', "run_post_link_scripts", True, "true"),
    "allow-symbolic-links": ("false", "allow_symbolic_links", False, '"no"'),
    "allow-hard-links": ("false", "allow_hard_links", False, '"no"'),
    "allow-ref-links": ("false", "allow_ref_links", False, '"no"'),
    "change-ps1": ("false", "change_ps1", False, '"no"'),
    "force-activate": ("true", "force_activate", True, '"yes"'),
    "pypi-config.index-url": (f'"{A}"', "pypi_index_url", A, "1"),
    "pypi-config.extra-index-urls": (f'["{A}"]', "pypi_extra_index_urls", (A,), f'"{A}"'),
    "pypi-config.keyring-provider": ('"subprocess"', "pypi_keyring_provider", "subprocess", "true"),
    "pypi-config.allow-insecure-host": ('["a.example"]', "pypi_allow_insecure_host", ("a.example",), '"a.example"'),
    "shell.change-ps1": ("false", "change_ps1", False, '"no"'),
    "shell.force-activate": ("true", "force_activate", True, '"yes"'),
    "shell.source-completion-scripts": ("false", "source_completion_scripts", False, '"no"'),
    "jupyter.trust": ('"locked-only"', "jupyter_trust", "locked-only", '"never"'),
    "experimental.use-environment-activation-cache": ("true", "use_environment_activation_cache", True, "1"),
    "concurrency.downloads": ("3", "concurrent_downloads", 3, "0"),
    "concurrency.solves": ("1", "concurrent_solves", 1, "true"),
    "proxy-config.http": ('"http://p.example"', "proxy_http", "http://p.example", "8080"),
    "proxy-config.https": ('"http://p.example"', "proxy_https", "http://p.example", "8080"),
    "proxy-config.non-proxy-hosts": ('["a.example"]', "non_proxy_hosts", ("a.example",), '"a.example"'),
    "repodata-config.disable-sharded": ("true", "disabled_forms", {"": {"sharded": True}}, "1"),
    "repodata-config.disable-zstd": ("true", "disabled_forms", {"": {"zstd": True}}, "1"),
    "repodata-config.disable-bzip2": ("false", "disabled_forms", {"": {"bzip2": False}}, "1"),
    "cache.root": ('"/c"', "cache_root", Path("/c"), '"c"'),
    "cache.read-only": ('["/c"]', "cache_read_only", (Path("/c"),), '"/c"'),
    "cache.netfs-redirect": ('"never"', "cache_netfs_redirect", "never", "false"),
    **{f"cache.{kind}": ('"/c"', "cache_folders", {kind: Path("/c")}, '"c"') for kind in CACHE_KINDS},
}
"""Key → a value, the field that holds it, what it holds then, and a value that is refused."""


def written(key: str, value: str) -> str:
    table, _, name = key.rpartition(".")
    return f"[{table}]\n{name} = {value}\n" if table else f"{name} = {value}\n"


def test_the_table_names_every_key() -> None:
    assert set(KEYS) == set(known_keys())


@pytest.mark.skipif(sys.platform == "win32", reason="absolute paths of POSIX")
@pytest.mark.parametrize("key", KEYS)
def test_each_key_is_read_and_checked(key: str, tmp_path: Path) -> None:
    value, field, held, wrong = KEYS[key]
    environ = {"HOME": str(tmp_path)}
    put(tmp_path / ".pixi", written(key, value))
    config = load_config(None, environ)
    assert (getattr(config, field), config.warnings) == (held, ())
    assert getattr(Config(), field) != held, "what is not set is something else"
    put(tmp_path / ".pixi", written(key, wrong))
    config = load_config(None, environ)
    assert getattr(config, field) == getattr(Config(), field)
    [warning] = config.warnings
    assert key.partition(".")[0] in warning
    assert "expected" in warning
