"""Entries of an index that nobody could install: the rest of the channel is not lost for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pixi_core.cache.layout import CacheDirs
from pixi_core.model.channel import Channel, file_url
from pixi_core.model.platform import NOARCH, Subdir
from pixi_core.repodata.gateway import Gateway
from pixi_core.solve import SolveRequest, solve

from .repodata_support import PlainClient
from .solve_support import shown, specs

SOUND: dict[str, Any] = {"name": "a", "version": "1", "build": "0", "build_number": 0, "depends": []}


@pytest.mark.parametrize(
    "broken",
    [
        {"version": "not a version!!"},
        {"version": None},
        {"build_number": "many"},
        {"timestamp": "yesterday"},
    ],
    ids=lambda broken: f"{broken}",
)
def test_an_unreadable_entry_is_left_out(tmp_path: Path, broken: dict[str, Any]) -> None:
    entries = {"a-1-0.conda": SOUND, "a-2-0.conda": {**SOUND, "version": "2", **broken}}
    (tmp_path / "forge" / "linux-64").mkdir(parents=True)
    (tmp_path / "forge" / "linux-64" / "repodata.json").write_text(json.dumps({"packages.conda": entries}))
    with Gateway(PlainClient(), CacheDirs.below(tmp_path / "cache")) as door:
        source = door.source([Channel(file_url(tmp_path / "forge") + "/", "forge")], [Subdir("linux-64"), NOARCH])
        assert shown(solve(SolveRequest(specs=specs("a")), source)) == ["a 1 0"]
