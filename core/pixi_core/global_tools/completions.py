"""Links to the completions that packages bring, for exposed programs that kept their name (pixi.md 7)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ..fs import ensure_dir, os_errors
from .home import GlobalHome

PLACES = {
    "bash": ("share/bash-completion/completions", "{}"),
    "zsh": ("share/zsh/site-functions", "_{}"),
    "fish": ("share/fish/vendor_completions.d", "{}.fish"),
}
"""Shell → (folder in a prefix, how the file of a program is called)."""


def link_completions(home: GlobalHome, prefix: Path, exposed: Mapping[str, str]) -> None:
    """Make the links of one environment what they should be. Raises `InstallError`. POSIX only."""
    if os.name == "nt":
        return
    names = [name for name, program in exposed.items() if Path(program).name == name]
    for shell, (folder, pattern) in PLACES.items():
        wanted = {
            pattern.format(name): source
            for name in names
            if (source := prefix / folder / pattern.format(name)).is_file()
        }
        place = home.completions / shell
        for link in _links(place):
            if _leads_into(link, prefix) and (link.name not in wanted or link.readlink() != wanted[link.name]):
                with os_errors(link):
                    link.unlink()
        for name, source in wanted.items():
            if not os.path.lexists(place / name):
                ensure_dir(place)
                with os_errors(place / name):
                    (place / name).symlink_to(source)


def _links(folder: Path) -> list[Path]:
    with suppress(FileNotFoundError):
        return [path for path in sorted(folder.iterdir()) if path.is_symlink()]
    return []


def _leads_into(link: Path, prefix: Path) -> bool:
    return prefix in link.readlink().parents
