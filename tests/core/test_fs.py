"""Files that are whole or absent, locks, links, programs, and work that happens once."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pixi_core.errors import Cancelled, CommandNotFound, DiskFull, InstallError, PixiError
from pixi_core.fs import (
    FileLock,
    atomic_write,
    ensure_dir,
    folds_case,
    free_bytes,
    home_folder,
    link_file,
    remove_abandoned,
    remove_tree,
    replacing,
    translated,
)
from pixi_core.names import WRITING
from pixi_core.once import OnceMap
from pixi_core.process import run


def test_atomic_write(tmp_path: Path) -> None:
    path = tmp_path / "new/folder/file"
    atomic_write(path, "first ü\n")
    path.chmod(0o640)
    (tmp_path / "link").symlink_to(path)
    atomic_write(tmp_path / "link", b"second")
    assert path.read_bytes() == b"second"
    assert path.stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "link").is_symlink()
    assert os.listdir(path.parent) == ["file"]


def test_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    target.mkdir()
    with pytest.raises(InstallError, match=str(target)):
        atomic_write(target, b"x")
    assert os.listdir(tmp_path) == ["folder"]


@pytest.mark.parametrize(
    ("number", "kind", "text"),
    [
        (errno.ENOSPC, DiskFull, "bytes needed"),
        (errno.EDQUOT, DiskFull, "bytes needed, the quota is used up"),
        (errno.EFBIG, DiskFull, "takes no longer file"),
        (errno.EACCES, InstallError, "cannot write"),
        (errno.EROFS, InstallError, "cannot write"),
    ],
)
def test_errors_name_the_path(number: int, kind: type[PixiError], text: str, tmp_path: Path) -> None:
    error = translated(OSError(number, os.strerror(number)), tmp_path / "x", needed=7)
    assert isinstance(error, kind)
    assert text in str(error)
    assert str(tmp_path) in str(error)
    assert error.hints


@pytest.mark.parametrize(("why", "kind"), [("[Errno 28] No space", DiskFull), ("who knows", InstallError)])
def test_of_many_failures_the_first_is_told(why: str, kind: type[PixiError], tmp_path: Path) -> None:
    """As `shutil.copytree` collects them."""
    error = translated(shutil.Error([("a", str(tmp_path / "b"), why), ("c", "d", "e")]), "elsewhere")
    assert isinstance(error, kind)
    assert str(tmp_path / "b") in str(error)


@pytest.mark.parametrize("allow", [("reflink", "hardlink", "copy"), ("hardlink",), ("copy",)])
def test_links(allow: tuple[str, ...], tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"x")
    source.chmod(0o755)
    kind = link_file(source, target, allow)  # type: ignore[arg-type]  # kinds as plain text
    assert kind in allow
    assert target.read_bytes() == b"x"
    assert target.stat().st_mode & 0o777 == 0o755
    assert (target.stat().st_ino == source.stat().st_ino) == (kind == "hardlink")
    with pytest.raises(FileExistsError):
        link_file(source, target, allow)  # type: ignore[arg-type]  # kinds as plain text


def test_trees_go_whatever_their_modes(tmp_path: Path) -> None:
    deep = tmp_path / "tree/read-only/deep"
    deep.mkdir(parents=True)
    (deep / "file").touch()
    (tmp_path / "tree/link").symlink_to(tmp_path)
    deep.chmod(0o500)
    remove_tree(tmp_path / "tree")
    remove_tree(tmp_path / "tree")
    assert os.listdir(tmp_path) == []


def test_homes(tmp_path: Path) -> None:
    assert home_folder({"HOME": str(tmp_path)}) == tmp_path
    assert home_folder({"HOME": "/dev/null"}) != Path("/dev/null")
    assert home_folder({}).is_dir()
    assert (free_bytes(tmp_path / "not/there") or 0) > 0
    assert ensure_dir(tmp_path / "a/b").is_dir()


HOLD = """
import sys
from pathlib import Path
from pixi_core.fs import FileLock
with FileLock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_locks_between_processes(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    argv = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        assert child.stdout.readline() == "held\n"
        told: list[str] = []
        lock = FileLock(path, on_wait=told.append, should_stop=lambda: bool(told))
        assert not lock.acquire(wait=False)
        with pytest.raises(Cancelled):
            lock.acquire()
        assert str(child.pid) in told[0]
        child.kill()
    with FileLock(path) as free:
        assert not free.waited


def test_locks_between_threads(tmp_path: Path) -> None:
    inside, most = 0, 0

    def work(_: int) -> None:
        nonlocal inside, most
        with FileLock(tmp_path / "lock"):
            inside += 1
            most = max(most, inside)
            inside -= 1

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(12)))
    assert most == 1


