"""Lock files: what is written, what every version is read to, and what is refused."""

from __future__ import annotations

import random

import pytest
import yaml

from pixi_core.errors import LockFileError
from pixi_core.lock.diff import difference
from pixi_core.lock.model import CondaSourceRecord, LockedEnvironment, LockFile
from pixi_core.lock.read import parse_yaml, read_lock
from pixi_core.lock.scalar import scalar
from pixi_core.lock.write import write_lock
from pixi_core.model.record import PypiRecord, RepoDataRecord

BASE = "https://channels.example/main"
SHA = "a" * 63 + "b"

V7 = f"""version: 7
platforms:
- name: linux-64
  virtual-packages:
  - __unix=0=0
  - __linux=4.18
  - __glibc=2.28
  - __archspec=0=x86_64
- name: p1
  subdir: linux-64
  virtual-packages:
  - __cuda=12
  - __unix=0=0
  - __linux=4.18
  - __glibc=2.28
  - __archspec=0=x86_64
environments:
  default:
    channels:
    - url: {BASE}/
    indexes:
    - https://pypi.example/simple
    find-links:
    - path: ./wheels
    packages:
      linux-64:
      - conda: {BASE}/linux-64/python-3.13.5-hf3f3da0_102_cp313.conda
      - conda: {BASE}/noarch/tzdata-2026a-h78e105d_0.conda
      - conda_source: mytool[4017b3ff] @ tools/mytool
      - pypi: ./libs/core
      - pypi: https://files.example/rich-14.0.0-py3-none-any.whl
  strict:
    channels:
    - url: {BASE}/
    options:
      strategy: lowest-version-direct
      channel-priority: disabled
      pypi-prerelease-mode: allow
    packages:
      linux-64: []
      p1: []
packages:
- conda: {BASE}/linux-64/python-3.13.5-hf3f3da0_102_cp313.conda
  sha256: {SHA}
  md5: {"c" * 32}
  depends:
  - __glibc >=2.17,<3.0.a0
  - tzdata
  constrains:
  - python_abi 3.13.* *_cp313
  extra_depends:
    docs:
    - sphinx
  license: Python-2.0
  purls: []
  run_exports:
    weak:
    - python_abi 3.13.* *_cp313
    noarch:
    - python
  size: 33273132
  timestamp: 1750000000000
  python_site_packages_path: lib/python3.13/site-packages
- conda: {BASE}/noarch/tzdata-2026a-h78e105d_0.conda
  sha256: {"d" * 64}
  channel: null
  track_features:
  - a
  license: LicenseRef-Public-Domain
  run_exports: {{}}
  size: 122968
- conda_source: mytool[4017b3ff] @ tools/mytool
  variants:
    target_platform: noarch
  depends:
  - python >=3.10
  host_packages:
  - conda: {BASE}/linux-64/python-3.13.5-hf3f3da0_102_cp313.conda
- pypi: ./libs/core
  name: core
  requires_dist:
  - rich>=13
  requires_python: '>=3.11'
- pypi: https://files.example/rich-14.0.0-py3-none-any.whl
  name: rich
  version: 14.0.0
  sha256: {SHA}
  index: https://pypi.example/simple
  requires_dist:
  - markdown-it-py>=2.2.0
  - ipywidgets>=7.5.1,<9 ; extra == 'jupyter'
  requires_python: '>=3.8.0'
"""


def test_version_7_is_written_as_it_was_read() -> None:
    assert write_lock(read_lock(V7)) == V7


def test_the_order_of_what_is_put_in_does_not_matter() -> None:
    lock = read_lock(V7)
    shuffled = lock.replace(
        environments={
            name: environment.replace(
                packages={key: records[::-1] for key, records in reversed(list(environment.packages.items()))},
            )
            for name, environment in reversed(list(lock.environments.items()))
        },
    )
    assert write_lock(shuffled) == V7


def test_what_locations_say_is_derived() -> None:
    python = read_lock(V7).for_platform("default", "linux-64")[0][0]
    assert isinstance(python, RepoDataRecord)
    assert (python.name, python.version, python.build_number, python.subdir) == ("python", "3.13.5", 313, "linux-64")
    assert python.channel == BASE + "/"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda text: "# a comment\n" + text, id="comment"),
        pytest.param(lambda text: text.replace("\n", "\r\n"), id="windows line ends"),
        pytest.param(lambda text: text.replace("purls: []", "purls: [ ]"), id="flow"),
        pytest.param(lambda text: text.replace("license: Python-2.0", 'license: "Python-2.0"'), id="double quotes"),
        pytest.param(lambda text: text.replace("  - tzdata", "  -   tzdata"), id="blanks"),
    ],
)
def test_other_layouts_of_the_same_yaml_are_read_by_pyyaml(change: object) -> None:
    assert callable(change)
    assert write_lock(read_lock(change(V7))) == V7


