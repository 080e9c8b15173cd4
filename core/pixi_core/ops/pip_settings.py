"""Which indexes pip uses, for those who moved theirs and wonder why pixi asks another one.

pip reads `PIP_INDEX_URL`, then `pip.conf` (`pip.ini` on Windows) of the environment, the user and the machine.
"""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..fs import home_folder


def pip_index_url(environ: Mapping[str, str]) -> tuple[str, str] | None:
    """The index that pip would use and where that is said; None where nobody says anything."""
    if environ.get("PIP_INDEX_URL"):
        return environ["PIP_INDEX_URL"], "PIP_INDEX_URL"
    for file in pip_files(environ):
        parser = configparser.RawConfigParser()
        try:
            parser.read_string(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, configparser.Error):
            continue
        for section in ("install", "global"):
            url = parser.get(section, "index-url", fallback="").strip()
            if url:
                return url, str(file)
    return None


def pip_files(environ: Mapping[str, str]) -> Iterator[Path]:
    """The configuration files of pip, the strongest first."""
    named = environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return
    if named:
        yield Path(named)
    home = home_folder(environ)
    if sys.platform == "win32":
        yield Path(environ.get("APPDATA") or home / "AppData" / "Roaming") / "pip" / "pip.ini"
        yield home / "pip" / "pip.ini"
        return
    if sys.platform == "darwin":
        yield home / "Library" / "Application Support" / "pip" / "pip.conf"
    yield Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / "pip.conf"
    yield home / ".pip" / "pip.conf"
    yield Path("/etc/pip.conf")
