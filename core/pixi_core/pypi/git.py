"""Repositories as requirements: from a reference to a commit, from a commit to files.

The `git` program does the work. Each commit is fetched once, alone and shallow, into the cache; a folder that is
there is complete, because it is put in place by renaming. What a URL or a reference says can never become an option,
nor start a helper program: only `https`, `ssh`, `git` and `file` are let through, and prompts are off.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import BuildError, NetworkError, SpecError
from ..model.channel import without_credentials
from ..model.pypi_requirement import GitSource

_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?\Z")
_SHORT = re.compile(r"[0-9a-f]{7,39}\Z")
_FOREIGN = frozenset(["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX"])
_SCHEMES = ("https://", "http://", "ssh://", "git://", "file://")


@dataclass(frozen=True, slots=True)
class GitRepositories:
    """Checkouts below `cache`. `environ` is what `git` sees, besides what is set here for safety."""

    cache: Path
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def __call__(self, source: GitSource) -> tuple[str, Path]:
        """(full commit hash, folder with its files). Raises `NetworkError`, `SpecError`, `BuildError`."""
        self._check(source)
        commit = self.resolve(source)
        key = hashlib.sha256(without_credentials(source.url).encode()).hexdigest()[:16]
        folder = self.cache / "git" / key / commit
        if not folder.is_dir():
            self._fetch(source, commit, folder)
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
        raise SpecError(
            f"{without_credentials(source.url)} has no {source.tag or source.branch or wanted or 'HEAD'}",
            hints=["give a branch, a tag, or all forty digits of a commit"],
        )

    def _check(self, source: GitSource) -> None:
        scp_like = re.match(r"[A-Za-z0-9._-]+@[A-Za-z0-9._-]+:[^-]", source.url)
        if not source.url.startswith(_SCHEMES) and scp_like is None:
            raise SpecError(
                f"'{source.url}' is not the URL of a git repository", hints=[f"use one of: {', '.join(_SCHEMES)}"]
            )
        for reference in (source.rev, source.branch, source.tag):
            if reference is not None and (reference.startswith("-") or any(c.isspace() for c in reference)):
                raise SpecError(f"'{reference}' is not a git reference")

    def _fetch(self, source: GitSource, commit: str, folder: Path) -> None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".", dir=folder.parent))
        try:
            self._git(["init", "--quiet"], source, temporary)
            try:
                self._git(["fetch", "--quiet", "--depth=1", "--", source.url, commit], source, temporary)
            except NetworkError:
                # old servers give out no single commits
                self._git(
                    ["fetch", "--quiet", "--tags", "--", source.url, "+refs/heads/*:refs/fetched/*"], source, temporary
                )
            self._git(["checkout", "--quiet", "--detach", commit], source, temporary)
            if source.lfs:
                self._git(["lfs", "pull", source.url], source, temporary)
            os.replace(temporary, folder)
        except OSError:
            if not folder.is_dir():  # another process was not faster
                raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def _git(self, arguments: Sequence[str], source: GitSource, folder: Path | None = None) -> str:
        environ = {
            # a caller that is itself a git hook must not lead us to its repository
            **{key: value for key, value in self.environ.items() if key not in _FOREIGN},
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": "https:http:ssh:git:file",
            "GIT_LFS_SKIP_SMUDGE": "0" if source.lfs else "1",
            "LC_ALL": "C",
        }
        try:
            done = subprocess.run(
                ["git", "-c", f"core.hooksPath={os.devnull}", *arguments],
                check=False,
                cwd=folder,
                env=environ,
                capture_output=True,
                text=True,
                errors="replace",
                stdin=subprocess.DEVNULL,
            )
        except FileNotFoundError:
            raise BuildError(
                f"`git` is needed for {without_credentials(source.url)} and was not found", hints=["install git"]
            ) from None
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1].replace(source.url, "the repository")
            shown = without_credentials(source.url)
            raise NetworkError(f"git could not read {shown}: {last}", url=shown)
        return done.stdout
