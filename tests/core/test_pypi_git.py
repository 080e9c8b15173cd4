"""Repositories as requirements, with the real `git` and a repository on disk."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pixi_core.errors import BuildError, NetworkError, PixiError, SpecError
from pixi_core.model.pypi_requirement import GitSource, from_table
from pixi_core.pypi.git import GitRepositories
from tests.core.pypi_support import records
from tests.support.pypi_index import FakeIndex

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

PROJECT = '[project]\nname = "thing"\nversion = "1"\ndependencies = ["core"]\n'


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    return subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> tuple[str, list[str]]:
    """(URL, commits): the first is tagged `v1`, the second is the head of `main`."""
    folder = tmp_path / "origin"
    (folder / "sub").mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    commits = []
    for number in range(2):
        (folder / "sub" / "pyproject.toml").write_text(PROJECT + f"# {number}\n")
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", "-m", f"number {number}")
        commits.append(git(folder, "rev-parse", "HEAD"))
        if number == 0:
            git(folder, "tag", "-a", "v1", "-m", "one")
    return f"file://{folder}", commits


@pytest.mark.parametrize(
    ("reference", "which"),
    [({}, 1), ({"branch": "main"}, 1), ({"tag": "v1"}, 0), ({"rev": "v1"}, 0), ({"rev": "main"}, 1)],
)
def test_references_become_commits(
    repository: tuple[str, list[str]], tmp_path: Path, reference: dict[str, Any], which: int
) -> None:
    url, commits = repository
    repositories = GitRepositories(tmp_path / "cache")
    commit, folder = repositories(GitSource(url, **reference))
    assert commit == commits[which]
    assert f"# {which}" in (folder / "sub" / "pyproject.toml").read_text()


@pytest.mark.parametrize("which", [0, 1])
def test_a_full_commit_needs_no_question(repository: tuple[str, list[str]], tmp_path: Path, which: int) -> None:
    url, commits = repository
    repositories = GitRepositories(tmp_path / "cache")
    first = repositories(GitSource(url, rev=commits[which]))
    shutil.rmtree(tmp_path / "origin")
    assert repositories(GitSource(url, rev=commits[which])) == first


def test_a_repository_resolves(repository: tuple[str, list[str]], tmp_path: Path) -> None:
    url, commits = repository
    index = FakeIndex()
    index.wheel("core", "1.0")
    wanted = from_table("thing", {"git": url, "tag": "v1", "subdirectory": "sub"})
    core, thing = records(index, tmp_path / "pypi", [wanted], checkout=GitRepositories(tmp_path / "cache"))
    assert core.version == "1.0"
    assert thing.location == f"git+{url}?tag=v1&subdirectory=sub#{commits[0]}"
    assert thing.version is None


@pytest.mark.parametrize(
    ("source", "error"),
    [
        (GitSource("ext::sh -c touch% x"), SpecError),
        (GitSource("--upload-pack=touch x"), SpecError),
        (GitSource("https://git.example/x", rev="--exec=x"), SpecError),
        (GitSource("file:///nowhere/at/all"), NetworkError),
    ],
)
def test_bad_sources_are_refused(source: GitSource, error: type[PixiError], tmp_path: Path) -> None:
    with pytest.raises(error):
        GitRepositories(tmp_path)(source)


@pytest.mark.parametrize(
    ("reference", "said", "hint"),
    [
        ({"tag": "v1.0"}, "has no tag v1.0", "did you mean `v1`?"),
        ({"branch": "mian"}, "has no branch mian", "did you mean `main`?"),
        ({"rev": "mein"}, "has no mein", "did you mean `main`?"),
        ({"tag": "main"}, "has no tag main", "`main` is a branch"),
        ({"branch": "v1"}, "has no branch v1", "`v1` is a tag"),
        ({"rev": "something-else"}, "has no something-else", "all forty digits"),
    ],
)
def test_unknown_references_are_named(
    repository: tuple[str, list[str]], tmp_path: Path, reference: dict[str, Any], said: str, hint: str
) -> None:
    with pytest.raises(SpecError, match=said) as told:
        GitRepositories(tmp_path)(GitSource(repository[0], **reference))
    assert hint in " ".join(told.value.hints)
    assert not list((tmp_path / "git").glob("*"))


# ---------------------------------------------------------------- large files

LARGE = b"a large file\n" * 1000
HAS_LFS = shutil.which("git-lfs") is not None


@pytest.fixture
def with_large_file(tmp_path: Path) -> str:
    """The URL of a repository that keeps `data.bin` apart."""
    folder = tmp_path / "large"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "lfs", "install", "--local")
    git(folder, "lfs", "track", "*.bin")
    (folder / "data.bin").write_bytes(LARGE)
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "large")
    return f"file://{folder}"


def user(home: Path, *, installed: bool) -> dict[str, str]:
    """The variables of somebody who has run `git lfs install`, or has not."""
    home.mkdir()
    environ = {**os.environ, "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "XDG_CONFIG_HOME": str(home)}
    if installed:
        subprocess.run(["git", "lfs", "install"], env=environ, cwd=home, check=True, capture_output=True)
    return environ


@pytest.mark.skipif(not HAS_LFS, reason="git-lfs is not installed")
@pytest.mark.parametrize("installed", [True, False])
def test_large_files_are_there_where_they_are_asked_for(with_large_file: str, tmp_path: Path, installed: bool) -> None:
    repositories = GitRepositories(tmp_path / "cache", environ=user(tmp_path / "home", installed=installed))
    _, whole = repositories(GitSource(with_large_file, lfs=True))
    _, pointers = repositories(GitSource(with_large_file))
    assert (whole / "data.bin").read_bytes() == LARGE
    assert (pointers / "data.bin").read_bytes().startswith(b"version https://git-lfs")


@pytest.mark.skipif(not HAS_LFS, reason="git-lfs is not installed")
def test_large_files_that_the_repository_has_lost(with_large_file: str, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "large" / ".git" / "lfs")
    with pytest.raises(NetworkError, match="Failed to fetch some objects"):
        GitRepositories(tmp_path / "cache")(GitSource(with_large_file, lfs=True))
    assert not list((tmp_path / "cache").rglob("*-lfs"))


def test_without_git_lfs_large_files_are_refused_before_anything_is_fetched(
    repository: tuple[str, list[str]], tmp_path: Path
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "git").symlink_to(str(shutil.which("git")))
    environ = {"PATH": str(programs), "GIT_EXEC_PATH": str(programs), "HOME": str(tmp_path)}
    with pytest.raises(BuildError, match="`git-lfs` is needed for the large files of") as told:
        GitRepositories(tmp_path / "cache", environ=environ)(GitSource(repository[0], lfs=True))
    assert "install git-lfs" in told.value.hints[0]
    assert not (tmp_path / "cache").exists()


def test_one_clone_serves_every_commit_with_tags_and_history(repository: tuple[str, list[str]], tmp_path: Path) -> None:
    url, commits = repository
    repositories = GitRepositories(tmp_path / "cache")
    _, old = repositories(GitSource(url, tag="v1"))
    shutil.rmtree(tmp_path / "origin")
    _, new = repositories(GitSource(url, rev=commits[1]))
    assert git(new, "describe", "--tags") == f"v1-1-g{commits[1][:7]}"
    assert git(old, "describe", "--tags") == "v1"
    assert not git(new, "status", "--porcelain")


def test_a_commit_that_no_branch_holds(repository: tuple[str, list[str]], tmp_path: Path) -> None:
    url, commits = repository
    origin = tmp_path / "origin"
    git(origin, "config", "uploadpack.allowAnySHA1InWant", "true")
    git(origin, "reset", "--quiet", "--hard", commits[0])
    _, folder = GitRepositories(tmp_path / "cache")(GitSource(url, rev=commits[1]))
    assert "# 1" in (folder / "sub" / "pyproject.toml").read_text()


def test_submodules_come_along_by_relative_address(repository: tuple[str, list[str]], tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "--quiet", "--initial-branch=main")
    local = ["-c", "protocol.file.allow=always"]
    git(outer, *local, "submodule", "--quiet", "add", repository[0], "part")
    git(outer, "config", "--file", ".gitmodules", "submodule.part.url", "../origin")
    git(outer, "commit", "--quiet", "-am", "with a part")
    _, folder = GitRepositories(tmp_path / "cache")(GitSource(f"file://{outer}"))
    assert "# 1" in (folder / "part" / "sub" / "pyproject.toml").read_text()


def test_an_address_elsewhere_cannot_lead_to_this_machine(repository: tuple[str, list[str]], tmp_path: Path) -> None:
    """As the submodules of a stranger could; `file` is allowed only where the repository itself is such an address."""
    rewriting = {
        "PATH": os.environ["PATH"],
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{tmp_path}/.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://git.example/",
    }
    with pytest.raises(NetworkError, match="'file' not allowed"):
        GitRepositories(tmp_path / "cache", rewriting)(GitSource("https://git.example/origin"))
