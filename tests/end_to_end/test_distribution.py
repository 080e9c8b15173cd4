"""The wheel: what it brings into an environment, what it leaves behind, and the quickstart from it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import USER_ENVIRONMENT

pytestmark = [pytest.mark.network, pytest.mark.slow]
REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with our wheel and nothing of the test extra; pip is configured as the user has it."""
    folder = tmp_path_factory.mktemp("fresh")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    install = [str(folder / "venv/bin/pip"), "install", "-q", "--disable-pip-version-check", str(REPOSITORY)]
    subprocess.run(install, check=True, env=USER_ENVIRONMENT, cwd=folder)
    return folder


def run(fresh: Path, *command: str, timeout: float = 240) -> str:
    """What a program of the environment prints."""
    environ = {**os.environ, "PATH": f"{fresh / 'venv/bin'}{os.pathsep}{os.environ['PATH']}"}
    ran = subprocess.run(
        [str(fresh / "venv/bin" / command[0]), *command[1:]],
        capture_output=True,
        text=True,
        cwd=fresh,
        env=environ,
        timeout=timeout,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_the_kernel_and_the_extension_are_found(fresh: Path) -> None:
    specs = json.loads(run(fresh, "jupyter", "kernelspec", "list", "--json"))["kernelspecs"]
    assert specs["pixi"]["spec"]["display_name"] == "Pixi (project environment)"
    assert specs["pixi"]["spec"]["metadata"]["kernel_provisioner"]["provisioner_name"] == "pixi-provisioner"
    assert run(fresh, "pixi", "--version").startswith("pixi ")
    assert run(fresh, "jupyter", "pixi", "--version").startswith("pixi ")
    configured = json.loads((fresh / "venv/etc/jupyter/jupyter_server_config.d/pixi_server_ext.json").read_text())
    assert configured["ServerApp"]["jpserver_extensions"]["pixi_server_ext"] is True


def test_the_quickstart(fresh: Path) -> None:
    notebook = fresh / "quickstart.ipynb"
    notebook.write_bytes((REPOSITORY / "notebooks" / "quickstart.ipynb").read_bytes())
    out = run(fresh, "pixi", "notebook", "run", str(notebook))
    assert "this kernel runs in" in out
    assert "numpy 2." in out
    assert "[12 15 18 21]" in out
    assert "in sync" in out


def test_uninstalling_leaves_nothing(fresh: Path, tmp_path: Path) -> None:
    """In an environment of its own: the others still need theirs."""
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    before = files(venv)
    pip = [str(venv / "bin/pip"), "--disable-pip-version-check", "-q"]
    install = [*pip, "install", "--no-deps", "--no-compile", str(REPOSITORY)]
    subprocess.run(install, check=True, env=USER_ENVIRONMENT, cwd=tmp_path)
    assert any("share/jupyter/kernels/pixi" in name for name in files(venv) - before)
    subprocess.run([*pip, "uninstall", "-y", "pixi-jupyter"], check=True, env=USER_ENVIRONMENT, cwd=tmp_path)
    assert files(venv) == before


def files(folder: Path) -> set[str]:
    """Every file below a folder, compiled ones apart."""
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and p.suffix != ".pyc"}
