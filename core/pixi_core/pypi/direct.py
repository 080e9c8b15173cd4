"""Requirements that point at something: a wheel or sdist by URL or path, a source folder, a repository.

Whatever can be known without running anything is read: a wheel's metadata, an sdist's final `PKG-INFO`, a static
`[project]` table. The rest goes to the builder.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from ..errors import ArchiveError, BuildError, EnvironmentUnavailable, SpecError
from ..fs import atomic_write
from ..model.channel import without_credentials
from ..model.pypi_requirement import GitSource, PathSource, PypiRequirement, Source, UrlSource, source_location
from ..names import PypiName, pypi_name, safe_component
from .build import Builder, SourceTree
from .candidate import Direct
from .fetcher import Fetcher
from .metadata import CoreMetadata, parse_core_metadata
from .metadata_source import SDIST_LIMIT, sdist_metadata, wheel_metadata
from .simple import SDIST_EXTENSIONS

GitCheckout = Callable[[GitSource], tuple[str, Path]]
"""Resolves a repository to (full commit hash, folder with its files)."""


@dataclass(slots=True)
class DirectReader:
    """Examines direct references, each once. `root` is the folder that relative paths start from; sdists from URLs
    that must be built are kept in `archives`, each in a folder named by its sha256. `locked` are locations that a lock
    file has: a branch stays at the commit it is locked at. `texts` are project files as they are going to be written,
    by absolute path. `check` is `IndexClient.check`, for URLs and repositories.
    """

    client: Fetcher | None
    root: Path
    builder: Builder | None = None
    checkout: GitCheckout | None = None
    archives: Path | None = None
    locked: frozenset[str] = frozenset()
    texts: Mapping[Path, str] = field(default_factory=dict)
    check: Callable[[Sequence[str]], None] = lambda _urls: None
    _known: dict[tuple[PypiName, Source], Direct] = field(default_factory=dict)

    def __call__(self, requirement: PypiRequirement) -> Direct:
        """The distribution a requirement points at.

        Raises `ArchiveError`, `NetworkError`, `BuildError`, `SpecError` (another project than the requirement says).
        """
        key = (requirement.name, requirement.source)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._examine(requirement)
            if found.metadata.name != requirement.name:
                raise SpecError(
                    f"{source_location(requirement.source)} is {found.metadata.name}, not {requirement.name}",
                    hints=[f"call the dependency `{found.metadata.name}`"],
                )
        return found

    def _examine(self, requirement: PypiRequirement) -> Direct:
        source = requirement.source
        if isinstance(source, PathSource):
            return self._path(source, requirement.name)
        if isinstance(source, UrlSource):
            return self._url(source, requirement.name)
        if isinstance(source, GitSource):
            return self._git(source, requirement.name)
        raise SpecError(f"{requirement} does not point at anything")

    # ---------------------------------------------------------------- paths

    def _path(self, source: PathSource, name: PypiName) -> Direct:
        path, location = self.root / source.path, lock_path(source.path)
        if path.is_dir():
            tree = SourceTree(path, f"{name} from {source.path}", name, source.subdirectory, source.editable)
            fragment = f"#subdirectory={source.subdirectory}" if source.subdirectory else ""
            return Direct(source, location + fragment, self._tree_metadata(tree), is_tree=True)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ArchiveError(
                f"`{name}` points at {source.path}, which cannot be read: {error.strerror}",
                hints=[f"relative paths start from {self.root}"],
            ) from None
        digest = hashlib.sha256(content).hexdigest()
        tree = SourceTree(path, f"{name} from {source.path}", name, source.subdirectory, digest=digest)
        return Direct(source, location, self._archive_metadata(content, tree), digest)

    # ---------------------------------------------------------------- URLs

    def _url(self, source: UrlSource, name: PypiName) -> Direct:
        if self.client is None:
            raise ArchiveError(f"`{name}` points at {source.url}, and nothing may be fetched here")
        self.check([source.url])
        content = self.client.get_bytes(source.url, max_bytes=SDIST_LIMIT).content
        digest = hashlib.sha256(content).hexdigest()
        if source.sha256 is not None and digest != source.sha256.lower():
            from ..errors import HashMismatch

            raise HashMismatch(source.url, expected=source.sha256.lower(), actual=digest)
        file_name = source.url.partition("?")[0].rpartition("/")[2]
        location = f"direct+{source.url}" + (f"#subdirectory={source.subdirectory}" if source.subdirectory else "")
        path = (self.archives or Path()) / digest / safe_component(file_name, what="the name of a distribution")
        tree = SourceTree(path, f"{name} from {file_name}", name, source.subdirectory, digest=digest)
        return Direct(source, location, self._archive_metadata(content, tree), digest)

    def _git(self, source: GitSource, name: PypiName) -> Direct:
        if self.checkout is None:
            raise BuildError(f"`{name}` comes from a git repository, which cannot be fetched here")
        self.check([source.url])
        commit, folder = self.checkout(self._as_locked(source))
        digest = source.content(commit)
        tree = SourceTree(folder, f"{name} at {commit[:12]}", name, source.subdirectory, digest=digest)
        return Direct(source, git_location(source, commit), self._tree_metadata(tree), is_tree=True)

    def _as_locked(self, source: GitSource) -> GitSource:
        for location in self.locked:
            commit = location.rpartition("#")[2]
            if location.startswith("git+") and location == git_location(source, commit):
                return GitSource(source.url, rev=commit, subdirectory=source.subdirectory, lfs=source.lfs)
        return source

    # ---------------------------------------------------------------- metadata

    def _archive_metadata(self, content: bytes, tree: SourceTree) -> CoreMetadata:
        file_name = tree.path.name
        if file_name.endswith(".whl"):
            return parse_core_metadata(wheel_metadata(content, file_name), what=file_name)
        if not file_name.endswith(SDIST_EXTENSIONS):
            raise ArchiveError(f"{file_name} is neither a wheel nor a source distribution")
        if not tree.subdirectory:
            try:
                metadata = sdist_metadata(content, file_name)
                if metadata.is_static:
                    return metadata
            except ArchiveError:
                # archives of repositories have no PKG-INFO; what is no archive at all the builder will say
                if self.builder is None:
                    raise
        if self.builder is None:
            raise _needs_build(file_name)
        return self.builder.metadata(replace(tree, fetch=lambda: _keep(content, tree.path)))

    def _tree_metadata(self, tree: SourceTree) -> CoreMetadata:
        folder = tree.path / tree.subdirectory if tree.subdirectory else tree.path
        rules = Path(os.path.abspath(folder / "pyproject.toml"))
        static = project_metadata(self.texts[rules], rules) if rules in self.texts else static_metadata(folder)
        if static is not None and ("version" not in static.dynamic or self.builder is None):
            return static
        if self.builder is None:
            raise _needs_build(tree.identity)
        try:
            built = self.builder.metadata(tree)
        except EnvironmentUnavailable:
            if static is None:
                raise
            return static  # all but the version is known, and no Python is here that could tell it
        return built if static is None else msgspec.structs.replace(static, version=built.version)


def _keep(content: bytes, path: Path) -> None:
    """Put an archive that was downloaded to where it is built from."""
    if not path.is_file():
        atomic_write(path, content, fsync=False)


def lock_path(text: str) -> str:
    """A path as lock files write it: `./` before what lies below the workspace, absolute paths and `../` as they are,
    always with `/`.
    """
    path = text.replace("\\", "/")
    if path.startswith("/") or re.match(r"[A-Za-z]:/|file:", path):
        return path
    inner = posixpath.normpath(path)
    if inner == ".":
        return "./"
    return inner if inner.startswith("../") or inner == ".." else f"./{inner}"


def _needs_build(what: str) -> BuildError:
    return BuildError(
        f"{what} must be built to know what it needs",
        hints=["give it a static [project] table, or use a wheel"],
    )


def git_location(source: GitSource, commit: str) -> str:
    """The location of a repository in a lock file: `git+URL?rev=…|branch=…|tag=…&subdirectory=…&lfs=true#<commit>`."""
    pairs = [
        (key, value)
        for key, value in (
            ("rev", source.rev),
            ("branch", source.branch),
            ("tag", source.tag),
            ("subdirectory", source.subdirectory),
            ("lfs", "true" if source.lfs else None),
        )
        if value
    ]
    query = "&".join(f"{key}={value}" for key, value in pairs)
    return f"git+{_public(source.url)}{f'?{query}' if query else ''}#{commit}"


def _public(url: str) -> str:
    """Without passwords; the user's name of an ssh address is no secret, and nothing works without it."""
    if url.startswith(("https://", "http://")):
        return without_credentials(url)
    scheme, _, rest = url.partition("://")
    user, at, host = rest.partition("@")
    return f"{scheme}://{user.partition(':')[0]}@{host}" if at else url


