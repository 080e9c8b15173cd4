"""The test channel is real: py-rattler solves it and installs it, and what it installs runs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.channel.build import synthetic_channel
from tests.support.channel.package_writer import PLACEHOLDER
from tests.support.channel.subdirs import host_subdir
from tests.support.channel.synthetic import Amount
from tests.support.rattler_oracle import OracleRefused, rattler
from tests.support.trees import tree

pytestmark = [pytest.mark.peer, pytest.mark.xdist_group("channel")]  # one environment is enough for them all
REAL = [
    "python", "ipykernel", "numpy", "pip", "six 1.16", "pure-tool", "prefix-text", "prefix-binary", "link-scripts",
    "activation-scripts", "old-archive",
]  # fmt: skip
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="an ELF program")


@pytest.fixture(scope="session")
def oracle_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("oracle")


@pytest.fixture(scope="session")
def prefix(channel_url: str, oracle_cache: Path) -> Path:
    """An environment that py-rattler made."""
    prefix = oracle_cache / "prefix"
    rattler("install", channels=[channel_url], specs=REAL, prefix=prefix, cache=oracle_cache, scripts=True)
    return prefix


def run(prefix: Path, *command: str) -> str:
    """What a command of the prefix prints, with nothing of ours in its environment."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(prefix.parent)}
    outcome = subprocess.run(
        [prefix / "bin" / command[0], *command[1:]], capture_output=True, text=True, env=environment, timeout=60
    )
    assert outcome.returncode == 0, outcome.stderr
    return outcome.stdout.strip()


@pytest.mark.channel
@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["python", "-c", "import sys; print(sys.prefix)"], "{prefix}"),
        (["python", "-c", "import numpy; print(numpy.__file__)"], "{prefix}/lib/python{minor}/site-packages/numpy"),
        (["python", "-c", "import ssl, sqlite3, lzma, bz2, ctypes, readline, zmq; print('all')"], "all"),
        (["python", "-c", "import six; print(six.__version__)"], "1.16.0"),
        (["pip", "--version"], "pip"),
        (["pure-tool"], "{prefix} "),
        (["pure-tool-script"], "{prefix}"),
        (["prefix-text"], "hello from the prefix"),
        (["prefix-text-shebang"], "shebang"),
        (["prefix-binary"], "hello from the binary"),
        pytest.param(["prefix-shell", "-c", "echo found"], "found", marks=linux_only),
    ],
)  # fmt: skip
def test_what_is_installed_runs(prefix: Path, command: list[str], expected: str) -> None:
    minor = "{}.{}".format(*sys.version_info)
    assert run(prefix, *command).startswith(expected.format(prefix=prefix, minor=minor))


@pytest.mark.channel
def test_a_kernel_starts_from_the_environment(prefix: Path, tmp_path: Path) -> None:
    script = (
        "from jupyter_client.manager import KernelManager\n"
        "from jupyter_client.kernelspec import KernelSpec\n"
        "import sys\n"
        "manager = KernelManager()\n"
        "argv = [sys.argv[1], '-m', 'ipykernel_launcher', '-f', '{connection_file}']\n"
        "manager._kernel_spec = KernelSpec(argv=argv, display_name='channel', language='python')\n"
        "manager.start_kernel()\n"
        "client = manager.blocking_client()\n"
        "client.start_channels()\n"
        "client.wait_for_ready(timeout=60)\n"
        "client.execute_interactive('import sys, numpy; print(sys.prefix, numpy.arange(4).sum())', timeout=60)\n"
        "client.stop_channels()\n"
        "manager.shutdown_kernel(now=True)\n"
    )
    command = [sys.executable, "-c", script, str(prefix / "bin/python")]
    outcome = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert outcome.stdout.strip() == f"{prefix} 6", outcome.stderr


