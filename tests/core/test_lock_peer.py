"""Every lock file we write is read by a peer, with the same packages in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pixi_core.lock.read import read_lock
from pixi_core.lock.write import selector, write_lock
from tests.core.test_lock_roundtrip import V5, V6, V7
from tests.support.rattler_oracle import rattler


@pytest.mark.peer
@pytest.mark.parametrize("text", [pytest.param(V7, id="v7"), pytest.param(V6, id="v6"), pytest.param(V5, id="v5")])
def test_the_peer_finds_the_same_packages(text: str, tmp_path: Path) -> None:
    lock = read_lock(text)
    path = tmp_path / "pixi.lock"
    path.write_text(write_lock(lock), encoding="utf-8")
    ours = read_lock(path.read_text(encoding="utf-8"))
    found = rattler("lock", path=path)
    for name, environment in ours.environments.items():
        for platform, records in environment.packages.items():
            wanted = [selector(record)[1] for record in records if selector(record)[0] != "conda_source"]
            theirs = found[name].get(platform, [])
            assert set(wanted) <= set(theirs)
