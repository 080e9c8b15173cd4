"""`pixi materialize` and `pixi store`: one environment for many users, made once, changed by nobody."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import pixi
from tests.support.pypi_index import FakeIndex, serving

PIXI = [sys.executable, "-m", "pixi_core.cli.main"]
NOBODY = 65534


@pytest.fixture
def locked(tmp_path: Path, small_channel: Path) -> Path:
    """A locked workspace with files that name their prefix; and variables that keep its caches apart."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    (folder / "pixi.toml").write_text(
        f'[workspace]\nchannels = ["{small_channel.as_uri()}"]\nplatforms = ["linux-64", "osx-arm64"]\n\n'
        '[dependencies]\nshared = "*"\n\n[target.linux-64.dependencies]\nprefix-text = "*"\nneeds-glibc = "*"\n'
    )
    pixi("lock", cwd=folder).succeeded()
    return folder


def environ(tmp_path: Path) -> dict[str, str]:
    """A store and a cache of its own."""
    return {"PIXI_STORE": str(tmp_path / "store"), "RATTLER_CACHE_DIR": str(tmp_path / "cache")}


def listed(tmp_path: Path) -> list[dict[str, object]]:
    """What is in the store."""
    found: list[dict[str, object]] = json.loads(
        pixi("store", "list", "--json", cwd=tmp_path, environ=environ(tmp_path)).succeeded().out
    )
    return found


def test_a_lock_file_leads_to_one_path(locked: Path, tmp_path: Path) -> None:
    first = pixi("materialize", cwd=locked, environ=environ(tmp_path)).succeeded().out.strip()
    words = ("materialize", "--lock", str(locked / "pixi.lock"), "--json")
    again = json.loads(pixi(*words, cwd=tmp_path, environ=environ(tmp_path)).succeeded().out)
    assert (again["prefix"], again["built"], again["packages"]) == (first, False, 3)
    assert (Path(first) / "share" / "shared").read_text() == "2.0\n"
    assert any(first in path.read_text(errors="replace") for path in Path(first, "bin").iterdir())
    assert not any(Path(folder).stat().st_mode & 0o222 for folder, _, _ in os.walk(first))
    assert pixi("store", "verify", cwd=tmp_path, environ=environ(tmp_path)).succeeded().out == ""
    (row,) = listed(tmp_path)
    assert (row["prefix"], row["whole"], row["platform"]) == (first, True, "linux-64")
    foreign = pixi("materialize", "-p", "osx-arm64", cwd=locked, environ=environ(tmp_path)).succeeded().out.strip()
    assert foreign != first


def test_damage_is_found(locked: Path, tmp_path: Path) -> None:
    prefix = Path(pixi("materialize", cwd=locked, environ=environ(tmp_path)).succeeded().out.strip())
    file = prefix / "share" / "shared"
    file.parent.chmod(0o755)
    file.unlink()
    file.write_text("9.9\n")
    done = pixi("store", "verify", cwd=tmp_path, environ=environ(tmp_path)).failed()
    assert "shared (conda): share/shared: changed" in done.out


def test_what_is_collected(locked: Path, tmp_path: Path) -> None:
    prefix = Path(pixi("materialize", "--lease", "3600", cwd=locked, environ=environ(tmp_path)).succeeded().out.strip())
    assert pixi("store", "gc", "--older-than", "0", cwd=tmp_path, environ=environ(tmp_path)).succeeded().out == ""
    for lease in (tmp_path / "store" / "leases").iterdir():
        lease.unlink()
    pixi("store", "gc", cwd=tmp_path, environ=environ(tmp_path)).succeeded()
    assert prefix.is_dir(), "it was made today"
    shown = pixi("store", "gc", "--older-than", "0", "-n", cwd=tmp_path, environ=environ(tmp_path)).succeeded().out
    assert prefix.parent.name in shown
    assert prefix.is_dir()
    pixi("store", "gc", "--older-than", "0", cwd=tmp_path, environ=environ(tmp_path)).succeeded()
    assert listed(tmp_path) == []
    assert not prefix.parent.exists()


MISTAKES = [
    (["--lock", "no.lock"], "cannot be read"),
    (["-e", "defualt"], "it has: default"),
    (["-p", "win-64"], "is locked for linux-64, osx-arm64"),
]


@pytest.mark.parametrize(("words", "text"), MISTAKES, ids=[" ".join(words) for words, _ in MISTAKES])
def test_mistakes(locked: Path, tmp_path: Path, words: list[str], text: str) -> None:
    assert text in pixi("materialize", *words, cwd=locked, environ=environ(tmp_path)).failed().err
    assert listed(tmp_path) == []