@pytest.mark.channel
def test_nothing_but_the_c_library_comes_from_the_host(prefix: Path) -> None:
    question = (
        "import ssl, sqlite3, lzma, bz2, ctypes, readline, numpy\n"
        "print('\\n'.join({l.split()[-1] for l in open('/proc/self/maps') if '.so' in l}))"
    )
    outside = [line for line in run(prefix, "python", "-c", question).splitlines() if not line.startswith(str(prefix))]
    glibc = ("libc", "libm", "ld-", "libdl", "libpthread", "librt", "libutil", "libresolv", "libcrypt.")
    assert [line for line in outside if not Path(line).name.startswith(glibc)] == []


@pytest.mark.channel
def test_compiled_files_are_fresh_on_arrival(prefix: Path) -> None:
    """Else python would write them anew, through hard links into the package cache."""
    folder = prefix / "lib" / "python{}.{}".format(*sys.version_info)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.pyc")}
    run(
        prefix,
        "python",
        "-c",
        "import numpy, json, email.parser, asyncio, IPython, sysconfig; sysconfig.get_config_vars()",
    )
    changed = [path for path in before if path.stat().st_mtime_ns != before[path]]
    assert changed == []
    assert len(before) > 500


@pytest.mark.channel
def test_sysconfig_names_the_new_prefix(prefix: Path) -> None:
    assert PLACEHOLDER not in run(prefix, "python", "-m", "sysconfig")
    assert run(prefix, "python", "-c", "import sysconfig; print(sysconfig.get_config_var('prefix'))") == str(prefix)


@pytest.mark.channel
def test_link_scripts_ran(prefix: Path) -> None:
    assert (prefix / "share/link-scripts/built").read_text() == "link-scripts 1.0 0\n"


@pytest.mark.channel
@pytest.mark.parametrize("sharded", [True, False])
def test_over_http_with_shards_and_without(http_channel: str, oracle_cache: Path, sharded: bool) -> None:
    answer = rattler(
        "solve", channels=[http_channel], specs=["python", "ipykernel", "numpy"], sharded=sharded, cache=oracle_cache
    )
    assert {"python", "numpy", "openssl", "python_abi"} <= {record["name"] for record in answer}


FOREIGN_SYSTEMS = [("osx-arm64", {"__osx": "14.0", "__unix": "0"}), ("win-64", {"__win": "10"})]


@pytest.mark.channel
@pytest.mark.parametrize(("subdir", "system"), FOREIGN_SYSTEMS)
def test_other_platforms_can_be_solved(
    channel_url: str, oracle_cache: Path, subdir: str, system: dict[str, str]
) -> None:
    answer = rattler(
        "solve", channels=[channel_url], specs=["ipykernel", "numpy"], subdir=subdir, virtual_packages=system,
        cache=oracle_cache,
    )  # fmt: skip
    assert {"python", "numpy"} <= {record["name"] for record in answer}


@pytest.mark.channel
@pytest.mark.slow
def test_more_than_a_hundred_packages(hundred_channel: Path, oracle_cache: Path, tmp_path: Path) -> None:
    specs = ["jupyterlab", "pandas", "scikit-learn", "matplotlib", "ipywidgets", "ipykernel", "requests", "pip"]
    records = install(hundred_channel, oracle_cache, tmp_path / "env", specs)
    assert len(records) > 100
    assert run(tmp_path / "env", "python", "-c", "import pandas, sklearn, matplotlib.pyplot; print('all')") == "all"
    assert run(tmp_path / "env", "jupyter", "lab", "--version")[0].isdigit()


def test_made_up_packages_install(tmp_path: Path, oracle_cache: Path) -> None:
    built = synthetic_channel(tmp_path / "channel", Amount(packages=20, files=12))
    records = install(built.path, oracle_cache, tmp_path / "env", ["synthetic-all"])
    assert len(records) == 21
    first = tmp_path / "env/share/synthetic/synthetic-0000/0/00000.txt"
    assert first.read_text().startswith(f"prefix={tmp_path / 'env'}\n")


