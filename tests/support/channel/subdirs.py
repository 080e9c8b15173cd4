"""The platforms that channels are built for."""

from __future__ import annotations

import platform
import sys

SUBDIRS = ("linux-64", "osx-arm64", "win-64")
"""Every channel can be locked for these, wherever it was built."""


def host_subdir() -> str:
    """conda's name of this platform."""
    system = {"linux": "linux", "darwin": "osx", "win32": "win"}[sys.platform]
    machine = {"x86_64": "64", "AMD64": "64"}.get(platform.machine(), platform.machine())
    return f"{system}-{machine}"


def all_subdirs() -> tuple[str, ...]:
    """This platform first, then the others."""
    return (host_subdir(), *(subdir for subdir in SUBDIRS if subdir != host_subdir()))
