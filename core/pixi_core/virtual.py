"""What this machine is: its subdir and its virtual packages (`__glibc`, `__cuda` …), and which platform fits it.

Detection asks a `Probe`, so that every operating system can be described in a test. The environment variables
`CONDA_OVERRIDE_{LINUX,GLIBC,OSX,WIN,CUDA,CUDA_ARCH,ARCHSPEC}` replace what was found (an empty value takes the package
away), and `PIXI_OVERRIDE_PLATFORM` replaces the subdir.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from .errors import SpecError
from .model.platform import (
    Platform,
    Subdir,
    VirtualPackage,
    architecture,
    default_virtual_packages,
    is_unix,
    operating_system,
    subdir,
)
from .model.version import parse_version

_SUBDIR_OF_MACHINE = {
    ("linux", "x86_64"): "linux-64",
    ("linux", "amd64"): "linux-64",
    ("linux", "i686"): "linux-32",
    ("linux", "i386"): "linux-32",
    ("linux", "aarch64"): "linux-aarch64",
    ("linux", "arm64"): "linux-aarch64",
    ("linux", "armv6l"): "linux-armv6l",
    ("linux", "armv7l"): "linux-armv7l",
    ("linux", "ppc64"): "linux-ppc64",
    ("linux", "ppc64le"): "linux-ppc64le",
    ("linux", "riscv32"): "linux-riscv32",
    ("linux", "riscv64"): "linux-riscv64",
    ("linux", "s390x"): "linux-s390x",
    ("darwin", "x86_64"): "osx-64",
    ("darwin", "arm64"): "osx-arm64",
    ("win32", "amd64"): "win-64",
    ("win32", "x86_64"): "win-64",
    ("win32", "x86"): "win-32",
    ("win32", "arm64"): "win-arm64",
    ("emscripten", "wasm32"): "emscripten-wasm32",
}
_ALSO_RUNS = {"osx-arm64": ("osx-64",), "win-arm64": ("win-64",), "win-64": ("win-32",)}
"""Subdirs whose programs a machine runs besides its own, by translation or compatibility."""

_X86_LEVELS = (
    ("x86_64_v4", frozenset({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"})),
    ("x86_64_v3", frozenset({"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe", "xsave"})),
    ("x86_64_v2", frozenset({"cx16", "lahf_lm", "popcnt", "sse4_1", "sse4_2", "ssse3"})),
)
_OVERRIDES = {
    "__linux": "CONDA_OVERRIDE_LINUX",
    "__glibc": "CONDA_OVERRIDE_GLIBC",
    "__osx": "CONDA_OVERRIDE_OSX",
    "__win": "CONDA_OVERRIDE_WIN",
    "__cuda": "CONDA_OVERRIDE_CUDA",
    "__cuda_arch": "CONDA_OVERRIDE_CUDA_ARCH",
    "__archspec": "CONDA_OVERRIDE_ARCHSPEC",
}


class Probe:
    """What can be asked of a machine. This one asks the running machine; tests describe others."""

    def system(self) -> str:
        """`sys.platform`: `linux`, `darwin`, `win32`, `emscripten`."""
        return sys.platform

    def machine(self) -> str:
        """The processor as the operating system names it, lower case (`x86_64`, `arm64`, `amd64`)."""
        if sys.platform == "win32":
            return (os.environ.get("PROCESSOR_ARCHITEW6432") or os.environ.get("PROCESSOR_ARCHITECTURE", "")).lower()
        machine = os.uname().machine.lower()
        # a 64-bit kernel may run a 32-bit userland
        return "i686" if machine == "x86_64" and sys.maxsize < 2**32 else machine

    def kernel_release(self) -> str:
        """`uname -r`."""
        return os.uname().release if hasattr(os, "uname") else ""

    def glibc_version(self) -> str | None:
        """The C library's version; None where it is not glibc."""
        try:
            name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
        except (AttributeError, ValueError, OSError):
            return None
        return version if name == "glibc" else None

    def macos_version(self) -> str | None:
        """The product version (`14.5`)."""
        import platform

        return platform.mac_ver()[0] or None

    def windows_version(self) -> str | None:
        """`10.0.22631`."""
        import platform

        return platform.version() or None

    def cuda(self) -> tuple[str, str | None] | None:
        """The newest CUDA version that the driver supports, and the lowest compute capability of the devices."""
        from .virtual_cuda import driver

        return driver()

    def cpu_flags(self) -> frozenset[str]:
        """Instruction set extensions in Linux's words; empty where they cannot be read."""
        try:
            with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
                for line in file:
                    if line.startswith("flags"):
                        return frozenset(line.partition(":")[2].split())
        except OSError:
            pass
        return frozenset()

    def cpu_brand(self) -> str:
        """What macOS calls its processor (`Apple M2 Pro`)."""
        import subprocess

        try:
            found = subprocess.run(
                ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True, check=True
            )
        except (OSError, subprocess.SubprocessError):
            return ""
        return found.stdout.strip()


