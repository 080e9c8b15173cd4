"""The bootstrap and `%pixi` in a real kernel; only the core at the other end of the wire is a script."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import pixi_magics
from pixi_provisioner import bootstrap
from tests.support.fake_core import FakeCore
from tests.support.kernels import TestKernel, running_kernel

MAGICS = str(Path(pixi_magics.__file__).parent)
SITE = f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"


def phase(state: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "phase",
        "id": 1,
        "name": "download",
        "state": state,
        "done": 0,
        "total": 2,
        "unit": "items",
        **more,
    }


def answer(command: str, **data: Any) -> dict[str, Any]:
    return {"type": "result", "command": command, "data": data}


def script(prefix: Path, gate: Path) -> dict[str, list[dict[str, Any]]]:
    """What the fake core answers; the files that it writes lie in the kernel's own prefix."""
    fresh = prefix / SITE / "freshly_added.py"
    changed = prefix / SITE / "changing.py"
    result = {"prefix": str(prefix), "environment": "default", "lock_changed": True, "specs": {}, "variables": {}}
    added = {"name": "fresh", "kind": "pypi", "version": "1.2", "files": [f"{SITE}/freshly_added.py"]}
    update = {
        "name": "changing", "kind": "pypi", "old_version": "1", "new_version": "2",
        "old_files": [f"{SITE}/changing.py"], "new_files": [f"{SITE}/changing.py"],
    }  # fmt: skip
    return {
        "add": [
            phase("start"),
            phase("advance", done=1),
            {"write": str(fresh), "text": "answer = 42\n"},
            phase("finish", done=2),
            {"type": "message", "text": "✔ Added fresh >=1.2,<2"},
            {
                "type": "result", "command": "add",
                "data": {
                    **result, "variables": {"FRESH_DATA": "here"},
                    "transaction": {"added": [added], "removed": [], "changed": []},
                },
            },
        ],
        "update": [
            {"write": str(changed), "text": "version = 2\n"},
            {
                "type": "result", "command": "update",
                "data": {**result, "transaction": {"added": [], "removed": [], "changed": [update]}},
            },
        ],
        "remove": [
            {
                "type": "error", "message": "package 'nunpy' is not in the manifest", "details": [],
                "hints": ["did you mean numpy?"], "exit_code": 1,
            },
            {"exit": 1},
        ],
        "lock": [phase("start"), {"wait_for": str(gate)}],
        "install": [{"complain": "Traceback: boom"}, {"exit": 3}],
        "run": [{"say": "hello from a task"}],
        "list": [
            answer("list", packages=[{"name": "numpy", "version": "2", "kind": "pypi"}])
        ],
        "status": [
            answer("status", state="stale", environment="default", reasons=["why"])
        ],
    }  # fmt: skip


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment whose packages are those of this test's own, linked; its site folder is private."""
    import venv

    folder = tmp_path_factory.mktemp("environment") / "env"
    venv.EnvBuilder(symlinks=True).create(folder)
    site = folder / SITE
    (site / "ours.pth").write_text(f"{Path(pytest.__file__).parents[1]}\n")
    (site / "changing.py").write_text("version = 1\n")
    return folder


@pytest.fixture(scope="module")
def core(prefix: Path, tmp_path_factory: pytest.TempPathFactory) -> FakeCore:
    folder = tmp_path_factory.mktemp("core")
    return FakeCore(folder, script(prefix, folder / "gate"))


@pytest.fixture(scope="module")
def kernel(prefix: Path, core: FakeCore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestKernel]:
    folder = tmp_path_factory.mktemp("work")
    argv = [str(prefix / "bin" / "python"), bootstrap.__file__, "--core", str(core.path), "--magics", MAGICS]
    argv += ["--manifest", "/somewhere/pixi.toml", "--environment", "default", "-f", "{connection_file}"]
    environ = {**os.environ, "PYTHONPATH": "", "PIXI_IN_SHELL": "1", "CONDA_PREFIX": "/elsewhere", "JPY_API_TOKEN": "s"}
    environ["PATH"] = f"{prefix / 'bin'}{os.pathsep}{environ['PATH']}"
    with running_kernel(argv, folder, environ=environ) as running:
        yield running


def test_the_kernel_is_the_environments_own(kernel: TestKernel, prefix: Path) -> None:
    assert kernel.value("__import__('sys').prefix") == str(prefix)


def test_nothing_of_ours_is_on_the_path_or_in_the_variables(kernel: TestKernel) -> None:
    path = kernel.value("__import__('sys').path")
    assert "pixi_provisioner" not in path
    assert (
        kernel.value("[n for n in __import__('os').environ if n.startswith(('PYTHONSTARTUP', 'IPYTHONDIR'))]") == "[]"
    )
    assert kernel.value("[n for n in globals() if 'pixi' in n]") == "[]"


def test_add_is_one_output_and_the_package_can_be_imported(kernel: TestKernel) -> None:
    assert kernel.run("import freshly_added").status == "error"
    result = kernel.run("%pixi add fresh")
    assert result.status == "ok", result
    assert [display["text/plain"] for display in result.displays] == [
        "✔ Added fresh >=1.2,<2 · + fresh 1.2 · ready now"
    ]
    assert result.updates >= 1
    assert "ready now" in result.displays[0]["text/html"]
    assert kernel.value("__import__('freshly_added').answer") == "42"
    assert kernel.value("__import__('os').environ['FRESH_DATA']") == "here"


