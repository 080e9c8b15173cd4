"""Repositories as requirements, with the real `git` and a repository on disk."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pixi_core.errors import NetworkError, PixiError, SpecError
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


def test_unknown_references_are_named(repository: tuple[str, list[str]], tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="has no v9"):
        GitRepositories(tmp_path)(GitSource(repository[0], tag="v9"))
    assert not list((tmp_path / "git").glob("*"))


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
