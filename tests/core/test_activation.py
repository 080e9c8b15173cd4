"""Activation: precedence, scripts, the remembered result, and hooks in a real shell."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from pixi_core.activation import quote
from pixi_core.activation.compute import (
    Activation,
    before_scripts,
    clean_environment,
    expand,
    expanded,
    metadata_variables,
    package_variables,
    path_entries,
)
from pixi_core.activation.hooks import SHELLS, hook
from pixi_core.activation.run_scripts import activate, bat_lines
from pixi_core.errors import InputError, TaskError, UnsafePath, UsageError
from pixi_core.progress import Reporter

needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
BASE = {"PATH": "/usr/bin:/bin", "HOME": "/home/somebody", "OUTER": "outer"}
METADATA = {"PIXI_ENVIRONMENT_NAME": "default", "PIXI_IN_SHELL": "1"}


class Warnings(Reporter):
    def __init__(self) -> None:
        self.texts: list[str] = []

    def warning(self, text: str) -> None:
        self.texts.append(text)


@pytest.fixture(params=["prefix", "a 'quoted' $HOME \"prefix\""])
def prefix(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / str(request.param)
    (path / "etc/conda/activate.d").mkdir(parents=True)
    (path / "etc/conda/deactivate.d").mkdir()
    (path / "etc/conda/env_vars.d").mkdir()
    (path / "conda-meta").mkdir()
    return path


def run(prefix: Path, base: Mapping[str, str] = BASE, **more: object) -> dict[str, str]:
    arguments: dict[str, object] = {"scripts": [], "env": {}, "base_env": base, "metadata": METADATA, "windows": False}
    return activate(prefix, **{**arguments, **more})  # type: ignore[arg-type]  # keywords collected for brevity


def test_without_scripts_no_shell_is_started(prefix: Path) -> None:
    def never(argv: Sequence[str], environ: Mapping[str, str]) -> bytes:
        raise AssertionError(argv)

    result = run(prefix, env={"A": "$OUTER/${B}x", "C": "$A"}, runner=never)
    assert result["PATH"] == f"{prefix}/bin:{BASE['PATH']}"
    assert (result["A"], result["C"], result["CONDA_SHLVL"]) == ("outer/x", "outer/x", "1")
    assert result["CONDA_PREFIX"] == str(prefix)
    assert result["OUTER"] == "outer"


def test_a_level_deeper_keeps_what_it_overwrites(prefix: Path) -> None:
    once = run(prefix)
    again = run(prefix.with_name("other"), once)
    assert again["CONDA_SHLVL"] == "2"
    assert again["CONDA_ENV_SHLVL_2_CONDA_PREFIX"] == str(prefix)


@needs_bash
def test_precedence_of_everything(prefix: Path, tmp_path: Path) -> None:
    (prefix / "etc/conda/env_vars.d/a.json").write_text('{"V1": "package a", "V2": "package a"}')
    (prefix / "etc/conda/env_vars.d/b.json").write_text('{"V2": "package b", "V3": "package b"}')
    (prefix / "conda-meta/state").write_text('{"version": 1, "env_vars": {"v3": "state", "V4": "state"}}')
    (prefix / "etc/conda/activate.d/20.sh").write_text('export V5="$V4 then 20"; export V6=20; export LINES="a\nb"')
    (prefix / "etc/conda/activate.d/10.sh").write_text("export V5=10; export V6=10; echo noise; unset OUTER")
    (prefix / "etc/conda/activate.d/30.fish").write_text("not for bash")
    script = tmp_path / "own script.sh"
    script.write_text('export V6="$V6 then own"; export V7=own; export V8=own')
    result = run(prefix, scripts=[script], env={"V8": "$V7 then $(echo env)"})
    found = [result.get(f"V{n}") for n in range(1, 9)]
    assert found == ["package a", "package b", "state", "state", "state then 20", "20 then own", "own", "own then env"]
    assert result["LINES"] == "a\nb"
    assert "OUTER" not in result
    assert "_" not in result


@needs_bash
def test_the_result_is_remembered_until_something_changes(prefix: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = prefix / "etc/conda/activate.d/count.sh"
    script.write_text(f'echo x >> "{tmp_path}/log"; export SEEN="$OUTER"; export PATH="/front:$PATH:/back"; unset HOME')
    arguments = {"cache_dir": tmp_path / "cache"}

    def runs(base: Mapping[str, str]) -> tuple[int, dict[str, str]]:
        result = run(prefix, base, **arguments)
        return len(log.read_text().splitlines()), result

    count, first = runs(BASE)
    assert (count, first["SEEN"]) == (1, "outer")
    assert runs(BASE) == (1, first)
    count, elsewhere = runs({**BASE, "PATH": "/bin:/usr/bin", "UNRELATED": "new"})
    assert (count, elsewhere["PATH"]) == (1, f"/front:{prefix}/bin:/bin:/usr/bin:/back")
    assert elsewhere["UNRELATED"] == "new"
    assert "HOME" not in elsewhere
    count, changed = runs({**BASE, "OUTER": "other"})
    assert (count, changed["SEEN"]) == (2, "other")
    script.write_text(script.read_text() + "\nexport MORE=1")
    assert runs(BASE)[1]["MORE"] == "1"
    (entry,) = (tmp_path / "cache").iterdir()
    assert entry.name == "activation_default.json"
    assert entry.stat().st_mode & 0o077 == 0
    entry.write_text("{")
    assert runs(BASE)[1]["MORE"] == "1"


@needs_bash
def test_a_script_that_ends_the_shell(prefix: Path) -> None:
    (prefix / "etc/conda/activate.d/a.sh").write_text("exit 3")
    with pytest.raises(TaskError, match="a script ended the shell"):
        run(prefix)


def test_scripts_that_cannot_run_are_left_out(prefix: Path, tmp_path: Path) -> None:
    (tmp_path / "x.bat").write_text("")
    heard = Warnings()
    run(prefix, scripts=[tmp_path / "x.bat", tmp_path / "missing.sh"], reporter=heard)
    assert [("wrong extension" in text, "does not exist" in text) for text in heard.texts] == [
        (True, False),
        (False, True),
    ]


def test_variables_that_cannot_be_read(prefix: Path) -> None:
    (prefix / "conda-meta/state").write_text("[")
    with pytest.raises(InputError, match="cannot be read"):
        run(prefix)


def test_windows_asks_cmd(tmp_path: Path) -> None:
    script = tmp_path / "a.bat"
    script.write_text("")
    asked: list[Sequence[str]] = []

    def runner(argv: Sequence[str], environ: Mapping[str, str]) -> bytes:
        asked.append(argv)
        return json.dumps({**environ, "FROM": "cmd"}).encode()

    result = run(tmp_path, {"Path": "C:\\old"}, scripts=[script], env={"A": "%B%"}, windows=True, runner=runner)
    assert result["FROM"] == "cmd"
    assert result["Path"].endswith(";C:\\old")
    assert asked[0][:4] == ["cmd.exe", "/d", "/s", "/c"]
    assert f'call "{script}"' in asked[0][4]
    with pytest.raises(TaskError, match="Windows"):
        run(tmp_path, clean=True, windows=True)


def test_cmd_runs_scripts_before_variables() -> None:
    activation = Activation(PureWindowsPath("C:/p"), (), {}, (PureWindowsPath("C:/p/a.bat"),), {"K": "v"}, windows=True)
    assert bat_lines(activation)[:2] == ['call "C:\\p\\a.bat" 1>&2', 'call set "K=v"']


def test_a_clean_environment(prefix: Path) -> None:
    result = run(prefix, clean=True)
    assert "OUTER" not in result
    assert result["HOME"] == BASE["HOME"]
    assert result["PATH"] == f"{prefix}/bin:/usr/bin:/bin:/usr/sbin:/sbin"
    assert set(clean_environment({"DISPLAY": ":0", "SECRET": "x"})) == {"DISPLAY", "PATH"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$A", "1"),
        ("${A}b", "1b"),
        ("$Ab", ""),
        ("\\$A", "$A"),
        ("a$", "a$"),
        ("$1", "$1"),
        ("${A", "${A"),
        ("\\x", "\\x"),
    ],
)
def test_expansion(text: str, expected: str) -> None:
    assert expand(text, {"A": "1"}) == expected


def test_expansion_on_windows() -> None:
    assert expanded({"X": "%a%;%NO%;100%"}, {"A": "1"}, windows=True)["X"] == "1;%NO%;100%"


def test_path_entries() -> None:
    assert path_entries(PurePosixPath("/p")) == ("/p/bin",)
    assert path_entries(PureWindowsPath("C:/p"))[:2] == ("C:\\p", "C:\\p\\Library\\mingw-w64\\bin")


def test_metadata() -> None:
    found = metadata_variables(
        root=PurePosixPath("/w"),
        manifest_path=PurePosixPath("/w/pixi.toml"),
        name="shop",
        version=None,
        environment="test",
        platforms=["linux-64", "gpu"],
    )
    assert found["PIXI_PROMPT"] == "(shop:test) "
    assert found["CONDA_DEFAULT_ENV"] == "shop:test"
    assert found["PIXI_PROJECT_VERSION"] == "NO_VERSION_SPECIFIED"
    assert found["PIXI_ENVIRONMENT_PLATFORMS"] == "linux-64,gpu"


def test_package_variables_need_objects() -> None:
    with pytest.raises(InputError):
        package_variables(["[]"], None, source=PurePosixPath("/p"))


def test_levels_that_are_no_numbers() -> None:
    activation = Activation(PurePosixPath("/p"), (), {}, (), {})
    assert before_scripts(activation, {"CONDA_SHLVL": "many"})["CONDA_SHLVL"] == "1"


# ---------------------------------------------------------------- hooks

NASTY = ["plain", "with space", "a'b", 'a"b', "$HOME", "`id`", "$(id)", "a\\", "%PATH%", "!x", "é—", "*", "~", ";&|"]


@needs_bash
@pytest.mark.parametrize("text", [*NASTY, "two\nlines"])
def test_posix_words(text: str) -> None:
    done = subprocess.run(["bash", "-c", f"printf %s {quote.posix(text)}"], capture_output=True, check=True)
    assert done.stdout.decode() == text


@pytest.mark.parametrize(
    ("function", "text", "expected"),
    [
        (quote.fish, "a'b\\", "'a\\'b\\\\'"),
        (quote.xonsh, "a'b", '"a\'b"'),
        (quote.powershell, "a'b’c$x", "'a''b’’c$x'"),
        (quote.cmd, "50%", "50%%"),
        (quote.nushell, 'a"b\\c$x', '"a\\"b\\\\c$x"'),
    ],
)
def test_words_of_other_shells(function: object, text: str, expected: str) -> None:
    assert callable(function)
    assert function(text) == expected


@pytest.mark.parametrize("function", [quote.cmd, quote.nushell])
def test_lines_are_refused_where_they_cannot_be_written(function: object) -> None:
    assert callable(function)
    with pytest.raises(UnsafePath):
        function("a\nb")


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_has_a_hook_that_can_be_left(shell: str, prefix: Path) -> None:
    text = hook(shell, prefix, scripts=[], env={"K": "v"}, metadata=METADATA, environ=BASE, windows=False)
    assert "pixi_deactivate" in text
    assert "CONDA_PREFIX" in text


def test_unknown_shell(prefix: Path) -> None:
    with pytest.raises(UsageError, match="tcsh"):
        hook("tcsh", prefix, scripts=[], env={}, metadata={}, environ={})


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_activate_and_deactivate_in_a_real_shell(shell: str, prefix: Path, tmp_path: Path) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    (prefix / "etc/conda/activate.d/a.sh").write_text("export FROM_SCRIPT=1")
    (prefix / "etc/conda/deactivate.d/a.sh").write_text("unset FROM_SCRIPT; export LEFT=1")
    env = {
        f"NASTY{index}": text.replace("$", "\\$")
        for index, text in enumerate(NASTY)
        if "`" not in text and "\\" not in text
    }
    text = hook(
        shell, prefix, scripts=[], env={**env, "OUTER": "inner"}, metadata=METADATA, environ=BASE, windows=False
    )
    # `LATER` in front proves that only our own folder is taken out of PATH
    code = (
        text + "env -0 > inside; PATH=/later:$PATH; pixi_deactivate; env -0 > outside; type pixi_deactivate 2>/dev/null"
    )
    subprocess.run([program, "-c", code], env=BASE, cwd=tmp_path, check=False)
    inside, outside = (
        dict(line.partition("=")[::2] for line in (tmp_path / name).read_text().split("\0"))
        for name in ("inside", "outside")
    )
    assert inside["PATH"].split(":")[0] == f"{prefix}/bin"
    assert (inside["OUTER"], inside["FROM_SCRIPT"], inside["CONDA_SHLVL"]) == ("inner", "1", "1")
    for index, nasty in enumerate(NASTY):
        assert inside.get(f"NASTY{index}", nasty) == nasty
    assert outside["PATH"] == f"/later:{BASE['PATH']}"
    assert (outside["OUTER"], outside["LEFT"]) == ("outer", "1")
    assert not {"FROM_SCRIPT", "CONDA_PREFIX", "PIXI_IN_SHELL", "NASTY0"} & set(outside)
