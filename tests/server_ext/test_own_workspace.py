"""A notebook's own workspace under a real Jupyter Server: saved by who has it open, renamed, opened twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.provisioner.conftest import write_notebook
from tests.support.jupyter_server import TestServer

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("kernels")]

WHERE = "import sys; print(sys.prefix)"


def status(server: TestServer, path: str) -> dict[str, Any]:
    answer: dict[str, Any] = server.request("GET", f"pixi/status?path={path}").json()
    return answer


def kernel_of(server: TestServer, path: str, name: str | None = None) -> str:
    session = server.open_session(path, name=name)
    assert session.status == 201, session.body
    return str(session.json()["kernel"]["id"])


def save(server: TestServer, path: str, table: object) -> None:
    """What a front end does: the notebook as it has it, with the new metadata."""
    model = server.request("GET", f"api/contents/{path}").json()
    model["content"]["metadata"]["pixi"] = table
    body = {key: model[key] for key in ("type", "format", "content")}
    assert server.request("PUT", f"api/contents/{path}", body).status == 200


def approve(server: TestServer, path: str) -> None:
    """What the dialog does."""
    shown = status(server, path)
    assert shown["state"] == "untrusted"
    approval = {"path": path, "fingerprint": shown["trust"]["fingerprint"]}
    assert server.request("POST", "pixi/trust", approval).status == 200


def test_what_was_added_is_saved_by_the_front_end_and_lasts(server: TestServer, root: Path) -> None:
    write_notebook(root / "one.ipynb")
    assert status(server, "one.ipynb")["state"] == "no-workspace"
    kernel = kernel_of(server, "one.ipynb")
    assert status(server, "one.ipynb")["unsaved"] is None, "nobody has put anything into it"
    before = (root / "one.ipynb").read_bytes()
    assert server.run_cells(kernel, "%pixi add greeting")[0].status == "ok"
    assert (root / "one.ipynb").read_bytes() == before, "a notebook that is open is not written behind its back"
    table = status(server, "one.ipynb")["unsaved"]
    assert "greeting" in table["manifest"]
    assert "greeting-1.1" in table["lock"]

    save(server, "one.ipynb", table)
    assert status(server, "one.ipynb")["unsaved"] is None
    assert status(server, "one.ipynb")["state"] == "in-sync"
    assert server.request("POST", f"api/kernels/{kernel}/restart").status == 200
    assert server.run_cells(kernel, "import greeting; print(greeting.version)")[0].text.strip() == "1.1"


def test_renamed_it_is_asked_about_and_then_the_same(server: TestServer, root: Path) -> None:
    write_notebook(root / "old.ipynb")
    session = server.open_session("old.ipynb").json()
    kernel = session["kernel"]["id"]
    assert server.run_cells(kernel, "%pixi add words")[0].status == "ok"
    save(server, "old.ipynb", status(server, "old.ipynb")["unsaved"])
    assert server.request("PATCH", "api/contents/old.ipynb", {"path": "new.ipynb"}).status == 200
    renamed = {"path": "new.ipynb", "name": "new.ipynb", "type": "notebook"}
    assert server.request("PATCH", f"api/sessions/{session['id']}", renamed).status == 200
    assert server.run_cells(kernel, "import words; print(words.version)")[0].text.strip() == "2.0"

    approve(server, "new.ipynb")
    assert server.request("POST", f"api/kernels/{kernel}/restart").status == 200
    where, use = server.run_cells(kernel, WHERE, "import words; print(words.version)")
    assert "/new-" in where.text
    assert use.text.strip() == "2.0"


def test_opened_twice_it_has_one_environment(server: TestServer, root: Path) -> None:
    """A second window, through the drive that jupyter-collaboration puts before paths: another kernel, the same
    environment.
    """
    write_notebook(root / "twice.ipynb")
    first = kernel_of(server, "twice.ipynb")
    second = kernel_of(server, "RTC:twice.ipynb", name="RTC:twice.ipynb")
    assert first != second
    one, other = (server.run_cells(kernel, WHERE)[0].text for kernel in (first, second))
    assert one == other
    assert server.run_cells(first, "%pixi add greeting")[0].status == "ok"
    assert server.run_cells(second, "import greeting; print(greeting.version)")[0].text.strip() == "1.1"
    assert status(server, "RTC:twice.ipynb")["state"] == status(server, "twice.ipynb")["state"] == "in-sync"


def test_a_save_that_is_behind_does_not_undo_what_came_after(server: TestServer, root: Path) -> None:
    write_notebook(root / "late.ipynb")
    kernel = kernel_of(server, "late.ipynb")
    assert server.run_cells(kernel, "%pixi add words")[0].status == "ok"
    first = status(server, "late.ipynb")["unsaved"]
    assert server.run_cells(kernel, "%pixi add greeting")[0].status == "ok"
    save(server, "late.ipynb", first)
    assert server.request("POST", f"api/kernels/{kernel}/restart").status == 200
    assert server.run_cells(kernel, "import greeting; print(greeting.version)")[0].text.strip() == "1.1"
    assert "greeting" in json.dumps(status(server, "late.ipynb")["unsaved"])


def test_a_notebook_that_was_taken_back_is_believed(server: TestServer, root: Path) -> None:
    """As `git checkout` would, after a kernel has started with the newer state."""
    write_notebook(root / "back.ipynb")
    kernel = kernel_of(server, "back.ipynb")
    assert server.run_cells(kernel, "%pixi add words")[0].status == "ok"
    first = status(server, "back.ipynb")["unsaved"]
    assert server.run_cells(kernel, "%pixi add greeting")[0].status == "ok"
    save(server, "back.ipynb", status(server, "back.ipynb")["unsaved"])
    assert server.request("POST", f"api/kernels/{kernel}/restart").status == 200
    save(server, "back.ipynb", first)
    approve(server, "back.ipynb")
    assert status(server, "back.ipynb")["unsaved"] is None, "the next start takes it over"
    assert server.request("POST", f"api/kernels/{kernel}/restart").status == 200
    found = "import importlib.util as u; print(bool(u.find_spec('words')), bool(u.find_spec('greeting')))"
    assert server.run_cells(kernel, found)[0].text.strip() == "True False"
