"""Paths in requests: names below the folder that the server serves, and nothing else."""

from __future__ import annotations

import os
import re
from pathlib import Path

_DRIVE = re.compile(r"[A-Za-z][A-Za-z0-9_-]+:")


class OutsideRoot(ValueError):
    """The path does not lead to anything that this server serves."""


def without_drive(api_path: str) -> str:
    """The path below the served folder, without a drive such as `RTC:`."""
    drive = _DRIVE.match(api_path)
    return api_path if drive is None else api_path[drive.end() :].lstrip("/")


def confined(root: Path, api_path: str) -> Path:
    """The real file or folder that an API path names.

    `api_path` is relative to the served folder, `/` between its parts; the drive of a collaboration server (`RTC:`) is
    passed over. Links are followed before the result is compared with the root, so that one which leads out does not
    help. Raises `OutsideRoot`, also for what does not exist.
    """
    name = without_drive(api_path.strip("/"))
    if "\0" in name or "\\" in name:
        raise OutsideRoot(api_path)
    real_root = Path(os.path.realpath(root))
    try:
        found = Path(os.path.realpath(real_root / name))
        there = found.is_relative_to(real_root) and found.exists()
    except (OSError, ValueError):  # too long, or no name that a file could have
        there = False
    if not there:
        raise OutsideRoot(api_path)
    return found
