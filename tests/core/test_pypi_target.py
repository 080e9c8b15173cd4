"""Markers and wheel tags of platforms, computed, and compared with what an independent reader says."""

from __future__ import annotations

import pytest
from packaging.tags import compatible_tags, cpython_tags, mac_platforms

from pixi_core.errors import EnvironmentUnavailable
from pixi_core.model.platform import Platform, Subdir, VirtualPackage
from pixi_core.model.pypi_target import PypiTarget
from tests.core.pypi_support import target


@pytest.mark.parametrize(
    ("subdir", "expected"),
    [
        ("linux-64", ("posix", "linux", "Linux", "x86_64")),
        ("linux-aarch64", ("posix", "linux", "Linux", "aarch64")),
        ("osx-arm64", ("posix", "darwin", "Darwin", "arm64")),
        ("osx-64", ("posix", "darwin", "Darwin", "x86_64")),
        ("win-64", ("nt", "win32", "Windows", "AMD64")),
        ("win-arm64", ("nt", "win32", "Windows", "ARM64")),
    ],
)
def test_markers_come_from_the_platform(subdir: str, expected: tuple[str, ...]) -> None:
    found = target(subdir).environment
    keys = ("os_name", "sys_platform", "platform_system", "platform_machine")
    assert tuple(found[key] for key in keys) == expected
    assert found["python_version"] == "3.12"
    assert found["python_full_version"] == "3.12.4"
    assert found["platform_release"] == ""


def test_platforms_without_wheels_are_refused() -> None:
    with pytest.raises(EnvironmentUnavailable, match="emscripten"):
        target("emscripten-wasm32")


def _platforms(subdir: str) -> list[str]:
    """The platform tags that packaging knows, for those it can compute on any machine."""
    if subdir == "win-64":
        return ["win_amd64"]
    return list(mac_platforms((13, 0), "arm64" if subdir == "osx-arm64" else "x86_64"))


@pytest.mark.parametrize("subdir", ["win-64", "osx-64", "osx-arm64"])
@pytest.mark.parametrize("minor", [8, 11, 13])
def test_tags_and_their_order_are_packagings(subdir: str, minor: int) -> None:
    platforms = _platforms(subdir)
    expected = [
        *cpython_tags((3, minor), [f"cp3{minor}"], platforms),
        *compatible_tags((3, minor), f"cp3{minor}", platforms),
    ]
    ours = target(subdir, f"3.{minor}.1")
    ranks = [(ours.rank(str(tag)), str(tag)) for tag in expected]
    # `cp313-none-any` belongs to no wheel
    known = [(rank, tag) for rank, tag in ranks if rank is not None]
    assert {tag for rank, tag in ranks if rank is None} <= {f"cp3{minor}-none-any"}
    assert [tag for _, tag in known] == [tag for _, tag in sorted(known, key=lambda pair: pair[0])]


@pytest.mark.parametrize(
    ("declared", "wheel", "fits"),
    [
        ("2.28", "cp312-cp312-manylinux_2_28_x86_64", True),
        ("2.28", "cp312-cp312-manylinux_2_31_x86_64", False),
        ("2.35", "cp312-cp312-manylinux_2_31_x86_64", True),
        ("2.17", "cp312-cp312-manylinux_2_28_x86_64", False),
        ("2.17", "cp312-cp312-manylinux2014_x86_64", True),
        ("2.17", "cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64", True),
        ("2.17", "cp312-cp312-manylinux1_x86_64", True),
        ("2.17", "cp312-cp312-musllinux_1_2_x86_64", False),
        ("2.17", "cp312-cp312-manylinux_2_17_aarch64", False),
        ("2.17", "cp312-cp312-linux_x86_64", True),
        ("2.17", "cp39-abi3-manylinux2014_x86_64", True),
        ("2.17", "cp39-cp39-manylinux2014_x86_64", False),
        ("2.17", "py2.py3-none-any", True),
        ("2.17", "py2-none-any", False),
        ("2.17", "cp312-none-any", True),
        ("2.17", "pp310-pypy310_pp73-manylinux2014_x86_64", False),
    ],
)
def test_linux_wheels_follow_the_declared_glibc(declared: str, wheel: str, fits: bool) -> None:
    platform = Platform.declared("here", Subdir("linux-64"), (VirtualPackage("__glibc", declared),))
    assert (PypiTarget.for_platform(platform, "3.12.4").rank(wheel) is not None) == fits


def test_musl_and_macos_follow_the_declaration() -> None:
    musl = Platform.declared("alpine", Subdir("linux-64"), (VirtualPackage("__musl", "1.2"),))
    on_musl = PypiTarget.for_platform(musl, "3.12.4")
    assert on_musl.rank("cp312-cp312-musllinux_1_1_x86_64") is not None
    assert on_musl.rank("cp312-cp312-manylinux2014_x86_64") is None
    mac = Platform.declared("old", Subdir("osx-64"), (VirtualPackage("__osx", "10.15"),))
    on_mac = PypiTarget.for_platform(mac, "3.12.4")
    assert on_mac.rank("cp312-cp312-macosx_10_9_x86_64") is not None
    assert on_mac.rank("cp312-cp312-macosx_11_0_x86_64") is None


def test_better_wheels_rank_lower() -> None:
    here = target()
    order = [
        "cp312-cp312-manylinux_2_28_x86_64",
        "cp312-cp312-manylinux2014_x86_64",
        "cp312-abi3-manylinux2014_x86_64",
        "cp312-none-manylinux2014_x86_64",
        "cp310-abi3-manylinux2014_x86_64",
        "py3-none-manylinux2014_x86_64",
        "cp312-none-any",
        "py312-none-any",
        "py3-none-any",
    ]
    ranks = [here.rank(tags) for tags in order]
    assert all(rank is not None for rank in ranks)
    assert [rank for rank in ranks if rank] == sorted(rank for rank in ranks if rank)


def test_free_threaded_python_takes_only_its_own_wheels() -> None:
    free = PypiTarget.for_platform(Platform.bare(Subdir("linux-64")), "3.13.1", free_threaded=True)
    assert free.rank("cp313-cp313t-manylinux2014_x86_64") is not None
    assert free.rank("cp313-cp313-manylinux2014_x86_64") is None
    assert free.rank("cp39-abi3-manylinux2014_x86_64") is None
    assert free.rank("py3-none-any") is not None


@pytest.mark.parametrize(
    ("requires", "allowed"),
    [
        (None, True),
        ("", True),
        (">=3.8", True),
        (">=3.13", False),
        ("<4,>=3.9", True),
        (">=3.6.*", True),
        ("!=3.12.*", False),
        ("nonsense", True),
    ],
)
def test_requires_python(requires: str | None, allowed: bool) -> None:
    assert target().allows_python(requires) == allowed
