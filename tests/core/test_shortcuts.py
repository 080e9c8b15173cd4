"""Menu entries on the systems that this machine is not (`test_global` makes real ones where it runs)."""

from __future__ import annotations

import json
import os
import plistlib
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from pixi_core.errors import InstallError
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
    macos.write(place, entry)
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
    windows.write(place, entry, runner=runner)
    assert told[0][0] == "powershell.exe"
    script = told[0][-1].split("; ")
    assert "$link.TargetPath = 'C:\\p\\tool.exe'" in script
    assert '$link.Arguments = \'"a word" "say \\"x\\""\'' in script
    assert "$link.Description = 'It''s a \u2019\u2019tool\u2019\u2019'" in script
    assert script[-1] == "$link.Save()"
    with pytest.raises(InstallError, match="access denied"):
        windows.write(place, entry, runner=runner)
    place.write_bytes(b"link")
    windows.remove(place)
    assert not place.parent.exists()


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
