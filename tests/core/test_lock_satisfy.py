"""Pairs of manifest and lock file: up to date, or not and why."""

# ruff: noqa: E501  (one case a line, the expected sentence whole)

from __future__ import annotations

from pathlib import Path

import pytest

from pixi_core.lock.read import read_lock
from pixi_core.lock.satisfy import check
from pixi_core.manifest.read import read_manifest

BASE = "https://channels.example/main"
MANIFEST = f"""[workspace]
channels = ["{BASE}"]
platforms = ["linux-64"]
[workspace.pypi-options]
index-url = "https://pypi.example/simple"
[dependencies]
python = "3.12.*"
[pypi-dependencies]
rich = ">=13"
"""
LOCK = f"""version: 7
platforms:
- name: linux-64
environments:
  default:
    channels:
    - url: {BASE}/
    indexes:
    - https://pypi.example/simple
    packages:
      linux-64:
      - conda: {BASE}/linux-64/python-3.12.2-h_0.conda
      - conda: {BASE}/noarch/tzdata-2026a-h_0.conda
      - pypi: https://files.example/markdown_it_py-3.0-py3-none-any.whl
      - pypi: https://files.example/rich-14.0.0-py3-none-any.whl
packages:
- conda: {BASE}/linux-64/python-3.12.2-h_0.conda
  depends:
  - __glibc >=2.17
  - tzdata
- conda: {BASE}/noarch/tzdata-2026a-h_0.conda
  timestamp: 1742727099393
- pypi: https://files.example/markdown_it_py-3.0-py3-none-any.whl
  name: markdown-it-py
  version: '3.0'
- pypi: https://files.example/rich-14.0.0-py3-none-any.whl
  name: rich
  version: 14.0.0
  requires_dist:
  - markdown-it-py>=2.2.0
  - colorama ; sys_platform == 'win32'
  - ipywidgets>=7.5.1 ; extra == 'jupyter'
  requires_python: '>=3.8.0'
""".replace(
    "- name: linux-64\n",
    "- name: linux-64\n  virtual-packages:\n  - __unix=0=0\n  - __linux=4.18\n  - __glibc=2.28\n  - __archspec=0=x86_64\n",
)


