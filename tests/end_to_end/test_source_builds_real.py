"""Builds with real back ends, in conda environments, and beside uv: the same files from the same sources."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from uv import find_uv_bin

from tests.support.command import pixi
from tests.support.projects import project, repository
from tests.support.pypi_index import FakeIndex, serving
from tests.support.trees import tree

EXTENSION = """#include <Python.h>
static PyObject *answer(PyObject *self, PyObject *none) { return PyLong_FromLong(42); }
static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, ""}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "compiled", "", -1, methods};
PyMODINIT_FUNC PyInit_compiled(void) { return PyModule_Create(&module); }
"""


def write(folder: Path, **files: str) -> Path:
    """A folder with these files; `__` in a name stands for a dot."""
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return folder


def table(name: str, backend: str, requires: str, more: str = "") -> str:
    return (
        f'[build-system]\nrequires = ["{requires}"]\nbuild-backend = "{backend}"\n'
        f'[project]\nname = "{name}"\nversion = "1.2"\ndescription = "of {name}"\ndependencies = ["six>=1.10"]\n{more}'
    )


def compiled(folder: Path) -> Path:
    return write(
        folder,
        pyproject__toml=table("compiled", "setuptools.build_meta", "setuptools"),
        setup__py="from setuptools import Extension, setup\n"
        "setup(ext_modules=[Extension('compiled', ['compiled.c'])])\n",
        compiled__c=EXTENSION,
    )


def legacy(folder: Path) -> Path:
    return write(
        folder,
        setup__py="from setuptools import setup\nsetup(name='legacy', version='1.2', py_modules=['legacy'], "
        "install_requires=['six>=1.10'])\n",
        legacy__py="def answer(): return 42\n",
    )


def hatched(folder: Path) -> Path:
    text = table("hatched", "hatchling.build", "hatchling").replace('version = "1.2"', 'dynamic = ["version"]')
    module = '__version__ = "1.2"\ndef answer(): return 42\n'
    version = '[tool.hatch.version]\npath = "hatched.py"\n[tool.hatch.build]\ninclude = ["hatched.py"]\n'
    return write(folder, pyproject__toml=text + version, hatched__py=module)


def flitted(folder: Path) -> Path:
    return write(
        folder,
        pyproject__toml=table("flitted", "flit_core.buildapi", "flit_core"),
        flitted__py='"""A module."""\ndef answer(): return 42\n',
    )


PROJECTS: dict[str, Callable[[Path], Path]] = {
    "compiled": compiled,
    "legacy": legacy,
    "hatched": hatched,
    "flitted": flitted,
}


def host_workspace(folder: Path, *dependencies: str) -> Path:
    folder.mkdir()
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    lines = [
        '[workspace]\nname = "w"\nchannels = []\nplatforms = ["linux-64"]',
        f'[dependencies]\npython = "{version}.*"\n[pypi-dependencies]',
        *dependencies,
    ]
    (folder / "pixi.toml").write_text("\n".join(lines) + "\n")
    return folder


@pytest.mark.network
@pytest.mark.peer
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the workspace is for linux-64")
@pytest.mark.parametrize("kind", ["folder", "editable", "git"])
@pytest.mark.parametrize("name", list(PROJECTS))
def test_the_same_files_as_uv_installs(tmp_path: Path, name: str, kind: str) -> None:
    if name == "compiled" and shutil.which("cc") is None:
        pytest.skip("there is no C compiler")
    source = PROJECTS[name](tmp_path / name)
    url = f"file://{source}"
    spec = {
        "folder": f'{{ path = "../{name}" }}',
        "editable": f'{{ path = "../{name}", editable = true }}',
        "git": f'{{ git = "{url}" }}',
    }[kind]
    if kind == "git":
        repository(source)
    workspace = host_workspace(tmp_path / "workspace", f"{name} = {spec}")
    pixi("install", cwd=workspace).succeeded()
    code = f"import {name}, six; print({name}.answer())"
    assert pixi("run", "python", "-c", code, cwd=workspace).succeeded().out == "42\n"
    uv = [find_uv_bin(), "--quiet", "--no-config"]
    venv = tmp_path / "venv"
    subprocess.run([*uv, "venv", "--python", sys.executable, str(venv)], check=True)
    arguments = {"folder": [str(source)], "editable": ["-e", str(source)], "git": [f"git+{url}"]}[kind]
    environ = {**os.environ, "UV_CACHE_DIR": str(tmp_path / "uv")}
    subprocess.run([*uv, "pip", "install", "--python", str(venv), *arguments], check=True, env=environ)
    assert installed(workspace / ".pixi/envs/default") == installed(venv)


def installed(prefix: Path) -> dict[str, object]:
    """What a distribution brought, by path: not the notes of installers, nor compiled files, whose bytes vary."""
    site = next((prefix / "lib").glob("python*/site-packages"))
    notes = ("RECORD", "INSTALLER", "REQUESTED", "uv_cache.json", "uv_build.json", "pixi-source-stamp")
    found: dict[str, object] = {}
    for path in site.rglob("*"):
        name = str(path.relative_to(site))
        if (
            path.is_file()
            and path.name not in notes
            and "__pycache__" not in name
            and not name.startswith("_virtualenv")
        ):
            content = b"" if path.suffix == ".so" else path.read_bytes()
            found[name] = json.loads(content) if path.name == "direct_url.json" else content
    return found


@pytest.mark.channel
def test_conda_environments_build_with_their_own_python_and_packages(tmp_path: Path, channel_url: str) -> None:
    index = FakeIndex()
    index.wheel("words", "1.0")
    project(tmp_path / "libs" / "alone", "alone", None, dynamic=["dependencies"], needs=["words"])
    (tmp_path / "libs" / "alone" / "VERSION").write_text("3.1")
    project(tmp_path / "libs" / "numeric", "numeric", module="numpy")
    log = tmp_path / "log"
    with serving(index) as running:
        pixi("init", "-c", channel_url, cwd=tmp_path).succeeded()
        manifest = tmp_path / "pixi.toml"
        manifest.write_text(
            manifest.read_text()
            + 'python = ">=3.11"\nnumpy = "*"\n'
            + f'[pypi-options]\nindex-url = "{running.url}"\nno-build-isolation = ["numeric"]\n'
            + '[pypi-dependencies]\nalone = { path = "libs/alone" }\n'
            + 'numeric = { path = "libs/numeric", editable = true }\n'
        )
        pixi("install", cwd=tmp_path, environ={"TINY_BACKEND_LOG": str(log)}).succeeded()
        ran = pixi("run", "python", "-c", "import alone, numeric, words; print(numeric.__file__)", cwd=tmp_path)
        assert Path(ran.succeeded().out.strip()).is_relative_to(tmp_path / "libs")
        before = tree(tmp_path / ".pixi" / "envs")
        project(tmp_path / "libs" / "broken", "broken", fail="it does not compile")
        added = pixi("add", "--pypi", "broken", "--path", "libs/broken", cwd=tmp_path).failed()
        assert "it does not compile" in added.err
        assert tree(tmp_path / ".pixi" / "envs") == before
