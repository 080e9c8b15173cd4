"""Tab in real shells: names of packages, environments, features and tasks, from the workspace and the caches alone."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.test_run_shell import shell
from tests.provisioner.conftest import tools_on_path
from tests.support import http_server
from tests.support.command import pixi

__all__ = ["shell"]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="shells of POSIX")

MANIFEST = """\
[workspace]
channels = ["{channel}"]
platforms = ["linux-64", "win-64"]
[dependencies]
shared = "*"
[tasks]
hello = "true"
help-me = "true"
_hidden = "true"
"he;>evil" = "true"
[feature.numbers.tasks]
count = "true"
[feature.numbers.dependencies]
native-tool = "*"
[environments]
numbered = ["numbers"]
"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, small_channel: Path) -> Path:
    """A locked workspace whose channel is in the cache and gone by now; its cache lies beside it."""
    folder = tmp_path_factory.mktemp("completing") / "it's here"
    folder.mkdir()
    with http_server.serving(http_server.files_of(small_channel)) as server:
        (folder / "pixi.toml").write_text(MANIFEST.format(channel=server.url))
        pixi("lock", cwd=folder, environ=cache_of(folder)).succeeded()
        pixi("search", "native*", cwd=folder, environ=cache_of(folder)).succeeded()
    return folder


def cache_of(folder: Path) -> dict[str, str]:
    return {"PIXI_CACHE_DIR": str(folder.parent / "cache"), "PIXI_OVERRIDE_PLATFORM": "linux-64"}


CASES = [
    ("add", "nati", ["native-library", "native-tool"]),
    ("a", "nati", ["native-library", "native-tool"]),
    ("add", "", []),
    ("remove", "", ["shared"]),
    ("remove -e numbered", "nat", ["native-tool"]),
    ("tree -e numbered", "nat", ["native-library", "native-tool"]),
    ("list --environment=numbered", "nat", ["native-library", "native-tool"]),
    ("run", "", ["count", "hello", "help-me"]),
    ("run -e numbered", "c", ["count"]),
    ("run hello", "", []),
    ("run -e", "", ["default", "numbered"]),
    ("add --feature", "n", ["numbers"]),
    ("install --environment", "num", ["numbered"]),
    ("list --platform", "", ["linux-64", "win-64"]),
    ("init", "", []),
    ("", "", []),
]


@pytest.mark.parametrize(("before", "part", "found"), CASES)
def test_what_may_stand_there(demo: Path, before: str, part: str, found: list[str]) -> None:
    done = pixi("names", "--after", before, "--json", "--", part, cwd=demo, environ=cache_of(demo)).succeeded()
    assert json.loads(done.out) == found


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["bash", "fish"], indirect=True)
@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("pixi add nati", {"native-library", "native-tool"}),
        ("pixi remove sh", {"shared"}),
        ("pixi run he", {"hello", "help-me"}),
        ("pixi run -e num", {"numbered"}),
        ("pixi add --feature n", {"numbers"}),
        ("pixi add --dry", {"--dry-run"}),
        ("pixi run ", {"count", "hello", "help-me"}),
    ],
)
def test_shells_ask(demo: Path, shell: str, line: str, found: set[str]) -> None:
    script = pixi("completion", "-s", shell, cwd=demo).succeeded().out
    if shell == "bash":
        words = line.split(" ")
        ask = f"COMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1}; _pixi\n"
        ask += 'printf "%s\\n" "${COMPREPLY[@]}"'
    else:
        ask = f"complete -C '{line}'"
    ran = run(shell, f"{script}\n{ask}\n", demo)
    assert {row.partition("\t")[0] for row in ran.splitlines()} == found
    assert not (demo / "evil").exists()


TYPED = """\
import os, pty, re, select, sys
folder, shell, setup, line, wanted = sys.argv[1:]
os.chdir(folder)
process, terminal = pty.fork()
if process == 0:
    os.execvp(shell, [shell, "-f", "-i"] if shell == "zsh" else [shell, "--norc", "-i"])
seen = ""
def until(text):
    global seen
    while text not in seen:
        if not select.select([terminal], [], [], 40)[0]:
            sys.exit("never seen: %r in %r" % (text, seen))
        seen += os.read(terminal, 65536).decode("utf-8", "replace")
os.write(terminal, ("source %s; echo READ''Y\\n" % setup).encode())
until("READY")
seen = ""
os.write(terminal, line.encode() + b"\\t")
until(wanted)
os.write(terminal, b"\\x15exit\\n")
os.waitpid(process, 0)
"""
"""Types a line and Tab at a terminal, and waits until what is wanted stands there."""


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["bash", "zsh"], indirect=True)
@pytest.mark.parametrize(
    ("line", "wanted"), [("pixi add native-t", "native-tool"), ("pixi remove sha", "shared"), ("pixi run cou", "count")]
)
def test_tab_at_a_terminal(demo: Path, tmp_path: Path, shell: str, line: str, wanted: str) -> None:
    setup = tmp_path / "setup"
    begin = "autoload -Uz compinit; compinit -u -D\n" if shell == "zsh" else ""
    setup.write_text(begin + pixi("completion", "-s", shell, cwd=demo).succeeded().out)
    words = [sys.executable, "-c", TYPED, str(demo), shell, str(setup), line, wanted]
    environ = {**tools_on_path(), **cache_of(demo), "HOME": str(tmp_path), "TERM": "dumb"}
    ran = subprocess.run(words, env=environ, capture_output=True, text=True, timeout=90)
    assert ran.returncode == 0, ran.stderr


def run(shell: str, script: str, folder: Path) -> str:
    """What a shell prints for a script."""
    environ = {**tools_on_path(), **cache_of(folder), "HOME": str(folder.parent), "XDG_CONFIG_HOME": str(folder.parent)}
    program = str(shutil.which(shell))
    ran = subprocess.run([program], input=script, cwd=folder, env=environ, capture_output=True, text=True, timeout=60)
    assert ran.returncode in (0, 1), ran.stderr
    return ran.stdout
