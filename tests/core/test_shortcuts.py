"""Menu entries on the systems that this machine is not (`test_global` makes real ones where it runs)."""

from __future__ import annotations

import json
import os
import plistlib
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from pixi_core.errors import InstallError
from pixi_core.global_tools.capture import NOT_ACTIVATED, Captured
from pixi_core.global_tools.desktops import macos, windows
from pixi_core.global_tools.desktops.entry import Entry, read_entries
from pixi_core.global_tools.home import GlobalHome
from pixi_core.global_tools.manifest import GlobalEnvironment
from pixi_core.global_tools.shortcuts import remove_shortcuts, write_shortcuts
from pixi_core.progress import SILENT
from tests.support.tool_channel import MENU

PREFIX = "/it's a $HOME/envs/menus"


@pytest.fixture
def home(tmp_path: Path) -> GlobalHome:
    """A home with an installed package that brings a menu."""
    found = GlobalHome(tmp_path / "it's a home")
    prefix = found.prefix("menus")
    (prefix / "conda-meta").mkdir(parents=True)
    (prefix / "Menu").mkdir()
    (prefix / "Menu" / "menus.json").write_text(json.dumps(MENU))
    record = {"name": "menus", "files": ["Menu/menus.json", "bin/menus"]}
    (prefix / "conda-meta" / "menus-1.0-0.json").write_text(json.dumps(record))
    return found


def environment() -> GlobalEnvironment:
    """One that wants the entries of `menus`."""
    return GlobalEnvironment(name="menus", channels=(), dependencies={}, shortcuts=("menus",))


def test_an_application_of_macos(home: GlobalHome, tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path / "user"), "PIXI_OVERRIDE_PLATFORM": "osx-arm64"}
    applications = tmp_path / "user" / "Applications"
    write_shortcuts(home, environment(), environ, reporter=SILENT)
    write_shortcuts(home, environment(), environ, reporter=SILENT)  # made anew, in place
    [application] = (applications / "Pixi" / "menus").iterdir()
    assert application.name == "The Tool.app"
    properties = plistlib.loads((application / "Contents" / "Info.plist").read_bytes())
    assert (properties["CFBundleName"], properties["CFBundlePackageType"]) == ("The Tool", "APPL")
    program = application / "Contents" / "MacOS" / properties["CFBundleExecutable"]
    tool = home.prefix("menus") / "bin" / "menus"
    tool.parent.mkdir()
    tool.write_text('#!/bin/sh\nprintf "%s|" "$@"\n')
    tool.chmod(0o755)
    ran = subprocess.run([program, "a file"], capture_output=True, text=True, check=True)
    assert ran.stdout == "a word|%f|a file|"
    remove_shortcuts(home, "menus")
    assert list((applications / "Pixi").iterdir()) == []


def test_what_a_bundle_holds(tmp_path: Path) -> None:
    (tmp_path / "icon.icns").write_bytes(b"icon")
    said = {
        "icon": str(tmp_path / "icon.icns"), "LSBackgroundOnly": True, "CFBundleIdentifier": "org.example.tool",
        "terminal": True, "working_dir": "/a b", "precommand": "export A=1", "CFBundleExecutable": "../evil",
    }  # fmt: skip
    entry = Entry(name="A / very: long name of a tool", command=("/p/tool",), said=said)
    place = macos.place("env", entry, {"HOME": str(tmp_path)})
    assert place == tmp_path / "Applications" / "Pixi" / "env" / "A  very long name of a tool.app"
    macos.write(place, entry, Captured("/p/bin", {"A_B": "it's"}), tmp_path / "none")
    properties = plistlib.loads((place / "Contents" / "Info.plist").read_bytes())
    assert properties["LSBackgroundOnly"] is True
    assert properties["CFBundleIdentifier"] == "org.example.tool"
    assert properties["CFBundleExecutable"] == entry.slug
    assert (place / "Contents" / "Resources" / "icon.icns").read_bytes() == b"icon"
    script = (place / "Contents" / "MacOS" / entry.slug).read_text().splitlines()
    assert script == [
        "#!/bin/sh",
        '[ -t 0 ] || exec /usr/bin/open -a Terminal "$0"',
        "mkdir -p '/a b' && cd '/a b'",
        "export A=1",
        """export A_B='it'"'"'s'""",
        """PATH='/p/bin':"${PIXI_BASE_PATH:-$PATH}"; export PATH""",
        'exec /p/tool "$@"',
    ]