SYSTEM = Probe()


def host_subdir(environ: Mapping[str, str] = os.environ, probe: Probe = SYSTEM) -> Subdir:
    """The subdir of this machine. Raises `SpecError` where it has none or `PIXI_OVERRIDE_PLATFORM` is unknown."""
    forced = environ.get("PIXI_OVERRIDE_PLATFORM", "").strip()
    if forced:
        return subdir(forced)
    key = (probe.system(), probe.machine().lower())
    if key not in _SUBDIR_OF_MACHINE:
        raise SpecError(
            f"there are no conda packages for {key[0]} on {key[1]}",
            hints=["set PIXI_OVERRIDE_PLATFORM to a platform that this machine can run"],
        )
    return Subdir(_SUBDIR_OF_MACHINE[key])


def detect(
    subdir: Subdir | None = None, environ: Mapping[str, str] = os.environ, probe: Probe = SYSTEM
) -> tuple[VirtualPackage, ...]:
    """The virtual packages of this machine.

    For a `subdir` of another operating system than this machine's, they are the defaults of that subdir (a machine
    cannot be asked what it is not); overrides apply to both.
    """
    wanted = subdir if subdir is not None else host_subdir(environ, probe)
    found = _found(wanted, probe) if operating_system(wanted) == _system(probe) else _assumed(wanted)
    for name, variable in _OVERRIDES.items():
        if variable in environ and _may_have(wanted, name):
            value = environ[variable].strip()
            found.pop(name, None)
            if value:
                found[name] = _overridden(name, value, variable)
    if "__cuda" not in found:
        found.pop("__cuda_arch", None)
    return tuple(found.values())


def _system(probe: Probe) -> str:
    return {"darwin": "osx", "win32": "win"}.get(probe.system(), probe.system())


def _may_have(wanted: Subdir, name: str) -> bool:
    """Overrides of another operating system mean nothing here."""
    only = {"__linux": "linux", "__glibc": "linux", "__osx": "osx", "__win": "win"}.get(name)
    return only is None or only == operating_system(wanted)


def _overridden(name: str, value: str, variable: str) -> VirtualPackage:
    if name == "__archspec":
        return VirtualPackage(name, "0" if value == "0" else "1", value)
    try:
        parse_version(value)
    except SpecError as error:
        raise SpecError(f"{variable}={value}: {error.message}", source=value) from None
    return VirtualPackage(name, value, "0")


def _assumed(wanted: Subdir) -> dict[str, VirtualPackage]:
    return {package.name: package for package in default_virtual_packages(wanted)}