def reasons(manifest: str, lock: str) -> list[str]:
    parsed = read_manifest(manifest, path=Path("/somewhere/pixi.toml"))
    return [str(reason) for reason in check(parsed, read_lock(lock))]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("", "", id="unchanged"),
        pytest.param('"3.12.*"', '">=3.11"', id="pin loosened"),
        pytest.param('">=13"', '">=13,<15"', id="upper bound that fits"),
        pytest.param('rich = ">=13"', 'Rich = "*"', id="other spelling"),
        pytest.param("[dependencies]\n", '[dependencies]\ntzdata = "*"\n', id="what is there anyway"),
        pytest.param("[pypi-dep", '[constraints]\nopenssl = "<3"\n[pypi-dep', id="constraint on nothing"),
        pytest.param("[pypi-dep", '[tasks]\na = "b"\n[pypi-dep', id="task"),
        pytest.param('platforms = ["linux-64"]', 'platforms = ["linux-64"]\nexclude-newer = "2030-01-01"', id="cutoff"),
    ],
)
def test_up_to_date(old: str, new: str) -> None:
    assert reasons(MANIFEST.replace(old, new) if old else MANIFEST, LOCK) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('"3.12.*"', '"3.13.*"', "default/linux-64: the manifest requires 'python 3.13.*', but python 3.12.2 h_0 is locked"),
        ('">=13"', '">=15"', "default/linux-64: the manifest requires 'rich>=15', but rich 14.0.0 is locked"),
        ("[dependencies]\n", '[dependencies]\nzlib = "*"\n', "default/linux-64: the manifest requires 'zlib *', and no such package is locked"),
        ('rich = ">=13"', 'rich = { version = "*", extras = ["jupyter"] }', "default/linux-64: rich 14.0.0 requires 'ipywidgets>=7.5.1 ; extra == 'jupyter'', and no such package is locked"),
        ('rich = ">=13"', 'markdown-it-py = "*"', "default/linux-64: rich 14.0.0 is locked, but nothing needs it"),
        ('rich = ">=13"', 'rich = { path = "./rich" }', "default/linux-64: the manifest requires 'rich @ ./rich', but https://files.example/rich-14.0.0-py3-none-any.whl is locked"),
        ('["linux-64"]', '["linux-64", "osx-64"]', "default/osx-64: the platform is not in the lock file"),
        ('["linux-64"]', '["osx-64"]', "default/linux-64: the environment does not have this platform any more"),
        (f'["{BASE}"]', f'["{BASE}", "https://b.example/x"]', f"default: the channels are {BASE}/, https://b.example/x/, but {BASE}/ were locked"),
        ("pypi.example/simple", "other.example/simple", "default: the indexes are https://other.example/simple, but https://pypi.example/simple were locked"),
        ('platforms = ["linux-64"]', 'platforms = ["linux-64"]\nsolve-strategy = "lowest"', "default: solve-strategy is `lowest`, but `highest` was locked"),
        ('platforms = ["linux-64"]', 'platforms = ["linux-64"]\nchannel-priority = "disabled"', "default: channel-priority is `disabled`, but `strict` was locked"),
        ('platforms = ["linux-64"]', 'platforms = ["linux-64"]\nexclude-newer = "2020-01-01"', "default/linux-64: tzdata 2026a h_0 is newer than `exclude-newer` allows"),
        ("[pypi-dep", '[constraints]\ntzdata = "<2000"\n[pypi-dep', "default/linux-64: the manifest constrains 'tzdata <2000', but tzdata 2026a h_0 is locked"),
        ("[pypi-dep", "[environments]\ntest = []\n[pypi-dep", "test: the environment is not in the lock file"),
        ('"linux-64"]', '{ name = "linux-64", glibc = "2.10" }]', "default/linux-64: the platform was locked as linux-64 and is linux-64 with __glibc=2.10 now"),
        ('python = "3.12.*"', 'tzdata = "*"', "default/linux-64: python 3.12.2 h_0 is locked, but nothing needs it"),
    ],
)  # fmt: skip
def test_out_of_date_and_why(old: str, new: str, expected: str) -> None:
    assert old in MANIFEST
    assert expected in reasons(MANIFEST.replace(old, new), LOCK)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("  default:", "  other:", "other: the manifest has no such environment any more"),
        ("- __glibc >=2.17", "- __glibc >=2.40", "default/linux-64: python 3.12.2 h_0 requires '__glibc >=2.40', which the platform lacks"),
        ("requires_python: '>=3.8.0'", "requires_python: '>=3.13'", "default/linux-64: rich 14.0.0 requires Python >=3.13, but 3.12.2 is locked"),
        ("markdown-it-py>=2.2.0", "markdown-it-py>=4", "default/linux-64: rich 14.0.0 requires 'markdown-it-py>=4', but markdown-it-py 3.0 is locked"),
        ("  - tzdata\n", "  - tzdata >2027\n", "default/linux-64: python 3.12.2 h_0 requires 'tzdata >2027', but tzdata 2026a h_0 is locked"),
    ],
)  # fmt: skip
def test_a_lock_that_was_changed(old: str, new: str, expected: str) -> None:
    assert old in LOCK
    assert expected in reasons(MANIFEST, LOCK.replace(old, new))


def test_rich_platforms_are_found_under_their_aliases() -> None:
    manifest = MANIFEST.replace('"linux-64"', '{ name = "gpu-box", platform = "linux-64", cuda = "12.0" }')
    lock = LOCK.replace("- name: linux-64\n", "- name: p1\n  subdir: linux-64\n").replace(
        "  - __unix", "  - __cuda=12\n  - __unix"
    )
    assert reasons(manifest, lock.replace("      linux-64:", "      p1:")) == []
