"""What the entries of the kernel picker say."""

from __future__ import annotations

from pathlib import Path

import pytest

from pixi_server_ext.picker import read_entries

MANIFEST = '[workspace]\nname = "demo"\nchannels = []\nplatforms = ["linux-64"]\n'


@pytest.mark.parametrize(
    ("served", "place", "path"),
    [("served", "served", ""), ("served", "served/a/b", "a/b"), ("served/a", "served", None)],
)
def test_an_entry_names_its_folder_as_the_contents_api_does(
    served: str, place: str, path: str | None, tmp_path: Path
) -> None:
    for name in (served, place):
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
    manifest = tmp_path / place / "pixi.toml"
    manifest.write_text(MANIFEST)
    (entry,) = read_entries(manifest, tmp_path / served, {})
    assert entry.spec()["metadata"]["pixi"].get("path") == path
