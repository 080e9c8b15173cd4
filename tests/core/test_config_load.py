"""Configuration: the order of places, what is ignored with a warning, and the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from pixi_core.config.load import config_locations, load_config
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
