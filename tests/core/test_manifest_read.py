"""Manifests: what is read, how features are merged, and every mistake with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from pixi_core.errors import ManifestError
from pixi_core.manifest.merge import selects, solve_groups
from pixi_core.manifest.model import ManifestKind, WorkspaceManifest
from pixi_core.manifest.new import new_manifest
from pixi_core.manifest.pinning import pin
from pixi_core.manifest.read import read_manifest
from pixi_core.model.platform import Platform, Subdir
from pixi_core.names import DEFAULT_ENVIRONMENT

HEAD = '[workspace]\nname = "demo"\nchannels = ["conda-forge"]\nplatforms = ["linux-64", "osx-arm64"]\n'


def read(text: str, kind: ManifestKind = "pixi") -> WorkspaceManifest:
    return read_manifest(text, path=Path("/somewhere/demo/pixi.toml"), kind=kind)


FULL = (
    HEAD
    + """
[dependencies]
python = "3.12.*"
numpy = { version = ">=2", build = "py*" }
[pypi-dependencies]
rich = { version = ">=13", extras = ["jupyter"] }
[target.unix.dependencies]
numpy = ">=2.1"
[target.linux-64.activation]
scripts = ["linux.sh"]
env = { A = "linux" }
[activation]
scripts = ["any.sh"]
env = { A = "any", B = "b" }
[tasks]
test = "pytest"
build = { cmd = ["make", "all"], depends-on = ["test"], args = [{ arg = "mode", default = "fast" }] }
all = ["test", "build"]
[constraints]
openssl = "<4"
[feature.cuda]
platforms = ["linux-64"]
channels = [{ channel = "nvidia", priority = 1 }, "conda-forge"]
[feature.cuda.dependencies]
numpy = "<3"
[feature.cuda.tasks]
test = "pytest -m cuda"
[environments]
gpu = { features = ["cuda"], solve-group = "main" }
lean = { no-default-feature = true, dependencies = { zlib = "*" }, solve-group = "main" }
"""
)


def test_environments_are_merged_by_pixis_rules() -> None:
    manifest = read(FULL)
    default, gpu, lean = (manifest.environment(name) for name in ("default", "gpu", "lean"))
    linux, mac = manifest.platforms
    assert sorted(str(spec) for spec in default.conda_specs(linux)) == ["numpy >=2.1", "python 3.12.*"]
    assert sorted(str(spec) for spec in gpu.conda_specs(linux)) == ["numpy <3", "numpy >=2.1", "python 3.12.*"]
    assert [entry.channel.name for entry in gpu.channels] == ["nvidia", "conda-forge"]
    assert gpu.platforms == (linux,)
    assert [str(spec) for spec in lean.conda_specs(mac)] == ["zlib *"]
    assert gpu.tasks(linux)["test"].command == "pytest -m cuda"  # type: ignore[index]  # a NewType of str
    assert default.activation(linux) == (("linux.sh",), {"A": "linux", "B": "b"})
    assert default.activation(mac) == (("any.sh",), {"A": "any", "B": "b"})
    assert [[member.name for member in group] for group in solve_groups(manifest)] == [["default"], ["gpu", "lean"]]


def test_system_requirements_become_platforms() -> None:
    manifest = read(HEAD + '[system-requirements]\ncuda = "12"\nlibc = "2.35"\n')
    linux, mac = manifest.environment("default").platforms
    assert linux.version_of("__cuda") == "12"
    assert linux.version_of("__glibc") == "2.35"
    assert linux.name != "linux-64"
    assert mac.version_of("__glibc") is None


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        ("[dependencies]\nnumpy = '>>1'\n", "6:9", "is not a valid version spec", ""),
        ("[dependencies]\nx = { vrsion = '1' }\n", "6:7", "unknown key `vrsion`", "did you mean `version`?"),
        ("[dependncies]\n", "5:1", "unknown key `dependncies`", "did you mean `dependencies`?"),
        ("[environments]\na = ['nope']\n", "6:6", "there is no feature 'nope'", ""),
        ("[environments]\nA = []\n", "6:1", "not a valid environment name", "lower-case"),
        ("[feature.default.dependencies]\nx = '1'\n", "5:1", "the name `default` is taken", ""),
        ("[target.win-64.tasks]\na = 'b'\n", "5:1", "not one of the workspace's platforms", "platform add win-64"),
        ("[target.linx.tasks]\na = 'b'\n", "5:1", "neither a platform", "did you mean `linux`?"),
        ("[tasks]\na = { cmd = 3 }\n", "6:13", "`cmd` must be a string", ""),
        (
            "[tasks]\na = { cmd = 'x', args = [{ arg = 'p', choices = ['a'], default = 'b' }] }\n",
            "6:26",
            "not one of",
            "",
        ),
        (
            "[pypi-dependencies]\nx = { git = 'https://h.example/x', rve = 'a' }\n",
            "6:36",
            "unknown key `rve`",
            "`rev`?",
        ),
        ("[dependencies]\nx = { path = '../x' }\n", "6:5", "built from source", "pixi-build"),
        ("[dependencies]\nx = { workspace = true }\n", "6:5", "`workspace.dependencies` has no `x`", ""),
        ("[pypi-options]\nindex-strategy = 'first'\n", "6:18", "not a value of `index-strategy`", "first-index"),
        ("a = \n", "5:5", "not valid TOML", ""),
    ],
)
def test_mistakes_have_places_and_hints(text: str, place: str, message: str, hint: str) -> None:
    with pytest.raises(ManifestError) as caught:
        read(HEAD + text)
    issue = caught.value.issues[0]
    assert message in issue.message
    assert hint in issue.hint
    assert f"{issue.location.line}:{issue.location.column}" == place


def test_all_mistakes_at_once_in_the_order_of_the_file() -> None:
    with pytest.raises(ManifestError) as caught:
        read('[workspace]\nchanels = []\nplatforms = ["linux-46"]\n[tasks]\n"a b" = "x"\n')
    lines = [issue.location.line for issue in caught.value.issues]
    assert lines == [1, 2, 3, 5]


def test_host_workspaces_take_python_only() -> None:
    manifest = read(new_manifest(name="x", channels=[], platforms=["linux-64"], python=">=3.11"))
    environment = manifest.environment("default")
    assert manifest.is_host_kind
    assert str(environment.python_requirement(manifest.platforms[0])) == ">=3.11"
    with pytest.raises(ManifestError, match="has no channels"):
        read('[workspace]\nchannels = []\nplatforms = ["linux-64"]\n[dependencies]\nnumpy = "*"\n')


def test_pyproject() -> None:
    manifest = read(
        """
