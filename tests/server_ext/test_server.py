"""The extension in a real Jupyter Server: loaded without configuration, closed to strangers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.jupyter_server import TestServer, running_server

QUESTIONS = ["pixi/status", "pixi/environments", "pixi/packages", "pixi/history"]
ENDPOINTS = [*(("GET", path) for path in QUESTIONS), ("POST", "pixi/kernelspecs")]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    (folder / "plain").mkdir()
    (folder / "broken").mkdir()
    (folder / "broken" / "pixi.toml").write_text("[workspace\n")
    (folder / "broken" / "not.ipynb").write_text("{]")
    return folder


@pytest.fixture(scope="module")
def server(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestServer]:
    work = tmp_path_factory.mktemp("server")
    with running_server(root, work, environ={"PIXI_CACHE_DIR": str(work / "cache")}) as running:
        yield running


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
@pytest.mark.parametrize("token", [None, "wrong"])
def test_strangers_are_refused(server: TestServer, method: str, path: str, token: str | None) -> None:
    assert server.request(method, path, token=token).status == 403


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
def test_a_cookie_without_the_xsrf_token_changes_nothing(server: TestServer, method: str, path: str) -> None:
    login = server.request("GET", f"api/status?token={server.token}", token=None)
    cookie = login.headers.get("Set-Cookie", "").split(";")[0]
    answer = server.request(method, path, token=None, headers={"Cookie": cookie})
    assert answer.status == (200 if method == "GET" else 403)


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
def test_other_sites_get_no_permission(server: TestServer, method: str, path: str) -> None:
    login = server.request("GET", f"api/status?token={server.token}", token=None)
    cookie = login.headers.get("Set-Cookie", "").split(";")[0]
    answer = server.request(method, path, token=None, headers={"Cookie": cookie, "Origin": "http://evil.example"})
    assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


@pytest.mark.parametrize(("method", "path"), [("POST", "pixi/status"), ("GET", "pixi/kernelspecs")])
def test_wrong_methods(server: TestServer, method: str, path: str) -> None:
    assert server.request(method, path).status == 405


def test_a_folder_without_a_workspace(server: TestServer) -> None:
    answer = server.request("GET", "pixi/status?path=plain")
    assert answer.status == 200
    assert answer.json()["state"] == "no-workspace"


@pytest.mark.parametrize("path", ["..", "missing.ipynb", "%2Fetc%2Fpasswd", "plain%2F..%2F.."])
def test_paths_outside_are_not_found(server: TestServer, path: str) -> None:
    answer = server.request("GET", f"pixi/status?path={path}")
    assert answer.status == 404
    assert str(Path.cwd()) not in answer.body.decode()


def test_a_name_that_is_none(server: TestServer) -> None:
    assert server.request("GET", "pixi/status?path=plain&environment=..%2Fx").status == 400


@pytest.mark.parametrize("path", ["broken", "broken/not.ipynb"])
def test_what_cannot_be_read_is_explained(server: TestServer, path: str) -> None:
    answer = server.request("GET", f"pixi/status?path={path}")
    assert answer.status == 422
    assert answer.json()["message"]


def test_the_static_kernel_spec_is_listed(server: TestServer) -> None:
    specs = server.request("GET", "api/kernelspecs").json()["kernelspecs"]
    spec = specs["pixi"]["spec"]
    assert spec["display_name"] == "Pixi (project environment)"
    assert not [word for word in spec["argv"] if word.startswith("/")]
    assert (
        json.loads((Path(__file__).parents[2] / "pixi_kernel/kernelspec/kernel.json").read_text())["argv"]
        == spec["argv"]
    )


def test_the_front_end_is_small_source() -> None:
    folder = Path(__file__).parents[2] / "server_ext" / "labextension"
    package = json.loads((folder / "package.json").read_text())
    script = folder / package["jupyterlab"]["_build"]["load"]
    files = [path for path in script.parent.rglob("*") if path.is_file()]
    assert script in files
    assert sum(path.stat().st_size for path in files) <= 60_000, "what every page of every user loads"
    assert not [path.name for path in files if "innerHTML" in path.read_text()]