def _found(wanted: Subdir, probe: Probe) -> dict[str, VirtualPackage]:
    system = operating_system(wanted)
    versions: dict[str, str | None] = {}
    if is_unix(wanted):
        versions["__unix"] = "0"
    if system == "linux":
        versions["__linux"] = _leading_version(probe.kernel_release()) or "0"
        versions["__glibc"] = probe.glibc_version()
    elif system == "osx":
        versions["__osx"] = probe.macos_version()
    elif system == "win":
        versions["__win"] = probe.windows_version() or "0"
    cuda = probe.cuda() if system in ("linux", "win") else None
    if cuda is not None:
        versions["__cuda"], versions["__cuda_arch"] = cuda
    found = {name: VirtualPackage(name, version, "0") for name, version in versions.items() if version}
    processor = _archspec(wanted, probe)
    if processor is not None:
        found["__archspec"] = VirtualPackage("__archspec", "1", processor)
    return found


def _leading_version(text: str) -> str:
    """`5.15.0-91-generic` as `5.15.0`: up to four numbers."""
    numbers: list[str] = []
    for piece in text.split(".")[:4]:
        digits = piece[: len(piece) - len(piece.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(digits)
        if digits != piece:
            break
    return ".".join(numbers)


def _archspec(wanted: Subdir, probe: Probe) -> str | None:
    """The processor in archspec's words: the level of an x86-64, the generation of an Apple chip, else the family."""
    family = architecture(wanted)
    if family == "x86_64":
        return x86_level(probe.cpu_flags())
    if wanted == "osx-arm64":
        brand = probe.cpu_brand().lower().removeprefix("apple").split()
        return brand[0] if brand and brand[0][:1] == "m" and brand[0][1:].isdigit() else "m1"
    return family


def x86_level(flags: frozenset[str]) -> str:
    """The highest level (`x86_64_v3` …) whose extensions, and those of the levels below, are all there."""
    level = "x86_64"
    for name, needed in reversed(_X86_LEVELS):
        if not needed <= flags:
            break
        level = name
    return level


# ---------------------------------------------------------------- choosing a platform


def satisfies(wanted: VirtualPackage, host: Mapping[str, VirtualPackage]) -> bool:
    """Whether a machine with the virtual packages `host` (by name) has `wanted`, in this version or a newer one.

    An `__archspec` of version 0 says nothing; otherwise the machine's level must not be lower.
    """
    if wanted.name == "__archspec":
        have = host.get("__archspec")
        return wanted.version in (None, "0") or (have is not None and _runs_on(wanted.build, have.build))
    have = host.get(wanted.name)
    if have is None:
        return False
    return wanted.version is None or parse_version(wanted.version) <= parse_version(have.version or "0")


def _runs_on(needed: str | None, have: str | None) -> bool:
    if needed is None or needed in ("0", have) or have is None:
        return needed in (None, "0", have)
    levels = ("x86_64", *(name for name, _ in reversed(_X86_LEVELS)))
    if needed in levels and have in levels:
        return levels.index(needed) <= levels.index(have)
    if needed[0] == have[0] == "m" and needed[1:].isdigit() and have[1:].isdigit():
        return int(needed[1:]) <= int(have[1:])
    return needed == "aarch64" and have[0] == "m"


def select_platform(
    platforms: Sequence[Platform], host: Sequence[VirtualPackage], host_subdir: Subdir
) -> Platform | None:
    """The first declared platform that this machine can run: its own subdir first, then those it translates."""
    by_name = {package.name: package for package in host}
    for candidate in (host_subdir, *_ALSO_RUNS.get(host_subdir, ())):
        available = by_name if candidate == host_subdir else _translated(by_name)
        for platform in platforms:
            if platform.subdir == candidate and all(satisfies(p, available) for p in platform.virtual_packages):
                return platform
    return None


def _translated(host: Mapping[str, VirtualPackage]) -> dict[str, VirtualPackage]:
    """The machine as a translated program sees it: a plain x86-64."""
    package = host.get("__archspec")
    return {**host, **({"__archspec": package.replace(build="x86_64_v2")} if package else {})}
