"""conda-lock's own file: read, written, and what is wrong with it told."""

from __future__ import annotations

import pytest

from pixi_core.errors import LockFileError
from pixi_core.lock.conda_lock import read_conda_lock, write_conda_lock
from pixi_core.model.record import PypiRecord, RepoDataRecord

BASE = "https://conda.anaconda.org/conda-forge"
FILE = f"""version: 1
metadata:
  content_hash:
    linux-64: {"e" * 64}
    osx-arm64: {"f" * 64}
  channels:
  - url: conda-forge
    used_env_vars: []
  platforms:
  - linux-64
  - osx-arm64
  sources:
  - environment.yml
package:
- name: python
  version: 3.13.5
  manager: conda
  platform: linux-64
  dependencies:
    __glibc: '>=2.17,<3.0.a0'
    python_abi: 3.13.* *_cp313
    tzdata: ''
  url: {BASE}/linux-64/python-3.13.5-hf3f3da0_102_cp313.conda
  hash:
    md5: {"c" * 32}
    sha256: {"a" * 64}
  category: main
  optional: false
- name: rich
  version: 14.0.0
  manager: pip
  platform: linux-64
  dependencies:
    markdown-it-py: '>=2.2.0'
    pygments: '*'
  url: https://files.example/rich-14.0.0-py3-none-any.whl
  hash:
    sha256: {"b" * 64}
  category: main
  optional: false
- name: tzdata
  version: 2026a
  manager: conda
  platform: linux-64
  dependencies: {{}}
  url: {BASE}/noarch/tzdata-2026a-h78e105d_0.conda
  hash:
    md5: {"d" * 32}
  category: main
  optional: false
- name: tzdata
  version: 2026a
  manager: conda
  platform: osx-arm64
  dependencies: {{}}
  url: {BASE}/noarch/tzdata-2026a-h78e105d_0.conda
  hash:
    md5: {"d" * 32}
  category: main
  optional: false
"""


def needs(_: str, record: PypiRecord) -> dict[str, str]:
    """What the file above says of rich."""
    assert record.name == "rich"
    return {"markdown-it-py": ">=2.2.0", "pygments": "*"}


def test_the_packages_of_each_platform() -> None:
    lock = read_conda_lock(FILE)
    assert [platform.name for platform in lock.platforms] == ["linux-64", "osx-arm64"]
    assert lock.environments["default"].channels == (f"{BASE}/",)
    conda, pypi = lock.for_platform("default", "linux-64")
    python, tzdata = conda
    assert python.identity == ("python", "3.13.5", "hf3f3da0_102_cp313", "linux-64")
    assert (python.channel, python.sha256) == (f"{BASE}/", "a" * 64)
    assert python.depends == ("__glibc >=2.17,<3.0.a0", "python_abi 3.13.* *_cp313", "tzdata")
    assert (tzdata.noarch, tzdata.md5, tzdata.sha256) == ("generic", "d" * 32, None)
    assert (pypi[0].name, pypi[0].version) == ("rich", "14.0.0")
    assert pypi[0].requires_dist == ("markdown-it-py>=2.2.0", "pygments")
    assert [record.name for record in lock.for_platform("default", "osx-arm64")[0]] == ["tzdata"]


def test_what_is_read_is_written() -> None:
    lock = read_conda_lock(FILE)
    environment = lock.environments["default"]
    flat: dict[str, list[RepoDataRecord | PypiRecord]] = {}
    for name in environment.packages:
        conda, pypi = lock.for_platform("default", name)
        flat[name] = [*conda, *pypi]
    text = write_conda_lock(environment.channels, flat, sources=["pixi.toml"], needs=needs)
    assert text.partition("package:\n")[2] == FILE.partition("package:\n")[2]
    assert read_conda_lock(text) == lock
    backwards = {name: flat[name][::-1] for name in reversed(flat)}
    assert write_conda_lock(environment.channels, backwards, sources=["pixi.toml"], needs=needs) == text


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("version: 1", "version: 2", "its version is 2"),
        ("- osx-arm64", "- win-64", "tzdata is for osx-arm64, which is not among the platforms"),
        ("- osx-arm64", "- amiga-68k", "amiga-68k"),
        ("manager: pip", "manager: npm", "rich is managed by 'npm'"),
        ("-hf3f3da0_102_cp313.conda", ".zip", "the URL of python does not say its build"),
        ("version: 14.0.0", "version: []", "`version` of rich is not text"),
        ("sha256: aaa", "sha256: xxx", "the sha256 of python is no digest"),
        ("dependencies: {}", "dependencies: none", "`dependencies` of tzdata is not a mapping"),
        ("package:", "packages:", "`package` is not a list"),
        ("metadata:", "meta:", "`metadata` is not a mapping"),
        ("version: 1", "version: [", "not valid YAML"),
    ],
)
def test_what_cannot_be_read(old: str, new: str, message: str) -> None:
    assert old in FILE
    with pytest.raises(LockFileError) as caught:
        read_conda_lock(FILE.replace(old, new), path="conda-lock.yml")
    assert message in str(caught.value)
    assert "conda-lock.yml" in str(caught.value)


def test_what_cannot_be_written() -> None:
    conda, _ = read_conda_lock(FILE).for_platform("default", "linux-64")
    with pytest.raises(LockFileError, match="MD5"):
        write_conda_lock((), {"linux-64": [conda[0].replace(md5=None)]}, sources=[], needs=needs)
    folder = PypiRecord(name="core", version="1", location="./core")
    with pytest.raises(LockFileError, match=r"core: \./core"):
        write_conda_lock((), {"linux-64": [folder]}, sources=[], needs=needs)
