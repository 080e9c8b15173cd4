"""One entry of a menu file of a package (menuinst's format, schema 1), for one operating system."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import InstallError
from ...value import Value


class Entry(Value, kw_only=True):
    """What people see (`name`), what runs (`command`, word by word), and everything else that was `said` of it."""

    name: str
    command: tuple[str, ...]
    said: Mapping[str, Any]

    @property
    def slug(self) -> str:
        """The name as a part of file names."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-") or "entry"

    @property
    def file_name(self) -> str:
        """The name as people see it, without what no file name can hold anywhere."""
        return re.sub(r'[<>:"/\\|?*\x00-\x1f]', "", self.name).strip(" .")[:80] or "entry"

    @property
    def activates(self) -> bool:
        """Whether the program runs in the activated environment: where nothing else is said, it does."""
        return self.said.get("activate") is not False

    @property
    def precommand(self) -> tuple[str, ...]:
        """What the system's shell runs before that, line by line."""
        value = self.said.get("precommand")
        return tuple(value.splitlines()) if isinstance(value, str) else ()

    def text(self, key: str) -> str:
        """A text that was said, on one line; empty where none was."""
        value = self.said.get(key)
        return " ".join(value.splitlines()) if isinstance(value, str) else ""


def read_entries(menu: Path, values: Mapping[str, str], system: str) -> list[Entry]:
    """The entries of a menu file that exist on a `system` (`linux`, `osx`, `win`), with `values` for placeholders.

    Raises `InstallError`.
    """
    try:
        text = menu.read_text(encoding="utf-8")
        filled = re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda m: json.dumps(values.get(m[1], ""))[1:-1], text)
        found = []
        for item in json.loads(filled)["menu_items"]:
            platforms = item.get("platforms", {})
            if system in platforms or not platforms:
                said = {**item, **(platforms.get(system) or {})}
                name = said["name"]
                name = name if isinstance(name, str) else name["target_environment_is_not_base"]
                found.append(Entry(name=name, command=_command(said, name), said=said))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InstallError(f"the menu {menu} cannot be read: {error!r}") from None
    return found


def _command(said: Mapping[str, Any], name: str) -> tuple[str, ...]:
    command = said.get("command")
    if not isinstance(command, list) or not command or not all(isinstance(word, str) for word in command):
        raise InstallError(f"the menu entry '{name}' has no command")
    return tuple(command)
