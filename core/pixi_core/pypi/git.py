"""Repositories as requirements: from a reference to a commit, from a commit to files.

The `git` program does the work. Each repository is cloned once, bare and with its history (back ends make versions of
tags), and fetched again only for a commit that it lacks; a checkout of each commit lies beside it, and is complete
where it is there, because it is put in place by renaming. What a URL or a reference says can never become an option,
nor start a helper program: only `https`, `ssh`, `git` and `file` are let through, and prompts are off.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import BuildError, CommandNotFound, NetworkError, SpecError
from ..fs import FileLock, os_errors, remove_tree, replace
from ..model.channel import without_credentials
from ..model.pypi_requirement import GitSource
from ..process import run
from ..suggest import hints

_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?\Z")
_SHORT = re.compile(r"[0-9a-f]{7,39}\Z")
_FOREIGN = frozenset(["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX"])
_SCHEMES = ("https://", "http://", "ssh://", "git://", "file://")

_LFS_FILTERS = (
    *("-c", "filter.lfs.clean=git-lfs clean -- %f", "-c", "filter.lfs.smudge=git-lfs smudge -- %f"),
    *("-c", "filter.lfs.process=git-lfs filter-process", "-c", "filter.lfs.required=true"),
)
"""What `git lfs install` would write: without it `git lfs pull` leaves the pointers, and says that all is well."""


@dataclass(frozen=True, slots=True)
class GitRepositories:
    """Clones and checkouts below `cache`. `environ` is what `git` sees, besides what is set here for safety."""

    cache: Path
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    should_stop: Callable[[], bool] | None = None

    def __call__(self, source: GitSource) -> tuple[str, Path]:
        """(full commit hash, folder with its files). Raises `NetworkError`, `SpecError`, `BuildError`."""
        self._check(source)
        if source.lfs:
            self._check_lfs(source)
        commit = self.resolve(source)
        key = hashlib.sha256(without_credentials(source.url).encode()).hexdigest()[:16]
        place = self.cache / "git" / key
        folder = place / source.content(commit)
        if not folder.is_dir():
            with FileLock(place.with_name(f"{key}.lock"), should_stop=self.should_stop):
                if not folder.is_dir():
                    with os_errors(place):
                        self._fetch(source, commit, place / "clone")
                        self._check_out(source, commit, place / "clone", folder)
        return commit, folder

    def resolve(self, source: GitSource) -> str:
        """The commit that a source means now. Raises `NetworkError`, `SpecError` where it has no such reference."""
        wanted = source.rev or ""
        if _COMMIT.match(wanted):
            return wanted
        answer = self._git(["ls-remote", "--", source.url], source)
        lines = (line.partition("\t") for line in answer.splitlines())
        references = {name: commit for commit, tab, name in lines if tab}
        if source.branch is not None:
            names = [f"refs/heads/{source.branch}"]
        elif source.tag is not None:
            names = [f"refs/tags/{source.tag}^{{}}", f"refs/tags/{source.tag}"]
        elif wanted:
            names = [f"refs/tags/{wanted}^{{}}", f"refs/tags/{wanted}", f"refs/heads/{wanted}", wanted]
        else:
            names = ["HEAD"]
        for name in names:
            if name in references:
                return references[name]
        if _SHORT.match(wanted):
            found = sorted({commit for commit in references.values() if commit.startswith(wanted)})
            if len(found) == 1:
                return found[0]
        raise _unknown_reference(source, references)

    def _check(self, source: GitSource) -> None:
        scp_like = re.match(r"[A-Za-z0-9._-]+@[A-Za-z0-9._-]+:[^-]", source.url)
        if not source.url.startswith(_SCHEMES) and scp_like is None:
            raise SpecError(
                f"'{source.url}' is not the URL of a git repository", hints=[f"use one of: {', '.join(_SCHEMES)}"]
            )
        for reference in (source.rev, source.branch, source.tag):
            if reference is not None and (reference.startswith("-") or any(c.isspace() for c in reference)):
                raise SpecError(f"'{reference}' is not a git reference")

    def _check_lfs(self, source: GitSource) -> None:
        """Large files need a program of their own. Raises `BuildError` before anything is fetched."""
        try:
            self._git(["lfs", "version"], source)
        except NetworkError:
            raise BuildError(
                f"`git-lfs` is needed for the large files of {without_credentials(source.url)} and was not found",
                hints=["install git-lfs, or leave out `lfs = true`: its large files are then pointers to them"],
            ) from None

    def _fetch(self, source: GitSource, commit: str, clone: Path) -> None:
        """Bring a commit into the bare clone: with all branches and tags, else (a commit of no branch) alone."""
        if not (clone / "HEAD").is_file():
            clone.mkdir(parents=True, exist_ok=True)
            self._git(["init", "--quiet", "--bare"], source, clone)
        if self._has(source, commit, clone):
            return
        everything = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]
        self._git(["fetch", "--quiet", "--prune", "--", source.url, *everything], source, clone)
        if not self._has(source, commit, clone):
            self._git(["fetch", "--quiet", "--", source.url, commit], source, clone)

    def _has(self, source: GitSource, commit: str, clone: Path) -> bool:
        try:
            self._git(["cat-file", "-e", f"{commit}^{{commit}}"], source, clone)
        except NetworkError:
            return False
        return True

    def _check_out(self, source: GitSource, commit: str, clone: Path, folder: Path) -> None:
        """The files of a commit, submodules included, in a folder that appears when it is complete."""
        working = folder.with_name(f".tmp-{folder.name}")
        remove_tree(working)
        try:
            self._git(["clone", "--quiet", "--no-checkout", "--local", "--", str(clone), str(working)], source)
            self._git(["checkout", "--quiet", "--detach", commit], source, working)
            if (working / ".gitmodules").is_file():
                # relative addresses of submodules start from where the repository really is
                origin = ["-c", f"remote.origin.url={source.url}"]
                self._git([*origin, "submodule", "--quiet", "update", "--init", "--recursive"], source, working)
            if source.lfs:
                self._git([*_LFS_FILTERS, "lfs", "pull", source.url], source, working)
            replace(working, folder)
        finally:
            remove_tree(working)

    def _git(self, arguments: Sequence[str], source: GitSource, folder: Path | None = None) -> str:
        local = ":file" if source.url.startswith("file://") else ""
        environ = {
            # a caller that is itself a git hook must not lead us to its repository
            **{key: value for key, value in self.environ.items() if key not in _FOREIGN},
            "GIT_TERMINAL_PROMPT": "0",
            # submodules of a repository elsewhere must not read this machine's files
            "GIT_ALLOW_PROTOCOL": f"https:http:ssh:git{local}",
            # a checkout has no large files: our clone, which it comes from, has none; they are pulled after it
            "GIT_LFS_SKIP_SMUDGE": "1",
            "LC_ALL": "C",
        }
        if "GIT_SSH" not in environ:
            environ.setdefault("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")
        shown = without_credentials(source.url)
        command = ["git", "-c", f"core.hooksPath={os.devnull}", *arguments]
        try:
            done = run(command, env=environ, cwd=folder, should_stop=self.should_stop)
        except CommandNotFound:
            raise BuildError(f"`git` is needed for {shown} and was not found", hints=["install git"]) from None
        if done.exit_code != 0:
            last = (done.output.strip().splitlines() or ["no message"])[-1].replace(source.url, "the repository")
            raise NetworkError(f"git could not read {shown}: {last}", url=shown)
        return done.output


def _unknown_reference(source: GitSource, references: Mapping[str, str]) -> SpecError:
    """What a repository lacks, and what it has that reads alike."""
    wanted = source.tag or source.branch or source.rev or "HEAD"
    kinds = ("refs/tags/",) if source.tag else ("refs/heads/",) if source.branch else ("refs/tags/", "refs/heads/")
    names = {name.removeprefix(kind).removesuffix("^{}") for name in references for kind in kinds if kind in name}
    said = hints(wanted, names)
    kind = "tag " if source.tag else "branch " if source.branch else ""
    other = next((found for found in ("tags", "heads") if f"refs/{found}/{wanted}" in references), None)
    if kind and other:
        said.append(f"`{wanted}` is a {'tag' if other == 'tags' else 'branch'}")
    return SpecError(
        f"{without_credentials(source.url)} has no {kind}{wanted}",
        hints=said or ["give a branch, a tag, or all forty digits of a commit"],
    )
