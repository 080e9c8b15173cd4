"""The values that markers see on a platform of the workspace (PEP 508), computed from what is declared, never from the
machine that runs us. Values follow pixi.
"""

from __future__ import annotations

from collections.abc import Mapping

from .platform import Platform, Subdir, operating_system

_SYSTEM = {
    "linux": ("posix", "linux", "Linux"),
    "osx": ("posix", "darwin", "Darwin"),
    "win": ("nt", "win32", "Windows"),
}
_MACHINE: Mapping[str, str] = {
    "linux-64": "x86_64",
    "linux-32": "i386",
    "linux-aarch64": "aarch64",
    "linux-armv6l": "armv6l",
    "linux-armv7l": "armv7l",
    "linux-ppc64": "ppc64",
    "linux-ppc64le": "ppc64le",
    "linux-riscv32": "riscv32",
    "linux-riscv64": "riscv64",
    "linux-s390x": "s390x",
    "osx-64": "x86_64",
    "osx-arm64": "arm64",
    "win-32": "x86",
    "win-64": "AMD64",
    "win-arm64": "ARM64",
}
PYTHON_VARIABLES = frozenset(["python_version", "python_full_version", "implementation_version"])
"""The variables that depend on the interpreter and not on the platform."""


def machine_of(subdir: Subdir) -> str | None:
    """`platform_machine` of a subdir; None for what PyPI does not know (`noarch`, web assembly)."""
    return _MACHINE.get(subdir)


def marker_environment(platform: Platform, python: str) -> dict[str, str]:
    """Marker values of a platform with a CPython of that full version; what PyPI does not know of is empty."""
    os_name, sys_platform, system = _SYSTEM.get(operating_system(platform.subdir), ("", "", ""))
    return {
        "implementation_name": "cpython",
        "implementation_version": python,
        "os_name": os_name,
        "platform_machine": machine_of(platform.subdir) or "",
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": system,
        "platform_version": "",
        "python_full_version": python,
        "python_version": ".".join(python.split(".")[:2]),
        "sys_platform": sys_platform,
    }
