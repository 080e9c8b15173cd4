"""Paths in requests never leave the served folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from pixi_server_ext.paths import OutsideRoot, confined


@pytest.fixture
def root(tmp_path: Path) -> Path:
    served = tmp_path / "served"
    (served / "inner").mkdir(parents=True)
    (served / "inner" / "one.ipynb").write_text("{}")
    (tmp_path / "served-too").mkdir()
    (tmp_path / "served-too" / "secret.ipynb").write_text("{}")
    (served / "way-out").symlink_to(tmp_path / "served-too")
    (served / "way-in").symlink_to(served / "inner")
    return served


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("", ""),
        ("/", ""),
        ("inner", "inner"),
        ("inner/one.ipynb", "inner/one.ipynb"),
        ("/inner/one.ipynb", "inner/one.ipynb"),
        ("RTC:inner/one.ipynb", "inner/one.ipynb"),
        ("inner/../inner/one.ipynb", "inner/one.ipynb"),
        ("way-in/one.ipynb", "inner/one.ipynb"),
    ],
)
def test_inside(root: Path, path: str, found: str) -> None:
    assert confined(root, path) == (root / found).resolve()


@pytest.mark.parametrize(
    "path",
    [
        "..",
        "../served-too/secret.ipynb",
        "inner/../../served-too",
        "way-out/secret.ipynb",
        "/etc/passwd",
        "RTC:../served-too/secret.ipynb",
        "..\\served-too",
        "inner\0/one.ipynb",
        "missing.ipynb",
        "inner/one.ipynb/..",
        "file:///etc/passwd",
    ],
)
def test_outside(root: Path, path: str) -> None:
    if path == "inner/one.ipynb/..":
        # lexically inside, and realpath agrees: it is the folder
        assert confined(root, path).is_relative_to(root.resolve())
        return
    with pytest.raises(OutsideRoot):
        confined(root, path)