V6 = f"""version: 6
environments:
  default:
    channels:
    - url: {BASE}/
    indexes:
    - https://pypi.example/simple
    options:
      pypi-prerelease-mode: if-necessary-or-explicit
    packages:
      linux-64:
      - conda: {BASE}/linux-64/python-3.12.2-hab00c5b_0_cpython.conda
      - pypi: ./
packages:
- pypi: ./
  name: demo
  version: 0.1.0
  sha256: {SHA}
  requires_python: '>=3.11'
  editable: true
- conda: {BASE}/linux-64/python-3.12.2-hab00c5b_0_cpython.conda
  sha256: {SHA}
  license: Python-2.0
  timestamp: 1708118077305
"""
V5 = f"""version: 5
environments:
  default:
    channels:
    - url: {BASE}/
    packages:
      linux-64:
      - conda: {BASE}/linux-64/python-3.12.2-hab00c5b_0_cpython.conda
      - pypi: https://files.example/six-1.16.0-py2.py3-none-any.whl
packages:
- kind: conda
  name: python
  version: 3.12.2
  build: hab00c5b_0_cpython
  subdir: linux-64
  url: {BASE}/linux-64/python-3.12.2-hab00c5b_0_cpython.conda
  sha256: {SHA}
  timestamp: 1708118077
- kind: pypi
  name: six
  version: 1.16.0
  url: https://files.example/six-1.16.0-py2.py3-none-any.whl
  sha256: {SHA}
"""


@pytest.mark.parametrize(("text", "pypi_name"), [(V6, "demo"), (V5, "six")])
def test_older_versions(text: str, pypi_name: str) -> None:
    lock = read_lock(text)
    conda, pypi = lock.for_platform("default", "linux-64")
    assert [record.name for record in conda] == ["python"]
    assert conda[0].timestamp is not None
    assert conda[0].timestamp > 1_700_000_000_000
    assert [record.name for record in pypi] == [pypi_name]
    assert write_lock(lock).startswith("version: 7\n")


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("", "a lock file is a mapping", 1),
        ("version: 8\nenvironments: {}\npackages: []\n", "version 8 is not supported", 1),
        ("version: 3\npackage: []\n", "version 3 is not supported", 1),
        ("version: [\n", "not valid YAML", 2),
        (V7.replace("- name: p1", "<<<<<<< ours\n- name: p1"), "unresolved merge conflicts", 9),
        (V7.replace(f"  sha256: {SHA}\n  md5", "  sha256: xyz\n  md5"), "'xyz' is not a SHA-256 digest", 44),
        (V7.replace("  size: 122968", "  size: big"), "`size` must be a number", 71),
        ("version: 7\nplatforms: []\nenvironments: &a {}\npackages: *a\n", "lock files have no aliases", 4),
        (V6.replace("linux-64:", "linux-99:"), "'linux-99' is not a known platform", 11),
        (
            V7.replace("- name: p1", "- name: p0\n  subdir: linux-64\n- name: p0"),
            "the platform 'p0' stands there twice",
            9,
        ),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(text: str, message: str, line: int) -> None:
    with pytest.raises(LockFileError) as caught:
        read_lock(text, path="pixi.lock")
    issue = caught.value.issues[0]
    assert message in issue.message
    assert issue.location.line == line


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("0.6", "'0.6'"),
        ("14.0.0", "14.0.0"),
        (">=3.8", "'>=3.8'"),
        ("true", "'true'"),
        ("it's", "it's"),
        ("a: b", "'a: b'"),
        ("*", "'*'"),
        ("python", "python"),
        ("", "''"),
        ("a #b", "'a #b'"),
        ("- a", "'- a'"),
        ("-a", "-a"),
        ("line\nbreak", '"line\\nbreak"'),
        ("2026-01-01", "'2026-01-01'"),
    ],
)
def test_scalars(text: str, written: str) -> None:
    assert scalar(text) == written


def test_difference_names_only_what_differs() -> None:
    before = read_lock(V7)
    records = before.environments["default"].packages["linux-64"]
    changed = tuple(
        record.replace(version="15.0.0") if isinstance(record, PypiRecord) and record.name == "rich" else record
        for record in records
        if not isinstance(record, CondaSourceRecord)
    )
    after = LockFile(environments={"default": LockedEnvironment(packages={"linux-64": changed})})
    rows = difference(before, after)["environment"]["default"]["linux-64"]
    assert rows[1] == {"name": "rich", "before": {"version": "14.0.0"}, "after": {"version": "15.0.0"}, "type": "pypi"}
    assert rows[0]["after"] is None


def test_only_a_word_without_quotes_is_null() -> None:
    text = "a: null\nb: 'null'\nc: ~\nd: '~'\ne: ''\nf:\ng: [null, \"null\"]\n"
    assert parse_yaml(text, "pixi.lock") == {
        "a": None, "b": "null", "c": None, "d": "~", "e": "", "f": None, "g": [None, "null"]
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_texts_that_look_ordinary_are_read_back_as_they_are(seed: int) -> None:
    """What is written without a second look must be what the library reads, digests and almost-numbers above all."""
    choose = random.Random(seed)
    letters = "0123456789abcdefxoTtzeE.-+: #'\"/[]{}<>=@~nyf"
    texts = {"".join(choose.choices(letters, k=choose.choice([1, 2, 3, 4, 6, 10, 32]))) for _ in range(1500)}
    texts |= {"".join(choose.choices("0123456789e.-:", k=choose.choice([2, 5, 10]))) for _ in range(500)}
    written = "names:\n" + "".join(f"- {scalar(text)}\n" for text in sorted(texts))
    assert yaml.safe_load(written)["names"] == sorted(texts)
