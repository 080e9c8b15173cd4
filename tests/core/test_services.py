"""What a command shares: caches, connections, policies."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pixi_core.ops.init import open_services
from pixi_core.workspace import Services


def test_threads_have_one_client(tmp_path: Path) -> None:
    """Eight of them fetch at once; each with a client of its own they would ask a host eight times too often."""
    environ = {"PIXI_HOME": str(tmp_path), "PIXI_CACHE_DIR": str(tmp_path)}
    for _ in range(20):
        services = open_services(environ)
        together = threading.Barrier(8)

        def ask(services: Services = services, together: threading.Barrier = together) -> int:
            together.wait()
            return id(services.client)

        with ThreadPoolExecutor(8) as pool:
            found = {future.result() for future in [pool.submit(ask) for _ in range(8)]}
        services.close()
        assert len(found) == 1
