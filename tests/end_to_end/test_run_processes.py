"""`pixi run` and its processes: pipes, caching, side by side, signals, and that nothing is left behind."""

from __future__ import annotations

import hashlib
import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.support.command import pixi
from tests.support.run_workspace import workspace

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and pipes of POSIX")
PYTHON = sys.executable

TASKS = rf"""
[tasks]
through = "cat big | cat | cat > copy"
build = {{ cmd = "echo built && cp source.txt target.txt", inputs = ["source.txt"], outputs = ["target.txt"] }}
nothing = {{ cmd = "echo ran", inputs = ["no-such-*"] }}
wait-a = "{PYTHON} meet.py a b"
wait-b = "{PYTHON} meet.py b a"
meet = {{ cmd = "echo met", depends-on = ["wait-a", "wait-b"] }}
bad = "exit 3"
after-bad = {{ cmd = "echo never", depends-on = ["bad", "wait-a"] }}
serve = "{PYTHON} serve.py && echo unreachable"
serve-two = "{PYTHON} serve.py | {PYTHON} serve.py"
[tasks.build-arg]
cmd = "echo {{{{ x }}}} && cp source.txt {{{{ x }}}}.out"
args = ["x"]
inputs = ["source.txt"]
outputs = ["{{{{ x }}}}.out"]
"""
MEET = """import os, sys
own, other = sys.argv[1:]
for name in (own, other):
    if not os.path.exists(name + ".fifo"):
        try: os.mkfifo(name + ".fifo")
        except FileExistsError: pass
descriptor = os.open(own + ".fifo", os.O_RDWR)
there = os.open(other + ".fifo", os.O_RDWR)
os.write(there, b"x"); os.read(descriptor, 1)
print("line of", own); print("error of", own, file=sys.stderr)
"""
# tells that it runs and which process it is, then waits for a signal
SERVE = """import os, signal, sys
def stop(number, frame):
    os.write(2, b"got %s\\n" % signal.Signals(number).name.encode()); sys.exit(9)
for number in (signal.SIGINT, signal.SIGTERM): signal.signal(number, stop)
os.write(2, b"ready %d\\n" % os.getpid())
signal.pause()
"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, small_channel: Path) -> Path:
    """A workspace with `TASKS`."""
    folder = workspace(tmp_path_factory.mktemp("processes") / "demo", small_channel, TASKS)
    (folder / "meet.py").write_text(MEET)
    (folder / "serve.py").write_text(SERVE)
    (folder / "source.txt").write_text("1")
    return folder


def test_ten_megabytes_pass_unchanged(demo: Path) -> None:
    data = b"".join(hashlib.sha256(number.to_bytes(4, "big")).digest() for number in range(10 * 2**20 // 32))
    (demo / "big").write_bytes(data)
    pixi("run", "through", cwd=demo).succeeded()
    assert (demo / "copy").read_bytes() == data


def test_a_task_is_skipped_while_nothing_changed(demo: Path) -> None:
    assert pixi("run", "build", cwd=demo).succeeded().out == "built\n"
    again = pixi("run", "build", cwd=demo).succeeded()
    assert again.out == ""
    assert "Task 'build' can be skipped (cache hit) 🚀" in again.err
    (demo / "source.txt").write_text("2")
    assert pixi("run", "build", cwd=demo).succeeded().out == "built\n"
    (demo / "target.txt").unlink()
    assert pixi("run", "build", cwd=demo).succeeded().out == "built\n"
    for file in (demo / ".pixi" / "task-cache-v0").iterdir():
        file.write_text("{")
    assert pixi("run", "build", cwd=demo).succeeded().out == "built\n"
    assert pixi("run", "build", cwd=demo).succeeded().out == ""


def test_arguments_are_part_of_what_is_cached(demo: Path) -> None:
    assert pixi("run", "build-arg", "one", cwd=demo).succeeded().out == "one\n"
    assert pixi("run", "build-arg", "two", cwd=demo).succeeded().out == "two\n"
    assert pixi("run", "build-arg", "one", cwd=demo).succeeded().out == ""


def test_globs_that_match_nothing_are_told(demo: Path) -> None:
    for _ in range(2):
        ran = pixi("run", "nothing", cwd=demo).succeeded()
        assert ran.out == "ran\n"
        assert "match no file" in ran.err


def test_independent_tasks_run_side_by_side(demo: Path) -> None:
    """Each of the two waits for the other: one after the other they would never end."""
    ran = pixi("run", "--jobs", "2", "meet", cwd=demo, timeout=30).succeeded()
    assert sorted(ran.out.splitlines()) == ["meet | met", "wait-a | line of a", "wait-b | line of b"]
    assert ran.out.splitlines()[-1] == "meet | met"
    assert "wait-a | error of a" in ran.err.splitlines()


def test_a_watched_task_runs_again_when_its_input_changes(demo: Path) -> None:
    with subprocess.Popen(
        [PYTHON, "-m", "pixi_core.cli.main", "run", "--watch", "build"],
        cwd=demo,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as watching:
        try:
            assert watching.stdout is not None
            for text in ("watched", "again", "and again"):
                (demo / "source.txt").write_text(text)
                assert watching.stdout.readline() == "built\n"
            watching.send_signal(signal.SIGINT)
            _, said = watching.communicate(timeout=20)
            assert watching.returncode == 130
            assert said.count("Files have changed") >= 2
        finally:
            watching.kill()


def test_there_must_be_something_to_watch(demo: Path) -> None:
    assert "nothing to watch" in pixi("run", "--watch", "bad", cwd=demo).failed().err


def test_a_failure_stops_what_has_not_started(demo: Path) -> None:
    assert "never" not in pixi("run", "after-bad", cwd=demo).failed(3).out


@contextmanager
def serving(demo: Path, *words: str, count: int = 1) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """`pixi run WORDS`, in a process group of its own, once its programs have said that they run."""
    started = subprocess.Popen(
        [PYTHON, "-m", "pixi_core.cli.main", "run", *words],
        cwd=demo,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert started.stderr is not None
    pids: list[int] = []
    try:
        while len(pids) < count:
            line = started.stderr.readline()
            assert line, "it ended early"
            pids += [int(found) for found in re.findall(r"ready (\d+)", line)]
        yield started, pids
    finally:
        with suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
        started.communicate()


WAYS = [
    pytest.param(["serve"], 1, id="task"),
    pytest.param(["serve-two"], 2, id="pipeline"),
    pytest.param([PYTHON, "serve.py"], 1, id="program"),
    pytest.param(["-e", "default", PYTHON, "serve.py"], 1, id="whole"),
]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["INT", "TERM"])
@pytest.mark.parametrize(("words", "count"), WAYS)
def test_a_signal_reaches_the_programs(demo: Path, words: list[str], count: int, number: signal.Signals) -> None:
    with serving(demo, *words, count=count) as (started, _):
        started.send_signal(number)
        out, err = started.communicate(timeout=20)
        assert err.count(f"got {number.name}") == count
        assert "unreachable" not in out
        assert started.returncode == 9


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells a child of its parent's death")
@pytest.mark.parametrize(("words", "count"), WAYS)
def test_a_killed_runner_leaves_no_program(demo: Path, words: list[str], count: int) -> None:
    with serving(demo, *words, count=count) as (started, pids):
        handles = [os.pidfd_open(pid) for pid in pids]
        started.kill()
        started.communicate(timeout=20)
        for handle in handles:
            # such a descriptor can be read once its process has ended
            assert select.select([handle], [], [], 20)[0]
            os.close(handle)
