"""Resolution through the product's own HTTP client, against an index on the loopback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pixi_core.model.pypi_options import PypiOptions
from pixi_core.model.pypi_requirement import parse_requirement
from pixi_core.net.client import Client
from pixi_core.pypi.fetcher import Fetcher
from pixi_core.pypi.index import IndexClient
from pixi_core.pypi.resolve import resolve
from tests.core.pypi_support import target
from tests.support.pypi_index import FakeIndex, serving


@pytest.mark.parametrize("page", [None, "html"])
@pytest.mark.parametrize("faults", [(), ("no-metadata",), ("no-metadata", "no-range")])
def test_a_lock_over_http(tmp_path: Path, page: Any, faults: Any) -> None:
    index = FakeIndex()
    index.wheel("app", "1.0", "lib>=1", faults=faults)
    index.wheel("lib", "2.0", faults=faults)
    index.wheel("lib", "3.0", requires_python=">=3.99", faults=faults)
    if page is not None:
        index.page_faults = {"app": page, "lib": page}
    with serving(index), Client() as client:
        fetcher: Fetcher = client
        options = PypiOptions(index_url=index.url)
        indexes = IndexClient(fetcher, tmp_path, options)
        found = resolve([parse_requirement("app")], target=target(), index=indexes, options=options)
        assert [(record.name, record.version) for record in found] == [("app", "1.0"), ("lib", "2.0")]
        assert all(record.location.startswith(index.base) for record in found)
        assert not indexes.project(parse_requirement("unknown").name).found
