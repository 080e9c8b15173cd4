"""A real Jupyter Server on loopback, in a process of its own, and a client for its REST interface and kernels."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from tests.support.kernels import CellResult, collect
from tests.support.processes import end

START_SECONDS = 60.0
CELL_SECONDS = 240.0


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


@dataclass
class TestServer:
    """A running server."""

    __test__ = False

    url: str
    token: str
    process: subprocess.Popen[bytes]
    log: Path
    events: list[dict[str, Any]] = field(default_factory=list)

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = "",
        headers: Mapping[str, str] | None = None,
        timeout: float = CELL_SECONDS,
    ) -> Answer:
        """One request; `token` empty means the right one, None means none."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        chosen = self.token if token == "" else token
        if chosen is not None:
            sent["Authorization"] = f"token {chosen}"
        data = None if body is None else json.dumps(body).encode()
        if method != "GET" and data is None:
            data = b""
        request = urllib.request.Request(self.url + path, data=data, headers=sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as response:
                return Answer(response.status, dict(response.headers), response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers), error.read())

    def open_session(self, path: str, kernel: str = "pixi", name: str | None = None) -> Answer:
        """Start a kernel for a notebook, as JupyterLab does."""
        body = {"path": path, "name": name or Path(path).name, "type": "notebook", "kernel": {"name": kernel}}
        return self.request("POST", "api/sessions", body)

    def run_cells(self, kernel_id: str, *cells: str, timeout: float = CELL_SECONDS) -> list[CellResult]:
        """Execute cells in a kernel over the websocket, one after another."""
        return asyncio.run(self._run_cells(kernel_id, cells, timeout))

    async def _run_cells(self, kernel_id: str, cells: tuple[str, ...], timeout: float) -> list[CellResult]:
        address = f"{self.url.replace('http', 'ws', 1)}api/kernels/{kernel_id}/channels"
        headers = {"Authorization": f"token {self.token}"}
        connection = await websocket_connect(HTTPRequest(address, headers=headers, request_timeout=timeout))
        try:
            return [await asyncio.wait_for(_run_cell(connection, cell), timeout) for cell in cells]
        finally:
            await _close(connection)

    def follow_events(self) -> threading.Thread:
        """Collect events from now on in `events`; the thread ends with the server."""
        ready = threading.Event()

        async def follow() -> None:
            address = f"{self.url.replace('http', 'ws', 1)}api/events/subscribe"
            connection = await websocket_connect(HTTPRequest(address, headers={"Authorization": f"token {self.token}"}))
            ready.set()
            while (message := await connection.read_message()) is not None:
                self.events.append(json.loads(message))
            await _close(connection)

        thread = threading.Thread(target=lambda: asyncio.run(follow()), daemon=True)
        thread.start()
        assert ready.wait(START_SECONDS), "the event stream did not open"
        return thread


async def _close(connection: WebSocketClientConnection) -> None:
    """Say goodbye and wait for the answer: a loop that ends before would leave the socket to the garbage collector."""
    connection.close()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(5):
            while await connection.read_message() is not None:
                pass
    await asyncio.sleep(0)


async def _run_cell(connection: WebSocketClientConnection, code: str) -> CellResult:
    identifier = uuid.uuid4().hex
    content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
    header = {"msg_id": identifier, "msg_type": "execute_request", "username": "", "session": "test", "version": "5.3"}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
    await connection.write_message(json.dumps({**message, "buffers": []}))
    result = CellResult("", {})
    idle = False
    while not (idle and result.status):
        received = await connection.read_message()
        if received is None:
            raise ConnectionError("the kernel's channel was closed")
        answer = json.loads(received)
        if answer["parent_header"].get("msg_id") != identifier:
            continue
        kind = answer["header"]["msg_type"]
        if kind == "execute_reply":
            result.reply = answer["content"]
            result.status = answer["content"]["status"]
        elif kind == "status":
            idle = answer["content"]["execution_state"] == "idle"
        else:
            collect(result, kind, answer["content"])
    return result


LAB = ("jupyterlab", "jupyter_lsp", "notebook", "notebook_shim")
"""Server extensions that come with JupyterLab and Notebook."""

FRONT_END = Path(__file__).parents[2] / "server_ext" / "labextension"


@contextmanager
def running_server(
    root: Path,
    work: Path,
    *options: str,
    environ: Mapping[str, str] | None = None,
    lab: bool = False,
    extensions: Mapping[str, bool] | None = None,
    python: str = sys.executable,
) -> Iterator[TestServer]:
    """Serve `root`; settings, runtime files and the log are below `work`. JupyterLab and Notebook, which start slowly
    and processes of their own, only with `lab`; they load the front end as it is in this tree.
    `extensions` are server extensions to switch on or off, `python` runs the server.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    variables = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(work / "config"),
        "JUPYTER_DATA_DIR": str(work / "data"),
        "JUPYTER_RUNTIME_DIR": str(work / "runtime"),
        "IPYTHONDIR": str(work / "ipython"),
        "JUPYTER_TOKEN": token,
        **(environ or {}),
    }
    if lab:
        shutil.copytree(FRONT_END, work / "shared" / "labextensions" / "pixi-jupyter")
        variables["JUPYTER_PATH"] = str(work / "shared")
        settings = work / "config" / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
        settings.mkdir(parents=True)
        (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
        options = (*options, "--LabServerApp.expose_app_in_browser=True")
    command = [python, "-m", "jupyter_server", "--no-browser", f"--ServerApp.port={port}"]
    command += ["--ServerApp.port_retries=0", "--ServerApp.ip=127.0.0.1", f"--ServerApp.root_dir={root}"]
    if not lab:
        switched = {**dict.fromkeys(LAB, False), **(extensions or {})}
        command.append(f"--ServerApp.jpserver_extensions={switched}")
    if os.geteuid() == 0:
        command.append("--allow-root")
    log = work / "server.log"
    with log.open("wb") as stream:
        process = subprocess.Popen([*command, *options], stdout=stream, stderr=stream, env=variables, cwd=work)
    server = TestServer(f"http://127.0.0.1:{port}/", token, process, log)
    try:
        _wait_until_up(server)
        yield server
    finally:
        # after a kernel that failed to start, Jupyter Server itself may wait for ever
        end(process, 6)


@contextmanager
def server_of_a_user(root: Path, index: str, *, lab: bool = False) -> Iterator[TestServer]:
    """A server with a cache and settings of its own, beside `root`; its user has the PyPI index `index`."""
    home, work = root.parent / "home", root.parent / "work"
    home.mkdir()
    work.mkdir()
    (home / "config.toml").write_text(f'[pypi-config]\nindex-url = "{index}"\n')
    environ = {"PIXI_HOME": str(home), "PIXI_CACHE_DIR": str(root.parent / "cache")}
    with running_server(root, work, lab=lab, environ=environ) as running:
        yield running


def _wait_until_up(server: TestServer) -> None:
    pause = threading.Event()
    for _ in range(int(START_SECONDS / 0.1)):
        if server.process.poll() is not None:
            break
        try:
            if server.request("GET", "api/status", timeout=5).status == 200:
                return
        except (OSError, urllib.error.URLError):
            pass
        pause.wait(0.1)
    raise RuntimeError(f"Jupyter Server did not start:\n{server.log.read_text()}")
