"""`pixi global` through the real command: tools that need different Pythons, run from `PATH` outside any workspace."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import Ran, pixi
from tests.support.tool_channel import tool_channel

pytestmark = pytest.mark.skipif(os.name == "nt", reason="launchers of POSIX")


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of the channel of tools."""
    return tool_channel(tmp_path_factory.mktemp("tools"))


@dataclass
class Home:
    """A user with global tools: everything the commands touch lies below `root`, whose path is awkward."""

    root: Path
    channel: str
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def manifest(self) -> Path:
        return self.root / "manifests" / "pixi-global.toml"

    def run(self, *words: str) -> Ran:
        """`pixi global WORDS`."""
        environ = {"PIXI_HOME": str(self.root), "XDG_DATA_HOME": str(self.root / "data"), **self.environ}
        return pixi("global", *words, cwd=self.root.parent, environ=environ)

    def install(self, *words: str) -> Ran:
        """`pixi global install` from the channel of tools, which must succeed."""
        return self.run("install", "-c", self.channel, *words).succeeded()

    def tool(
        self, name: str, *words: str, environ: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """A tool, found along `PATH`, in a folder that is no workspace."""
        path = f"{self.root / 'bin'}{os.pathsep}{os.environ['PATH']}"
        found = shutil.which(name, path=path)
        assert found is not None, f"{name} is not on PATH"
        env = {**os.environ, "PATH": path, **(environ or {})}
        return subprocess.run([found, *words], env=env, capture_output=True, text=True, cwd="/", timeout=60)

    def told(self, name: str, *words: str, **options: Any) -> dict[str, Any]:
        """What a tool tells of how it was started."""
        ran = self.tool(name, *words, **options)
        assert ran.returncode == 0, ran.stderr
        found = json.loads(ran.stdout)
        assert isinstance(found, dict)
        return found

    @property
    def exposed(self) -> list[str]:
        """What lies in `bin/`."""
        return sorted(path.name for path in (self.root / "bin").iterdir() if path.is_file())

    @property
    def environments(self) -> list[str]:
        """Which prefixes there are."""
        return sorted(path.name for path in (self.root / "envs").iterdir())


@pytest.fixture
def home(tmp_path: Path, tools: str) -> Home:
    folder = tmp_path / "it's a $HOME"
    folder.mkdir()
    return Home(folder / "pixi", tools)


@pytest.mark.parametrize("launcher", ["program", "script"])
def test_two_tools_that_need_different_pythons(home: Home, tmp_path: Path, launcher: str) -> None:
    """Done: both run from PATH, outside any workspace, each with its own activation."""
    if launcher == "script":
        home.environ["PATH"] = without_compiler(tmp_path / "tools")
    elif not any(map(shutil.which, ("cc", "gcc", "clang"))):
        pytest.skip("no C compiler: launchers are scripts here")
    home.install("tool-old", "tool-new")
    assert home.exposed == ["tool-extra", "tool-new", "tool-old"]
    is_script = (home.root / "bin" / "tool-old").read_bytes()[:2] == b"#!"
    assert is_script == (launcher == "script")
    old, new = home.told("tool-old", "a b", "$HOME", "it's"), home.told("tool-new", environ={"CONDA_SHLVL": "3"})
    prefix = home.root / "envs" / "tool-old"
    assert (old["python"], new["python"]) == ("python3.11", "python3.12")
    assert old["arguments"] == ["a b", "$HOME", "it's"]
    assert old["CONDA_PREFIX"] == str(prefix)
    assert old["TOOL_ACTIVATED"] == f"it's {prefix}"
    assert new["TOOL_ACTIVATED"] is None
    assert old["PATH"].split(os.pathsep)[:2] == [str(prefix / "extra"), str(prefix / "bin")]
    assert old["PATH"].endswith(os.environ["PATH"])
    assert new["CONDA_SHLVL"] == "3"  # a launcher is no shell, and leaves its account alone
    assert old["PIXI_PROJECT_ROOT"] is None


def without_compiler(folder: Path) -> str:
    """A `PATH` with bash, and no C compiler."""
    folder.mkdir()
    for name in ("bash", "sh", "env"):
        (folder / name).symlink_to(str(shutil.which(name)))
    return str(folder)


@pytest.mark.slow
def test_exit_codes_signals_and_the_base_of_path(home: Home) -> None:
    home.install("tool-old")
    assert home.tool("tool-old", "exit", "7").returncode == 7
    assert home.tool("tool-old", "die").returncode == -signal.SIGTERM
    told = home.told("tool-old", environ={"PIXI_BASE_PATH": "/usr/bin:/bin"})
    assert told["PATH"].split(os.pathsep)[2:] == ["/usr/bin", "/bin"]
    waiting = subprocess.Popen([home.root / "bin" / "tool-old", "wait"], stdout=subprocess.PIPE, text=True)
    assert waiting.stdout is not None
    with waiting, waiting.stdout as stdout:
        told_pid = int(stdout.readline().split()[1])
        assert told_pid == waiting.pid  # the tool takes the launcher's place: what is signalled is the tool
        waiting.send_signal(signal.SIGINT)
        assert waiting.wait(30) in (1, -signal.SIGINT)


@pytest.mark.slow
def test_a_login_shell_and_a_link_from_elsewhere(home: Home, tmp_path: Path) -> None:
    """The zeroth argument of a login shell is handed on, and a link to a launcher finds what the launcher finds."""
    home.install("python=3.11", "--expose", "sh2=python")
    launcher = home.root / "bin" / "sh2"
    if launcher.read_bytes()[:2] == b"#!":
        pytest.skip("no C compiler: launchers are scripts here")
    configuration = home.root / "bin" / "trampoline_configuration" / "sh2.json"
    data = json.loads(configuration.read_text())
    configuration.write_text(json.dumps({**data, "exe": str(shutil.which("sh"))}))
    (tmp_path / "link").symlink_to(launcher)
    for program in (launcher, tmp_path / "link"):
        ran = subprocess.run(["-sh2", "-c", "echo $0"], executable=program, capture_output=True, text=True)
        assert (ran.returncode, ran.stdout) == (0, "-sh\n"), ran.stderr


@pytest.mark.slow
def test_update_brings_new_programs_and_fresh_activation(home: Home) -> None:
    home.install("tool-new=1.0")
    assert (home.exposed, home.told("tool-new")["version"]) == (["tool-new"], "1.0")
    home.manifest.write_text(home.manifest.read_text().replace("1.0.*", "*").replace("==1.0", "*").replace("=1.0", "*"))
    dry = home.run("update", "--dry-run").succeeded()
    assert "tool-new" in dry.err
    assert home.told("tool-new")["version"] == "1.0"
    script = home.root / "envs" / "tool-new" / "etc" / "conda" / "activate.d" / "mine.sh"
    script.parent.mkdir(parents=True)
    script.write_text("export TOOL_ACTIVATED=mine\n")
    changed = json.loads(home.run("update", "--json").succeeded().out)
    assert [one["exposed"] for one in changed] == [["tool-extra"]]
    assert (home.exposed, home.told("tool-new")["version"]) == (["tool-extra", "tool-new"], "2.0")
    assert home.told("tool-new")["TOOL_ACTIVATED"] == "mine"
    assert "already up to date" in home.run("update", "tool-new").succeeded().err


@pytest.mark.slow
def test_update_keeps_what_was_chosen(home: Home) -> None:
    """Whoever exposed a part of the programs does not get the others with an update."""
    home.install("tool-new", "--expose", "mine=tool-new")
    home.run("update").succeeded()
    assert home.exposed == ["mine"]


@pytest.mark.slow
def test_expose_and_hide(home: Home) -> None:
    home.install("tool-old", "--expose", "other=tool-old")
    assert home.exposed == ["other"]
    home.run("expose", "add", "-e", "tool-old", "py=bin/python3.11", "tool-old").succeeded()
    assert home.exposed == ["other", "py", "tool-old"]
    assert home.tool("py", "-c", "print(6 * 7)").stdout == "42\n"
    home.run("expose", "remove", "other", "py").succeeded()
    assert home.exposed == ["tool-old"]
    for words, said in [
        (("expose", "add", "-e", "tool-old", "x=nothing"), "no program 'nothing'"),
        (("expose", "add", "-e", "tool-odl", "x=tool-old"), "did you mean `tool-old`"),
        (("expose", "remove", "tool-odl"), "did you mean `tool-old`"),
        (("expose", "add", "-e", "tool-old", "pixi=tool-old"), "nothing can be exposed as `pixi`"),
        (("expose", "add", "-e", "tool-old", "../x=tool-old"), "cannot be used as a file name"),
    ]:
        assert said in home.run(*words).failed().err
    assert home.exposed == ["tool-old"]


def test_a_collision_is_refused_with_the_owner(home: Home) -> None:
    home.install("tool-old")
    before = home.manifest.read_text()
    refused = home.run("install", "-c", home.channel, "clash").failed()
    assert "'tool-old' of the environment 'clash' is already exposed by the environment 'tool-old'" in refused.err
    assert "--expose" in refused.err
    assert (home.manifest.read_text(), home.environments) == (before, ["tool-old"])
    home.install("clash", "--expose", "clash", "--expose", "old2=tool-old")
    assert home.exposed == ["clash", "old2", "tool-old"]


@pytest.mark.slow
def test_a_foreign_file_is_not_overwritten(home: Home) -> None:
    foreign = home.root / "bin" / "tool-old"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("mine\n")
    assert str(foreign) in home.run("install", "-c", home.channel, "tool-old").failed().err
    assert foreign.read_text() == "mine\n"
    assert not home.manifest.exists()


@pytest.mark.slow
def test_add_remove_uninstall(home: Home) -> None:
    home.install("tool-old")
    home.run("add", "-e", "tool-old", "quiet", "--expose", "quiet").succeeded()
    assert home.exposed == ["quiet", "tool-old"]
    assert home.tool("quiet", "x").stdout == "prefix=none x\n"
    home.run("remove", "-e", "tool-old", "quiet").succeeded()
    assert home.exposed == ["tool-old"]
    assert "nothing would be left" in home.run("remove", "tool-old").failed().err
    home.run("uninstall", "tool-old").succeeded()
    assert (home.exposed, home.environments) == ([], [])
    assert "tool-old" not in home.manifest.read_text()
    assert "is not in" in home.run("uninstall", "tool-old").failed().err


@pytest.mark.slow
def test_one_environment_for_several(home: Home) -> None:
    home.install("--environment", "all", "tool-old", "quiet", "--with", "clash")
    assert (home.environments, home.exposed) == (["all"], ["quiet", "tool-old"])
    said = home.run("install", "-c", home.channel, "tool-old", "tool-new", "--with", "quiet").failed(2)
    assert "--environment" in said.err


@pytest.mark.slow
def test_the_program_of_a_dependency_that_has_the_packages_name(home: Home) -> None:
    home.install("outer")
    assert home.exposed == ["outer"]


@pytest.mark.slow
def test_completions_are_linked_and_taken_away(home: Home) -> None:
    home.install("tool-new")
    link = home.root / "completions" / "bash" / "tool-new"
    assert link.read_text() == "complete tool-new\n"
    home.run("uninstall", "tool-new").succeeded()
    assert not os.path.lexists(link)


@pytest.mark.slow
@pytest.mark.skipif(os.uname().sysname != "Linux", reason="desktop entries of Linux")
def test_shortcuts(home: Home) -> None:
    home.install("menus", "--no-shortcuts")
    applications = home.root / "data" / "applications"
    assert not applications.exists()
    home.run("shortcut", "add", "-e", "menus", "menus").succeeded()
    [entry] = applications.iterdir()
    assert "Name=The Tool" in entry.read_text()
    [script] = (home.root / "shortcuts" / "scripts" / "menus").iterdir()
    started = f'"{script}" "{home.root}/envs/menus/bin/menus" "a word" %f'
    assert f"Exec={started}" in entry.read_text().replace("\\\\$", "$")
    assert "export CONDA_PREFIX=" in script.read_text()
    home.run("shortcut", "remove", "menus").succeeded()
    assert not list(applications.iterdir())
    assert not script.exists()
    assert "brings no menu entries" in home.run("shortcut", "add", "-e", "menus", "python").failed().err
    home.install("menus")
    assert len(list(applications.iterdir())) == 1
    home.run("uninstall", "menus").succeeded()
    assert not list(applications.iterdir())


@pytest.mark.slow
def test_sync_makes_the_manifest_true(home: Home) -> None:
    """A manifest from another machine, or edited by hand, comments and all."""
    home.install("tool-old", "quiet")
    text = home.manifest.read_text().replace("[envs.quiet]", "# the quiet one\n[envs.quiet]  # kept")
    start = text.index("[envs.tool-old]")
    home.manifest.write_text(text[:start] + text[text.index("# the quiet") :])
    (home.root / "bin" / "quiet").unlink()
    home.run("sync").succeeded()
    assert (home.exposed, home.environments) == (["quiet"], ["quiet"])
    home.run("add", "-e", "quiet", "inner").succeeded()
    assert "# the quiet one\n[envs.quiet]  # kept" in home.manifest.read_text()
    shutil.rmtree(home.root / "envs")
    home.run("sync", "--offline").succeeded()
    assert home.tool("quiet").returncode == 0


@pytest.mark.slow
def test_force_reinstall_puts_files_back(home: Home) -> None:
    home.install("tool-old")
    program = home.root / "envs" / "tool-old" / "bin" / "tool-old"
    program.write_text("#!/bin/sh\necho broken\n")
    home.install("tool-old", "--force-reinstall")
    assert home.told("tool-old")["version"] == "1.0"


@pytest.mark.slow
def test_another_platform(home: Home) -> None:
    said = home.install("quiet", "--platform", "osx-arm64")
    assert "osx-arm64" in said.err
    assert 'platform = "osx-arm64"' in home.manifest.read_text()
    assert json.loads(home.run("list", "--json").succeeded().out)[0]["platform"] == "osx-arm64"


@pytest.mark.slow
def test_list_and_tree(home: Home) -> None:
    assert "No global environments" in home.run("list").succeeded().err
    home.install("tool-old", "outer", "--environment", "both")
    listed = json.loads(home.run("list", "--json").succeeded().out)
    assert listed == [
        {
            "name": "both",
            "dependencies": [{"name": "tool-old", "version": "1.0"}, {"name": "outer", "version": "1.0"}],
            "exposed": [
                {"exposed_name": "outer", "executable": "outer"},
                {"exposed_name": "tool-old", "executable": "tool-old"},
            ],
        }
    ]
    assert "exposes: outer, tool-old" in home.run("list", "--sort-by", "size").succeeded().out
    assert home.run("list", "nothing-like-it").failed().out == ""
    assert home.run("list", "-e", "both", "^inner$").succeeded().out.split() == ["Package", "Version", "inner", "1.0"]
    tree = home.run("tree", "-e", "both").succeeded().out
    assert "├── outer 1.0\n│   └── inner 1.0" in tree
    assert "└── inner 1.0\n    └── outer 1.0" in home.run("tree", "-e", "both", "-i", "inner").succeeded().out


@pytest.mark.slow
def test_edit(home: Home, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nprintf "version = 1\\n[envs.x]\\n" > "$1"\n')
    editor.chmod(0o755)
    assert "`channels` is missing" in home.run("edit", str(editor)).failed().err
    assert "was not found" in home.run("edit", "no-such-editor").failed(127).err


@pytest.mark.slow
def test_an_environment_is_left_as_it_was_where_a_change_cannot_be(home: Home) -> None:
    home.install("tool-old")
    before = home.manifest.read_text()
    home.run("add", "-e", "tool-old", "tool-new").failed()
    assert home.manifest.read_text() == before
    assert home.told("tool-old")["python"] == "python3.11"
    assert "already up to date" in home.install("tool-old").err


REFUSED = [
    (("install", "x", "--git", "https://git.example/x"), 2, "--git"),
    (("install", "x", "--path", "."), 2, "--path"),
    (("install", "x", "--branch", "main"), 2, "--branch"),
    (("install", "x", "--tag", "v1"), 2, "--tag"),
    (("install", "x", "--rev", "abc"), 2, "--rev"),
    (("install", "x", "--subdirectory", "sub"), 2, "--subdirectory"),
    (("add", "-e", "y", "x", "--branch", "main"), 2, "--branch"),
    (("add", "-e", "y", "x", "--tag", "v1"), 2, "--tag"),
    (("add", "-e", "y", "x", "--rev", "abc"), 2, "--rev"),
    (("add", "-e", "y", "x", "--subdirectory", "sub"), 2, "--subdirectory"),
    (("install", "--environment", "Not Good", "x"), 1, "not a valid environment name"),
    (("install", "py*"), 2, "does not name a package"),
    (("upgrade", "x"), 2, "pixi global update"),
    (("upgrade-all",), 2, "pixi global update"),
    (("uninstall", "x"), 1, "is not in"),
    (("tree", "-e", "x"), 1, "is not in"),
    (("add", "x"), 2, "-e/--environment"),
]


@pytest.mark.parametrize(
    ("words", "code", "said"), REFUSED, ids=lambda value: value[0] if isinstance(value, tuple) else None
)
def test_what_is_refused(home: Home, words: tuple[str, ...], code: int, said: str) -> None:
    assert said in home.run(*words).failed(code).err


@pytest.mark.slow
@pytest.mark.channel
def test_a_real_python_tool(home: Home, channel_url: str) -> None:
    home.run("install", "-c", channel_url, "pure-tool").succeeded()
    ran = home.tool("pure-tool")
    assert ran.stdout.split()[-1].startswith(("1.", "2.")), ran
    assert str(home.root / "envs" / "pure-tool") in ran.stdout


@pytest.mark.slow
@pytest.mark.channel
def test_two_real_tools_on_two_real_pythons(home: Home, two_pythons: tuple[str, str]) -> None:
    """numpy's tools, compiled for the one Python, and pygments with its highlighter on the other."""
    home.channel, other = two_pythons
    own = "{}.{}".format(*sys.version_info)
    home.install("numpy=2.3.5", "--with", "activation-scripts")
    home.install("pygments", "--with", f"python={other}")
    assert home.tool("numpy-config", "--version").stdout == "2.3.5\n"
    (program := home.root.parent / "program.py").write_text("print(1)\n")
    coloured = home.tool("pygmentize", "-f", "html", str(program))
    assert '<span class="mi">1</span>' in coloured.stdout, coloured.stderr
    for name, minor in (("numpy", own), ("pygments", other)):
        home.run("expose", "add", "-e", name, f"{name}-python=bin/python").succeeded()
        ask = "import os, sys; print(sys.version_info[:2], sys.prefix, os.environ.get('CHANNEL_ACTIVATED'))"
        prefix = home.root / "envs" / name
        activated = str(prefix) if name == "numpy" else None
        version = tuple(map(int, minor.split(".")))
        assert home.tool(f"{name}-python", "-c", ask).stdout == f"{version} {prefix} {activated}\n"
    home.manifest.write_text(re.sub(r'numpy = ".*"', 'numpy = "*"', home.manifest.read_text()))
    home.run("update", "numpy").succeeded()
    assert home.tool("numpy-config", "--version").stdout == "2.4.6\n"
    home.run("uninstall", "pygments").succeeded()
    assert home.environments == ["numpy"]
    assert "pygmentize" not in home.exposed
    assert home.tool("f2py", "-v").stdout == "2.4.6\n"
