"""Read-only folders, other users' files, no home, odd masks: whole commands work from what there is, or say what they
cannot write. Root gives up its privileges for this and is a user like others.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from .engine import in_child
from .privileges import belongs_to_nobody, give_up_privileges, is_root, read_only
from .products import Desk, Scenario, without_memories

pytestmark = [pytest.mark.faults, pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")]

INSTALLED = Scenario(
    "installed", "conda", 'native-library = "1.*"\nprefix-text = "*"\n', (("install",),), ("add", "links")
)
Protect = Callable[[Path], object]


def as_user(desk: Desk, *words: str, environ: dict[str, str] | None = None, mask: int | None = None) -> tuple[int, str]:
    """Exit code and standard error of a command run by an ordinary user."""
    reading, writing = os.pipe()

    def work() -> None:
        give_up_privileges()
        os.environ.update(environ or {})
        for name in [name for name, value in (environ or {}).items() if not value]:
            del os.environ[name]
        if mask is not None:
            os.umask(mask)
        code, told = desk.outcome(*words)
        os.write(writing, f"{code}\n{told}".encode())

    status, _ = in_child(work)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        code, _, told = pipe.read().partition("\n")
    assert status == 0, told
    return int(code), told


def write_protected(folder: Path) -> None:
    """Nobody may write anything below a folder."""
    for base, _, names in os.walk(folder):
        for path in (base, *(os.path.join(base, name) for name in names)):
            if not os.path.islink(path):
                os.chmod(path, os.stat(path).st_mode & ~0o222)


def writable_again(folder: Path) -> None:
    for base, _, _ in os.walk(folder):
        os.chmod(base, 0o755)


PROTECTIONS: dict[str, Protect] = {"read-only": write_protected, "another user's": belongs_to_nobody}
PLACES = {
    "environment": lambda desk: desk.workspace / ".pixi" / "envs" / "default",
    "cache": lambda desk: desk.cache,
    "workspace": lambda desk: desk.workspace,
}
CELLS = [pytest.param(PROTECTIONS[how], PLACES[where], id=f"{how} {where}") for how in PROTECTIONS for where in PLACES]


def visible(desk: Desk) -> dict[str, str]:
    return without_memories(desk.state())


@pytest.fixture
def installed(desk: Callable[[Scenario], Desk]) -> Desk:
    """A workspace with an environment, before a package is added to it."""
    made = desk(INSTALLED)
    made.back()
    return made


@pytest.mark.parametrize(("protect", "place"), CELLS)
def test_what_cannot_be_written_is_named(installed: Desk, protect: Protect, place: Callable[[Desk], Path]) -> None:
    """What is right as it is stays usable; a change is refused with the path, and works when it is allowed."""
    if protect is belongs_to_nobody and not is_root():
        pytest.skip("only root can give files away")
    protect(place(installed))
    before, golden = visible(installed), without_memories(installed.golden)
    try:
        for words in (("install",), ("list",), ("run", "true"), ("lock",)):
            code, told = as_user(installed, *words)
            assert code == 0, (words, told)
        code, told = as_user(installed, *INSTALLED.command)
        assert code == 1, told
        assert "cannot write" in told
        assert str(place(installed)) in told
        assert "hint:" in told
        assert "Traceback" not in told
        assert visible(installed) == before
    finally:
        writable_again(place(installed))
    assert installed.outcome(*INSTALLED.command)[0] == 0
    assert visible(installed) == golden


def test_a_read_only_file_system(installed: Desk) -> None:
    with read_only(installed.workspace) as mounted:
        if not mounted:
            pytest.skip("no file system can be made read-only here")
        assert installed.outcome("install")[0] == 0
        assert installed.outcome("run", "true")[0] == 0
        code, told = installed.outcome(*INSTALLED.command)
        assert code == 1
        assert "the file system is read-only" in told
    assert installed.outcome(*INSTALLED.command)[0] == 0
    assert visible(installed) == without_memories(installed.golden)


HOMES = {"none": "", "/dev/null": "/dev/null", "a folder that is not there": "/nowhere/at/all"}


@pytest.mark.parametrize("home", HOMES.values(), ids=HOMES)
def test_homes(installed: Desk, home: str) -> None:
    nothing = {"XDG_CACHE_HOME": "", "XDG_CONFIG_HOME": "", "XDG_DATA_HOME": "", "PIXI_HOME": ""}
    code, told = as_user(installed, *INSTALLED.command, environ={**nothing, "HOME": home})
    assert code == 0, told
    found = visible(installed)
    if home == "/dev/null":  # who has no home keeps it among the temporary files
        assert found.pop("temporary:.pixi") == ""
    assert found == without_memories(installed.golden)


@pytest.mark.parametrize("mask", [0o077, 0o002, 0o022])
def test_masks(installed: Desk, mask: int) -> None:
    """Nothing that is written may be used by more people than the user allows; programs stay programs."""
    code, told = as_user(installed, *INSTALLED.command, mask=mask)
    assert code == 0, told
    assert visible(installed) == without_memories(installed.golden)
    open_ = {
        path: oct(path.stat().st_mode)
        for path in installed.place.rglob("*")
        if not path.is_symlink() and path.stat().st_mode & stat.S_IWOTH
    }
    assert not open_
