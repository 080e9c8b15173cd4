"""What front ends ask, in a real Jupyter Server: environments, packages, search, history; and jobs of the real core."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.provisioner.conftest import approve, write_notebook
from tests.server_ext.test_jobs import finished
from tests.support.command import pixi
from tests.support.jupyter_server import TestServer, running_server
from tests.support.trees import tree

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("kernels")]


@pytest.fixture
def server(project: Path, own_cache: Path, tmp_path: Path) -> Iterator[TestServer]:
    """Serves the approved workspace `demo`, and a stranger's."""
    (tmp_path / "stranger").mkdir()
    (tmp_path / "stranger" / "pixi.toml").write_text((project / "pixi.toml").read_text().replace("demo", "stranger"))
    work = tmp_path / "work"
    work.mkdir()
    with running_server(tmp_path, work) as running:
        yield running


def ask(server: TestServer, question: str, status: int = 200, **query: Any) -> Any:
    words = urlencode(query)
    answer = server.request("GET", f"pixi/{question}?{words}")
    assert answer.status == status, answer.body
    return answer.json()


def do(server: TestServer, **body: object) -> dict[str, Any]:
    answer = server.request("POST", "pixi/jobs", {"path": "demo", **body})
    assert answer.status == 202, answer.body
    job = finished(server, answer.json()["id"])
    assert job["error"] is None, job
    return job


def changes(diff: Any) -> dict[str, tuple[bool, bool]]:
    """Name to whether it was there before and is after, in the default environment."""
    platforms = diff["environment"].get("default", {})
    return {row["name"]: (bool(row["before"]), bool(row["after"])) for rows in platforms.values() for row in rows}


def test_environments_packages_history_and_rehearsals(server: TestServer, project: Path) -> None:
    write_notebook(project / "nb.ipynb", pixi={"environment": "extra"})
    assert server.request("POST", "pixi/kernelspecs").status == 200
    found = ask(server, "environments", path="demo/nb.ipynb")
    assert found["workspace"] == "demo"
    assert [(row["name"], row["state"], row["current"]) for row in found["environments"]] == [
        ("default", "no-lock", False),
        ("extra", "no-lock", True),
    ]
    listed = server.request("GET", "api/kernelspecs").json()["kernelspecs"]
    entries = [row["kernelspec"] for row in found["environments"]]
    assert [listed[entry]["spec"]["display_name"] for entry in entries] == ["demo (default)", "demo (extra)"]
    assert ask(server, "packages", path="demo") == {"environment": "default", "packages": []}
    assert ask(server, "history", path="demo")["generations"] == []

    before = tree(project)
    rehearsed = do(server, command="add", names=["greeting"], dry_run=True)
    assert changes(rehearsed["diff"]) == {"greeting": (False, True), "words": (False, True)}
    assert tree(project) == before
    done = do(server, command="add", names=["greeting"])
    assert (done["diff"], done["restart"]) == (None, None)
    rows = ask(server, "packages", path="demo")["packages"]
    assert [(row["name"], row["version"], row["kind"], row["is_explicit"]) for row in rows] == [
        ("greeting", "1.1", "pypi", True),
        ("words", "2.0", "pypi", False),
    ]
    assert ask(server, "environments", path="demo", environment="default")["environments"][0]["state"] == "in-sync"
    do(server, command="remove", names=["greeting"])
    shown = ask(server, "history", path="demo")
    assert shown == json.loads(pixi("history", "--json", cwd=project).succeeded().out)

    before = tree(project)
    back = do(server, command="rollback", generation=1, dry_run=True)
    assert changes(back["diff"]) == {"greeting": (False, True), "words": (False, True)}
    assert changes(do(server, command="install", dry_run=True)["diff"]) == {}
    assert changes(do(server, command="update", dry_run=True)["diff"]) == {}
    assert tree(project) == before
    do(server, command="rollback", generation=1)
    assert [row["name"] for row in ask(server, "packages", path="demo")["packages"]] == ["greeting", "words"]
    rehearsed = do(server, command="remove", names=["greeting"], dry_run=True)
    assert changes(rehearsed["diff"]) == {"greeting": (True, False), "words": (True, False)}


def test_questions_change_nothing(server: TestServer, project: Path, own_cache: Path) -> None:
    do(server, command="add", names=["words"])
    ask(server, "search", path="demo", query="greet")
    before = tree(project)
    for question in ("status", "environments", "packages", "history", "search"):
        more: dict[str, Any] = {"query": "greet"} if question == "search" else {}
        for path in ("demo", "demo/pixi.toml"):
            ask(server, question, path=path, **more)
    assert tree(project) == before


@pytest.mark.parametrize(
    ("query", "names", "suggestions"),
    [
        ("words", ["words"], []),
        ("gree", ["greeting"], []),
        ("GREET", ["greeting"], []),
        ("r", ["words", "greeting"], []),
        ("wrods", [], ["words"]),
        ("nothing-like-it", [], []),
    ],
)
def test_search(server: TestServer, query: str, names: list[str], suggestions: list[str]) -> None:
    found = ask(server, "search", path="demo", query=query)
    assert found["query"] == query
    assert [match["name"] for match in found["matches"]] == names
    assert found["suggestions"] == suggestions
    for match in found["matches"]:
        assert match == {
            "name": match["name"],
            "version": {"words": "2.0", "greeting": "1.1"}[match["name"]],
            "kind": "pypi",
            "summary": {"words": None, "greeting": "Says hello"}[match["name"]],
        }
    assert len(ask(server, "search", path="demo", query="r", limit=1)["matches"]) == 1


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"path": "demo", "query": "a b"}, 422),
        ({"path": "demo", "query": ""}, 422),
        ({"path": "demo", "query": "x", "limit": 0}, 400),
        ({"path": "demo", "query": "x", "limit": "many"}, 400),
        ({"path": "demo", "query": "x", "environment": "gone"}, 422),
        ({"path": "stranger", "query": "x"}, 403),
        ({"path": "work", "query": "x"}, 409),
    ],
)
def test_searches_that_are_refused(server: TestServer, query: dict[str, object], status: int) -> None:
    assert ask(server, "search", status, **query)["message"]


def test_a_strangers_workspace_is_only_read(server: TestServer, tmp_path: Path) -> None:
    before = tree(tmp_path / "stranger")
    rows = ask(server, "environments", path="stranger")["environments"]
    assert {row["state"] for row in rows} == {"untrusted"}
    assert ask(server, "packages", path="stranger")["packages"] == []
    assert ask(server, "history", path="stranger")["generations"] == []
    assert tree(tmp_path / "stranger") == before


def test_a_job_says_what_the_running_kernels_need(server: TestServer, project: Path) -> None:
    """The kernel is asked while a cell runs in it; it answers for what it has loaded."""
    do(server, command="add", names=["greeting==1.0", "words==1.0"])
    write_notebook(project / "nb.ipynb")
    approve(project)
    session = server.open_session("demo/nb.ipynb")
    assert session.status == 201, session.body
    kernel = session.json()["kernel"]["id"]
    harmless = do(server, command="add", names=["words>=1"])
    assert harmless["restart"] == {"verdict": "ready", "reasons": []}, "nothing of it is loaded"
    assert server.run_cells(kernel, "import words; words.version")[0].status == "ok"
    loaded = do(server, command="add", names=["words==1.0"])["restart"]
    assert loaded["verdict"] == "recommended"
    assert "words" in loaded["reasons"][0]
    assert "loaded: words" in loaded["reasons"][0]
