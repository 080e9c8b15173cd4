"""The same host workspace as the provisioner's tests have, and a server of a user. Modules that need another server
have their own of that name.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.provisioner.conftest import index, manifest, own_cache, project
from tests.support.jupyter_server import TestServer, server_of_a_user

__all__ = ["index", "manifest", "own_cache", "project", "root", "server"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the server serves."""
    folder = tmp_path_factory.mktemp("user") / "served"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def server(root: Path, index: str) -> Iterator[TestServer]:
    """Jupyter Server, for a user who has chosen an index."""
    with server_of_a_user(root, index) as running:
        yield running
