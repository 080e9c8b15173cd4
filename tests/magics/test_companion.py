"""Front-end halves of packages: found by their files, compared with what the server has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pixi_magics.companion import advice, extensions, server_prefix

EXTENSION = "@jupyter-widgets/jupyterlab-manager"
BELOW = "share/jupyter/labextensions"


def put(root: Path, extension: str, text: str) -> None:
    folder = root / BELOW / extension
    folder.mkdir(parents=True)
    (folder / "package.json").write_text(text)


def transaction(kind: str = "added") -> dict[str, Any]:
    files = ["lib/site-packages/x.py", f"{BELOW}/{EXTENSION}/package.json", f"{BELOW}/{EXTENSION}/static/a.js"]
    new = {"name": "jupyterlab_widgets", "version": "3.0.1", "files": files}
    if kind == "changed":
        new = {"name": "jupyterlab_widgets", "old_version": "2", "new_version": "3.0.1", "new_files": files}
    return {kind: [new, {"name": "plain", "version": "1", "files": ["lib/plain.py"], "new_files": []}]}


@pytest.fixture
def server(tmp_path: Path) -> Path:
    """The environment of a server with JupyterLab; the kernel's is beside it, with version 5.0.1 of the extension."""
    put(tmp_path / "kernel", EXTENSION, json.dumps({"version": "5.0.1"}))
    (tmp_path / "server" / "share" / "jupyter" / "lab").mkdir(parents=True)
    return tmp_path / "server"


def said(server: Path, kind: str = "added", **environ: str) -> list[str]:
    variables = {"JUPYTER_DATA_DIR": str(server / "nothing"), **environ}
    return advice(transaction(kind), str(server.parent / "kernel"), str(server / "bin" / "python"), variables)


@pytest.mark.parametrize("kind", ["added", "changed"])
def test_a_missing_half_is_named_with_the_command_that_adds_it(server: Path, kind: str) -> None:
    [text] = said(server, kind)
    assert text.startswith(f"jupyterlab_widgets draws with {EXTENSION}, which the environment of this Jupyter server")
    assert text.endswith(f"`{server / 'bin' / 'python'} -m pip install jupyterlab_widgets==3.0.1`")


@pytest.mark.parametrize(
    ("there", "count"),
    [
        ('{"version": "5.9.0"}', 0),
        ('{"version": "4.0.0"}', 1),
        ("{}", 0),  # it says nothing of itself
        ("not JSON", 1),
        ("[]", 1),
    ],
)
def test_what_the_server_has_is_compared(server: Path, there: str, count: int) -> None:
    put(server, EXTENSION, there)
    assert len(said(server)) == count


@pytest.mark.parametrize("variable", ["JUPYTER_PATH", "JUPYTER_DATA_DIR"])
def test_other_folders_of_the_server_count(server: Path, variable: str) -> None:
    place = server.parent / "elsewhere" / "share" / "jupyter"
    put(server.parent / "elsewhere", EXTENSION, '{"version": "5.0.0"}')
    assert said(server, **{variable: str(place)}) == []


def test_where_there_is_no_lab_nothing_is_said(server: Path) -> None:
    (server / "share" / "jupyter" / "lab").rmdir()
    assert said(server) == []


@pytest.mark.parametrize(
    ("files", "names"),
    [
        ([f"{BELOW}/jupyter-matplotlib/package.json"], ["jupyter-matplotlib"]),
        ([f"{BELOW}\\@scope\\name\\package.json"], ["@scope/name"]),
        ([f"{BELOW}/@scope/name/node_modules/package.json"], []),
        ([f"{BELOW}/package.json", f"{BELOW}/name/install.json", "package.json"], []),
    ],
)
def test_extensions_are_known_by_their_files(files: list[str], names: list[str]) -> None:
    assert list(extensions(files)) == names


@pytest.mark.parametrize(("core", "prefix"), [("/env/bin/python3", "/env"), ("/env/python.exe", "/env")])
def test_the_environment_of_the_server(core: str, prefix: str) -> None:
    assert server_prefix(core) == prefix
