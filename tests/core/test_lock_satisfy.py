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


# ---------------------------------------------------------------- PyPI: what is locked for a requirement

FILES = "https://files.example"
RICH = f"{FILES}/rich-14.0.0-py3-none-any.whl"
MARKDOWN = f"{FILES}/markdown_it_py-3.0-py3-none-any.whl"


def with_record(lock: str, location: str, record: str) -> str:
    """The lock file with one more PyPI record, which the environment lists."""
    listed = lock.replace(f"      - pypi: {RICH}\n", f"      - pypi: {RICH}\n      - pypi: {location}\n", 1)
    return f"{listed}- pypi: {location}\n{record}"


def asked(line: str) -> str:
    """The manifest with this line in place of `rich`."""
    return MANIFEST.replace('rich = ">=13"', line)


WHEELS_THAT_RUN = [
    ("linux-64", "rich-14.0.0-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"),
    ("linux-64", "rich-14.0.0-cp38-abi3-manylinux_2_28_x86_64.whl"),
    ("linux-64", "rich-14.0.0-py2.py3-none-any.whl"),
    ("linux-64", "rich-14.0.0-1-py3-none-linux_x86_64.whl"),
    ("osx-arm64", "rich-14.0.0-cp312-cp312-macosx_11_0_arm64.whl"),
    ("osx-arm64", "rich-14.0.0-cp312-cp312-macosx_10_9_universal2.whl"),
    ("osx-64", "rich-14.0.0-cp312-cp312-macosx_10_13_x86_64.whl"),
    ("win-64", "rich-14.0.0-cp312-cp312-win_amd64.whl"),
]
WHEELS_THAT_DO_NOT = [
    ("linux-64", "rich-14.0.0-cp313-cp313-manylinux_2_17_x86_64.whl"),
    ("linux-64", "rich-14.0.0-cp312-cp312t-manylinux_2_17_x86_64.whl"),
    ("linux-64", "rich-14.0.0-cp312-cp312-manylinux_2_34_x86_64.whl"),
    ("linux-64", "rich-14.0.0-cp312-cp312-manylinux_2_17_aarch64.whl"),
    ("linux-64", "rich-14.0.0-cp312-cp312-musllinux_1_2_x86_64.whl"),
    ("linux-64", "rich-14.0.0-py2-none-any.whl"),
    ("osx-arm64", "rich-14.0.0-cp312-cp312-macosx_14_0_arm64.whl"),
    ("osx-arm64", "rich-14.0.0-cp312-cp312-macosx_11_0_x86_64.whl"),
    ("win-64", "rich-14.0.0-cp312-cp312-win32.whl"),
]


def on_platform(platform: str, wheel: str) -> tuple[str, str]:
    """Manifest and lock file of one platform, with that wheel of rich."""
    manifest = MANIFEST.replace("linux-64", platform)
    lock = LOCK[: LOCK.index("  virtual-packages:")] + LOCK[LOCK.index("environments:") :]
    virtual = {
        "linux-64": "__unix=0=0 __linux=4.18 __glibc=2.28 __archspec=0=x86_64",
        "osx-arm64": "__unix=0=0 __osx=13.0 __archspec=0=m1",
        "osx-64": "__unix=0=0 __osx=13.0 __archspec=0=x86_64",
        "win-64": "__win=10.0 __archspec=0=x86_64",
    }[platform]
    listed = "".join(f"  - {package}\n" for package in virtual.split())
    lock = lock.replace("- name: linux-64\n", f"- name: linux-64\n  virtual-packages:\n{listed}", 1)
    lock = lock.replace("linux-64", platform).replace("  - __glibc >=2.17\n", "").replace(RICH, f"{FILES}/{wheel}")
    return manifest, lock.replace("  - colorama ; sys_platform == 'win32'\n", "")


@pytest.mark.parametrize(("platform", "wheel"), WHEELS_THAT_RUN)
def test_a_wheel_that_runs_there(platform: str, wheel: str) -> None:
    assert reasons(*on_platform(platform, wheel)) == []


@pytest.mark.parametrize(("platform", "wheel"), WHEELS_THAT_DO_NOT)
def test_a_wheel_that_does_not_run_there(platform: str, wheel: str) -> None:
    expected = f"default/{platform}: {wheel} is locked, which does not run on this platform"
    assert reasons(*on_platform(platform, wheel)) == [expected]


def test_a_wheel_for_the_glibc_that_the_platform_declares() -> None:
    wheel = "rich-14.0.0-cp312-cp312-manylinux_2_34_x86_64.whl"
    manifest, lock = on_platform("linux-64", wheel)
    declared = manifest.replace('["linux-64"]', '[{ name = "linux-64", glibc = "2.39" }]')
    assert reasons(declared, lock.replace("__glibc=2.28", "__glibc=2.39")) == []


GIT = "git+https://git.example/rich?tag=v14#0123456789012345678901234567890123456789"


def located(location: str) -> str:
    """The lock file with rich from elsewhere."""
    return LOCK.replace(RICH, location)


