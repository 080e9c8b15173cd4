"""macOS: an application below `~/Applications/Pixi/ENVIRONMENT`, a folder with `Info.plist` and a script that starts
the program (Apple's bundle layout; keys that begin with `CF` or `LS` are taken from the menu file as they are).
"""

from __future__ import annotations

import plistlib
import re
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...fs import home_folder, os_errors, remove_tree
from ..capture import Captured
from .entry import Entry

PLACE = re.compile(r"/Applications/Pixi/[^/]+/[^/]+\.app\Z")
"""What the path of every entry of ours looks like: nothing else is ever taken away."""
SCRIPT = ""
"""None of its own: the bundle holds it."""
_KEYS = re.compile(r"(CF|LS|NS)[A-Z]\w+")


def place(environment: str, entry: Entry, environ: Mapping[str, str]) -> Path:
    """Where the entry goes."""
    return home_folder(environ) / "Applications" / "Pixi" / environment / f"{entry.file_name}.app"


def write(path: Path, entry: Entry, activation: Captured, _script_place: Path) -> None:
    """Make it, or make it anew: beside its place, and renamed when it is whole."""
    draft = path.with_name(f".{path.name}.writing")
    with os_errors(path):
        remove_tree(draft)
        contents = draft / "Contents"
        (contents / "MacOS").mkdir(parents=True)
        (contents / "Resources").mkdir()
        icon = Path(entry.text("icon")) if entry.text("icon") else None
        if icon is not None and icon.is_file():
            shutil.copyfile(icon, contents / "Resources" / icon.name)
        (contents / "PkgInfo").write_text("APPL????")
        (contents / "Info.plist").write_bytes(plistlib.dumps(_properties(entry, icon)))
        program = contents / "MacOS" / entry.slug
        program.write_text(_script(entry, activation), encoding="utf-8")
        program.chmod(0o755)
        remove(path)
        draft.rename(path)


def _properties(entry: Entry, icon: Path | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "CFBundleDevelopmentRegion": "English",
        "CFBundleDisplayName": entry.name,
        "CFBundleExecutable": entry.slug,
        "CFBundleGetInfoString": f"{entry.slug}-1.0.0",
        "CFBundleIdentifier": f"pixi.{entry.slug}",
        "CFBundleName": entry.name[:16],
        "CFBundlePackageType": "APPL",
        "CFBundleShortVersionString": "1.0.0",
        "CFBundleVersion": "1.0.0",
    }
    if icon is not None:
        found["CFBundleIconFile"] = icon.name
    given = {key: value for key, value in entry.said.items() if _KEYS.fullmatch(key) and value is not None}
    return {**found, **given, "CFBundleExecutable": entry.slug}


def _script(entry: Entry, activation: Captured) -> str:
    """The program's text: for the terminal it opens itself there."""
    lines = ["#!/bin/sh"]
    if entry.said.get("terminal"):
        lines.append('[ -t 0 ] || exec /usr/bin/open -a Terminal "$0"')
    if entry.text("working_dir"):
        folder = shlex.quote(entry.text("working_dir"))
        lines.append(f"mkdir -p {folder} && cd {folder}")
    lines += [*entry.precommand, *activation.posix_lines()]
    return "\n".join([*lines, f'exec {shlex.join(entry.command)} "$@"']) + "\n"


def remove(path: Path) -> None:
    """Take it away, and the environment's folder when it was the last."""
    with os_errors(path):
        remove_tree(path)
        if path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()
