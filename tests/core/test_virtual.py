"""Virtual packages of invented machines, overrides, and the choice of a platform."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from pixi_core.errors import SpecError
from pixi_core.model.platform import Platform, Subdir, VirtualPackage
from pixi_core.virtual import Probe, detect, host_subdir, select_platform, x86_level

V2 = frozenset({"cx16", "lahf_lm", "popcnt", "sse4_1", "sse4_2", "ssse3"})
V3 = V2 | {"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe", "xsave"}


@dataclass
class Machine(Probe):
    """A machine that answers what the test says."""

    operating_system: str = "linux"
    processor: str = "x86_64"
    release: str = "5.15.0-91-generic"
    glibc: str | None = "2.35"
    driver: tuple[str, str | None] | None = None
    flags: frozenset[str] = field(default=V3)
    product: str | None = None

    def system(self) -> str:
        return self.operating_system

    def machine(self) -> str:
        return self.processor

    def kernel_release(self) -> str:
        return self.release

    def glibc_version(self) -> str | None:
        return self.glibc

    def macos_version(self) -> str | None:
        return self.product

    def windows_version(self) -> str | None:
        return self.product

    def cuda(self) -> tuple[str, str | None] | None:
        return self.driver

    def cpu_flags(self) -> frozenset[str]:
        return self.flags

    def cpu_brand(self) -> str:
        return "Apple M2 Pro"


LINUX = Machine()
MAC = Machine("darwin", "arm64", product="14.5")
WINDOWS = Machine("win32", "amd64", product="10.0.22631")


@pytest.mark.parametrize(
    ("machine", "environ", "expected"),
    [
        (LINUX, {}, "__unix=0=0 __linux=5.15.0=0 __glibc=2.35=0 __archspec=1=x86_64_v3"),
        (Machine(glibc=None), {}, "__unix=0=0 __linux=5.15.0=0 __archspec=1=x86_64_v3"),
        (
            Machine(release="?", driver=("12.4", "8.6")),
            {},
            "__unix=0=0 __linux=0=0 __glibc=2.35=0 __cuda=12.4=0 __cuda_arch=8.6=0 __archspec=1=x86_64_v3",
        ),
        (
            LINUX,
            {"CONDA_OVERRIDE_CUDA": "12.8", "CONDA_OVERRIDE_GLIBC": "2.17"},
            "__unix=0=0 __linux=5.15.0=0 __archspec=1=x86_64_v3 __glibc=2.17=0 __cuda=12.8=0",
        ),
        (LINUX, {"CONDA_OVERRIDE_GLIBC": "", "CONDA_OVERRIDE_ARCHSPEC": ""}, "__unix=0=0 __linux=5.15.0=0"),
        (
            Machine(driver=("12.4", "8.6")),
            {"CONDA_OVERRIDE_CUDA": "", "CONDA_OVERRIDE_LINUX": ""},
            "__unix=0=0 __glibc=2.35=0 __archspec=1=x86_64_v3",
        ),
        (
            LINUX,
            {"CONDA_OVERRIDE_ARCHSPEC": "zen3", "CONDA_OVERRIDE_OSX": "14", "CONDA_OVERRIDE_WIN": "11"},
            "__unix=0=0 __linux=5.15.0=0 __glibc=2.35=0 __archspec=1=zen3",
        ),
        (MAC, {}, "__unix=0=0 __osx=14.5=0 __archspec=1=m2"),
        (MAC, {"CONDA_OVERRIDE_OSX": "15.0"}, "__unix=0=0 __archspec=1=m2 __osx=15.0=0"),
        (WINDOWS, {}, "__win=10.0.22631=0 __archspec=1=x86_64_v3"),
        (LINUX, {"PIXI_OVERRIDE_PLATFORM": "osx-arm64"}, "__unix=0=0 __osx=13.0 __archspec=0=m1"),
        (
            LINUX,
            {"PIXI_OVERRIDE_PLATFORM": "win-64", "CONDA_OVERRIDE_CUDA": "12"},
            "__win=10.0 __archspec=0=x86_64 __cuda=12=0",
        ),
    ],
)
def test_detection(machine: Probe, environ: dict[str, str], expected: str) -> None:
    assert " ".join(str(package) for package in detect(environ=environ, probe=machine)) == expected


def test_an_override_that_is_no_version() -> None:
    with pytest.raises(SpecError, match="CONDA_OVERRIDE_GLIBC=new"):
        detect(environ={"CONDA_OVERRIDE_GLIBC": "new glibc"}, probe=LINUX)


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        (LINUX, "linux-64"),
        (MAC, "osx-arm64"),
        (WINDOWS, "win-64"),
        (Machine("linux", "aarch64"), "linux-aarch64"),
        (Machine("win32", "arm64"), "win-arm64"),
        (Machine("linux", "ppc64le"), "linux-ppc64le"),
    ],
)
def test_host_subdir(machine: Probe, expected: str) -> None:
    assert host_subdir({}, machine) == expected


def test_a_machine_without_packages() -> None:
    with pytest.raises(SpecError, match="sunos5"):
        host_subdir({}, Machine("sunos5", "sparc"))


@pytest.mark.parametrize(
    ("flags", "expected"),
    [(frozenset[str](), "x86_64"), (V2, "x86_64_v2"), (V3 - V2, "x86_64"), (V3, "x86_64_v3")],
)
def test_levels_of_x86(flags: frozenset[str], expected: str) -> None:
    assert x86_level(flags) == expected


def platform(name: str, subdir: str, *packages: str) -> Platform:
    return Platform.declared(name, Subdir(subdir), tuple(VirtualPackage.parse(text) for text in packages))


CUDA = platform("gpu", "linux-64", "__cuda=12.0")
PLAIN = Platform.bare(Subdir("linux-64"))


@pytest.mark.parametrize(
    ("platforms", "machine", "expected"),
    [
        ([CUDA, PLAIN], LINUX, "linux-64"),
        ([CUDA, PLAIN], Machine(driver=("12.4", None)), "gpu"),
        ([PLAIN, CUDA], Machine(driver=("12.4", None)), "linux-64"),
        ([CUDA], Machine(driver=("11.8", None)), None),
        ([PLAIN], Machine(glibc="2.17"), None),
        ([platform("old", "linux-64", "__glibc=2.17")], Machine(glibc="2.17"), "old"),
        ([platform("fast", "linux-64", "__archspec=1=x86_64_v3")], LINUX, "fast"),
        ([platform("fast", "linux-64", "__archspec=1=x86_64_v4")], LINUX, None),
        ([Platform.bare(Subdir("osx-64"))], MAC, "osx-64"),
        ([Platform.bare(Subdir("osx-64")), Platform.bare(Subdir("osx-arm64"))], MAC, "osx-arm64"),
        ([Platform.bare(Subdir("win-64"))], MAC, None),
        ([], LINUX, None),
    ],
)
def test_choice_of_a_platform(platforms: list[Platform], machine: Probe, expected: str | None) -> None:
    chosen = select_platform(platforms, detect(environ={}, probe=machine), host_subdir({}, machine))
    assert (chosen.name if chosen else None) == expected


def test_this_machine() -> None:
    found = {package.name for package in detect(environ={})}
    assert "__unix" in found or "__win" in found
