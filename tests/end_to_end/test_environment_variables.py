"""Variables that change what a command does; a table of all of them, each with a test."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pixi_core.cache.layout import _KINDS, CacheDirs
from pixi_core.config.load import load_config
from pixi_core.net.config import net_config
from pixi_magics.child import core_environment
from tests.support.command import pixi
from tests.support.pypi_index import FakeIndex, serving

ROOT = Path(__file__).resolve().parents[2]
COLOURS = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "PIXI_COLOR")


def test_every_variable_is_named_by_a_test() -> None:
    """One that stands in none is surely not looked at."""
    sources = (path for room in ("core", "magics", "pixi_kernel", "server_ext") for path in (ROOT / room).rglob("*.py"))
    known = re.compile(r"""["'`]((?:PIXI|RATTLER|CONDA_OVERRIDE|UV|AWS|S3)_[A-Z0-9_]*[A-Z0-9])["'`]""")
    read = {name for path in sources for name in known.findall(path.read_text(encoding="utf-8"))}
    tests = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    assert len(read) > 50
    assert {name for name in read if not re.search(rf"\b{name}\b", tests)} == set()


@pytest.fixture
def index() -> Iterator[FakeIndex]:
    fake = FakeIndex()
    fake.wheel("words", "1.0")
    with serving(fake):
        yield fake


@pytest.fixture
def workspace(index: FakeIndex, tmp_path: Path) -> Path:
    """Locked for no package, while the manifest wants one."""
    head = '[workspace]\nname = "demo"\nchannels = []\nplatforms = ["linux-64"]\n'
    head += f'[pypi-options]\nindex-url = "{index.url}"\n'
    (tmp_path / "pixi.toml").write_text(head)
    pixi("lock", cwd=tmp_path).succeeded()
    (tmp_path / "pixi.toml").write_text(head + '[pypi-dependencies]\nwords = "*"\n')
    return tmp_path


def packages(workspace: Path) -> list[str]:
    return [path.name for path in workspace.glob(".pixi/envs/default/lib/python*/site-packages/words")]


# ---------------------------------------------------------------- what is printed


def test_what_comes_from_elsewhere_has_no_colours(tmp_path: Path) -> None:
    """Escape sequences of a manifest are shown as what they are, beside our own."""
    (tmp_path / "pixi.toml").write_text('[workspace]\nname = "a\\u001b[31mb"\nchannel = []\n')
    told = pixi("install", cwd=tmp_path, environ={"FORCE_COLOR": "1", "NO_COLOR": ""}).failed()
    assert told.err.startswith("\x1b[31mError:\x1b[0m ")
    assert "\\x1b" not in told.err.splitlines()[0]


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"CLICOLOR_FORCE": "1"}, True),
        ({"CLICOLOR_FORCE": "0"}, False),
        ({"PIXI_COLOR": "always"}, True),
        ({"PIXI_COLOR": "never", "FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"PIXI_COLOR": "always", "NO_COLOR": "1"}, False),
    ],
)
def test_colours(environ: dict[str, str], coloured: bool, tmp_path: Path) -> None:
    told = pixi("install", cwd=tmp_path, environ={**dict.fromkeys(COLOURS, ""), **environ}).failed()
    assert ("\x1b[" in told.err) == coloured


@pytest.mark.skipif(sys.platform == "win32", reason="terminals of POSIX")
@pytest.mark.parametrize("quiet", ["", "true"])
def test_progress(quiet: str, workspace: Path) -> None:
    """On a terminal lines are drawn and taken back; with the variable none are."""
    ours, theirs = pty.openpty()
    environ = {**os.environ, "PIXI_NO_PROGRESS": quiet, "TERM": "xterm", "NO_COLOR": "1"}
    words = [sys.executable, "-m", "pixi_core.cli.main", "install"]
    with subprocess.Popen(words, cwd=workspace, env=environ, stdin=theirs, stdout=theirs, stderr=theirs) as running:
        os.close(theirs)
        shown = b""
        while piece := _read(ours):
            shown += piece
    os.close(ours)
    assert running.returncode == 0, shown
    assert (b"\x1b[2K" in shown or b"\x1b[K" in shown) == (not quiet), shown


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says so when the other side is closed
        return b""


# ---------------------------------------------------------------- what is done


def test_locked_frozen_and_no_install(workspace: Path) -> None:
    lock = (workspace / "pixi.lock").read_bytes()
    refused = pixi("install", cwd=workspace, environ={"PIXI_LOCKED": "true"}).failed()
    assert "words" in refused.err
    pixi("install", cwd=workspace, environ={"PIXI_FROZEN": "1"}).succeeded()
    assert packages(workspace) == []
    pixi("install", "--locked", cwd=workspace, environ={"PIXI_FROZEN": "1"}).failed()
    assert (workspace / "pixi.lock").read_bytes() == lock
    pixi("add", "--pypi", "words==1.0", cwd=workspace, environ={"PIXI_NO_INSTALL": "1"}).succeeded()
    assert packages(workspace) == []
    assert b"words" in (workspace / "pixi.lock").read_bytes()
    pixi("install", cwd=workspace).succeeded()
    assert packages(workspace) == ["words"]


def test_no_hard_links(workspace: Path) -> None:
    """Files of packages are copies: changing one changes nothing in the cache."""
    environ = {"PIXI_NO_HARD_LINKS": "true", "PIXI_NO_REF_LINKS": "1"}
    pixi("install", cwd=workspace, environ=environ).succeeded()
    [file] = workspace.glob(".pixi/envs/default/lib/python*/site-packages/words/__init__.py")
    assert file.stat().st_nlink == 1


