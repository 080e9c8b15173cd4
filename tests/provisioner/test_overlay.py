"""Kernel support for environments that have no ipykernel."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
import sysconfig
import venv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import pixi_magics
from pixi_core.cache.entry import LOCKS
from pixi_core.cache.wheels import CachedWheel
from pixi_core.errors import EnvironmentUnavailable, InstallError
from pixi_provisioner import bootstrap
from pixi_provisioner.overlay import ask_interpreter, build_overlay
from pixi_provisioner.support_files import KERNEL_SPEC, SupportFile, files_of_server, files_of_wheels
from tests.faults.engine import in_child
from tests.support.kernels import running_kernel
from tests.support.trees import tree

MAGICS = str(Path(pixi_magics.__file__).parent)


@dataclass
class Facts:
    """What an environment's Python says of itself; by default the same as this one, with nothing installed."""

    version: str = platform.python_version()
    implementation: str = sys.implementation.name
    suffix: str = sysconfig.get_config_var("EXT_SUFFIX")
    installed: Mapping[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with nothing but Python."""
    folder = tmp_path_factory.mktemp("bare") / "env"
    venv.EnvBuilder(symlinks=True).create(folder)
    return folder


def test_an_environment_without_ipykernel_runs_a_kernel(bare: Path, tmp_path: Path) -> None:
    files = files_of_server(ask_interpreter(bare / "bin" / "python"))
    assert files is not None
    overlay = build_overlay(tmp_path / "kernels", files)
    assert overlay == build_overlay(tmp_path / "kernels", files)
    argv = [str(bare / "bin" / "python"), bootstrap.__file__, "--core", sys.executable, "--magics", MAGICS]
    with running_kernel([*argv, "--overlay", str(overlay), "-f", "{connection_file}"], tmp_path) as kernel:
        assert kernel.value("__import__('sys').prefix") == str(bare)
        assert kernel.value("__import__('sys').path[-1]") == str(overlay)
        assert kernel.value("__import__('IPython').__file__").startswith(str(overlay))
        child = "__import__('subprocess').run([__import__('sys').executable, '-c', 'import IPython']).returncode"
        assert kernel.value(child) == "1"
    assert not list((bare / "lib").rglob("ipykernel*"))


@pytest.mark.parametrize(
    "facts",
    [
        Facts(version="3.7.17"),
        Facts(implementation="pypy"),
        Facts(suffix=".cpython-399-other.so"),
        Facts(installed={"traitlets": "4.0"}),  # older than this ipykernel takes
    ],
    ids=["another-version", "another-implementation", "another-machine", "older-traitlets"],
)
def test_when_the_servers_own_files_do_not_fit(facts: Facts) -> None:
    assert files_of_server(facts) is None


def test_what_the_environment_has_is_taken_into_account() -> None:
    assert files_of_server(Facts(installed={"Traitlets": importlib.metadata.version("traitlets")})) is not None


def test_a_server_that_was_upgraded_makes_another_overlay(tmp_path: Path) -> None:
    source = tmp_path / "site" / "package"
    source.mkdir(parents=True)
    first = build_overlay(tmp_path / "kernels", [SupportFile(source, "package", "package-1", linked=True)])
    second = build_overlay(tmp_path / "kernels", [SupportFile(source, "package", "package-2", linked=True)])
    assert first != second
    source.rmdir()
    with pytest.raises(InstallError):
        build_overlay(tmp_path / "kernels", [SupportFile(tmp_path / "no", "x.py", "x", linked=False)])
    assert {path.name for path in (tmp_path / "kernels").iterdir()} == {first.name, second.name, LOCKS}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_at_every_change(tmp_path: Path) -> None:
    """The same overlay again is whole, and nothing else lies beside it."""
    source = tmp_path / "x.py"
    source.write_text("x = 1\n")
    files = [SupportFile(source, f"package/{name}.py", name, linked=False) for name in "abc"]
    whole = tree(build_overlay(tmp_path / "whole", files))
    at, status = 0, -9
    while status == -9:
        at += 1
        root = tmp_path / f"kernels-{at}"
        status, _ = in_child(lambda root=root: build_overlay(root, files), at=at)  # type: ignore[misc]  # the default binds it now
        made = build_overlay(root, files)
        assert tree(made) == whole
        assert {path.name for path in root.iterdir()} == {made.name, LOCKS}
    print(f"overlay: {at - 1} kills")
    assert at > 8


def test_files_of_wheels(tmp_path: Path) -> None:
    names = [
        "ipykernel/__init__.py",
        "ipykernel-7.0.dist-info/METADATA",
        "ipykernel-7.0.data/purelib/top.py",
        "ipykernel-7.0.data/scripts/run",
        f"ipykernel-7.0.data/data/{KERNEL_SPEC}",
        "ipykernel-7.0.data/data/share/doc/x",
    ]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    wheel = CachedWheel(tmp_path, tuple((name, f"digest of {name}", 1, False) for name in names))
    files = files_of_wheels([wheel])
    assert [file.target for file in files] == [
        "ipykernel/__init__.py",
        "ipykernel-7.0.dist-info/METADATA",
        "top.py",
        KERNEL_SPEC,
    ]
    overlay = build_overlay(tmp_path / "kernels", files)
    assert (overlay / "top.py").read_text() == "ipykernel-7.0.data/purelib/top.py"


def test_a_python_that_does_not_run(tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    with pytest.raises(EnvironmentUnavailable, match="does not run"):
        ask_interpreter(broken)
