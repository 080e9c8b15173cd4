"""A stranger's notebook under a real Jupyter Server: nothing happens before its user approves it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.provisioner.conftest import write_notebook
from tests.server_ext.test_sessions import until
from tests.support.foreign import Foreign, foreign_workspace, tree
from tests.support.jupyter_server import TestServer, running_server

pytestmark = pytest.mark.xdist_group("kernels")

USE = "import words; print(words.version)"
PATH = "foreign/nb.ipynb"


@pytest.fixture
def foreign(tmp_path: Path, own_cache: Path) -> Iterator[Foreign]:
    own_cache.mkdir()
    with foreign_workspace(tmp_path / "served" / "foreign", tmp_path / "trace") as found:
        yield found


@pytest.fixture
def server(foreign: Foreign, tmp_path: Path) -> Iterator[TestServer]:
    work = tmp_path / "server"
    work.mkdir()
    with running_server(foreign.folder.parent, work) as running:
        yield running


def notebook_of(foreign: Foreign, where: str, text: str) -> None:
    if where == "inside":
        write_notebook(foreign.folder / "nb.ipynb", USE, pixi=text)
    else:
        (foreign.folder / "pixi.toml").write_text(text)
        write_notebook(foreign.folder / "nb.ipynb", USE)


def watched(foreign: Foreign) -> dict[str, int]:
    return tree(foreign.folder, Path(os.environ["PIXI_CACHE_DIR"]), Path(os.environ["PIXI_HOME"]))


def status(server: TestServer) -> dict[str, Any]:
    answer: dict[str, Any] = server.request("GET", f"pixi/status?path={PATH}").json()
    return answer


def children(server: TestServer) -> list[str]:
    """The processes that the server has started and that still run."""
    process = server.process.pid
    found: list[str] = []
    for task in Path(f"/proc/{process}/task").iterdir():
        found += (task / "children").read_text().split()
    return found


@pytest.mark.parametrize("where", ["beside", "inside"])
def test_opening_does_nothing_and_approval_lets_it_run(where: str, server: TestServer, foreign: Foreign) -> None:
    notebook_of(foreign, where, foreign.harmful)
    before, processes = watched(foreign), children(server)
    state = status(server)
    assert state["state"] == "untrusted"
    assert any("LD_PRELOAD_CANARY=set" in line for line in state["trust"]["lines"])
    assert any("activate.sh" in line for line in state["trust"]["lines"])
    dialog = server.open_session(PATH)
    assert dialog.status == 500
    assert "has not been approved" in dialog.json()["message"]
    assert "pixi trust" in dialog.json()["message"]
    for command in ("install", "lock"):
        assert server.request("POST", "pixi/jobs", {"path": PATH, "command": command}).status in (403, 409)
    assert set(children(server)) <= set(processes)  # one that was there may have ended
    assert foreign.touched() == []
    assert watched(foreign) == before

    notebook_of(foreign, where, foreign.good)
    stale = {"path": PATH, "fingerprint": state["trust"]["fingerprint"]}
    assert server.request("POST", "pixi/trust", stale).status == 409  # not what the user was shown
    assert status(server)["state"] == "untrusted"
    fresh = {"path": PATH, "fingerprint": status(server)["trust"]["fingerprint"]}
    answer = server.request("POST", "pixi/trust", fresh)
    assert (answer.status, answer.json()) == (200, {"trusted": True, "workspace": "foreign"})
    assert status(server)["state"] != "untrusted"
    assert foreign.touched() == []
    session = server.open_session(PATH)
    assert session.status == 201, session.body
    assert server.run_cells(session.json()["kernel"]["id"], USE)[0].text.strip() == "1.0"
    assert foreign.index.asked
    assert not foreign.trace.exists()
    assert status(server)["state"] == "in-sync"


@pytest.mark.slow
def test_the_notebook_itself_takes_the_approval(server: TestServer, foreign: Foreign) -> None:
    notebook_of(foreign, "inside", foreign.good)
    assert server.open_session(PATH).status == 500
    session = server.open_session(PATH)
    assert session.status == 201
    kernel = session.json()["kernel"]["id"]
    refused = server.run_cells(kernel, "%pixi install")[0]
    assert "has not been approved" in "\n".join(refused.reply["traceback"])
    assert foreign.touched() == []
    approved = server.run_cells(kernel, "%pixi trust")[0]
    assert "its kernel starts now" in approved.text, approved

    def real() -> bool:
        try:
            return "1.0" in server.run_cells(kernel, USE, timeout=5)[0].text
        except (TimeoutError, ConnectionError):
            return False

    assert until(real, 60)


REQUESTS = {
    "status": ("GET", "pixi/status", None),
    "trust": ("POST", "pixi/trust", {"path": PATH, "fingerprint": "x"}),
    "jobs": ("POST", "pixi/jobs", {"path": PATH, "command": "install"}),
    "a job": ("GET", "pixi/jobs/0", None),
    "stop a job": ("DELETE", "pixi/jobs/0", None),
    "kernelspecs": ("POST", "pixi/kernelspecs", {}),
    "environments": ("GET", f"pixi/environments?path={PATH}", None),
    "packages": ("GET", f"pixi/packages?path={PATH}", None),
    "history": ("GET", f"pixi/history?path={PATH}", None),
}


def test_every_endpoint_against_every_credential(server: TestServer, foreign: Foreign) -> None:
    """J3: endpoint x {no token, wrong token, cookie without XSRF, cookie from another site}."""
    notebook_of(foreign, "beside", foreign.harmful)
    login = server.request("GET", f"api/status?token={server.token}", token=None)
    cookie = {"Cookie": login.headers.get("Set-Cookie", "").split(";")[0]}
    elsewhere = {**cookie, "Origin": "http://evil.example"}
    for name, (method, path, body) in REQUESTS.items():
        reads = method == "GET"
        for credential, options in {
            "none": {"token": None},
            "wrong": {"token": "wrong"},
            "cookie": {"token": None, "headers": cookie},
            "elsewhere": {"token": None, "headers": elsewhere},
        }.items():
            answer = server.request(method, path, body, **options)  # type: ignore[arg-type]  # a table of cases
            if reads and credential in ("cookie", "elsewhere"):
                assert answer.status in (200, 404), (name, credential, answer.status)
            else:  # Jupyter denies that there is anything to a page of another site
                refused = (401, 403, 404) if credential == "elsewhere" else (401, 403)
                assert answer.status in refused, (name, credential, answer.status)
            shared = [header for header in answer.headers if header.lower().startswith("access-control-")]
            assert shared == [], (name, credential)
    assert foreign.touched() == []
    assert not Path(os.environ["PIXI_HOME"]).exists()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"path": PATH}, 400),
        ({"fingerprint": "x"}, 400),
        ([], 400),
        ({"path": PATH, "fingerprint": 3}, 400),
        ({"path": "..", "fingerprint": "x"}, 404),
        ({"path": "foreign/../../trace", "fingerprint": "x"}, 404),
        ({"path": "/etc/passwd", "fingerprint": "x"}, 404),
        ({"path": "gone.ipynb", "fingerprint": "x"}, 404),
        ({"path": "outside.ipynb", "fingerprint": "x"}, 404),
        ({"path": PATH, "fingerprint": "x"}, 409),
        ({"path": "broken", "fingerprint": "x"}, 422),
    ],
)
def test_refusals(refusing: TestServer, body: object, status: int) -> None:
    answer = refusing.request("POST", "pixi/trust", body)
    assert answer.status == status, answer.body
    assert "Traceback" not in answer.body.decode()


def test_only_json_is_taken(refusing: TestServer) -> None:
    headers = {"Content-Type": "text/plain"}
    body = {"path": PATH, "fingerprint": "x"}
    assert refusing.request("POST", "pixi/trust", body, headers=headers).status == 415
    assert refusing.request("GET", "pixi/trust").status == 405


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestServer]:
    """A server with a stranger's notebook, a broken manifest, and a link that leads out."""
    folder = tmp_path_factory.mktemp("refusing")
    work = folder / "work"
    work.mkdir()
    with foreign_workspace(folder / "served" / "foreign", folder / "trace") as foreign:
        notebook_of(foreign, "beside", foreign.harmful)
        (folder / "served" / "broken").mkdir()
        (folder / "served" / "broken" / "pixi.toml").write_text("[workspace\n")
        (folder / "outside.ipynb").write_text(json.dumps({"cells": [], "metadata": {}}))
        (folder / "served" / "outside.ipynb").symlink_to(folder / "outside.ipynb")
        with running_server(folder / "served", work) as running:
            yield running
