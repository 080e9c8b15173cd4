"""The advice after a failed import."""

from __future__ import annotations

from pathlib import Path

import pytest

from pixi_magics.magic import has_channels
from pixi_magics.missing import advice


@pytest.mark.parametrize(
    ("name", "channels", "expected"),
    [
        ("numpyish", False, "hint: %pixi add numpyish"),
        ("numpyish", True, "hint: %pixi add numpyish   (from PyPI: %pixi add --pypi numpyish)"),
        ("osgeo.gdal", False, "hint: %pixi add gdal"),
        ("cv2", False, "hint: %pixi add opencv-python"),
        ("cv2", True, "hint: %pixi add opencv   (on PyPI it is called opencv-python: %pixi add --pypi opencv-python)"),
        ("json.nothing", False, None),
        ("_private", False, None),
        ("", False, None),
        ("not a name", False, None),
    ],
)
def test_advice(name: str, channels: bool, expected: str | None) -> None:
    assert advice(ModuleNotFoundError("no module", name=name), channels) == expected


def test_other_errors_get_none() -> None:
    assert advice(ImportError("cannot import name", name="numpyish"), False) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[workspace]\nchannels = []\n", False),
        ("[workspace]\nchannels = [\n]\n", False),
        ('[workspace]\nchannels = ["conda-forge"]\n', True),
        ('[tool.pixi.workspace]\n  channels = [\n  "one",\n]', True),
        ("", False),
    ],
)
def test_channels_of_a_manifest(tmp_path: Path, text: str, expected: bool) -> None:
    (tmp_path / "pixi.toml").write_text(text)
    assert has_channels(str(tmp_path / "pixi.toml")) is expected
    assert has_channels(None) is False