def test_the_core_gets_a_clean_environment(kernel: TestKernel, core: FakeCore, prefix: Path) -> None:
    kernel.run("%pixi add fresh")
    call = core.calls()[-1]
    start = ["-E", "-P", "-m", "pixi_core.cli.main", "--manifest-path", "/somewhere/pixi.toml", "--json-lines"]
    assert call["words"] == [*start, "add", "fresh"]
    unwanted = {"PYTHONPATH", "PIXI_IN_SHELL", "CONDA_PREFIX", "JPY_API_TOKEN", "VIRTUAL_ENV"}
    assert not unwanted & set(call["environ"])
    assert str(prefix / "bin") not in call["environ"]["PATH"].split(os.pathsep)


def test_a_changed_module_in_use_wants_a_restart(kernel: TestKernel) -> None:
    assert kernel.value("__import__('changing').version") == "1"
    result = kernel.run("%pixi update changing")
    assert result.displays[0]["text/plain"] == (
        "✔ pixi update changing: changing 1 → 2 · restart recommended: changing 1 → 2 (loaded: changing)"
    )
    assert kernel.value("__import__('changing').version") == "1"


def test_a_failure_is_short_and_fails_the_cell(kernel: TestKernel) -> None:
    result = kernel.run("%pixi remove nunpy")
    assert result.status == "error"
    stderr = result.of("stderr")
    assert stderr.strip().endswith("package 'nunpy' is not in the manifest\nhint: did you mean numpy?")
    assert "Traceback" not in stderr
    assert result.displays[-1]["text/plain"] == "✗ pixi remove nunpy"


def test_a_core_that_dies_says_how(kernel: TestKernel) -> None:
    result = kernel.run("%pixi install")
    assert result.status == "error"
    assert "exit code 3\nTraceback: boom" in result.of("stderr")


@pytest.mark.parametrize("line", ["%pixi add 'unclosed", "%pixi remove"])
def test_bad_lines_are_usage_errors(kernel: TestKernel, line: str) -> None:
    assert kernel.run(line).status == "error"


@pytest.mark.parametrize(
    ("line", "kind", "text"),
    [
        ("%pixi", "display", "%pixi add numpy"),
        ("%pixi help", "display", "%pixi add numpy"),
        ("%pixi run task", "stdout", "hello from a task\n"),
        ("%pixi list", "display", "numpy  2               pypi\n1 package in environment default"),
        ("%pixi status", "display", "⚠ default: stale (why)"),
    ],
)
def test_questions(kernel: TestKernel, line: str, kind: str, text: str) -> None:
    result = kernel.run(line)
    assert result.status == "ok", result
    assert text in result.of(kind)


def test_an_interrupt_stops_the_core(kernel: TestKernel, core: FakeCore) -> None:
    # with `stop_on_error` a kernel gives up what comes in for a moment behind an error
    identifier = kernel.client.execute("%pixi lock", allow_stdin=False, stop_on_error=False)
    waiting = core.folder / "waiting"
    for _ in range(200):
        if waiting.exists():
            break
        with contextlib.suppress(queue.Empty):
            kernel.client.get_iopub_msg(timeout=0.1)
    assert waiting.exists()
    os.killpg(kernel.process.pid, signal.SIGINT)
    while True:
        reply = kernel.client.get_shell_msg(timeout=20)
        if reply["parent_header"].get("msg_id") == identifier:
            break
    assert reply["content"]["ename"] == "KeyboardInterrupt"
    assert (core.folder / "interrupted").exists()
    assert kernel.value("1 + 1") == "2"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("%pixi ad", "add"),
        ("%pixi add --py", "--pypi"),
        ("%pixi ", "status"),
        ("%pixi tree --in", "--invert"),
    ],
)
def test_completion(kernel: TestKernel, code: str, expected: str) -> None:
    assert expected in kernel.complete(code)


def test_a_missing_module_gets_the_command_that_adds_it(kernel: TestKernel) -> None:
    result = kernel.run("import sklearn_that_nobody_has")
    assert result.status == "error"
    assert result.of("display") == "hint: %pixi add sklearn_that_nobody_has"


def test_the_magic_survives_a_reset(kernel: TestKernel) -> None:
    assert kernel.run("%reset -f").status == "ok"
    assert kernel.run("%pixi help").status == "ok"


def test_without_our_files_the_kernel_starts_all_the_same(prefix: Path, tmp_path: Path) -> None:
    argv = [str(prefix / "bin" / "python"), bootstrap.__file__, "--core", "/none", "--magics", str(tmp_path / "gone")]
    with running_kernel([*argv, "-f", "{connection_file}"], tmp_path) as running:
        assert running.value("6 * 7") == "42"
        assert "%pixi is not available" in (tmp_path / "kernel.log").read_text()


def test_options_are_told_from_the_kernels_words() -> None:
    words = ["--core", "/py", "-f", "c.json", "--overlay", "/o", "--HistoryManager.hist_file=:memory:", "--magics"]
    assert bootstrap.take_options(words) == (
        {"core": "/py", "overlay": "/o"},
        ["-f", "c.json", "--HistoryManager.hist_file=:memory:", "--magics"],
    )
