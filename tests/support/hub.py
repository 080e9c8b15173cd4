"""A real JupyterHub on loopback: its proxy from npm, users of this machine's making, and a client for it.

| | |
|---|---|
| `proxy_program` | configurable-http-proxy, installed once into the tests' cache |
| `open_python` | a virtual environment that any user of this machine can run, with what this one has |
| `running_hub` | the Hub with a configuration, until the end of the block |
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import signal
import site
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.jupyter_server import Answer, TestServer
from tests.support.processes import end

REPOSITORY = Path(__file__).resolve().parents[2]
START_SECONDS = 60.0
PROXY = "configurable-http-proxy@5"
ADMINISTRATOR = "grace"


def proxy_program(environ: Mapping[str, str]) -> tuple[Path | None, str]:
    """configurable-http-proxy, and why there is none. `environ`: the user's variables, which npm is configured by."""
    found = shutil.which("configurable-http-proxy")
    if found is not None:
        return Path(found), ""
    npm = shutil.which("npm")
    if npm is None:
        return None, "configurable-http-proxy comes from npm, which is missing"
    folder = Path(os.environ["PIXI_TEST_CACHE"]) / "configurable-http-proxy-5"
    program = folder / "node_modules" / ".bin" / "configurable-http-proxy"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            words = [npm, "install", "--no-fund", "--no-audit", "--prefix", str(folder), PROXY]
            ran = subprocess.run(words, capture_output=True, text=True, env=dict(environ), timeout=120)
            if ran.returncode:
                return None, f"npm could not install {PROXY}: {ran.stderr.strip()[-300:]}"
    return program, ""


def open_python(folder: Path, uid: int) -> tuple[Path | None, str]:
    """A virtual environment below `folder` that the user `uid` can run, and why there is none.

    It has this environment's packages by their folders, and its Jupyter files by links.
    """
    for base in (getattr(sys, "_base_executable", sys.executable), f"/usr/bin/python3.{sys.version_info[1]}"):
        if _runs(base, "import venv", uid):
            break
    else:
        return None, "no Python of this version is open to other users"
    subprocess.run([base, "-m", "venv", "--without-pip", str(folder)], check=True, capture_output=True)
    python = folder / "bin" / "python"
    packages = folder / "lib" / f"python3.{sys.version_info[1]}" / "site-packages"
    lines = [f"import site; site.addsitedir({path!r})\n" for path in site.getsitepackages()]
    (packages / "tests.pth").write_text("".join(lines))
    for name in ("share/jupyter", "share/jupyterhub", "etc/jupyter"):
        there = Path(sys.prefix, name)
        if there.is_dir() and not (folder / name).exists():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).symlink_to(there)
    scripts = {
        "pixi": "pixi_core.cli.main",
        "jupyterhub": "jupyterhub",
        "jupyterhub-singleuser": "jupyterhub.singleuser",
    }
    for name, module in scripts.items():
        script = folder / "bin" / name
        script.write_text(f'#!/bin/sh\nexec "{python}" -m {module} "$@"\n')
        script.chmod(0o755)
    if not _runs(str(python), "import jupyterhub.singleuser, pixi_provisioner, jupyterlab", uid):
        return None, "this checkout, or its virtual environment, is closed to other users"
    return python, ""


def _runs(python: str, program: str, uid: int) -> bool:
    who: dict[str, Any] = {"user": uid, "group": uid, "extra_groups": []} if os.geteuid() == 0 else {}
    try:
        return subprocess.run([python, "-c", program], capture_output=True, cwd="/", **who).returncode == 0
    except OSError:
        return False