@pytest.mark.parametrize(
    ("variable", "field"),
    [
        ("PIXI_NO_HARD_LINKS", "allow_hard_links"),
        ("PIXI_NO_REF_LINKS", "allow_ref_links"),
        ("PIXI_NO_SYMBOLIC_LINKS", "allow_symbolic_links"),
    ],
)
def test_links_that_are_not_allowed(variable: str, field: str, tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path)}
    assert getattr(load_config(None, environ), field) is True
    assert getattr(load_config(None, {**environ, variable: "1"}), field) is False


def test_the_workspace_of_an_active_shell(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """`PIXI_PROJECT_MANIFEST` counts where no folder above has a manifest."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    named = {"PIXI_PROJECT_MANIFEST": str(workspace / "pixi.toml")}
    pixi("workspace", "name", "get", cwd=elsewhere, environ={**named, "PIXI_IN_SHELL": ""}).failed()
    told = pixi("workspace", "name", "get", cwd=elsewhere, environ={**named, "PIXI_IN_SHELL": "1"}).succeeded()
    assert told.out.strip() == "demo"


def test_a_nearer_manifest_than_that_of_the_active_shell(
    workspace: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """It wins with a warning; none is given where it is the same one, or was asked for."""
    near = tmp_path_factory.mktemp("near")
    (near / "pixi.toml").write_text((workspace / "pixi.toml").read_text().replace('"demo"', '"near"'))
    for active, more, warned in (
        (workspace, (), True),
        (near, (), False),
        (workspace, ("-m", str(near)), False),
    ):
        environ = {"PIXI_PROJECT_MANIFEST": str(active / "pixi.toml"), "PIXI_IN_SHELL": "1"}
        told = pixi("task", "list", *more, cwd=near, environ=environ).succeeded()
        assert (f"nearer than {active / 'pixi.toml'}" in told.err) == warned


def test_activation_says_which_workspace_it_is(workspace: Path) -> None:
    told = pixi("shell-hook", "--json", cwd=workspace).succeeded()
    variables = json.loads(told.out)["environment_variables"]
    assert variables["PIXI_PROJECT_NAME"] == "demo"
    assert variables["PIXI_PROJECT_MANIFEST"] == str(workspace / "pixi.toml")


def test_the_core_of_a_kernel_is_not_activated() -> None:
    environ = {"PIXI_EXE": "/bin/pixi", "PIXI_PROJECT_NAME": "x", "PIXI_CACHE_DIR": "/cache", "HOME": "/home"}
    found = core_environment(environ, "/prefix")
    assert not {"PIXI_EXE", "PIXI_PROJECT_NAME"} & found.keys()
    assert found["PIXI_CACHE_DIR"] == "/cache"


def test_the_architecture_of_a_graphics_card(tmp_path: Path) -> None:
    environ = {"CONDA_OVERRIDE_CUDA": "12.4", "CONDA_OVERRIDE_CUDA_ARCH": "8.6"}
    told = pixi("info", "--json", cwd=tmp_path, environ=environ).succeeded()
    found = {package.split("=")[0]: package for package in json.loads(told.out)["virtual_packages"]}
    assert found["__cuda"].startswith("__cuda=12.4")
    assert found["__cuda_arch"].startswith("__cuda_arch=8.6")


# ---------------------------------------------------------------- places and connections


@pytest.mark.parametrize(
    "variable",
    [
        "PIXI_CACHE_CONDA_PACKAGES_DIR",
        "PIXI_CACHE_REPODATA_DIR",
        "PIXI_CACHE_PYPI_WHEELS_DIR",
        "PIXI_CACHE_PYPI_MAPPING_DIR",
        "PIXI_CACHE_EXEC_ENVIRONMENTS_DIR",
        "PIXI_CACHE_BUILD_TOOL_ENVIRONMENTS_DIR",
        "PIXI_CACHE_DETACHED_ENVIRONMENTS_DIR",
    ],
)
def test_each_cache_has_a_place_of_its_own(variable: str, tmp_path: Path) -> None:
    [field] = [field for field, (name, _, _) in _KINDS.items() if name == variable]
    environ = {"HOME": str(tmp_path), "PIXI_CACHE_DIR": str(tmp_path / "root")}
    apart = CacheDirs.from_environment({**environ, variable: str(tmp_path / "apart")})
    together = CacheDirs.from_environment(environ)
    changed = {name for name in _KINDS if getattr(apart, name) != getattr(together, name)}
    assert changed == {field}
    assert getattr(apart, field) == tmp_path / "apart"


def test_certificates(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "PIXI_TLS_ROOT_CERTS": "native"}
    assert load_config(None, environ).tls_root_certs == "native"


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, 30),
        ({"UV_HTTP_TIMEOUT": "7"}, 7),
        ({"UV_REQUEST_TIMEOUT": "8"}, 8),
        ({"UV_HTTP_TIMEOUT": "7", "UV_REQUEST_TIMEOUT": "8"}, 7),
    ],
)
def test_how_long_an_answer_is_waited_for(environ: dict[str, str], seconds: int, tmp_path: Path) -> None:
    everything = {"HOME": str(tmp_path), **environ}
    assert net_config(load_config(None, everything), everything).read_timeout == seconds
