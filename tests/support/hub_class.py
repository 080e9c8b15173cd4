"""The class of docs/jupyterhub.md, set up by the commands and the configuration of that page, for tests and benchmarks.

What stands in for the machine of an administrator: `/srv/pixi` is a folder in /tmp, the Hub's own Python has this
checkout instead of a published package, users are uids without accounts, and the ports are free ones.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pixi_core.fs import remove_tree
from pixi_core.policy.place import VARIABLE as POLICY
from tests.support.documented import blocks
from tests.support.hub import (
    REPOSITORY,
    RunningHub,
    free_ports,
    hub_settings,
    open_python,
    proxy_program,
    running_hub,
)

PAGE = REPOSITORY / "docs" / "jupyterhub.md"
ADA, BOB = 41001, 41002
IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


class NoHub(Exception):
    """Why this machine can run none."""


@dataclass
class Class:
    """A running Hub, and where everything of it is."""

    hub: RunningHub
    folder: Path
    environ: dict[str, str]

    @property
    def store(self) -> Path:
        return self.folder / "store"

    def workspace(self, name: str) -> Path:
        return self.folder / "classes" / name

    def pixi(self, *words: str) -> str:
        """A `pixi` command of the administrator's."""
        return shell(" ".join(["pixi", *words]), self.folder, self.environ)

    def home(self, user: str) -> Path:
        return self.folder / "home" / user


def shell(text: str, folder: Path, environ: dict[str, str]) -> str:
    """Run a block of commands as the page's reader would; what it printed."""
    ran = subprocess.run(["sh", "-euc", text], cwd=folder, env=environ, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, f"{text}\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout


@contextmanager
def running_class(channel_url: str, npm_environ: Mapping[str, str]) -> Iterator[Class]:
    """The class of the page, with its Hub, until the end of the block. Raises `NoHub`."""
    proxy, reason = proxy_program(npm_environ)
    if proxy is None:
        raise NoHub(reason)
    folder = Path(tempfile.mkdtemp(prefix="pixi-hub-"))
    try:
        folder.chmod(0o755)
        python, reason = open_python(folder / "hub", ADA)
        if python is None:
            raise NoHub(reason)
        yield from _school(folder, channel_url, proxy)
    finally:
        remove_tree(folder)


def _school(folder: Path, channel_url: str, proxy: Path) -> Iterator[Class]:
    for user, uid in (("ada", ADA), ("bob", BOB), ("grace", None)):
        home = folder / "home" / user
        (home / "tmp").mkdir(parents=True)
        if IS_ROOT and uid is not None:
            os.chown(home, uid, uid)
            os.chown(home / "tmp", uid, uid)
        home.chmod(0o700)
    settings = folder / "administrator" / "config.toml"
    settings.parent.mkdir()
    settings.write_text(f'default-channels = ["{channel_url}"]\n')
    environ = {
        **os.environ,
        "PATH": f"{folder}/hub/bin:{proxy.parent}:{os.environ['PATH']}",
        "PIXI_HOME": str(settings.parent),
        "PIXI_CACHE_DIR": str(folder / "administrator" / "cache"),
    }
    if IS_ROOT:  # a policy of anybody else is none
        environ[POLICY] = str(folder / "policy.toml")
        Path(environ[POLICY]).write_text("# everything is allowed\n")
    hub_command = ""
    for info, written in blocks(PAGE):
        text = written.replace("/srv/pixi", str(folder))
        if info == "sh":
            shell(text, folder, environ)
        elif info == "python jupyterhub_config.py":
            token, ports = secrets.token_hex(16), free_ports(4)
            (folder / "jupyterhub_config.py").write_text(
                text + hub_settings(ports, proxy, folder, token) + _spawner(folder) + _service_port(ports[3])
            )
        elif info == "sh hub":
            hub_command = text.replace("jupyterhub -f", "exec jupyterhub -f")
    address = f"http://127.0.0.1:{ports[0]}/"
    with running_hub(["sh", "-euc", hub_command], folder, address, token, environ) as hub:
        there = {user["name"] for user in hub.api("GET", "users")}
        hub.api("POST", "users", {"usernames": sorted({"ada", "bob", "eve", "grace"} - there)})
        yield Class(hub, folder, environ)


def _spawner(folder: Path) -> str:
    """Users without accounts: the uids of this test, or just the one who runs it."""
    accounts = {"ada": ADA, "bob": BOB} if IS_ROOT else {}
    return "\n".join(
        [
            "import os, sys",
            f"sys.path.append({str(REPOSITORY)!r})",
            'c.JupyterHub.spawner_class = "tests.support.hub_spawner.AccountsSpawner"',
            f"c.AccountsSpawner.accounts = {accounts!r}",
            f"c.AccountsSpawner.home_dir_template = {str(folder / 'home' / '{username}')!r}",
            f"c.Spawner.args = {['--allow-root'] if IS_ROOT else []!r}",
            f'kept = ("PIXI_TEST_HUB", "{POLICY}")',
            "c.Spawner.environment = {name: os.environ[name] for name in kept if name in os.environ}",
            "c.Spawner.http_timeout = 60",
            "",
        ]
    )


def _service_port(port: int) -> str:
    return f'next(one for one in c.JupyterHub.services if one["name"] == "pixi")["url"] = "http://127.0.0.1:{port}"\n'


def messages(events: list[dict[str, Any]]) -> list[str]:
    return [str(event.get("message", "")) for event in events]


def start_kernel(school: Class, user: str, path: str = "one.ipynb", kernel: str = "pixi") -> tuple[str, float]:
    """A kernel for a notebook of a user's; its id, and the seconds until it has answered a first cell."""
    server = school.hub.server(user)
    began = time.perf_counter()
    answer = server.open_session(path, kernel)
    assert answer.status == 201, f"{answer.body.decode()}\n{school.hub.log.read_text()}"
    identifier = str(answer.json()["kernel"]["id"])
    (result,) = server.run_cells(identifier, "1")
    taken = time.perf_counter() - began
    assert result.status == "ok", result.text
    return identifier, taken


def stop_kernel(school: Class, user: str, identifier: str) -> None:
    assert school.hub.server(user).request("DELETE", f"api/kernels/{identifier}").status == 204


def unmade_workspace(school: Class, name: str) -> Path:
    """Offer a workspace whose environment nobody has made yet: that of the page, with one package more."""
    folder = school.workspace(name)
    shutil.copytree(school.workspace("statistics"), folder, ignore=shutil.ignore_patterns(".pixi"))
    manifest = folder / "pixi.toml"
    manifest.write_text(manifest.read_text().replace('name = "statistics"', f'name = "{name}"'))
    school.pixi("add", "--manifest-path", str(folder), "--no-install", "six")
    return folder


def places_of(school: Class, user: str) -> tuple[Path, ...]:
    """Where anything could be written for a user: home with its temporary folder, store, classes, the Hub's caches."""
    return (school.home(user), school.store, school.folder / "administrator", school.folder / "classes")


def bytes_since(before: dict[str, tuple[int, int, int]], *folders: Path) -> int:
    """Bytes of the files that are new or changed since `snapshot`."""
    return sum(found[0] for path, found in snapshot(*folders).items() if before.get(path) != found)


def snapshot(*folders: Path) -> dict[str, tuple[int, int, int]]:
    """Size, inode and time of every file below some folders."""
    found = {}
    for folder in folders:
        for parent, _, names in os.walk(folder):
            for name in names:
                path = os.path.join(parent, name)
                try:
                    status = os.lstat(path)
                except FileNotFoundError:
                    continue
                found[path] = (status.st_size, status.st_ino, status.st_mtime_ns)
    return found
