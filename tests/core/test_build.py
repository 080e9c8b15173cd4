"""The room of source builds without its processes: what projects say, what counts as a change, what builds may see."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pixi_core.build.hook_runner import load_backend
from pixi_core.build.hooks import file_name_of
from pixi_core.build.project import LEGACY_BACKEND, BuildSystem, read_build_system
from pixi_core.build.python import build_variables
from pixi_core.build.sources import git_source
from pixi_core.build.stamp import source_stamp
from pixi_core.errors import BuildError
from pixi_core.model.platform import Platform, Subdir
from pixi_core.model.pypi_requirement import GitSource
from pixi_core.pypi.direct import git_location, lock_path

# ---------------------------------------------------------------- [build-system]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", BuildSystem()),
        ('[project]\nname = "x"', BuildSystem()),
        ('[build-system]\nrequires = ["a", "b>=2"]', BuildSystem(("a", "b>=2"), LEGACY_BACKEND)),
        ('[build-system]\nrequires = []\nbuild-backend = "m.n:o.p"', BuildSystem((), "m.n:o.p")),
    ],
)
def test_build_systems(tmp_path: Path, text: str, expected: BuildSystem) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    assert read_build_system(tmp_path) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[build-system]", "must have `requires`"),
        ("build-system = 3", "must have `requires`"),
        ("[build-system]\nrequires = [1]", "must have `requires`"),
        ("[build-system]\nrequires = []\nbuild-backend = 3", "must be a string"),
        ('[build-system]\nrequires = []\nbackend-path = ["."]', "without `build-backend`"),
        ('[build-system]\nrequires = []\nbuild-backend = "x"\nbackend-path = "."', "list of strings"),
        ('[build-system]\nrequires = []\nbuild-backend = "x"\nbackend-path = [".."]', "leads out"),
        ('[build-system]\nrequires = []\nbuild-backend = "x"\nbackend-path = ["/"]', "leads out"),
        ('[build-system]\nrequires = []\nbuild-backend = "x"\nbackend-path = ["link"]', "leads out"),
        ("[build-system", "not valid TOML"),
    ],
)
def test_build_systems_that_break_the_rules(tmp_path: Path, text: str, said: str) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    (folder / "pyproject.toml").write_text(text)
    with pytest.raises(BuildError, match=said):
        read_build_system(folder)


def test_projects_without_pyproject(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="neither"):
        read_build_system(tmp_path)
    (tmp_path / "setup.cfg").write_text("")
    assert read_build_system(tmp_path) == BuildSystem()


# ---------------------------------------------------------------- hooks


def test_a_backend_of_the_tree_must_come_from_the_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "very_own_backend.py").write_text("class inner:\n    hook = 3\n")
    assert load_backend("very_own_backend:inner", [str(tmp_path)]).hook == 3
    with pytest.raises(SystemExit, match="was found at"):
        load_backend("json", [str(tmp_path)])


@pytest.mark.parametrize("answer", [None, 3, "", "..", "../x.whl", "/x.whl", "folder/x.whl"])
def test_names_that_hooks_must_not_give(answer: object) -> None:
    with pytest.raises(BuildError, match="instead of a file name"):
        file_name_of(answer, "build_wheel", "thing 1.0")


def test_what_a_build_may_see(tmp_path: Path) -> None:
    outer = {
        "PATH": "/usr/bin",
        "CC": "clang",
        "PIP_INDEX_URL": "https://user:secret@pypi.example/simple",
        "UV_INDEX_CORP_PASSWORD": "secret",
        "RATTLER_AUTH_FILE": "/secret",
        "NETRC": "/secret",
        "PYTHONPATH": "/elsewhere",
        "PYTHONHOME": "/elsewhere",
    }
    found = build_variables(outer, Platform.bare(Subdir("linux-64")), tmp_path)
    assert found["CC"] == "clang"
    assert found["PATH"].split(os.pathsep)[-1] == "/usr/bin"
    assert found["PATH"].startswith(str(tmp_path))
    assert "secret" not in str(found)
    assert not {"PYTHONPATH", "PYTHONHOME"} & found.keys()


# ---------------------------------------------------------------- stamps


def project_folder(folder: Path) -> Path:
    (folder / "src" / "build").mkdir(parents=True)
    (folder / "pyproject.toml").write_text("[project]\n")
    (folder / "src" / "module.py").write_text("one\n")
    (folder / "src" / "build" / "inner.py").write_text("one\n")
    return folder


def put(path: str, text: str = "two\n") -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)

    return change


@pytest.mark.parametrize(
    ("change", "tree", "editable"),
    [
        (put("pyproject.toml"), True, True),
        (put("setup.py"), True, True),
        (put("src/module.py"), True, False),
        (put("src/new.py"), True, False),
        (put("src/build/inner.py"), True, False),
        (lambda folder: (folder / "src" / "module.py").unlink(), True, False),
        (lambda folder: (folder / "src" / "module.py").rename(folder / "src" / "other.py"), True, False),
        (lambda folder: os.utime(folder / "src" / "module.py", (0, 0)), False, False),
        (put("build/lib/module.py"), False, False),
        (put("dist/thing.whl"), False, False),
        (put("thing.egg-info/PKG-INFO"), False, False),
        (put("src/__pycache__/module.cpython-311.pyc"), False, False),
        (put(".pixi/envs/default/x"), False, False),
        (put("venv/pyvenv.cfg"), False, False),
        (put(".git/HEAD", "0" * 40), True, False),
    ],
)
def test_what_counts_as_a_change(tmp_path: Path, change: Callable[[Path], object], tree: bool, editable: bool) -> None:
    folder = project_folder(tmp_path / "project")
    before = source_stamp(folder), source_stamp(folder, editable=True)
    change(folder)
    after = source_stamp(folder), source_stamp(folder, editable=True)
    assert (before[0] != after[0], before[1] != after[1]) == (tree, editable)


def test_a_stamp_follows_the_commit_and_the_tags(tmp_path: Path) -> None:
    folder = project_folder(tmp_path / "repository" / "packages" / "thing")
    git = tmp_path / "repository" / ".git"
    (git / "refs" / "tags").mkdir(parents=True)
    (git / "refs" / "heads").mkdir()
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    seen = {source_stamp(folder)}
    (git / "refs" / "heads" / "main").write_text("1" * 40)
    seen.add(source_stamp(folder))
    (git / "refs" / "tags" / "v1").write_text("1" * 40)
    seen.add(source_stamp(folder))
    assert len(seen) == 3


# ---------------------------------------------------------------- locations


@pytest.mark.parametrize(
    ("written", "locked"),
    [
        (".", "./"),
        ("./", "./"),
        ("libs/core", "./libs/core"),
        ("./libs/../libs/core/", "./libs/core"),
        ("../core", "../core"),
        ("..", ".."),
        ("/absolute/core", "/absolute/core"),
        ("libs\\core", "./libs/core"),
        ("C:/core", "C:/core"),
    ],
)
def test_paths_as_lock_files_write_them(written: str, locked: str) -> None:
    assert lock_path(written) == locked


@pytest.mark.parametrize(
    ("source", "location"),
    [
        (GitSource("https://git.example/x"), "git+https://git.example/x#c0ffee"),
        (GitSource("https://me:secret@git.example/x", tag="v1"), "git+https://git.example/x?tag=v1#c0ffee"),
        (GitSource("ssh://git@git.example/x", branch="b"), "git+ssh://git@git.example/x?branch=b#c0ffee"),
        (GitSource("ssh://git:secret@git.example/x"), "git+ssh://git@git.example/x#c0ffee"),
        (
            GitSource("file:///x", rev="r", subdirectory="a/b", lfs=True),
            "git+file:///x?rev=r&subdirectory=a/b&lfs=true#c0ffee",
        ),
    ],
)
def test_repositories_in_lock_files(source: GitSource, location: str) -> None:
    assert git_location(source, "c0ffee") == location
    back = git_source(location)
    assert (back.rev, back.subdirectory, back.lfs) == ("c0ffee", source.subdirectory, source.lfs)
    assert "secret" not in back.url