def test_a_link_of_windows(tmp_path: Path) -> None:
    """PowerShell is given the commands; what it says when it fails is the error."""
    told: list[Sequence[str]] = []

    def runner(words: Sequence[str], environ: Mapping[str, str], cwd: Path) -> tuple[int, str]:
        told.append(words)
        assert cwd.is_dir()
        return (0, "") if len(told) == 1 else (1, "access denied\n")

    said = {"description": "It's a \u2019tool\u2019", "icon": "C:\\i.ico"}
    entry = Entry(name="The Tool?", command=("C:\\p\\tool.exe", "a word", 'say "x"'), said=said)
    place = windows.place("env", entry, {"APPDATA": str(tmp_path)})
    assert place == tmp_path.joinpath("Microsoft", "Windows", "Start Menu", "Programs", "Pixi env", "The Tool.lnk")
    windows.write(place, entry, NOT_ACTIVATED, tmp_path / "script.bat", runner=runner)
    assert not (tmp_path / "script.bat").exists()
    assert told[0][0] == "powershell.exe"
    script = told[0][-1].split("; ")
    assert "$link.TargetPath = 'C:\\p\\tool.exe'" in script
    assert '$link.Arguments = \'"a word" "say \\"x\\""\'' in script
    assert "$link.Description = 'It''s a \u2019\u2019tool\u2019\u2019'" in script
    assert script[-1] == "$link.Save()"
    with pytest.raises(InstallError, match="access denied"):
        windows.write(place, entry, NOT_ACTIVATED, tmp_path / "script.bat", runner=runner)
    place.write_bytes(b"link")
    windows.remove(place)
    assert not place.parent.exists()


@pytest.mark.parametrize("terminal", [False, True])
def test_a_link_of_windows_activates(tmp_path: Path, terminal: bool) -> None:
    """The link runs a batch file: the package's own command, the variables, then the program with its words."""
    told: list[Sequence[str]] = []

    def runner(words: Sequence[str], _environ: Mapping[str, str], _cwd: Path) -> tuple[int, str]:
        told.append(words)
        return 0, ""

    words = ("C:\\a b\\100%\\tool.exe", "a & b", 'say "x"', "%PATH%", "d\\")
    entry = Entry(name="Tool", command=words, said={"precommand": "set A=1\necho a", "terminal": terminal})
    script = tmp_path / "it's" / "Tool.bat"
    activation = Captured("C:\\p\\Library\\bin;C:\\p\\Scripts", {"CONDA_PREFIX": "C:\\p", "RATE": "5%"})
    windows.write(windows.place("env", entry, {"APPDATA": str(tmp_path)}), entry, activation, script, runner=runner)
    assert script.read_bytes().decode().split("\r\n") == [
        "@echo off",
        "@chcp 65001 >nul",
        "set A=1",
        "echo a",
        '@set "CONDA_PREFIX=C:\\p"',
        '@set "RATE=5%%"',
        '@set "PATH=C:\\p\\Library\\bin;C:\\p\\Scripts;%PATH%"',
        '"C:\\a b\\100%%\\tool.exe" ^"a ^& b^" ^"say \\^"x\\^"^" %%PATH%% d\\',
        "",
    ]
    link = told[0][-1].split("; ")
    if terminal:
        assert link[2].endswith("System32\\cmd.exe'")
        assert link[3] == f"""$link.Arguments = '/D /S /K ""{str(script).replace("'", "''")}""'"""
    else:
        assert link[2] == "$link.WindowStyle = 7"
        assert link[3].endswith("powershell.exe'")
        quoted = str(script).replace("'", "'" * 4)
        hidden = "-NoLogo -NoProfile -NonInteractive -WindowStyle Hidden"
        assert link[4] == f"""$link.Arguments = '{hidden} -Command "& ''{quoted}''"'"""


ACTIVATIONS: dict[str, tuple[dict[str, object], list[object]]] = {
    "where nothing is said": ({}, ["from the environment", True]),
    "not where it is not wanted": ({"activate": False}, ["", False]),
    "after the package's own command": (
        {"precommand": "export MENU_MODE=early\n[[ -n $BASH ]] || exit 3"},
        ["from the environment", True],
    ),
    "its own command alone": ({"activate": False, "precommand": "export MENU_MODE=early"}, ["early", False]),
}
ARGUMENTS = ["a word", 'quotes "$HOME" `x` \\ 50%', "/a file"]


@pytest.mark.skipif(os.name == "nt", reason="desktop entries of Linux")
@pytest.mark.parametrize("case", ACTIVATIONS)
def test_an_entry_of_linux_starts_in_the_environment(home: GlobalHome, tmp_path: Path, case: str) -> None:
    """As the desktop does it: in a session of its own, where nobody has activated anything."""
    options, expected = ACTIVATIONS[case]
    applications = _install_linux(home, tmp_path, options)
    [entry] = applications.iterdir()
    words = _desktop_words(entry.read_text(), "/a file")
    bare = {"PATH": os.defpath, "HOME": str(tmp_path)}
    ran = subprocess.run(words, env=bare, capture_output=True, text=True, check=True)
    mode, prefix, path, *arguments = json.loads(ran.stdout)
    assert [mode, prefix == str(home.prefix("menus"))] == expected
    assert path.startswith(f"{home.prefix('menus')}/bin:") == expected[1]
    assert path.endswith(os.defpath)
    assert arguments == ARGUMENTS
    remove_shortcuts(home, "menus")
    assert not list(applications.iterdir())
    assert not home.shortcut_scripts("menus").exists()