@dataclass(frozen=True)
class RunningHub:
    """A Hub; `token` is that of a service which may do everything an administrator may."""

    url: str
    token: str
    process: subprocess.Popen[bytes]
    log: Path

    def request(self, method: str, path: str, body: object = None, *, token: str = "", timeout: float = 120) -> Answer:
        """One request below the Hub's address. Redirects are answers."""
        headers = {"Authorization": f"token {token or self.token}", "Content-Type": "application/json"}
        data = None if body is None and method == "GET" else json.dumps(body or {}).encode()
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        opener = urllib.request.build_opener(_NoRedirect)
        try:
            with opener.open(request, timeout=timeout) as response:
                return Answer(response.status, dict(response.headers), response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers), error.read())

    def api(self, method: str, path: str, body: object = None) -> Any:
        """One request to the Hub's API that must succeed: the answer's JSON."""
        answer = self.request(method, f"hub/api/{path}", body)
        assert answer.status < 300, f"{method} {path}: {answer.status} {answer.body.decode()}\n{self.log.read_text()}"
        return answer.json() if answer.body else None

    def spawn(self, user: str, options: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Start a user's server; the events of its progress, to the one that says ready or failed."""
        answer = self.request("POST", f"hub/api/users/{user}/server", dict(options or {}))
        assert answer.status in (201, 202), f"{answer.status} {answer.body.decode()}\n{self.log.read_text()}"
        return self.progress(user)

    def progress(self, user: str) -> list[dict[str, Any]]:
        """The events of a start."""
        headers = {"Authorization": f"token {self.token}"}
        address = f"{self.url}hub/api/users/{user}/server/progress"
        events = []
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=120) as stream:
            for line in stream:
                if line.startswith(b"data: "):
                    events.append(json.loads(line[6:]))
                    if events[-1].get("ready") or events[-1].get("failed"):
                        break
        return events

    def server(self, user: str) -> TestServer:
        """A client for a user's server."""
        return TestServer(f"{self.url}user/{user}/", self.token, self.process, self.log)

    def stop_server(self, user: str) -> None:
        """Stop a user's server, and wait until it is gone."""
        self.request("DELETE", f"hub/api/users/{user}/server")
        wait_for(lambda: not self.api("GET", f"users/{user}")["servers"])


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *words: Any, **options: Any) -> None:
        """Never."""


def wait_for(condition: Any, seconds: float = START_SECONDS) -> Any:
    """The first true value of a condition that is asked again and again."""
    pause = threading.Event()
    for _ in range(int(seconds / 0.1)):
        found = condition()
        if found:
            return found
        pause.wait(0.1)
    raise AssertionError("never true")


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def hub_settings(ports: Sequence[int], proxy: Path, folder: Path, token: str) -> str:
    """Lines for the end of a configuration: loopback, passwords that do not matter, and a service for the tests."""
    scopes = ["admin:users", "admin:servers", "access:servers", "access:services", "tokens", "read:hub", "admin:groups"]
    tester = {"name": "tester", "api_token": token}
    return "\n".join(
        [
            f'c.JupyterHub.bind_url = "http://127.0.0.1:{ports[0]}"',
            f"c.JupyterHub.hub_port = {ports[1]}",
            f"c.ConfigurableHTTPProxy.command = {[str(proxy)]!r}",
            f'c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{ports[2]}"',
            f"c.ConfigurableHTTPProxy.pid_file = {str(folder / 'proxy.pid')!r}",
            f"c.JupyterHub.db_url = {'sqlite:///' + str(folder / 'hub.sqlite')!r}",
            f"c.JupyterHub.cookie_secret_file = {str(folder / 'cookie_secret')!r}",
            'c.JupyterHub.authenticator_class = "dummy"',
            "c.Authenticator.allow_all = True",
            'c.JupyterHub.tornado_settings = {"slow_spawn_timeout": 0}',
            f"c.Authenticator.admin_users = {{{ADMINISTRATOR!r}}}",
            f"c.JupyterHub.services = [*c.JupyterHub.services, {tester!r}]",
            f"tester = {{'name': 'tester-role', 'scopes': {scopes!r}, 'services': ['tester']}}",
            "c.JupyterHub.load_roles = [*c.JupyterHub.load_roles, tester]",
            "",
        ]
    )


@contextlib.contextmanager
def running_hub(
    command: Sequence[str], folder: Path, url: str, token: str, environ: Mapping[str, str]
) -> Iterator[RunningHub]:
    """Run a Hub's command in `folder` until the end of the block; then it and all it started is gone."""
    log = folder / "hub.log"
    mark = f"PIXI_TEST_HUB={secrets.token_hex(8)}"
    name, _, value = mark.partition("=")
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command, stdout=stream, stderr=stream, cwd=folder, env={**environ, name: value}, start_new_session=True
        )
    hub = RunningHub(url, token, process, log)
    try:
        wait_for(lambda: process.poll() is not None or _is_up(hub))
        if process.poll() is not None:
            raise RuntimeError(f"JupyterHub did not start:\n{log.read_text()}")
        yield hub
    finally:
        end(process, 30)
        with contextlib.suppress(AssertionError):  # what was told to end may need a moment for it
            wait_for(lambda: not marked_processes(mark), 10)
        left = marked_processes(mark)
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    assert not left, f"left behind by the Hub: {left}\n{log.read_text()}"


def _is_up(hub: RunningHub) -> bool:
    try:
        return hub.request("GET", "hub/api/", timeout=5).status == 200
    except OSError:
        return False


def marked_processes(mark: str) -> list[int]:
    """Processes that run and have a variable set, wherever they come from."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark.encode() in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found
