"""What a package says of itself and becomes a path: published holes, by their numbers."""

from __future__ import annotations

import pytest

from pixi_core.errors import ArchiveError, UnsafePath
from pixi_core.install.paths import parse_entry_point

COMMANDS = {
    "parent (CVE-2026-47425, CVE-2026-53940)": "../../outside",
    "absolute (CVE-2026-47425)": "/tmp/outside",
    "folder (CVE-2026-8643)": "a/b",
    "backslash": "..\\outside",
    "drive": "c:outside",
    "nothing but dots": "..",
    "control character": "a\x00b",
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_commands_are_file_names(command: str) -> None:
    with pytest.raises((UnsafePath, ArchiveError)):
        parse_entry_point(f"{command} = package.module:main")


def test_a_sound_command() -> None:
    assert parse_entry_point("a-b = package.module:main").command == "a-b"