def test_work_happens_once() -> None:
    calls: list[int] = []
    barrier = threading.Barrier(8)
    once: OnceMap[str, int] = OnceMap()

    def work() -> int:
        calls.append(1)
        return 42

    def ask(_: int) -> int:
        barrier.wait()
        return once.get("key", work)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(8))) == {42}
    assert len(calls) == 1


@pytest.mark.parametrize("keep", [True, False])
def test_failures_are_shared_while_they_matter(keep: bool) -> None:
    once: OnceMap[str, int] = OnceMap(keep=keep)
    with pytest.raises(ZeroDivisionError):
        once.get("key", lambda: 1 // 0)
    if keep:
        with pytest.raises(ZeroDivisionError):
            once.get("key", lambda: 1)
    else:
        assert once.get("key", lambda: 1) == 1


def test_programs(tmp_path: Path) -> None:
    done = run(
        [sys.executable, "-c", "import sys; print(input()); print('e', file=sys.stderr); sys.exit(3)"], stdin="in\n"
    )
    assert (done.exit_code, sorted(done.output.split())) == (3, ["e", "in"])
    assert done.tail(1)
    with pytest.raises(CommandNotFound, match="not found"):
        run(["no-such-program-at-all"])
    endless = [sys.executable, "-c", "import threading; threading.Event().wait()"]
    with pytest.raises(Cancelled):
        run(endless, should_stop=lambda: True, cwd=tmp_path)
    with pytest.raises(PixiError, match="did not end"):
        run(endless, timeout=0.2)


WRITE = """
import sys
from pixi_core.fs import replacing
with replacing(sys.argv[1] + "/file", sys.argv[1]) as file:
    file.write(b"half")
    file.flush()
    print("writing", flush=True)
    sys.stdin.read()
"""


def test_abandoned_writes_are_removed(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", WRITE, str(tmp_path)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "writing\n"
        remove_abandoned(tmp_path)
        [working] = (tmp_path / WRITING).iterdir()  # its writer lives
        with replacing(tmp_path / "file", tmp_path) as file:
            file.write(b"whole")
        child.kill()
        child.wait()
        remove_abandoned(tmp_path)
    assert not working.exists()
    assert (tmp_path / "file").read_bytes() == b"whole"
    remove_abandoned(tmp_path / "absent")


def test_a_failed_cache_write_leaves_nothing(tmp_path: Path) -> None:
    def write() -> None:
        with replacing(tmp_path / "file", tmp_path) as file:
            file.write(b"half")
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        write()
    assert os.listdir(tmp_path / WRITING) == []
    assert not (tmp_path / "file").exists()


def test_a_file_system_says_whether_it_folds_case(tmp_path: Path) -> None:
    """Asked of what is there: two files whose names differ in case alone can be told apart, or are one."""
    folder = tmp_path / "Folder"
    (tmp_path / "probe").touch()
    expected = (tmp_path / "PROBE").exists()
    assert folds_case(folder / "not" / "yet") == expected
    folder.mkdir()
    assert folds_case(folder) == expected
    (folder / "1").touch()
    (folder / "broken").symlink_to("nothing")
    assert folds_case(folder) == expected
    (folder / "name").touch()
    (folder / "NAME").touch()
    assert folds_case(folder) == expected
