"""`pixi shell` at a terminal, `pixi shell-hook` in real shells, `pixi exec`: with an awkward path everywhere."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.command import pixi
from tests.support.debian import why_missing
from tests.support.run_workspace import workspace

pytestmark = pytest.mark.skipif(os.name == "nt", reason="terminals of POSIX")
PIXI = [sys.executable, "-m", "pixi_core.cli.main"]
SHELLS = ["bash", pytest.param("zsh", marks=pytest.mark.slow), pytest.param("fish", marks=pytest.mark.slow), "dash"]
"""The slow ones may have to be installed first."""
# a terminal of its own for a command; what comes in is typed, what it shows goes out
TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, small_channel: Path) -> Path:
    """A workspace whose path holds what shells take for something else."""
    folder = tmp_path_factory.mktemp("shells") / 'it\'s a $HOME & "more"'
    (folder / "sub").mkdir(parents=True)
    return workspace(
        folder, small_channel, '[activation.env]\nMINE = "of the manifest"', packages='activation-scripts = "*"'
    )


def typed(lines: list[str], *words: str, cwd: Path, environ: Mapping[str, str]) -> tuple[int, str]:
    """Exit code and screen of `pixi WORDS` at a terminal where `lines` are typed."""
    ran = subprocess.run(
        [sys.executable, "-c", TERMINAL, *PIXI, *words],
        cwd=cwd,
        env={**os.environ, "TERM": "dumb", **environ},
        input="".join(f"{line}\n" for line in lines).encode(),
        stdout=subprocess.PIPE,
        timeout=60,
    )
    return ran.returncode, ran.stdout.decode().replace("\r\n", "\n")


@pytest.fixture
def shell(request: pytest.FixtureRequest) -> str:
    """A shell that is there, installed where that is possible."""
    name = str(request.param)
    reason = why_missing(name)
    if reason:
        pytest.skip(reason)
    return name


@pytest.mark.parametrize("shell", SHELLS, indirect=True)
def test_a_shell_at_a_terminal(demo: Path, tmp_path: Path, shell: str) -> None:
    """The user's own start-up files are read, the prompt says where one is, the exit code is the shell's."""
    start_up = {"bash": ".bashrc", "zsh": ".zshrc", "fish": ".config/fish/config.fish", "dash": ".shinit"}[shell]
    text = "set -gx FROM_START_UP read\n" if shell == "fish" else "export FROM_START_UP=read\nPS1='> '\n"
    (tmp_path / start_up).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / start_up).write_text(text)
    environ = {
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / ".config"),
        "ENV": str(tmp_path / ".shinit"),
        "SHELL": str(shutil.which(shell)),
        "TMPDIR": str(tmp_path),
    }
    lines = [
        'printf "<%s>\\n" "$CONDA_PREFIX" "$CHANNEL_ACTIVATED" "$MINE" "$FROM_START_UP" "$PIXI_IN_SHELL"',
        "exit 3",
    ]
    code, screen = typed(lines, "shell", cwd=demo / "sub", environ=environ)
    prefix = str(demo / ".pixi" / "envs" / "default")
    assert code == 3, screen
    assert re.findall(r"<([^<>]*)>$", screen, re.MULTILINE) == [prefix, prefix, "of the manifest", "read", "1"], screen
    assert "(demo) " in screen
    assert not list(tmp_path.glob("pixi-shell-*"))


def test_the_prompt_can_stay_as_it_is(demo: Path, tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "SHELL": "/bin/bash"}
    _, screen = typed(["exit"], "shell", "--change-ps1", "false", cwd=demo, environ=environ)
    assert "(demo) " not in screen


def test_a_shell_without_a_terminal(demo: Path) -> None:
    ran = subprocess.run(
        [*PIXI, "shell"],
        cwd=demo,
        input='printf "%s" "$CONDA_PREFIX"; exit 4',
        text=True,
        capture_output=True,
        env={**os.environ, "SHELL": "/bin/sh"},
    )
    assert (ran.returncode, ran.stdout) == (4, str(demo / ".pixi" / "envs" / "default"))


def test_a_shell_that_is_not_known(demo: Path) -> None:
    code, screen = typed([], "shell", cwd=demo, environ={"SHELL": sys.executable})
    assert code == 1
    assert "pixi shell-hook" in screen


SHOW = 'printf "%s|" "$CONDA_PREFIX" "$CHANNEL_ACTIVATED" "$CHANNEL_VARIABLE" "$MINE" "$CONDA_SHLVL"'
HOOKED = {
    "bash": f'eval "$(cat hook)"; {SHOW}; echo; pixi_deactivate; {SHOW}',
    "zsh": f'eval "$(cat hook)"; {SHOW}; echo; pixi_deactivate; {SHOW}',
    "fish": f"source hook; {SHOW}; echo; pixi_deactivate; {SHOW}",
}


@pytest.mark.parametrize("shell", SHELLS[:3], indirect=True)
def test_a_hook_and_its_way_back(demo: Path, tmp_path: Path, shell: str) -> None:
    """Every variable, `PATH` among them, is afterwards what it was before."""
    hook = pixi("shell-hook", "-s", shell, cwd=demo, environ={"MINE": "of the user"}).succeeded().out
    (tmp_path / "hook").write_text(hook)
    script = HOOKED[shell] + '; echo; echo "$PATH"' + (" | string join :" if shell == "fish" else "")
    ran = subprocess.run(
        [shell, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "MINE": "of the user", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    prefix = str(demo / ".pixi" / "envs" / "default")
    inside, outside, path = ran.stdout.splitlines()
    assert inside.split("|")[:5] == [prefix, prefix, "from env_vars.d", "of the manifest", "1"], ran.stderr
    assert outside.split("|")[0] == ""
    assert outside.split("|")[2:5] == ["", "of the user", ""]
    assert path.replace(" ", ":") == os.environ["PATH"].replace(" ", ":")


BARE = {"bash": ["--norc", "-i"], "zsh": ["-f", "-i"], "fish": ["--no-config", "-i"]}


@pytest.mark.parametrize("shell", SHELLS[:3], indirect=True)
def test_a_hook_at_a_terminal(demo: Path, tmp_path: Path, shell: str) -> None:
    """The same typed by somebody, who stays in the shell."""
    hook = pixi("shell-hook", "-s", shell, cwd=demo).succeeded().out
    (tmp_path / "hook").write_text(hook)
    source = "source hook" if shell == "fish" else 'eval "$(cat hook)"'
    show = 'printf "<%s>\\n" "$CONDA_PREFIX" "$CHANNEL_ACTIVATED" "$MINE"'
    ran = subprocess.run(
        [sys.executable, "-c", TERMINAL, str(shutil.which(shell)), *BARE[shell]],
        cwd=tmp_path,
        env={**os.environ, "TERM": "dumb", "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)},
        input="".join(f"{line}\n" for line in (source, show, "pixi_deactivate", show, "exit 5")).encode(),
        stdout=subprocess.PIPE,
        timeout=60,
    )
    screen = ran.stdout.decode().replace("\r\n", "\n")
    prefix = str(demo / ".pixi" / "envs" / "default")
    found = re.findall(r"^<([^<>]*)>$", screen, re.MULTILINE)
    assert (ran.returncode, found) == (5, [prefix, prefix, "of the manifest", "", "", ""]), screen


@pytest.mark.parametrize("shell", SHELLS[:3], indirect=True)
def test_a_hook_for_somebody_who_works_in_the_shell(demo: Path, tmp_path: Path, shell: str) -> None:
    """The prompt says where one is; `pixi` activates again after a change; leaving takes both away."""
    (tmp_path / "bin").mkdir()
    fake = tmp_path / "bin" / "pixi"  # a change that needs no solve: the real hook, with another variable
    fake.write_text(
        f'#!/bin/sh\n[ "$1" = shell-hook ] && exec {sys.executable} -m pixi_core.cli.main "$@"\n'
        f"sed -i 's/of the manifest/changed/' '{tmp_path}/demo/pixi.toml'; exit $2\n"
    )
    fake.chmod(0o755)
    folder = tmp_path / "demo"
    shutil.copytree(demo, folder, symlinks=True)
    hook = pixi("shell-hook", "-s", shell, "--change-ps1", "true", cwd=folder).succeeded().out
    (tmp_path / "hook").write_text(hook)
    source = "source hook" if shell == "fish" else 'eval "$(cat hook)"'
    show = 'printf "<%s>\\n" "$MINE"'
    code = "echo code $status" if shell == "fish" else "echo code $?"
    lines = (source, show, "pixi add 3", code, show, "pixi add 0", show, "pixi list 5", code, "pixi_deactivate", show)
    ran = subprocess.run(
        [sys.executable, "-c", TERMINAL, str(shutil.which(shell)), *BARE[shell]],
        cwd=tmp_path,
        env={
            **os.environ,
            "TERM": "dumb",
            "HOME": str(tmp_path),
            "XDG_CONFIG_HOME": str(tmp_path),
            "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        },
        input="".join(f"{line}\n" for line in (*lines, "exit")).encode(),
        stdout=subprocess.PIPE,
        timeout=120,
    )
    screen = ran.stdout.decode().replace("\r\n", "\n")
    shown = re.findall(r"^<([^<>]*)>$", screen, re.MULTILINE)
    assert shown == ["of the manifest", "of the manifest", "changed", ""], screen
    assert re.findall(r"^code (\d+)$", screen, re.MULTILINE) == ["3", "5"]
    assert "(demo) " in screen
    assert "(demo) " not in screen.rpartition("pixi_deactivate")[2]


COMPLETIONS = {
    "bash": ("share/bash-completion/completions/tool", "export COMPLETED=yes\n"),
    "zsh": ("share/zsh/site-functions/_tool", "#compdef tool\n_tool() { true }\n"),
    "fish": ("share/fish/vendor_completions.d/tool.fish", "set -gx COMPLETED yes\n"),
}


@pytest.mark.parametrize("option", [[], ["--no-completions"]], ids=["with", "without"])
@pytest.mark.parametrize("shell", SHELLS[:3], indirect=True)
def test_what_the_packages_complete(demo: Path, tmp_path: Path, shell: str, option: list[str]) -> None:
    name, text = COMPLETIONS[shell]
    path = demo / ".pixi" / "envs" / "default" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    show = 'echo "<${_comps[tool]}>"' if shell == "zsh" else 'echo "<$COMPLETED>"'
    environ = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "SHELL": str(shutil.which(shell))}
    _, screen = typed([show, "exit"], "shell", *option, cwd=demo, environ=environ)
    known = "_tool" if shell == "zsh" else "yes"
    assert re.findall(r"<(yes|_tool|)>$", screen, re.MULTILINE) == ["" if option else known], screen


def test_the_hook_as_json(demo: Path) -> None:
    found = json.loads(pixi("shell-hook", "--json", cwd=demo).succeeded().out)
    assert set(found) == {"environment_variables", "activation_scripts"}
    assert found["environment_variables"]["MINE"] == "of the manifest"
    assert found["environment_variables"]["PIXI_PROJECT_ROOT"] == str(demo)


# ---------------------------------------------------------------- exec


@pytest.mark.parametrize(
    ("words", "out"),
    [
        (["--spec", "native-tool", "sh", "-c", "cat $CONDA_PREFIX/share/native-tool"], "tool\n"),
        (["-s", "shared=1", "sh", "-c", "cat $CONDA_PREFIX/share/shared"], "1.0\n"),
        (
            ["-s", "shared=1", "-w", "native-tool", "--", "sh", "-c", "ls $CONDA_PREFIX/share"],
            "native-library\nnative-tool\nshared\n",
        ),
        (["-s", "activation-scripts", "sh", "-c", 'test "$CHANNEL_ACTIVATED" = "$CONDA_PREFIX" && echo yes'], "yes\n"),
        (["-s", "shared", "sh", "-c", "echo $0 $1", "a", "b c"], "a b c\n"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_exec(tmp_path: Path, small_channel: Path, words: list[str], out: str) -> None:
    before = list(tmp_path.iterdir())
    ran = pixi("exec", "-c", small_channel.as_uri(), *words, cwd=tmp_path).succeeded()
    assert ran.out == out
    assert list(tmp_path.iterdir()) == before


def test_exec_guesses_the_package(tmp_path: Path, small_channel: Path) -> None:
    script = "import os; print(os.environ['CONDA_PREFIX'])"
    ran = pixi("exec", "-c", small_channel.as_uri(), "python", "-c", script, cwd=tmp_path).succeeded()
    assert Path(ran.out.strip(), "bin", "python").exists()
    assert "/cached-envs-v0/python-" in ran.out


def test_exec_keeps_its_environments(tmp_path: Path, small_channel: Path) -> None:
    environ = {"PIXI_CACHE_EXEC_ENVIRONMENTS_DIR": str(tmp_path / "kept")}
    words = ["exec", "-c", small_channel.as_uri(), "-s", "shared", "sh", "-c", "echo $CONDA_PREFIX"]
    first = Path(pixi(*words, cwd=tmp_path, environ=environ).succeeded().out.strip())
    (first / "mark").touch()
    assert Path(pixi(*words, cwd=tmp_path, environ=environ).succeeded().out.strip()) == first
    assert (first / "mark").exists()
    words.insert(1, "--force-reinstall")
    assert Path(pixi(*words, cwd=tmp_path, environ=environ).succeeded().out.strip()) == first
    assert not (first / "mark").exists()
    listed = pixi("exec", "-c", small_channel.as_uri(), "-s", "shared", "--list", cwd=tmp_path, environ=environ)
    assert "shared  2.0" in listed.succeeded().out


def test_exec_lists_what_matches(tmp_path: Path, small_channel: Path) -> None:
    """The expression can only stand behind `=`: what follows a blank is the program, whose options are its own."""
    words = ("exec", "-c", small_channel.as_uri(), "-s", "native-tool")
    assert pixi(*words, "--list=lib", cwd=tmp_path).succeeded().out.split()[2:3] != ["native-tool"]
    shown = pixi(*words, "--list=^native-l", "echo", "--list", "--list=x", cwd=tmp_path).succeeded().out
    assert "native-library" in shown
    assert "native-tool" not in shown
    assert shown.endswith("--list --list=x\n")
    everything = pixi(*words, "--list", "true", cwd=tmp_path).succeeded().out
    assert "native-library" in everything
    assert "native-tool" in everything
    assert "not a regular expression" in pixi(*words, "--list=(", cwd=tmp_path).failed().err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "nothing to run"),
        (["no-such-tool"], 1, "no-such-tool"),
        (["-s", "shared", "no-such-tool"], 127, "no-such-tool: command not found"),
        (["-s", "shared", "sh", "-c", "exit 9"], 9, ""),
        (["-s", "shared", "sh", "-c", "kill -KILL $$"], -9, ""),
        (["-s", ">=1", "sh"], 1, ">=1"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_exec_goes_wrong(tmp_path: Path, small_channel: Path, words: list[str], code: int, said: str) -> None:
    environ = {"PIXI_CACHE_EXEC_ENVIRONMENTS_DIR": str(tmp_path / "kept")}
    ran = pixi("exec", "-c", small_channel.as_uri(), *words, cwd=tmp_path, environ=environ).failed(code)
    assert said in ran.err
    assert not list((tmp_path / "kept").glob("no-such-tool*/*"))
