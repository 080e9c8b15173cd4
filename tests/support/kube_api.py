"""As much of the Kubernetes API as it takes to be asked for pods, on loopback."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class KubeApi:
    """`pods` are the descriptions that were posted, `configuration` the text of a kubeconfig for this server."""

    configuration: str = ""
    pods: list[dict[str, Any]] = field(default_factory=list)

    def written(self, folder: Path) -> Path:
        """The kubeconfig as a file."""
        path = folder / "kubeconfig"
        path.write_text(self.configuration)
        return path


@contextmanager
def kube_api() -> Iterator[KubeApi]:
    """Serve it as long as the block runs."""
    api = KubeApi()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            right = self.path.partition("?")[0].endswith("/pods")
            if right:
                api.pods.append(json.loads(body))
            self.send_response(201 if right else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class names it so
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        api.configuration = json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "here",
                "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
                "clusters": [{"name": "here", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
                "users": [{"name": "me", "user": {}}],
            }
        )
        try:
            yield api
        finally:
            server.shutdown()
            thread.join()