SATISFIED = [
    ("marker that leaves it out", asked('rich = ">=13"\nnever = { version = "*", env-markers = "sys_platform == \'win32\'" }'), LOCK),
    ("marker of another Python", asked('rich = ">=13"\nolder = { version = "*", env-markers = "python_version < \'3.10\'" }'), LOCK),
    ("extra without needs", asked('rich = { version = "*", extras = ["nothing"] }'), LOCK),
    ("compatible release", asked('rich = "~=14.0"'), LOCK),
    ("excluded version", asked('rich = ">=13,!=13.5"'), LOCK),
    ("git with its tag", asked('rich = { git = "https://git.example/rich", tag = "v14" }'), located(GIT)),
    ("git with another ending", asked('rich = { git = "https://git.example/rich.git", tag = "v14" }'), located(GIT)),
    ("git with credentials", asked('rich = { git = "https://user:secret@git.example/rich", tag = "v14" }'), located(GIT)),
    ("path", asked('rich = { path = "./rich" }'), located("./rich")),
    ("path, spelled otherwise", asked('rich = { path = "rich/" }'), located("./rich")),
    ("editable path", asked('rich = { path = "./rich", editable = true }'), located("./rich")),
    ("URL", asked(f'rich = {{ url = "{RICH}" }}'), located(f"direct+{RICH}")),
    ("override", asked('rich = ">=13"\n[pypi-options.dependency-overrides]\nmarkdown-it-py = "==3.0"'), LOCK.replace("markdown-it-py>=2.2.0", "markdown-it-py>=9")),
    ("conda provides it", asked('rich = ">=13"\ntzdata-on-pypi = "*"'), LOCK.replace("  timestamp", "  purls:\n  - pkg:pypi/tzdata-on-pypi@2026.1\n  timestamp")),
    ("no-build and only wheels", asked('rich = ">=13"\n[pypi-options]\nno-build = true'), LOCK),
    ("pre-release that is locked", asked('rich = ">=14rc1"'), LOCK.replace("version: 14.0.0", "version: 14.0.0rc1")),
]  # fmt: skip
UNSATISFIED = [
    ("marker that asks for it", asked('rich = ">=13"\nmore = { version = "*", env-markers = "sys_platform == \'linux\'" }'), LOCK, "the manifest requires 'more ; sys_platform == 'linux'', and no such package is locked"),
    ("compatible release", asked('rich = "~=13.0"'), LOCK, "the manifest requires 'rich~=13.0', but rich 14.0.0 is locked"),
    ("excluded version", asked('rich = "!=14"'), LOCK, "the manifest requires 'rich!=14', but rich 14.0.0 is locked"),
    ("git with another tag", asked('rich = { git = "https://git.example/rich", tag = "v15" }'), located(GIT), f"the manifest requires 'rich @ git+https://git.example/rich@v15', but {GIT} is locked"),
    ("git with a subdirectory", asked('rich = { git = "https://git.example/rich", tag = "v14", subdirectory = "sub" }'), located(GIT), f"but {GIT} is locked"),
    ("git of another repository", asked('rich = { git = "https://git.example/other", tag = "v14" }'), located(GIT), f"but {GIT} is locked"),
    ("another path", asked('rich = { path = "./elsewhere" }'), located("./rich"), "the manifest requires 'rich @ ./elsewhere', but ./rich is locked"),
    ("a path is locked, the index is asked for", MANIFEST, located("./rich"), "the manifest requires 'rich>=13', but ./rich is locked"),
    ("an absolute path is locked, the index is asked for", MANIFEST, located("/src/rich"), "the manifest requires 'rich>=13', but /src/rich is locked"),
    ("git is locked, the index is asked for", MANIFEST, located(GIT), f"the manifest requires 'rich>=13', but {GIT} is locked"),
    ("another URL", asked(f'rich = {{ url = "{FILES}/rich-15-py3-none-any.whl" }}'), located(f"direct+{RICH}"), f"but direct+{RICH} is locked"),
    ("an index of its own", asked('rich = { version = "*", index = "https://own.example/simple" }'), LOCK, "rich 14.0.0 of"),
    ("override", asked('rich = ">=13"\n[pypi-options.dependency-overrides]\nmarkdown-it-py = "==9"'), LOCK, "rich 14.0.0 requires 'markdown-it-py==9', but markdown-it-py 3.0 is locked"),
    ("conda provides another version", asked('rich = ">=13"\nzones = ">=2027"'), LOCK.replace("  timestamp", "  purls:\n  - pkg:pypi/zones@2026.1\n  timestamp"), "the manifest requires 'zones>=2027', but conda provides version 2026.1"),
    ("conda provides what is asked for by path", asked('rich = ">=13"\nzones = { path = "./zones" }'), LOCK.replace("  timestamp", "  purls:\n  - pkg:pypi/zones@2026.1\n  timestamp"), "the manifest requires 'zones @ ./zones', but conda provides that package"),
    ("conda is known not to provide it", asked('rich = ">=13"\ntzdata = "*"'), LOCK.replace("  timestamp", "  purls: []\n  timestamp"), "the manifest requires 'tzdata', and no such package is locked"),
    ("no-build and an sdist", asked('rich = ">=13"\n[pypi-options]\nno-build = true'), located(f"{FILES}/rich-14.0.0.tar.gz"), "rich 14.0.0 would have to be built, which `no-build` forbids"),
    ("no-binary and a wheel", asked('rich = ">=13"\n[pypi-options]\nno-binary = ["rich"]'), LOCK, "rich 14.0.0 is a wheel, which `no-binary` forbids"),
    ("pre-release mode", asked('rich = ">=13"\n[pypi-options]\nprerelease-mode = "allow"'), LOCK, "pypi-options.prerelease-mode is `allow`, but `if-necessary-or-explicit` was locked"),
    ("find-links", asked('rich = ">=13"\n[pypi-options]\nfind-links = [{ path = "./wheels" }]'), LOCK, "`find-links` changed"),
    ("extra index", asked('rich = ">=13"\n[pypi-options]\nextra-index-urls = ["https://more.example/simple"]'), LOCK, "the indexes are"),
    ("left over", MANIFEST, with_record(LOCK, f"{FILES}/left-1-py3-none-any.whl", "  name: left\n  version: '1'\n"), "left 1 is locked, but nothing needs it"),
    ("locked twice", MANIFEST, with_record(LOCK, f"{FILES}/rich-15-py3-none-any.whl", "  name: rich\n  version: '15'\n"), "'rich' is locked twice"),
]  # fmt: skip