[project]
name = "demo"
version = "1.0"
requires-python = ">= 3.11"
dependencies = ["rich >= 13"]
[project.optional-dependencies]
a = ["attrs"]
all = ["demo[a]", "six"]
[dependency-groups]
test = ["pytest", {include-group = "lint"}]
lint = ["ruff"]
[tool.pixi.workspace]
channels = ["conda-forge"]
platforms = ["linux-64"]
[tool.pixi.environments]
test = ["test"]
""",
        "pyproject",
    )
    assert (manifest.name, manifest.version) == ("demo", "1.0")
    environment = manifest.environment("test")
    platform = manifest.platforms[0]
    assert [str(spec) for spec in environment.conda_specs(platform)] == ["python >=3.11"]
    assert [str(r.name) for r in environment.pypi_requirements(platform)] == ["pytest", "ruff", "rich"]
    assert sorted(str(name) for name in manifest.features["all"].pypi_dependencies) == ["attrs", "six"]  # type: ignore[index]  # a NewType of str


@pytest.mark.parametrize(
    ("selector", "expected"),
    [("linux-64", True), ("linux", True), ("unix", True), ("win", False), ("gpu*", True), ("osx", False)],
)
def test_selectors(selector: str, expected: bool) -> None:
    assert selects(selector, Platform("gpu-box", Subdir("linux-64"), ())) is expected


@pytest.mark.parametrize(
    ("name", "versions", "strategy", "expected"),
    [
        ("numpy", ["1.2.3"], None, ">=1.2.3,<2"),
        ("numpy", ["0.2.3"], None, ">=0.2.3,<0.3"),
        ("numpy", ["0.0.3"], None, ">=0.0.3,<0.0.4"),
        ("numpy", ["2.1", "1.9"], None, ">=1.9,<3"),
        ("python", ["3.12.1"], None, ">=3.12.1,<3.13"),
        ("python", ["3.12.1"], "semver", ">=3.12.1,<4"),
        ("numpy", ["1.2"], "exact-version", "==1.2"),
        ("numpy", ["1.2"], "latest-up", ">=1.2"),
        ("numpy", ["1.2"], "no-pin", "*"),
        ("numpy", [], None, "*"),
    ],
)
def test_pinning(name: str, versions: list[str], strategy: str | None, expected: str) -> None:
    assert pin(name, versions, strategy=strategy) == expected


@pytest.mark.parametrize(
    ("said", "matching", "other"),
    [
        ("3.11", ("3.11", "3.11.0"), ("3.11.4", "3.12")),
        ("=3.11", ("3.11", "3.11.4"), ("3.12", "3.1")),
        ("3.11.*", ("3.11", "3.11.4"), ("3.12",)),
        ("==3.11", ("3.11",), ("3.11.4",)),
    ],
)
def test_a_version_without_an_operator_is_exact(said: str, matching: tuple[str, ...], other: tuple[str, ...]) -> None:
    """pixi's own tests say that `version = "1.2.3"` becomes `==1.2.3`; a table says what a string says."""
    for value in (f'"{said}"', f'{{ version = "{said}" }}'):
        manifest = read(
            f'[workspace]\nname = "x"\nchannels = []\nplatforms = ["linux-64"]\n[dependencies]\npython = {value}\n'
        )
        (spec,) = manifest.environment(DEFAULT_ENVIRONMENT).conda_specs(manifest.platforms[0])
        assert spec.version is not None
        assert [version for version in (*matching, *other) if spec.version.matches(version)] == list(matching)