SOLUTIONS: list[tuple[list[str], dict[str, str], dict[str, str]]] = [
    (["accelerated"], {}, {"accelerated": "1.0 cpu_0"}),
    (["accelerated"], {"CONDA_OVERRIDE_CUDA": "12.4"}, {"accelerated": "1.0 cuda12_100"}),
    (["needs-glibc"], {}, {"needs-glibc": "1.0 h1a2b3c4_0"}),
    (["needs-glibc"], {"CONDA_OVERRIDE_GLIBC": "3.0"}, {"needs-glibc": "2.0 h1a2b3c4_0"}),
    (["native-tool"], {}, {"native-library": "1.1 h1a2b3c4_0", "native-tool": "1.0 h1a2b3c4_0"}),
    (["pure-library"], {}, {"pure-library": "2.0 pyhd8ed1ab_0", "python": "3.12.4 hstandin_0_cpython"}),
    (["pure-library", "python 3.11.*"], {}, {"pure-library": "1.1 pyhd8ed1ab_0"}),
    (["cycle-one"], {}, {"cycle-one": "1.0 0", "cycle-two": "1.0 0"}),
]


@pytest.mark.parametrize(("specs", "environ", "expected"), SOLUTIONS)
def test_solutions_in_the_small_channel(
    small_channel: Path, oracle_cache: Path, specs: list[str], environ: dict[str, str], expected: dict[str, str]
) -> None:
    if sys.platform != "linux":
        environ = {"CONDA_OVERRIDE_GLIBC": "2.36", **environ}
    answer = rattler("solve", environ=environ, channels=[small_channel.as_uri()], specs=specs, cache=oracle_cache)
    chosen = {record["name"]: f"{record['version']} {record['build']}" for record in answer}
    assert expected.items() <= chosen.items()


@pytest.mark.parametrize(
    "specs", [["needs-one", "needs-two"], ["needs-absent"], ["native-tool", "native-library 2.*"], ["no-such-thing"]]
)
def test_requests_without_solution(small_channel: Path, oracle_cache: Path, specs: list[str]) -> None:
    with pytest.raises(OracleRefused, match=r"Cannot solve|candidates"):
        rattler("solve", channels=[small_channel.as_uri()], specs=specs, cache=oracle_cache)


def test_the_fixtures_install(small_channel: Path, oracle_cache: Path, tmp_path: Path) -> None:
    specs = [
        "links",
        "old-metadata",
        "menu-entry",
        "odd-paths",
        "clobber-one",
        "clobber-two",
        "unlinked",
        "both-archives",
        "pure-tool",
    ]
    records = install(small_channel, oracle_cache, tmp_path / "env", specs)
    assert len(records) >= len(specs)
    assert (tmp_path / "env/share/old-metadata").read_text() == f"{tmp_path / 'env'}/share\n"
    assert os.readlink(tmp_path / "env/share/links/dangling") == "nowhere"
    assert (tmp_path / "env/share/odd-paths/雪.txt").read_text() == "odd\n"


def test_a_prefix_too_long_for_a_binary_is_refused(small_channel: Path, oracle_cache: Path, tmp_path: Path) -> None:
    with pytest.raises(OracleRefused):
        install(small_channel, oracle_cache, tmp_path / "env", ["prefix-short"])


def install(channel: Path, cache: Path, prefix: Path, specs: Sequence[str]) -> list[Any]:
    """Install with py-rattler and return the records it wrote."""
    rattler("install", channels=[channel.as_uri()], specs=specs, prefix=prefix, cache=cache)
    records: list[Any] = rattler("records", prefix=prefix)
    return records


def test_a_lock_file_installs_the_same_as_the_solve(small_channel: Path, oracle_cache: Path, tmp_path: Path) -> None:
    request: dict[str, Any] = {
        "channels": [small_channel.as_uri()],
        "specs": ["pure-tool", "prefix-binary"],
        "cache": oracle_cache,
    }
    path = tmp_path / "pixi.lock"
    records = rattler("write-lock", path=path, **request)
    assert rattler("install", prefix=tmp_path / "solved", **request) == records
    locked = rattler("lock", path=path)["default"][host_subdir()]
    assert len(locked) == len(records)
    rattler("install-lock", path=path, platform=host_subdir(), prefix=tmp_path / "locked", cache=oracle_cache)
    assert tree(tmp_path / "locked") == tree(tmp_path / "solved")
