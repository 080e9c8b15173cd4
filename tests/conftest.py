"""What every test gets: an environment without the user's settings, and the channels of `tests.support.channel`.

| fixture | what it is |
|---|---|
| `small_channel` | folder of synthetic packages: no Python, no network; read only by custom |
| `channel` | folder of a real channel (python, ipykernel, numpy, pip…), or skips with the reason |
| `channel_url` | the same as a `file://` URL |
| `two_pythons` | the URL of such a channel with a second Python, and its version; or skips |
| `http_channel` | the same over HTTP on loopback |
| `real_wheels` | the wheels it was made from |
| `hundred_channel` | `channel` with more than a hundred packages, JupyterLab and pandas among them; slow |
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

USER_ENVIRONMENT = dict(os.environ)
"""The variables before they are cleaned: pip is configured in them and in the user's home."""
FOREIGN_VARIABLES = (
    "CONDA", "IPYTHON", "JPY_", "JUPYTER", "MAMBA_", "NETRC", "PIXI_", "PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP",
    "RATTLER_", "REQUESTS_", "UV_", "VIRTUAL_ENV", "XDG_",
)  # fmt: skip
KEPT_VARIABLES = ("PIXI_TEST_", "PIXI_DEV_")
REPOSITORY = Path(__file__).resolve().parent.parent
numbers = itertools.count()


@pytest.fixture(scope="session", autouse=True)
def clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No variable, configuration or cache of the user reaches the code under test; `HOME` is a folder of the session.

    The package cache is shared by the session's tests: what one has extracted another need not.
    """
    home = tmp_path_factory.mktemp("home")
    test_cache = os.environ.get("PIXI_TEST_CACHE") or str(Path("~/.cache/pixi-jupyter-tests").expanduser())
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(FOREIGN_VARIABLES) and not name.startswith(KEPT_VARIABLES):
                patch.delenv(name)
        patch.setenv("PIXI_TEST_CACHE", test_cache)
        patch.setenv("HOME", str(home))
        patch.setenv("USERPROFILE", str(home))
        for name, folder in (("CACHE", ".cache"), ("CONFIG", ".config"), ("DATA", ".local/share")):
            patch.setenv(f"XDG_{name}_HOME", str(home / folder))
        patch.setenv("PIXI_CACHE_DIR", str(home / "pixi-cache"))
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        patch.setenv("no_proxy", "127.0.0.1,localhost")
        yield


@pytest.fixture(autouse=True)
def own_pixi_home(clean_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test its own `PIXI_HOME` (configuration, credentials), a folder that does not exist yet."""
    monkeypatch.setenv("PIXI_HOME", str(Path(os.environ["HOME"]) / f"pixi-home-{next(numbers)}"))


@pytest.fixture(scope="session")
def small_channel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The fixtures of `tests.support.channel.fixtures`, for this platform, osx-arm64 and win-64."""
    from tests.support.channel import build

    return build.small_channel(tmp_path_factory.mktemp("small") / "channel").path


@pytest.fixture(scope="session")
def channel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A channel of real packages, built once for all of a session's processes."""
    folder = shared_folder(tmp_path_factory) / "real" / "channel"
    reason = built_once(folder, [])
    if reason:
        pytest.skip(f"no test channel: {reason}")
    return folder


@pytest.fixture(scope="session")
def two_pythons(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The URL of `channel` with a second real Python of this machine, and that one's minor version (`3.12`)."""
    from tests.support.live_python import interpreters

    others = [one for one in list(interpreters().values())[1:] if tuple(map(int, one.short.split("."))) >= (3, 9)]
    if not others:
        pytest.skip("this machine has one Python only")
    folder = shared_folder(tmp_path_factory) / "two-pythons" / "channel"
    reason = built_once(folder, ["--python", others[0].path])
    if reason:
        pytest.skip(f"no test channel: {reason}")
    return folder.as_uri(), others[0].short


@pytest.fixture(scope="session")
def channel_url(channel: Path) -> str:
    """`channel` as a `file://` URL."""
    return channel.as_uri()


@pytest.fixture(scope="session")
def http_channel(channel: Path) -> Iterator[str]:
    """`channel` over HTTP on loopback."""
    from tests.support.channel.served import served

    with served(channel) as url:
        yield url


@pytest.fixture(scope="session")
def real_wheels(channel: Path) -> list[Path]:
    """The wheels that `channel` was made from (numpy, ipykernel, pip and their needs, some in two versions)."""
    from tests.support.channel.wheels import fetch_wheels, read_pins

    return fetch_wheels(read_pins("base", "cp{}{}".format(*sys.version_info)))


@pytest.fixture(scope="session")
def hundred_channel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`channel` with JupyterLab, pandas, scikit-learn, matplotlib and their needs; for tests marked `slow`."""
    folder = shared_folder(tmp_path_factory) / "hundred" / "channel"
    reason = built_once(folder, ["--hundred"])
    if reason:
        pytest.skip(f"no test channel: {reason}")
    return folder


def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The temporary folder that all of a session's processes see."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


def built_once(folder: Path, options: list[str]) -> str:
    """Build a channel at `folder` unless another process has; returns why it cannot be built, else nothing.

    In a process of its own, with the user's variables: its pip needs the user's configuration.
    """
    if sys.platform == "win32":
        return "real packages are made on Linux only"
    import fcntl

    folder.parent.mkdir(parents=True, exist_ok=True)
    verdict = folder.parent / "verdict"
    with (folder.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not verdict.exists():
            command = [sys.executable, "-m", "tests.support.channel", str(folder), *options]
            outcome = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, env=USER_ENVIRONMENT)
            if outcome.returncode not in (0, 3):
                raise RuntimeError(f"the test channel's own code failed:\n{outcome.stderr}")
            verdict.write_text(outcome.stderr.strip() or "unknown" if outcome.returncode else "")
    return verdict.read_text()
