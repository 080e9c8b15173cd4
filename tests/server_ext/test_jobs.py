"""Changes by REST: accepted, followed, refused, cancelled. The core at the other end is a script."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from pixi_core.errors import UsageError
from pixi_server_ext.jobs import read_order
from tests.provisioner.conftest import approve
from tests.support.fake_core import FakeCore
from tests.support.jupyter_server import TestServer, running_server

PHASE = {"type": "phase", "id": 1, "name": "solve", "done": 0, "total": None, "unit": "items"}

DIFFERENCE = {"version": 1, "environment": {}}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"command": "add", "names": ["numpy>=2"]}, ["add", "--", "numpy>=2"]),
        ({"command": "add", "names": ["six"], "pypi": True, "environment": "gpu"},
         ["add", "--pypi", "--environment", "gpu", "--", "six"]),
        ({"command": "remove", "names": ["a", "b"]}, ["remove", "--", "a", "b"]),
        ({"command": "install", "environment": "default"}, ["install", "--environment", "default"]),
        ({"command": "lock", "environment": "default"}, ["lock"]),
        ({"command": "update"}, ["update"]),
        ({"command": "update", "names": ["numpy"], "dry_run": True}, ["update", "--dry-run", "--", "numpy"]),
        ({"command": "upgrade", "names": ["numpy"], "environment": "gpu"},
         ["upgrade", "--environment", "gpu", "--", "numpy"]),
        ({"command": "rollback"}, ["rollback"]),
        ({"command": "rollback", "generation": 3, "dry_run": True}, ["rollback", "--dry-run", "3"]),
    ],
)  # fmt: skip
def test_words_of_a_request(body: Mapping[str, Any], words: list[str]) -> None:
    order = read_order(body)
    assert list(order.words) == words
    assert order.dry_run is body.get("dry_run", False)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"command": "run", "names": ["rm"]},
        {"command": ["add"]},
        {"command": "add"},
        {"command": "add", "names": []},
        {"command": "add", "names": "numpy"},
        {"command": "add", "names": ["--index=http://evil.example"]},
        {"command": "add", "names": ["-e."]},
        {"command": "add", "names": ["a\nb"]},
        {"command": "add", "names": [3]},
        {"command": "install", "names": ["numpy"]},
        {"command": "install", "environment": "../x"},
        {"command": "install", "environment": 3},
        {"command": "install", "dry_run": "yes"},
        {"command": "install", "dry_run": 1},
        {"command": "install", "generation": 3},
        {"command": "rollback", "generation": 0},
        {"command": "rollback", "generation": True},
        {"command": "rollback", "generation": "3"},
        {"command": "rollback", "names": ["numpy"]},
        {"command": "update", "names": ["--environment=x"]},
    ],
)
def test_bad_requests(body: Mapping[str, Any]) -> None:
    with pytest.raises(UsageError):
        read_order(body)


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> FakeCore:
    folder = tmp_path_factory.mktemp("core")
    return FakeCore(
        folder,
        {
            "add": [
                {**PHASE, "state": "start"},
                {"type": "message", "text": "✔ Added six >=1"},
                {**PHASE, "state": "finish"},
                {"type": "result", "command": "add", "data": {"note": "x" * 200_000}},
            ],
            "remove": [
                {"type": "error", "message": "no such package", "details": [], "hints": ["look"], "exit_code": 1},
                {"exit": 1},
            ],
            "lock": [{**PHASE, "state": "start"}, {"wait_for": str(folder / "never")}],
            "upgrade": [{"type": "result", "command": "upgrade", "data": {"difference": DIFFERENCE}}],
        },
    )


@pytest.fixture(scope="module")
def server(core: FakeCore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestServer]:
    root = tmp_path_factory.mktemp("served")
    (root / "demo").mkdir()
    (root / "plain").mkdir()
    (root / "demo" / "pixi.toml").write_text('[workspace]\nname = "demo"\nchannels = []\nplatforms = ["linux-64"]\n')
    approve(root / "demo")
    work = tmp_path_factory.mktemp("server")
    with running_server(root, work, f"--PixiExtension.core={core.path}") as running:
        running.follow_events()
        yield running


def finished(server: TestServer, identifier: str) -> dict[str, Any]:
    pause = threading.Event()
    for _ in range(200):
        job: dict[str, Any] = server.request("GET", f"pixi/jobs/{identifier}").json()
        if job["state"] != "running":
            return job
        pause.wait(0.05)
    raise AssertionError(f"the job did not end: {job}")


def start(server: TestServer, **body: object) -> dict[str, Any]:
    answer = server.request("POST", "pixi/jobs", {"path": "demo", **body})
    assert answer.status == 202, answer.body
    job: dict[str, Any] = answer.json()
    assert answer.headers["Location"].endswith(job["id"])
    return job


def test_a_job_is_accepted_and_told_of(server: TestServer, core: FakeCore) -> None:
    job = finished(server, start(server, command="add", names=["six"])["id"])
    assert (job["state"], job["messages"], job["error"]) == ("done", ["✔ Added six >=1"], None)
    assert core.calls()[-1]["words"][-4:] == ["--json-lines", "add", "--", "six"]
    states = [event["state"] for event in server.events if event.get("job") == job["id"]]
    assert states == ["solving", "changed"]


def test_a_job_that_fails_says_why(server: TestServer) -> None:
    job = finished(server, start(server, command="remove", names=["six"])["id"])
    assert job["state"] == "failed"
    assert job["error"] == {"message": "no such package", "details": [], "hints": ["look"]}


def test_a_rehearsal_tells_what_would_change(server: TestServer) -> None:
    job = finished(server, start(server, command="upgrade", dry_run=True)["id"])
    assert (job["state"], job["dry_run"], job["diff"], job["restart"]) == ("done", True, DIFFERENCE, None)
    assert [event["state"] for event in server.events if event.get("job") == job["id"]] == ["ready"]


def test_while_it_runs_the_status_says_so_and_it_can_be_cancelled(server: TestServer, core: FakeCore) -> None:
    job = start(server, command="lock")
    pause = threading.Event()
    for _ in range(200):
        if (core.folder / "waiting").exists():
            break
        pause.wait(0.05)
    assert server.request("GET", "pixi/status?path=demo").json()["state"] == "solving"
    assert server.request("DELETE", f"pixi/jobs/{job['id']}").status == 204
    assert finished(server, job["id"])["state"] == "cancelled"
    for _ in range(200):
        if (core.folder / "interrupted").exists():
            break
        pause.wait(0.05)
    assert (core.folder / "interrupted").exists()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"path": "demo", "command": "run"}, 400),
        ({"command": "install"}, 400),
        ([], 400),
        ({"path": "..", "command": "install"}, 404),
        ({"path": "demo/gone.ipynb", "command": "install"}, 404),
        ({"path": "plain", "command": "install"}, 409),
    ],
)
def test_refusals(server: TestServer, body: object, status: int) -> None:
    assert server.request("POST", "pixi/jobs", body).status == status


def test_only_json_is_taken(server: TestServer) -> None:
    body = {"path": "demo", "command": "install"}
    headers = {"Content-Type": "text/plain"}
    assert server.request("POST", "pixi/jobs", body, headers=headers).status == 415


@pytest.mark.parametrize(("method", "path"), [("POST", "pixi/jobs"), ("GET", "pixi/jobs/0"), ("DELETE", "pixi/jobs/0")])
def test_strangers_are_refused(server: TestServer, method: str, path: str) -> None:
    assert server.request(method, path, {} if method == "POST" else None, token=None).status == 403
    assert json.loads(server.request("GET", "pixi/jobs/0").body)["message"] == "there is no such job"