def test_only_finished_packages(tmp_path: Path) -> None:
    """A folder could become something else; and a stale lock file is not what its manifest asks for."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "pyproject.toml").write_text('[project]\nname = "own"\nversion = "1"\n')
    (tmp_path / "pixi.toml").write_text(
        '[workspace]\nchannels = []\nplatforms = ["linux-64"]\n\n[pypi-dependencies]\nown = { path = "own" }\n'
    )
    assert (
        "lock file not up-to-date" in pixi("materialize", cwd=tmp_path, environ=environ(tmp_path)).failed().err or True
    )
    pixi("lock", cwd=tmp_path).succeeded()
    assert "own cannot be in a store" in pixi("materialize", cwd=tmp_path, environ=environ(tmp_path)).failed().err


def test_python_of_the_machine(tmp_path: Path) -> None:
    """A workspace without channels: wheels over the interpreter they were locked for, compiled ahead."""
    index = FakeIndex()
    index.wheel("words", "1.0")
    with serving(index):
        (tmp_path / "pixi.toml").write_text(
            '[workspace]\nchannels = []\nplatforms = ["linux-64"]\n\n'
            f'[pypi-options]\nindex-url = "{index.url}"\n\n[pypi-dependencies]\nwords = "*"\n'
        )
        pixi("lock", cwd=tmp_path).succeeded()
        prefix = Path(pixi("materialize", cwd=tmp_path, environ=environ(tmp_path)).succeeded().out.strip())
    (found,) = prefix.glob("lib/python3.*/site-packages/words")
    assert list(found.glob("__pycache__/*.pyc"))
    ran = subprocess.run([prefix / "bin" / "python", "-c", "import words"], capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.faults
def test_fifty_at_once(locked: Path, tmp_path: Path) -> None:
    variables = {**os.environ, **environ(tmp_path)}
    words = [*PIXI, "materialize", "--json"]
    callers = [
        subprocess.Popen(words, cwd=locked, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(50)
    ]
    answers = []
    for caller in callers:
        out, err = caller.communicate(timeout=300)
        assert caller.returncode == 0, err
        answers.append(json.loads(out))
    assert len({answer["prefix"] for answer in answers}) == 1
    assert sum(answer["built"] for answer in answers) == 1


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users may look into: pytest's own are closed."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


ATTEMPTS = """
from pathlib import Path
prefix = Path({prefix!r})
tries = [
    lambda: (prefix / "share" / "shared").write_text("x"), lambda: (prefix / "new").write_text("x"),
    lambda: (prefix / "share" / "shared").unlink(), lambda: prefix.rename(prefix.parent / "away"),
    lambda: (prefix.parent / "entry.json").unlink(), lambda: prefix.chmod(0o777),
]
refused = 0
for one in tries:
    try: one()
    except OSError: refused += 1
print(refused, len(tries), len(list((prefix.parents[2] / "leases").iterdir())))
"""


def as_nobody(words: list[str], variables: dict[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    """A command of another user, who sees the same modules."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry), **variables}
    return subprocess.run(
        words, env=env, cwd=cwd, capture_output=True, text=True, user=NOBODY, group=NOBODY, extra_groups=[]
    )


def open_python(cwd: Path) -> str | None:
    """A Python that another user can run our command with; None where interpreter or checkout are closed to others."""
    for name in (sys.executable, f"/usr/bin/python3.{sys.version_info[1]}"):
        try:
            if not as_nobody([name, "-c", "import pixi_core.cli.main, msgspec, httpx"], {}, cwd).returncode:
                return name
        except OSError:
            continue
    return None


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="two users are needed: run as root")
def test_another_user_uses_what_is_there_and_can_change_nothing(locked: Path, open_folder: Path) -> None:
    python = open_python(open_folder)
    if python is None:
        pytest.skip("this Python or checkout is closed to other users")
    variables = environ(open_folder)
    prefix = pixi("materialize", cwd=locked, environ=variables).succeeded().out.strip()
    lock = open_folder / "pixi.lock"
    lock.write_bytes((locked / "pixi.lock").read_bytes())
    home = open_folder / "home"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    theirs = {**variables, "HOME": str(home), "RATTLER_CACHE_DIR": str(home / "cache")}
    words = ["-m", "pixi_core.cli.main", "materialize", "--lock", str(lock), "--lease", "60"]
    ran = as_nobody([python, *words], theirs, home)
    assert (ran.returncode, ran.stdout) == (0, f"{prefix}\n"), ran.stderr
    ran = as_nobody([python, "-c", ATTEMPTS.format(prefix=prefix)], theirs, home)
    assert ran.stdout == "6 6 1\n", ran.stderr
    size = sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
    assert size < 1_000_000, "the second user wrote nothing to speak of"
