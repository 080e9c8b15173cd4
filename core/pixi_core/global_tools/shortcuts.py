"""Entries in the desktop's menu, made from the `Menu/*.json` files of packages (menuinst's format, schema 1).

What an entry is on each system stands in `desktops`. Which ones were made for an environment is kept in
`shortcuts/<environment>.json` before the first is written, so that all of them can be taken away again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from ..activation.compute import path_entries
from ..errors import InstallError
from ..fs import atomic_write, os_errors, remove_tree
from ..model.platform import operating_system
from ..progress import Reporter
from ..virtual import host_subdir
from .capture import NOT_ACTIVATED, Captured, capture
from .desktops import linux, macos, windows
from .desktops.entry import Entry, read_entries
from .home import GlobalHome
from .manifest import GlobalEnvironment


class Desktop(Protocol):
    """What the module of a system offers. `PLACE` is what the path of every entry of ours looks like, `SCRIPT` what
    the names of scripts end in.
    """

    PLACE: re.Pattern[str]
    SCRIPT: str

    def place(self, environment: str, entry: Entry, environ: Mapping[str, str]) -> Path:
        """Where an entry of an environment goes."""

    def write(self, path: Path, entry: Entry, activation: Captured, script: Path, /) -> None:
        """Make it, or make it anew: its program runs with `activation`, through a `script` where one is needed."""

    def remove(self, path: Path) -> None:
        """Take it away."""


_DESKTOPS: dict[str, Desktop] = {"linux": linux, "osx": macos, "win": windows}


def write_shortcuts(
    home: GlobalHome, environment: GlobalEnvironment, environ: Mapping[str, str], *, reporter: Reporter
) -> None:
    """Make the entries of one environment what its manifest says. Raises `InstallError` for a package without any."""
    if not environment.shortcuts:
        remove_shortcuts(home, environment.name)
        return
    system = operating_system(host_subdir(environ))
    desktop = _DESKTOPS.get(system)
    if desktop is None:
        reporter.warning(f"shortcuts of '{environment.name}' are not made: on {system} they are not known")
        return
    wanted: dict[Path, Entry] = {}
    for package in environment.shortcuts:
        menus = package_menus(home.prefix(environment.name), package)
        if not menus:
            raise InstallError(
                f"the package '{package}' in '{environment.name}' brings no menu entries",
                hints=[f"take it out of `shortcuts`: `pixi global shortcut remove {package}`"],
            )
        for menu in menus:
            for entry in read_entries(menu, _values(home.prefix(environment.name), system), system):
                wanted[desktop.place(environment.name, entry, environ)] = entry
    note = home.shortcuts / f"{environment.name}.json"
    old = _made(note)
    atomic_write(note, json.dumps(sorted({*map(str, wanted), *old})) + "\n")
    for path, made_by in old.items():
        if Path(path) not in wanted:
            made_by.remove(Path(path))
    activation = NOT_ACTIVATED
    if any(entry.activates for entry in wanted.values()):
        activation = capture(home.prefix(environment.name), environ, reporter=reporter)
    scripts = {home.shortcut_scripts(environment.name) / f"{place.stem}{desktop.SCRIPT}": place for place in wanted}
    for script, place in scripts.items():
        desktop.write(place, wanted[place], activation if wanted[place].activates else NOT_ACTIVATED, script)
    _keep_scripts(home.shortcut_scripts(environment.name), scripts)


def remove_shortcuts(home: GlobalHome, name: str) -> None:
    """Take the entries of an environment away. Raises `InstallError`."""
    note = home.shortcuts / f"{name}.json"
    for path, desktop in _made(note).items():
        desktop.remove(Path(path))
    remove_tree(home.shortcut_scripts(name))
    with os_errors(note):
        note.unlink(missing_ok=True)


def _keep_scripts(folder: Path, wanted: Collection[Path]) -> None:
    """Take away what no entry starts any more."""
    with os_errors(folder), suppress(FileNotFoundError):
        for script in folder.iterdir():
            if script not in wanted:
                remove_tree(script)


def package_menus(prefix: Path, package: str) -> list[Path]:
    """The menu files of a package, as its record lists them."""
    for record in (prefix / "conda-meta").glob(f"{package}-*.json"):
        with suppress(OSError, ValueError, KeyError, TypeError):
            data = json.loads(record.read_bytes())
            if data["name"] == package:
                return [prefix / path for path in data["files"] if is_menu(path)]
    return []


def is_menu(path: str) -> bool:
    """Whether a path in a package is that of a menu file."""
    return re.fullmatch(r"Menu/[^/]+\.json", path, re.IGNORECASE) is not None


def _made(note: Path) -> dict[str, Desktop]:
    """The entries of a note with the desktop that each belongs to: paths of ours, whatever the note says."""
    try:
        listed = json.loads(note.read_bytes())
    except (OSError, ValueError):
        return {}
    return {
        path: desktop
        for path in listed
        if isinstance(path, str) and not re.search(r"(^|[/\\])\.\.([/\\]|$)", path)
        for desktop in _DESKTOPS.values()
        if desktop.PLACE.search(path)
    }


def _values(prefix: Path, system: str) -> dict[str, str]:
    """What menu files may name in double braces."""
    python = prefix / ("python.exe" if system == "win" else "bin/python")
    found = {
        "PREFIX": str(prefix),
        "BASE_PREFIX": str(prefix),
        "BIN_DIR": str(prefix / "Library" / "bin") if system == "win" else path_entries(prefix)[0],
        "MENU_DIR": str(prefix / "Menu"),
        "PYTHON": str(python),
        "ENV_NAME": prefix.name,
        "DISTRIBUTION_NAME": prefix.name,
        "MENU_ITEM_LOCATION": "",
        "ICON_EXT": {"linux": "png", "osx": "icns", "win": "ico"}[system],
    }
    if system == "win":
        found |= {"PYTHONW": str(prefix / "pythonw.exe"), "SCRIPTS_DIR": str(prefix / "Scripts")}
    return found