@pytest.mark.skipif(os.name == "nt" or not shutil.which("gio"), reason="needs gio, the launcher of GNOME")
def test_a_real_launcher_starts_it(home: GlobalHome, tmp_path: Path) -> None:
    [entry] = _install_linux(home, tmp_path, {}).iterdir()
    environ = {"PATH": os.defpath, "HOME": str(tmp_path)}
    launch = ["gio", "launch", str(entry), "/a file"]  # its output ends with the program's, which it does not wait for
    ran = subprocess.run(launch, env=environ, stdout=subprocess.PIPE, text=True, check=True)
    mode, _prefix, _path, *arguments = json.loads(ran.stdout)
    assert mode == "from the environment"
    assert arguments == ARGUMENTS


def test_scripts_of_former_entries_go(home: GlobalHome, tmp_path: Path) -> None:
    left = home.shortcut_scripts("menus") / "pixi-menus-former.sh"
    left.parent.mkdir(parents=True)
    left.write_text("former")
    _install_linux(home, tmp_path, {})
    assert [one.name for one in left.parent.iterdir()] == ["pixi-menus-the-tool.sh"]


def _install_linux(home: GlobalHome, tmp_path: Path, options: Mapping[str, object]) -> Path:
    """The environment gets a program that says how it was started, and an entry for it. The folder of entries."""
    prefix = home.prefix("menus")
    tool = prefix / "bin" / "menus"
    tool.parent.mkdir(exist_ok=True)
    seen = 'os.environ.get("MENU_MODE", ""), os.environ.get("CONDA_PREFIX", ""), os.environ["PATH"], *sys.argv[1:]'
    tool.write_text(f"#!{sys.executable} -I\nimport json, os, sys\nprint(json.dumps([{seen}]))\n")
    tool.chmod(0o755)
    scripts = prefix / "etc" / "conda" / "activate.d"
    scripts.mkdir(parents=True)
    (scripts / "menus.sh").write_text('export MENU_MODE="from the environment"\n')
    item = {"name": "The Tool", "command": ["{{ BIN_DIR }}/menus", *ARGUMENTS[:2], "%f"], **options}
    (prefix / "Menu" / "menus.json").write_text(json.dumps({"menu_name": "Menus", "menu_items": [item]}))
    environ = {"XDG_DATA_HOME": str(tmp_path / "data"), "PIXI_OVERRIDE_PLATFORM": "linux-64", "PATH": os.defpath}
    write_shortcuts(home, environment(), environ, reporter=SILENT)
    return tmp_path / "data" / "applications"


def _desktop_words(text: str, file: str) -> list[str]:
    """The words of `Exec` as the specification reads them: escapes of the text, quotes, `%%` and the field `%f`."""
    [line] = [line for line in text.splitlines() if line.startswith("Exec=")]
    unescaped = re.sub(r"\\(.)", r"\1", line.removeprefix("Exec="))
    found = []
    for quoted, plain in re.findall(r'"((?:\\.|[^"\\])*)"|([^\s"]+)', unescaped):
        word = re.sub(r"\\(.)", r"\1", quoted) if quoted else plain
        found.append(file if word == "%f" else word.replace("%%", "%"))
    return found


def test_entries_for_other_systems_are_left_out(tmp_path: Path) -> None:
    menu = tmp_path / "menu.json"
    items = [
        {"name": "everywhere", "command": ["{{ PREFIX }}/x"]},
        {
            "name": {"target_environment_is_not_base": "there"},
            "command": ["a"],
            "platforms": {"win": {"command": ["b"]}},
        },
    ]
    menu.write_text(json.dumps({"menu_items": items}))
    values = {"PREFIX": 'C:\\a "b"'}
    found = {system: [one.name for one in read_entries(menu, values, system)] for system in ("linux", "osx", "win")}
    assert found == {"linux": ["everywhere"], "osx": ["everywhere"], "win": ["everywhere", "there"]}
    assert read_entries(menu, values, "win")[1].command == ("b",)
    assert read_entries(menu, values, "osx")[0].command == ('C:\\a "b"/x',)
    menu.write_text(json.dumps({"menu_items": [{"name": "x"}]}))
    with pytest.raises(InstallError, match="'x' has no command"):
        read_entries(menu, values, "linux")


def test_a_note_cannot_name_what_is_not_ours(home: GlobalHome, tmp_path: Path) -> None:
    """Whoever changes the note has nothing taken away for it."""
    own = tmp_path / "keep.desktop"
    app = tmp_path / "Applications" / "Mine.app"
    app.mkdir(parents=True)
    own.write_text("mine")
    escape = f"{tmp_path}/Applications/Pixi/../Mine.app"
    home.shortcuts.mkdir(parents=True, exist_ok=True)
    (home.shortcuts / "menus.json").write_text(json.dumps([str(own), str(app), escape, 3, os.sep]))
    remove_shortcuts(home, "menus")
    assert own.exists()
    assert app.is_dir()