@pytest.mark.parametrize(("manifest", "lock"), [pytest.param(*rest, id=name) for name, *rest in SATISFIED])
def test_pypi_requirements_that_are_met(manifest: str, lock: str) -> None:
    assert reasons(manifest, lock) == []


@pytest.mark.parametrize(
    ("manifest", "lock", "expected"), [pytest.param(*rest, id=name) for name, *rest in UNSATISFIED]
)
def test_pypi_requirements_that_are_not_met(manifest: str, lock: str, expected: str) -> None:
    assert any(expected in reason for reason in reasons(manifest, lock)), reasons(manifest, lock)


# ---------------------------------------------------------------- solve groups

GROUP = (
    MANIFEST.replace('[pypi-dependencies]\nrich = ">=13"\n', "")
    + """[feature.text.pypi-dependencies]
rich = ">=13"
[environments]
default = { solve-group = "one" }
text = { features = ["text"], solve-group = "one" }
"""
)
CONDA_PART = "".join(
    f"      - conda: {BASE}/{name}-h_0.conda\n" for name in ("linux-64/python-3.12.2", "noarch/tzdata-2026a")
)


def group_lock(own: str = "", records: str = "") -> str:
    """A lock file of both members; `own` lines are listed in `text` only."""
    head, _, rest = LOCK.partition("environments:\n")
    _, _, packages = rest.partition("packages:\n- conda")
    plain = f"    channels:\n    - url: {BASE}/\n{{indexes}}    packages:\n      linux-64:\n"
    indexes = "    indexes:\n    - https://pypi.example/simple\n"
    members = f"  default:\n{plain.format(indexes='')}{CONDA_PART}  text:\n{plain.format(indexes=indexes)}"
    text = own or f"{CONDA_PART}      - pypi: {MARKDOWN}\n      - pypi: {RICH}\n"
    return f"{head}environments:\n{members}{text}packages:\n- conda{packages}{records}"


def test_members_of_a_solve_group_that_agree() -> None:
    assert reasons(GROUP, group_lock()) == []


def test_members_of_a_solve_group_that_do_not() -> None:
    other = f"{BASE}/noarch/tzdata-2025z-h_0.conda"
    own = f"{CONDA_PART}      - pypi: {MARKDOWN}\n      - pypi: {RICH}\n".replace(
        f"{BASE}/noarch/tzdata-2026a-h_0.conda", other
    )
    lock = group_lock(own, f"- conda: {other}\n  timestamp: 1742727099393\n")
    expected = (
        "text/linux-64: tzdata 2025z h_0 is locked, but tzdata 2026a h_0 in 'default', which is of the same solve group"
    )
    assert reasons(GROUP, lock) == [expected]


def test_what_a_pypi_package_rests_on_is_not_left_over() -> None:
    """The conda package is needed by a PyPI package only."""
    purl = "  purls:\n  - pkg:pypi/mdurl@1.0\n"
    lock = group_lock().replace("markdown-it-py>=2.2.0\n", "markdown-it-py>=2.2.0\n  - mdurl~=1.0\n")
    extra = f"{BASE}/noarch/mdurl-1.0-py_0.conda"
    lock = lock.replace(f"      - pypi: {MARKDOWN}", f"      - conda: {extra}\n      - pypi: {MARKDOWN}", 1)
    assert reasons(GROUP, f"{lock}- conda: {extra}\n{purl}") == []
    assert any(
        "mdurl" in reason
        for reason in reasons(GROUP, lock.replace("  - mdurl~=1.0\n", "") + f"- conda: {extra}\n{purl}")
    )
