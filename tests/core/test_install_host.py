"""Host environments, and the Pythons that they may stand around."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from pixi_core.errors import EnvironmentUnavailable
from pixi_core.install.host import create_host_prefix, current_interpreter, interpreter_problem, recorded_interpreter
from pixi_core.install.interpreters import (
    Interpreter,
    choose_interpreter,
    find_interpreters,
    probe_interpreter,
    running_interpreter,
)
from pixi_core.install.prefix import read_prefix
from pixi_core.model.version_spec import parse_version_spec
from tests.support.packages import tree


def fake(path: Path, version: str) -> Interpreter:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(version)
    path.chmod(0o755)
    return Interpreter(path=str(path), version=version)


class Machine:
    """Interpreters on a machine that exists only in folders."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.asked: list[str] = []

    def add(self, folder: str, name: str, version: str) -> str:
        fake(self.root / folder / name, version)
        return str(self.root / folder)

    def probe(self, path: str) -> Interpreter | None:
        self.asked.append(path)
        content = Path(path).read_bytes()
        if content == b"broken" or content.startswith((b"\x7fELF", b"#!")):
            return None  # also the real ones of the machine that runs the test
        return Interpreter(path=path, version=content.decode())

    def running(self) -> Interpreter:
        return fake(self.root / "own" / "python3", "3.11.7")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_running_interpreter_comes_first_and_costs_nothing(machine: Machine) -> None:
    found = choose_interpreter(None, environ={}, probe=machine.probe, running=machine.running)
    assert found.version == "3.11.7"
    assert machine.asked == []


def test_order_of_other_interpreters(machine: Machine) -> None:
    first = machine.add("path", "python3", "3.12.1")
    machine.add("path", "python3.9", "3.9.1")
    machine.add("path", "python3-config", "no python")
    machine.add("pyenv/shims", "python3", "broken")
    machine.add("pyenv/versions/3.10.2/bin", "python", "3.10.2")
    machine.add("pyenv/versions/3.13.0/bin", "python", "3.13.0")
    machine.add("old", "python2", "2.7.18")
    environ = {
        "PATH": os.pathsep.join([str(machine.root / "pyenv/shims"), first]),
        "PYENV_ROOT": f"{machine.root}/pyenv",
    }
    found = find_interpreters(
        environ, probe=machine.probe, running=machine.running, folders=(str(machine.root / "old"), "/no/such")
    )
    assert [one.version for one in found] == ["3.11.7", "3.9.1", "3.12.1", "3.13.0", "3.10.2"]


@pytest.mark.parametrize(("spec", "version"), [("3.12.*", "3.12.1"), (">=3.9,<3.10", "3.9.1"), (">=3.10", "3.11.7")])
def test_requirement_decides(machine: Machine, spec: str, version: str) -> None:
    path = machine.add("path", "python3", "3.12.1")
    machine.add("path", "python3.9", "3.9.1")
    requirement = parse_version_spec(spec)
    found = choose_interpreter(requirement, environ={"PATH": path}, probe=machine.probe, running=machine.running)
    assert found.version == version


def test_no_interpreter_says_what_was_found(machine: Machine) -> None:
    with pytest.raises(EnvironmentUnavailable, match=r"python >=4.*3\.11\.7") as caught:
        choose_interpreter(
            parse_version_spec(">=4"), environ={"PATH": "/no/such"}, probe=machine.probe, running=machine.running
        )
    assert caught.value.hints


def test_explicit_and_preferred_interpreters(machine: Machine) -> None:
    folder = machine.add("path", "python3", "3.12.1")
    path = f"{folder}/python3"
    asked = {"probe": machine.probe, "running": machine.running}
    assert choose_interpreter(None, environ={"PIXI_HOST_PYTHON": path}, **asked).version == "3.12.1"  # type: ignore[arg-type]  # both are what they are
    prefer = Interpreter(path=path, version="3.12.1")
    assert choose_interpreter(None, environ={}, prefer=prefer, **asked) == prefer  # type: ignore[arg-type]  # likewise
    other = parse_version_spec("3.11.*")
    assert choose_interpreter(other, environ={}, prefer=prefer, **asked).version == "3.11.7"  # type: ignore[arg-type]  # likewise


def test_probing_agrees_with_what_we_know_of_ourselves() -> None:
    own = running_interpreter()
    found = probe_interpreter(own.path)
    assert found is not None
    assert (found.version, found.short, found.platform) == (own.version, own.short, own.platform)
    assert probe_interpreter("/no/such/python") is None


def test_prefix_runs_python_without_pip(tmp_path: Path) -> None:
    prefix = tmp_path / "env"
    assert create_host_prefix(prefix, running_interpreter())
    code = "import sys, json; print(json.dumps([sys.prefix, sys.base_prefix, [p for p in sys.path if 'site-' in p]]))"
    done = subprocess.run([prefix / "bin/python", "-I", "-c", code], capture_output=True, text=True, check=True)
    own, base, folders = json.loads(done.stdout)
    python = read_prefix(prefix).python
    assert python is not None
    assert (own, base) == (str(prefix), running_interpreter().base_prefix)
    assert folders == [str(prefix / python.site_packages)]
    assert not list((prefix / python.site_packages).iterdir())
    assert python.kind == "host"
    assert python.version == running_interpreter().version


def test_making_it_again_writes_nothing(tmp_path: Path) -> None:
    prefix = tmp_path / "env"
    create_host_prefix(prefix, running_interpreter())
    before = tree(prefix)
    assert not create_host_prefix(prefix, running_interpreter())
    assert tree(prefix) == before


def test_another_minor_version_replaces_the_links(tmp_path: Path) -> None:
    prefix = tmp_path / "env"
    create_host_prefix(prefix, fake(tmp_path / "a/python3", "3.11.1"))
    create_host_prefix(prefix, fake(tmp_path / "b/python3", "3.12.0"))
    assert sorted(file.name for file in (prefix / "bin").iterdir()) == ["python", "python3", "python3.12"]
    assert os.readlink(prefix / "bin/python") == str(tmp_path / "b/python3")
    python = read_prefix(prefix).python
    assert python is not None
    assert python.site_packages == "lib/python3.12/site-packages"


def test_a_changed_interpreter_is_noticed(tmp_path: Path) -> None:
    prefix, interpreter = tmp_path / "env", fake(tmp_path / "a/python3", "3.11.1")
    create_host_prefix(prefix, interpreter)
    assert interpreter_problem(prefix) is None
    assert recorded_interpreter(prefix)["version"] == "3.11.1"
    fake(tmp_path / "a/python3", "3.11.10")
    assert "was replaced" in str(interpreter_problem(prefix))
    assert create_host_prefix(prefix, interpreter)
    assert interpreter_problem(prefix) is None
    assert current_interpreter(prefix) == interpreter
    (tmp_path / "a/python3").unlink()
    assert "is gone" in str(interpreter_problem(prefix))
    assert current_interpreter(prefix) is None
