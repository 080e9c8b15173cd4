"""The Python of an environment, as far as installing needs to know it: where modules and scripts go."""

from __future__ import annotations

from typing import Any, Literal

from ..errors import InstallError
from ..model.platform import Subdir, operating_system
from ..model.record import RepoDataRecord
from ..names import safe_relative_path
from ..value import Value


class PythonInfo(Value, kw_only=True):
    """Paths are relative to the prefix, with `/`. `kind` says whose Python it is: a conda package in the prefix, or an
    interpreter of the machine that a host environment links to.
    """

    version: str
    site_packages: str
    executable: str
    kind: Literal["conda", "host"] = "conda"
    windows: bool = False

    @property
    def short(self) -> str:
        """`3.11` of `3.11.7`."""
        return short_version(self.version)

    @property
    def scripts(self) -> str:
        """The folder of console scripts."""
        return "Scripts" if self.windows else "bin"

    @property
    def include(self) -> str:
        """Where headers of wheels go."""
        return "Include" if self.windows else f"include/python{self.short}"

    def to_json(self) -> dict[str, Any]:
        """For the journal."""
        return {
            "version": self.version,
            "site_packages": self.site_packages,
            "executable": self.executable,
            "kind": self.kind,
            "windows": self.windows,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> PythonInfo:
        """The inverse of `to_json`."""
        return cls(**data)


def short_version(version: str) -> str:
    """Major and minor. Raises `InstallError` where there are not two numbers."""
    parts = version.split(".")
    if len(parts) < 2 or not (parts[0].isdecimal() and parts[1][:1].isdecimal()):
        raise InstallError(f"'{version}' is not the version of a Python")
    digits = "".join(c for c in parts[1] if c.isdecimal())
    return f"{parts[0]}.{digits}"


def conda_python(record: RepoDataRecord) -> PythonInfo:
    """The Python that a conda package brings."""
    windows = operating_system(record.subdir) == "win"
    short = short_version(record.version)
    if record.python_site_packages_path:
        site_packages = safe_relative_path(record.python_site_packages_path, what="python_site_packages_path")
    else:
        site_packages = "Lib/site-packages" if windows else f"lib/python{short}/site-packages"
    return PythonInfo(
        version=record.version,
        site_packages=site_packages,
        executable="python.exe" if windows else f"bin/python{short}",
        windows=windows,
    )


def host_python(version: str, subdir: Subdir) -> PythonInfo:
    """The Python of a host environment (laid out like a venv)."""
    windows = operating_system(subdir) == "win"
    short = short_version(version)
    return PythonInfo(
        version=version,
        site_packages="Lib/site-packages" if windows else f"lib/python{short}/site-packages",
        executable="Scripts/python.exe" if windows else "bin/python",
        kind="host",
        windows=windows,
    )
