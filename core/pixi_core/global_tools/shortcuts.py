"""Entries in the desktop's menu, made from the `Menu/*.json` files of packages (menuinst's format, schema 1).

On Linux an entry is a `.desktop` file below `XDG_DATA_HOME/applications`. Which ones were made for an environment is
kept in `shortcuts/<environment>.json` before the first is written, so that all of them can be taken away again.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..activation.compute import path_entries
from ..errors import InstallError
from ..fs import atomic_write, home_folder, os_errors
from ..progress import Reporter
from .home import GlobalHome
from .manifest import GlobalEnvironment

_LISTS = ("Categories", "Keywords", "MimeType")
_TEXTS = ("StartupWMClass", "GenericName")


def write_shortcuts(
    home: GlobalHome, environment: GlobalEnvironment, environ: Mapping[str, str], *, reporter: Reporter
) -> None:
    """Make the entries of one environment what its manifest says. Raises `InstallError` for a package without any."""
    if not environment.shortcuts:
        remove_shortcuts(home, environment.name)
        return
    if sys.platform != "linux":
        reporter.warning(f"shortcuts of '{environment.name}' are not made: on this operating system they are not known")
        return
    prefix = home.prefix(environment.name)
    folder = applications(environ)
    wanted: dict[Path, str] = {}
    for package in environment.shortcuts:
        menus = package_menus(prefix, package)
        if not menus:
            raise InstallError(
                f"the package '{package}' in '{environment.name}' brings no menu entries",
                hints=[f"take it out of `shortcuts`: `pixi global shortcut remove {package}`"],
            )
        for menu in menus:
            for entry in _entries(menu, prefix):
                wanted[folder / f"pixi-{environment.name}-{_slug(entry['Name'])}.desktop"] = _desktop_file(entry)
    note = home.shortcuts / f"{environment.name}.json"
    old = _made(note)
    atomic_write(note, json.dumps(sorted({*map(str, wanted), *old})) + "\n")
    for path in old:
        if Path(path) not in wanted:
            with os_errors(path):
                Path(path).unlink(missing_ok=True)
    for place, text in wanted.items():
        atomic_write(place, text)


def remove_shortcuts(home: GlobalHome, name: str) -> None:
    """Take the entries of an environment away. Raises `InstallError`."""
    note = home.shortcuts / f"{name}.json"
    for path in _made(note):
        with os_errors(path):
            Path(path).unlink(missing_ok=True)
    with os_errors(note):
        note.unlink(missing_ok=True)


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


def applications(environ: Mapping[str, str]) -> Path:
    """The folder that desktops read."""
    stated = environ.get("XDG_DATA_HOME")
    return (Path(stated) if stated else home_folder(environ) / ".local" / "share") / "applications"


def _made(note: Path) -> list[str]:
    """The files of a note: desktop entries of ours, whatever the note says."""
    try:
        listed = json.loads(note.read_bytes())
    except (OSError, ValueError):
        return []
    return [path for path in listed if isinstance(path, str) and re.search(r"/pixi-[^/]+\.desktop\Z", path)]


def _entries(menu: Path, prefix: Path) -> list[dict[str, Any]]:
    """The items of a menu that exist on Linux, with placeholders filled in."""
    values = {
        "PREFIX": str(prefix),
        "BASE_PREFIX": str(prefix),
        "BIN_DIR": path_entries(prefix)[0],
        "MENU_DIR": str(prefix / "Menu"),
        "PYTHON": str(prefix / "bin" / "python"),
        "ENV_NAME": prefix.name,
        "DISTRIBUTION_NAME": prefix.name,
        "MENU_ITEM_LOCATION": "",
    }
    try:
        text = menu.read_text(encoding="utf-8")
        filled = re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda m: json.dumps(values.get(m[1], ""))[1:-1], text)
        found = []
        for item in json.loads(filled)["menu_items"]:
            platforms = item.get("platforms", {})
            if "linux" in platforms or not platforms:
                merged = {**item, **(platforms.get("linux") or {})}
                name = merged["name"]
                merged["Name"] = name if isinstance(name, str) else name["target_environment_is_not_base"]
                found.append(merged)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InstallError(f"the menu {menu} cannot be read: {error!r}") from None
    return found


def _desktop_file(entry: Mapping[str, Any]) -> str:
    lines = ["[Desktop Entry]", "Type=Application", "Encoding=UTF-8", f"Name={_line(entry['Name'])}"]
    lines.append(f"Exec={' '.join(_argument(word) for word in _words(entry))}")
    lines.append(f"Terminal={'true' if entry.get('terminal') else 'false'}")
    plain = {"Comment": entry.get("description"), "Icon": entry.get("icon"), "Path": entry.get("working_dir")}
    lines += [f"{key}={_line(value)}" for key, value in plain.items() if isinstance(value, str) and value]
    lines += [f"{key}={_line(entry[key])}" for key in _TEXTS if isinstance(entry.get(key), str)]
    for key in _LISTS:
        if isinstance(entry.get(key), list):
            lines.append(f"{key}={_line(''.join(f'{one};' for one in entry[key]))}")
    return "\n".join(lines) + "\n"


def _words(entry: Mapping[str, Any]) -> Sequence[str]:
    command = entry.get("command")
    if not isinstance(command, list) or not command or not all(isinstance(word, str) for word in command):
        raise InstallError(f"the menu entry '{entry['Name']}' has no command")
    return command


def _argument(word: str) -> str:
    """One argument of `Exec`; `%f` and its like are the desktop's to replace."""
    if re.fullmatch(r"[\w@+=:,./-]+|%[fFuUick]", word):
        return word
    return '"' + re.sub(r'(["`$\\])', r"\\\1", _line(word)).replace("%", "%%") + '"'


def _line(text: str) -> str:
    return " ".join(str(text).split("\n"))


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "entry"