def static_metadata(folder: Path) -> CoreMetadata | None:
    """The metadata of a source folder whose `[project]` table says everything (PEP 621); None where only a build can
    tell. A version that only a build can tell is `0`, and named in `dynamic`. Raises `ArchiveError` for a folder that
    is no project, `SpecError` for a bad name.
    """
    try:
        text = (folder / "pyproject.toml").read_text(encoding="utf-8")
    except FileNotFoundError:
        if (folder / "setup.py").is_file() or (folder / "setup.cfg").is_file():
            return None
        raise ArchiveError(f"{folder} has neither pyproject.toml nor setup.py") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ArchiveError(f"cannot read {folder / 'pyproject.toml'}: {error}") from None
    return project_metadata(text, folder / "pyproject.toml")


def project_metadata(text: str, path: Path) -> CoreMetadata | None:
    """The same for the text of a `pyproject.toml`; `path` names it in errors."""
    import tomli

    try:
        project = tomli.loads(text).get("project")
    except tomli.TOMLDecodeError as error:
        raise ArchiveError(f"{path} is not valid TOML: {error}") from None
    if not isinstance(project, dict) or "name" not in project:
        return None
    if {"dependencies", "optional-dependencies", "requires-python"} & set(project.get("dynamic", ())):
        return None
    return CoreMetadata(
        name=pypi_name(str(project["name"])),
        version=str(project.get("version", "0")),
        requires_dist=tuple(_dependencies(project)),
        requires_python=project.get("requires-python"),
        provides_extra=tuple(pypi_name(extra) for extra in project.get("optional-dependencies", {})),
        metadata_version="2.2",
        dynamic=("version",) if "version" not in project else (),
    )


def _dependencies(project: dict[str, object]) -> list[str]:
    """`Requires-Dist` lines of a `[project]` table: its dependencies, and those of extras with their marker."""
    plain = project.get("dependencies", [])
    found = [str(line) for line in plain] if isinstance(plain, list) else []
    optional = project.get("optional-dependencies", {})
    for extra, lines in optional.items() if isinstance(optional, dict) else ():
        for line in lines:
            head, semicolon, marker = str(line).partition(";")
            condition = f"({marker.strip()}) and extra == '{extra}'" if semicolon else f"extra == '{extra}'"
            found.append(f"{head.strip()} ; {condition}")
    return found
